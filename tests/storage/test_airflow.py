"""An Airflow connection as the environment of object storage; its secrets go nowhere else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bulksend.airflow.storage import with_storage
from bulksend.errors import InputError
from bulksend.storage.access import NAMES

WORKER = {
    "PATH": "/bin",
    "AWS_ACCESS_KEY_ID": "the worker's",
    "AWS_SECRET_ACCESS_KEY": "the worker's",
    "AWS_SESSION_TOKEN": "the worker's",
    "AWS_REGION": "eu-west-1",
}


def connection(
    kind: str, *, login: str = "", password: str = "", host: str = "", **extra: Any
) -> Any:
    return SimpleNamespace(
        conn_id="crm",
        conn_type=kind,
        host=host,
        login=login,
        password=password,
        extra_dejson=extra,
    )


CONNECTIONS: dict[str, tuple[Any, dict[str, str]]] = {
    "keys": (
        connection("aws", login="AKIA", password="s3cret", region_name="us-east-2"),
        {
            "PATH": "/bin",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_REGION": "us-east-2",
        },
    ),
    "keys that pass, of an own S3": (
        connection(
            "aws",
            aws_access_key_id="AKIA",
            aws_secret_access_key="s3cret",
            aws_session_token="t0ken",
            endpoint_url="http://minio:9000",
        ),
        {
            "PATH": "/bin",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_SESSION_TOKEN": "t0ken",
            "AWS_ENDPOINT_URL": "http://minio:9000",
            "AWS_REGION": "eu-west-1",
        },
    ),
    "no keys: the worker's own": (
        connection("aws", region_name="us-east-2"),
        WORKER | {"AWS_REGION": "us-east-2"},
    ),
    "a key file": (
        connection("google_cloud_platform", key_path="/keys/crm.json"),
        WORKER | {"GOOGLE_SERVICE_ACCOUNT": "/keys/crm.json"},
    ),
    "a key, in the connection": (
        connection("google_cloud_platform", keyfile_dict={"type": "service_account"}),
        WORKER | {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"type": "service_account"}'},
    ),
    "an account's key": (
        connection("wasb", login="crmdata", password="a2V5"),
        WORKER
        | {
            "AZURE_STORAGE_ACCOUNT_NAME": "crmdata",
            "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
        },
    ),
    "a signature": (
        connection("wasb", login="crmdata", sas_token="sv=1&sig=x"),
        WORKER
        | {
            "AZURE_STORAGE_ACCOUNT_NAME": "crmdata",
            "AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x",
        },
    ),
    "an address with a signature": (
        connection(
            "wasb",
            login="crmdata",
            sas_token="https://crmdata.blob.core.windows.net?sv=1&sig=x",
        ),
        WORKER
        | {
            "AZURE_STORAGE_ACCOUNT_NAME": "crmdata",
            "AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x",
        },
    ),
    "a shared key, at an address of one's own": (
        connection(
            "wasb",
            login="crmdata",
            host="https://crmdata.blob.example.com/",
            extra__wasb__shared_access_key="a2V5",
        ),
        WORKER
        | {
            "AZURE_STORAGE_ACCOUNT_NAME": "crmdata",
            "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
            "AZURE_STORAGE_ENDPOINT": "https://crmdata.blob.example.com",
        },
    ),
    "an application's secret": (
        connection(
            "wasb",
            login="an-application",
            password="s3cret",
            host="https://crmdata.blob.core.windows.net",
            tenant_id="a-tenant",
        ),
        WORKER
        | {
            "AZURE_TENANT_ID": "a-tenant",
            "AZURE_CLIENT_ID": "an-application",
            "AZURE_CLIENT_SECRET": "s3cret",
            "AZURE_STORAGE_ACCOUNT_NAME": "crmdata",
            "AZURE_STORAGE_ENDPOINT": "https://crmdata.blob.core.windows.net",
        },
    ),
    "a connection string": (
        connection(
            "wasb",
            login="another",
            password="an0ther",
            connection_string="DefaultEndpointsProtocol=https;AccountName=crmdata;"
            "AccountKey=a2V5==;EndpointSuffix=core.windows.net",
        ),
        WORKER
        | {
            "AZURE_STORAGE_ACCOUNT_NAME": "crmdata",
            "AZURE_STORAGE_ACCOUNT_KEY": "a2V5==",
        },
    ),
}


@pytest.mark.parametrize(("known", "expected"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_connection_is_an_environment(known: Any, expected: dict[str, str]) -> None:
    """Under the names that are read; its keys and the worker's are never mixed."""
    found = with_storage(WORKER, known)
    assert found == expected
    read = {name for names in NAMES.values() for name in names}
    assert found.keys() - {"PATH"} <= read


@pytest.mark.parametrize(
    "known",
    [
        connection("postgres", password="s3cret"),
        connection("aws", password="s3cret", role_arn="arn:aws:iam::1:role/x"),
        connection(
            "google_cloud_platform", password="s3cret", impersonation_chain="other@x"
        ),
    ],
)
def test_a_connection_that_does_not_do_is_refused(known: Any) -> None:
    """E694 with its name and type, and nothing else of it."""
    with pytest.raises(InputError, match="E694 connection `crm`") as caught:
        with_storage(WORKER, known)
    assert "s3cret" not in str(caught.value)

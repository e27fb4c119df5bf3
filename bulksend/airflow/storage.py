"""A connection for object storage, as the environment that bulksend reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bulksend import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FROM_FIELDS: dict[str, dict[str, str]] = {
    "aws": {"login": "AWS_ACCESS_KEY_ID", "password": "AWS_SECRET_ACCESS_KEY"},
    "google_cloud_platform": {},
    "wasb": {},
}
_FROM_EXTRA = {
    "aws": {
        "aws_access_key_id": "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        "aws_session_token": "AWS_SESSION_TOKEN",
        "region_name": "AWS_REGION",
        "endpoint_url": "AWS_ENDPOINT_URL",
    },
    "google_cloud_platform": {
        "key_path": "GOOGLE_SERVICE_ACCOUNT",
        "keyfile_dict": "GOOGLE_SERVICE_ACCOUNT_KEY",
    },
    "wasb": {
        "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
        "account_key": "AZURE_STORAGE_ACCOUNT_KEY",
        "shared_access_key": "AZURE_STORAGE_ACCOUNT_KEY",
        "tenant_id": "AZURE_TENANT_ID",
    },
}
"""Field of the connection's `extra`, as Airflow's own providers call it -> variable."""

_CREDENTIALS = {
    "aws": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    "google_cloud_platform": (
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ),
    "wasb": (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
    ),
}
"""What must come from one place: a token of the worker's own belongs to no other key."""


_UNKNOWN_WAYS = {
    "aws": ("role_arn",),
    "google_cloud_platform": (
        "impersonation_chain",
        "key_secret_name",
        "credential_config_file",
    ),
    "wasb": (),
}
"""To sign in, by another service than the store: the worker's own role is not the same."""

_AZURE_STRING = {
    "accountname": "AZURE_STORAGE_ACCOUNT_NAME",
    "accountkey": "AZURE_STORAGE_ACCOUNT_KEY",
    "sharedaccesssignature": "AZURE_STORAGE_SAS_TOKEN",
    "blobendpoint": "AZURE_STORAGE_ENDPOINT",
    "usedevelopmentstorage": "AZURE_STORAGE_USE_EMULATOR",
}
"""Part of a connection string, in small letters -> variable."""


def with_storage(environment: Mapping[str, str], known: Any) -> dict[str, str]:
    """*environment* with what an Airflow connection says of object storage.

    Where it has credentials they stand alone; without any (a role of the worker's) the
    worker's own stay.

    Args:
        known: A connection of type `aws`, `google_cloud_platform` or `wasb`.

    Raises:
        InputError: E694, where it is of another type, or signs in by another service.
    """
    kind, extra = known.conn_type, known.extra_dejson
    if kind not in _FROM_FIELDS:
        found = f"connection `{known.conn_id}` is of type {kind}"
        raise InputError(Problem("E694", found, "aws, google_cloud_platform or wasb"))

    def extra_of(field: str) -> Any:
        return extra.get(field) or extra.get(f"extra__{kind}__{field}")

    for field in _UNKNOWN_WAYS[kind]:
        if extra_of(field):
            found = f"connection `{known.conn_id}` has `{field}`"
            fix = "Let the workers have that role, or give the connection keys."
            raise InputError(Problem("E694", found, fix=fix))
    said = {name: getattr(known, field) for field, name in _FROM_FIELDS[kind].items()}
    if kind == "wasb":
        said |= _azure(known, extra_of)
    for field, name in _FROM_EXTRA[kind].items():
        if value := extra_of(field):
            said[name] = value if isinstance(value, str) else json.dumps(value)
    said = {name: str(value) for name, value in said.items() if value}
    merged = dict(environment)
    if said.keys() & set(_CREDENTIALS[kind]):
        for name in _CREDENTIALS[kind]:
            merged.pop(name, None)
    return merged | said


def _azure(known: Any, extra_of: Callable[[str], Any]) -> dict[str, Any]:
    """What the fields of a `wasb` connection mean, which depends on each other.

    As its provider has them: a connection string stands alone; with a tenant login and
    password are an application's; the host is the account's address.
    """
    if whole := extra_of("connection_string"):
        parts = [part.partition("=") for part in str(whole).split(";")]
        named = {name.strip().lower(): value for name, _, value in parts}
        return {_AZURE_STRING[one]: named[one] for one in named.keys() & _AZURE_STRING}
    said: dict[str, Any] = {}
    host = known.host or ""
    if host.startswith(("https://", "http://")):
        said["AZURE_STORAGE_ENDPOINT"] = host.rstrip("/")
    if extra_of("tenant_id"):
        account = (urlsplit(host).hostname or host).partition(".")[0]
        said["AZURE_STORAGE_ACCOUNT_NAME"] = account
        said["AZURE_CLIENT_ID"] = known.login
        said["AZURE_CLIENT_SECRET"] = known.password
        return said
    said["AZURE_STORAGE_ACCOUNT_NAME"] = known.login
    said["AZURE_STORAGE_ACCOUNT_KEY"] = known.password
    if token := extra_of("sas_token"):  # or an address that ends in one
        said["AZURE_STORAGE_SAS_TOKEN"] = str(token).rpartition("?")[2]
    return said

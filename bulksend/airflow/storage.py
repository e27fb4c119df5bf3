"""A connection for object storage, as the environment that bulksend reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bulksend import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_FROM_FIELDS = {
    "aws": {"login": "AWS_ACCESS_KEY_ID", "password": "AWS_SECRET_ACCESS_KEY"},
    "google_cloud_platform": {},
    "wasb": {
        "login": "AZURE_STORAGE_ACCOUNT_NAME",
        "password": "AZURE_STORAGE_ACCOUNT_KEY",
    },
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
        "sas_token": "AZURE_STORAGE_SAS_TOKEN",
        "tenant_id": "AZURE_TENANT_ID",
        "client_id": "AZURE_CLIENT_ID",
        "client_secret": "AZURE_CLIENT_SECRET",
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


def with_storage(environment: Mapping[str, str], known: Any) -> dict[str, str]:
    """*environment* with what an Airflow connection says of object storage.

    Where it has credentials they stand alone; without any (a role of the worker's) the
    worker's own stay.

    Args:
        known: A connection of type `aws`, `google_cloud_platform` or `wasb`.

    Raises:
        InputError: E694, where it is of another type, or assumes a role.
    """
    kind, extra = known.conn_type, known.extra_dejson
    if kind not in _FROM_FIELDS:
        found = f"connection `{known.conn_id}` is of type {kind}"
        raise InputError(Problem("E694", found, "aws, google_cloud_platform or wasb"))
    if kind == "aws" and extra.get("role_arn"):
        found = f"connection `{known.conn_id}` assumes a role"
        fix = "Let the workers have that role, or give the connection keys."
        raise InputError(Problem("E694", found, fix=fix))
    said = {name: getattr(known, field) for field, name in _FROM_FIELDS[kind].items()}
    for field, name in _FROM_EXTRA[kind].items():
        value = extra.get(field) or extra.get(f"extra__{kind}__{field}")
        if value:
            said[name] = value if isinstance(value, str) else json.dumps(value)
    said = {name: str(value) for name, value in said.items() if value}
    merged = dict(environment)
    if said.keys() & set(_CREDENTIALS[kind]):
        for name in _CREDENTIALS[kind]:
            merged.pop(name, None)
    return merged | said

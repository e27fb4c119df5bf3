"""The environment's credentials and settings, as obstore wants them.

Only the variables named here count, and only those of the environment that is given: a
connection of Airflow's brings its own.
"""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bulksend.errors import InputError, Problem
from bulksend.storage.trouble import unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import AzureStore, GCSStore, S3Store

    from bulksend.storage.location import Location

    Store = S3Store | GCSStore | AzureStore

RETRIES = 8
"""By obstore, from a tenth of a second up: about half a minute of a store that is away."""

RETRIES_FOR_A_ROLE = 2
"""Where there may be no credentials at all: nobody shall wait for what never comes."""

SLOWEST = 500_000
"""Bytes a second; a transfer that is slower than this has broken down."""

NAMES = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_SERVER_SIDE_ENCRYPTION",
        "AWS_SSE_KMS_KEY_ID",
        "AWS_REQUEST_PAYER",
        "AWS_SKIP_SIGNATURE",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        "AWS_METADATA_ENDPOINT",
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_BEARER_TOKEN",
        "GOOGLE_BASE_URL",
        "GOOGLE_SKIP_SIGNATURE",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_NAME",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_TOKEN",
        "AZURE_STORAGE_ENDPOINT",
        "AZURE_STORAGE_USE_EMULATOR",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST",
        "AZURE_USE_AZURE_CLI",
        "AZURE_SKIP_SIGNATURE",
    ),
}
"""For each scheme the variables that are read, under the names its own tools use."""

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_ROLES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS")
_MANY_LINES = ("GOOGLE_SERVICE_ACCOUNT_KEY",)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SERVER = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?([/?#][!-~]*)?"
)
_SERVICES = (
    "AWS_METADATA_ENDPOINT",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AZURE_AUTHORITY_HOST",
)
_ENDPOINTS = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "GOOGLE_BASE_URL",
    "AZURE_STORAGE_ENDPOINT",
)


def settings(scheme: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Obstore's `config`: the variables that are set and not empty."""
    found = {
        name.lower(): value
        for name in NAMES[scheme]
        if (value := environment.get(name, "").strip())
    }
    for secret in (
        *KEYS,
        "AWS_SESSION_TOKEN",
    ):  # given by `_credentials`, or not at all
        found.pop(secret.lower(), None)
    if scheme == "s3" and (skipped := environment.get("AWS_ENDPOINT_URL_S3")):
        found["aws_endpoint_url"] = skipped
        found.pop("aws_endpoint_url_s3", None)
    return found


def _check(environment: Mapping[str, str], place: Location) -> None:
    """Raises InputError (E694), by its name, for what no request could be made with."""
    for name in (*_ENDPOINTS, *_SERVICES):
        said = environment.get(name, "").strip()
        if said and not _is_server(said):
            expected = f"{name} as an address such as https://storage.example.com"
            what = f"{name} is not the address of a server"
            fix = f"Correct {name}."
            raise InputError(Problem("E694", what, expected, fix, file=str(place)))
    for name in (*NAMES[place.scheme], *KEYS):
        said = environment.get(name, "").strip()
        if name not in _MANY_LINES and _CONTROL.search(said):
            what = f"{name} holds a line break or another control character"
            fix = f"Correct {name}."
            raise InputError(Problem("E694", what, fix=fix, file=str(place)))


def _is_server(said: str) -> bool:
    try:
        parts = urlsplit(said)
        _ = parts.port
    except ValueError:
        return False
    return _SERVER.fullmatch(said) is not None and bool(parts.hostname)


def open_store(
    place: Location, environment: Mapping[str, str], *, size: int = 0, retries: int
) -> Store:
    """A client for *place*'s bucket.

    Args:
        size: Bytes of the largest single transfer.

        retries: How often a request that met a broken connection or a busy store is made
            again.

    Raises:
        InputError: E691, where obstore is not installed; E694, where the environment
            cannot be used.
    """
    try:
        from obstore import store as stores
        from obstore.exceptions import BaseError
    except ImportError:
        raise InputError(Problem("E691", "obstore", file=str(place))) from None
    _check(environment, place)
    provider = _credentials(place.scheme, environment)
    if place.scheme == "s3" and provider is None and not _has_role(environment):
        retries = min(retries, RETRIES_FOR_A_ROLE)
    plain = any(environment.get(name, "").startswith("http://") for name in _ENDPOINTS)
    shared: dict[str, Any] = {
        "config": settings(place.scheme, environment),
        "client_options": {
            "allow_http": plain,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=60 + size // SLOWEST),
        },
        "retry_config": {"max_retries": retries},
    }
    try:
        if place.scheme == "gs":
            return stores.GCSStore(place.bucket, **shared)
        if place.scheme == "az":
            return stores.AzureStore(place.bucket, **shared)
        return stores.S3Store(place.bucket, credential_provider=provider, **shared)
    except (BaseError, ValueError):
        raise unusable(str(place)) from None


def _credentials(scheme: str, environment: Mapping[str, str]) -> Any:
    """For S3 what gives keys; None leaves it to the machine's role.

    Keys of the environment go in together: a session token that stands in another
    environment must not be mixed with them.
    """
    if scheme != "s3":
        return None
    key, secret = (environment.get(name, "").strip() for name in KEYS)
    if key and secret:
        token = environment.get("AWS_SESSION_TOKEN", "").strip() or None
        return lambda: {
            "access_key_id": key,
            "secret_access_key": secret,
            "token": token,
            "expires_at": None,
        }
    if _has_role(environment) or not _has_profile(environment):
        return None
    return _profile(environment.get("AWS_PROFILE"))


def _has_role(environment: Mapping[str, str]) -> bool:
    return any(
        value and name.startswith(_ROLES) for name, value in environment.items()
    ) or bool(environment.get("AWS_SKIP_SIGNATURE"))


def _has_profile(environment: Mapping[str, str]) -> bool:
    home = Path(environment.get("HOME", "~")).expanduser()
    return bool(environment.get("AWS_PROFILE")) or (home / ".aws/credentials").exists()


def _profile(name: str | None) -> Any:
    """The keys of a profile, as AWS's own library finds them: with SSO and roles."""
    if find_spec("boto3") is None:
        found = "the keys are in a profile, which AWS's own library reads"
        fix = (
            "Install boto3, or set the keys: "
            '`eval "$(aws configure export-credentials --format env)"`.'
        )
        raise InputError(Problem("E694", found, fix=fix))
    import boto3
    import botocore.exceptions
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider(boto3.Session(profile_name=name))
    except (botocore.exceptions.BotoCoreError, ValueError):
        found = f"the profile `{name or 'default'}` gives no keys"
        raise InputError(Problem("E694", found)) from None

"""A connection of type `bulksend`, as the environment that bulksend reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

import bulksend
from bulksend import BulksendError, Home, InputError, Problem
from bulksend.airflow.provider import get_provider_info
from bulksend.airflow.storage import with_storage
from bulksend.home import OPEN_KEYS

if TYPE_CHECKING:
    from pathlib import Path

_FROM_EXTRA = {
    "account_id": "BW_ACCOUNT_ID",
    "application_id": "BW_MESSAGING_APPLICATION_ID",
    "token_url": "BW_TOKEN_URL",
    "home": "BULKSEND_HOME",
}
_FROM_FIELDS = {
    "login": "BW_CLIENT_ID",
    "password": "BW_CLIENT_SECRET",
    "host": "BW_MESSAGING_URL",
}

_CREDENTIALS = ("BW_CLIENT_ID", "BW_CLIENT_SECRET", "BW_USERNAME", "BW_PASSWORD")
"""What must come from one place: a secret of the worker's own belongs to no other id."""

_POSTGRES = ("postgres", "postgresql")

_LIBPQ_KEYS = OPEN_KEYS | {"passfile", "sslpassword"}
"""Of an extra the rest is for Airflow's own hook (`cursor`, `iam`): libpq refuses it."""


class BulksendHook(BaseHook):
    """Credentials, the journal's address and object storage, from Airflow's connections.

    Args:
        bulksend_conn_id: A connection of type `bulksend`; empty where the worker's own
            environment has the variables.

        journal_conn_id: A connection of type Postgres for the journal; else the one that
            the `bulksend` connection names, else ``BULKSEND_JOURNAL``.

        storage_conn_id: A connection for object storage, of type `aws`,
            `google_cloud_platform` or `wasb`; else the one that the `bulksend`
            connection names, else the worker's own environment or role.
    """

    conn_name_attr = "bulksend_conn_id"
    default_conn_name = "bulksend_default"
    conn_type = "bulksend"
    hook_name = "bulksend"

    def __init__(
        self,
        bulksend_conn_id: str = default_conn_name,
        journal_conn_id: str = "",
        storage_conn_id: str = "",
    ) -> None:
        super().__init__()
        self.bulksend_conn_id = bulksend_conn_id
        self.journal_conn_id = journal_conn_id
        self.storage_conn_id = storage_conn_id

    def environment(self) -> dict[str, str]:
        """Variables as bulksend reads them; those of the worker underneath.

        Raises:
            InputError: E596, where there is no such connection, or it is of another type;
                E694, where the one for object storage cannot be used.
        """
        found = dict(os.environ)
        journal, storage = self.journal_conn_id, self.storage_conn_id
        if self.bulksend_conn_id:
            known = self._known(self.bulksend_conn_id, self.conn_type)
            if known.login or known.password:
                found = {k: v for k, v in found.items() if k not in _CREDENTIALS}
            extra = known.extra_dejson
            said = {name: getattr(known, field) for field, name in _FROM_FIELDS.items()}
            said |= {name: extra.get(field) for field, name in _FROM_EXTRA.items()}
            found |= {name: str(value) for name, value in said.items() if value}
            journal = journal or str(extra.get("journal_conn_id") or "")
            storage = storage or str(extra.get("storage_conn_id") or "")
        if journal:
            found["BULKSEND_JOURNAL"] = _url(self._known(journal, *_POSTGRES))
        if storage:
            found = with_storage(found, self._known(storage))
        return found

    def _known(self, conn_id: str, *kinds: str) -> Any:
        """The connection of that id; of one of *kinds*, where some are named."""
        try:
            known = self.get_connection(conn_id)
        except AirflowNotFoundException:
            found = f"there is no connection `{conn_id}`"
            raise InputError(Problem("E596", found)) from None
        if kinds and known.conn_type not in kinds:
            found = f"`{conn_id}` is of type {known.conn_type or 'none'}"
            raise InputError(Problem("E596", found, f"type {kinds[0]}"))
        return known

    def home(self, folder: Path) -> Home:
        return Home.find(folder, self.environment())

    def get_conn(self) -> dict[str, str]:
        return self.environment()

    def test_connection(self) -> tuple[bool, str]:
        """Sign in and open the journal; sends nothing, and never raises."""
        try:
            return True, bulksend.check_connection(self.environment())
        except BulksendError as error:
            return False, str(error)
        except Exception as error:  # noqa: BLE001  (the form shows what this returns)
            return False, type(error).__name__

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """For Airflow 2.11; newer ones read the provider's metadata."""
        behaviour = get_provider_info()["connection-types"][0]["ui-field-behaviour"]
        return dict(behaviour)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """For Airflow 2.11, as above."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from wtforms import StringField

        fields = get_provider_info()["connection-types"][0]["conn-fields"]
        return {
            name: StringField(said["label"], widget=BS3TextFieldWidget())
            for name, said in fields.items()
        }


def _url(known: Any) -> str:
    """The URL of a Postgres connection; one port is that of each of several hosts."""
    secret = f":{quote(known.password, safe='')}" if known.password else ""
    who = f"{quote(known.login or '', safe='')}{secret}"
    port = f":{known.port}" if known.port else ""
    hosts = [quote(host, safe="[:]") + port for host in _hosts(known.host or "")]
    extra = known.extra_dejson
    said = {key: extra[key] for key in sorted(_LIBPQ_KEYS & extra.keys())}
    flat = {k: int(v) if isinstance(v, bool) else v for k, v in said.items()}
    query = urlencode(flat, quote_via=quote)
    place = f"{','.join(hosts)}/{quote(known.schema or '', safe='')}"
    return f"postgresql://{who}{'@' if who else ''}{place}{'?' if query else ''}{query}"


def _hosts(said: str) -> list[str]:
    """Each as a URL has it: an address of IPv6 in brackets."""
    hosts = [one.strip() for one in said.split(",")]
    return [f"[{one}]" if ":" in one and one[0] != "[" else one for one in hosts]

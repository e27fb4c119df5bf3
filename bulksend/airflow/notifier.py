"""A text to the people on call, when a task or a DAG fails."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import shutil
import stat
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, BaseNotifier

from bulksend import Home, InputError, Options, Problem, run_campaign
from bulksend.airflow.hook import BulksendHook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend import Ended


_AT_ANY_HOUR = {
    "profile": "transactional",
    "because": "a notice to people on call, who named their numbers for it",
}
_CAMPAIGN = {
    "name": "airflow-notices",
    "provider": "bandwidth",
    "application_id": "${BW_MESSAGING_APPLICATION_ID}",
    "recipients": {"path": "people.csv", "phone": "phone"},
    "message": {"text": "{{ notice }}"},
    "send": {"rate": "1/s", "rules": _AT_ANY_HOUR},
    "results": "results.csv",
}


class BulksendNotifier(BaseNotifier):
    """Send *text* to each of *to*: once for a try of a task, and by the same rules.

    It is a campaign named `airflow-notices`, so it has a journal, a ledger and opt-outs:
    who wrote STOP to *sender* gets none of these either.  It goes out at any hour, as a
    task may fail at any.

    Args:
        sender: A number of your account.

        to: Numbers, in E.164.

        text: May use what Airflow's templates have, such as ``{{ ti.task_id }}``.
    """

    template_fields: Sequence[str] = ("text",)

    def __init__(  # noqa: PLR0913  (a notifier's keywords)
        self,
        *,
        sender: str,
        to: Sequence[str],
        text: str = "{{ dag.dag_id }}: {{ ti.task_id }} has failed.",
        bulksend_conn_id: str = "bulksend_default",
        journal_conn_id: str = "",
        storage_conn_id: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sender = sender
        self.to = list(to)
        self.text = text
        self.bulksend_conn_id = bulksend_conn_id
        self.journal_conn_id = journal_conn_id
        self.storage_conn_id = storage_conn_id

    def notify(self, context: Any) -> None:
        """Tell them.

        Raises:
            AirflowException: Somebody was not reached.
            BulksendError: E690, where nothing would remember who was told; E682, where
                others may say who is; or what else is wrong.
        """
        ended = self._send(_slot(context))
        if ended.exit_code:
            raise AirflowException(f"not everybody was told: {ended.counts}")

    async def async_notify(self, context: Any) -> None:
        await asyncio.to_thread(self.notify, context)

    def _send(self, slot: str) -> Ended:
        environment = BulksendHook(
            self.bulksend_conn_id, self.journal_conn_id, self.storage_conn_id
        ).environment()
        # The same place for the same notice: a plan knows its campaign's folder.
        folder = Path(tempfile.gettempdir(), f"bulksend-notices-{os.getuid()}", slot)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        _refuse_others(folder.parent)
        folder.mkdir(exist_ok=True)
        try:
            _refuse_passing(Home.find(folder, environment), folder)
            options = Options(slot=slot, wait=True, replan=True)
            return run_campaign(
                self._campaign(folder), environment=environment, options=options
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _campaign(self, folder: Path) -> Path:
        """A campaign file in *folder*, with the list that it names."""
        with Path(folder, "people.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["phone", "notice"])
            rows.writerows([one, self.text] for one in self.to)
        path = Path(folder, "airflow-notices.yaml")
        path.write_text(json.dumps(_CAMPAIGN | {"from": self.sender}))
        return path


def _refuse_others(folder: Path) -> None:
    """Raises InputError (E682), where others may say whom to text, and what.

    Anybody may make a folder of that name first.
    """
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or stat.S_IMODE(found.st_mode) & 0o022:
        owner = f"it is user {found.st_uid}'s, mode {stat.filemode(found.st_mode)}"
        raise InputError(Problem("E682", owner, file=str(folder)))


def _refuse_passing(home: Home, folder: Path) -> None:
    """Raises InputError (E690), where the journal would go with the *folder*."""
    if isinstance(home.journal, Path) and folder in home.journal.parents:
        fix = "Name a Postgres connection by journal_conn_id, or set BULKSEND_HOME."
        raise InputError(Problem("E690", "it would end with the notice", fix=fix))


def _slot(context: Any) -> str:
    """One name for each failure: what is told twice under one name is told once."""
    ti = context.get("ti")
    names = ("dag_id", "task_id", "map_index", "try_number")
    dag = getattr(context.get("dag"), "dag_id", None)
    said = [context.get("run_id"), dag, *(getattr(ti, name, None) for name in names)]
    digest = blake2b(repr(said).encode(), digest_size=12).hexdigest()
    task = re.sub(r"[^0-9A-Za-z]+", "-", str(said[3]))[:32].strip("-")
    return f"{task or 'task'}-{digest}"

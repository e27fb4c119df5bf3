"""Waiting without a worker: for a moment, or for the receipts of a run.

Nothing is ever sent from a trigger: Airflow may run two of the same at once.  What a
trigger is made of stands in Airflow's database: a time, a run's name, and the names of
connections, whose secrets are read when it looks.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

import bulksend
from bulksend import BulksendError, InputError, Problem, Stopped
from bulksend.airflow.hook import BulksendHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOK_SECONDS = 30.0
"""Between two looks, once it has waited so long; the first ones are closer together."""


class Until(BaseTrigger):
    """Fires at *moment*, in seconds since 1970."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "bulksend.airflow.trigger.Until", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await asyncio.sleep(max(0.0, self.moment - time.time()))
        yield TriggerEvent(self.moment)


class Receipts(BaseTrigger):
    """Fires when every accepted message of *run_name* has its receipt, or at *moment*.

    Its event says again which run it was, and has a ``problem`` where it cannot look; a
    journal that is away for a while is none.

    Args:
        beside: The folder of the campaign, for a journal that is a file; another one
            needs no such folder where the triggerer runs.

        moment: In seconds since 1970.
    """

    def __init__(
        self,
        *,
        run_name: str,
        moment: float,
        beside: str = "",
        bulksend_conn_id: str = "",
        journal_conn_id: str = "",
    ) -> None:
        super().__init__()
        self.run_name = run_name
        self.moment = moment
        self.beside = beside
        self.bulksend_conn_id = bulksend_conn_id
        self.journal_conn_id = journal_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        named = ("run_name", "moment", "beside", "bulksend_conn_id", "journal_conn_id")
        said = {name: getattr(self, name) for name in named}
        return "bulksend.airflow.trigger.Receipts", said

    async def run(self) -> AsyncIterator[TriggerEvent]:
        said = {"run": self.run_name, "beside": self.beside}
        row: int | None = 0
        pause = min(1.0, LOOK_SECONDS)
        look = sync_to_async(self._look, thread_sensitive=False)
        while row is not None and (left := self.moment - time.time()) > 0:
            try:
                row = await look(row)
            except Stopped as away:
                self.log.warning("bulksend looks again: %s", away)
            except BulksendError as error:
                yield TriggerEvent(said | {"problem": str(error)})
                return
            if row is not None:
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, LOOK_SECONDS)
        yield TriggerEvent(said)

    def _look(self, row: int) -> int | None:
        """The first row that waits, from *row* on; in a thread, so nobody is held up."""
        hook = BulksendHook(self.bulksend_conn_id, self.journal_conn_id)
        beside = Path(self.beside)
        home = hook.home(beside if beside.is_dir() else Path())
        if not home.journal.exists():
            unseen = "the triggerer does not see the journal"
            raise InputError(Problem("E690", unseen, file=str(beside)))
        awaited = bulksend.awaited_receipt(self.run_name, home=home, row=row)
        return None if awaited is None else awaited.row

"""The runs: which plans are sent, by whose account, until when, and where the results are."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from bulksend.journal.database import atomically
from bulksend.journal.records import Run

if TYPE_CHECKING:
    from bulksend.journal.database import Database


class Runs:
    """`Journal.runs`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, run: Run) -> Run:
        """The run as stored; an existing run of that name stays as it is."""
        self._db.execute("add_run", **asdict(run))
        found = self.named(run.run)
        assert found is not None
        return found

    def named(self, name: str) -> Run | None:
        rows = self._db.fetch("run", run=name)
        return Run(*rows[0]) if rows else None

    def all(self) -> list[Run]:
        """Newest first."""
        return [Run(*row) for row in self._db.fetch("runs")]

    def take_account(self, run_id: int, account: str) -> bool:
        """Let an account have the run, under its lease; whether it may.

        Not where messages may have left by another, whose search alone knows them.
        """
        take = partial(self._db.execute, "take_account", run_id=run_id, account=account)

        def may_take() -> bool:
            if take(nothing_left=False):  # its own, or nobody's: messages need no look
                return True
            return not self.may_have_left(run_id) and take(nothing_left=True) == 1

        return atomically(self._db, may_take)

    def may_have_left(self, run_id: int) -> bool:
        """Whether a message of the run may have reached the provider, and was not refused.

        It may, too, where a proof says otherwise, and where it was planned again since.
        """
        return bool(self._db.fetch("may_have_left", run_id=run_id))

    def finish(self, run_id: int, *, now: int) -> None:
        self._db.execute("finish_run", run_id=run_id, now=now)

    def end(self, run_id: int, *, now: int) -> bool:
        """Finish it, unless it is finished; of several at once one hears that it did."""
        return self._db.execute("end_run", run_id=run_id, now=now) == 1

    def reopen(self, run_id: int) -> None:
        self._db.execute("reopen_run", run_id=run_id)

    def set_results(self, run_id: int, results: str) -> None:
        self._db.execute("set_results", run_id=run_id, results=results)

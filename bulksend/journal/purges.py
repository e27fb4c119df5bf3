"""Removes from the journal what may tell who somebody is, or what was said to them.

The reasons that operators gave for their decisions go too: they may hold anything.  Counts,
states, times, ids and codes stay, and so does why no rules about hours held.  So do the
keys of the ledger: nobody is texted twice because their number was forgotten.  The
suppression list stays too: whoever said STOP must be known for as long as anything is sent.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.database import atomically
from bulksend.journal.faults import undamaged
from bulksend.journal.records import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.journal.database import Database
    from bulksend.journal.records import Run

AT_ONCE = 20_000
"""Rows a transaction: a sender of another run must not wait for it."""

PARTS = ("purge_messages", "purge_members", "purge_receipts", "purge_decisions")

LEAST_DIGEST = -(1 << 63)


class _Callback(NamedTuple):
    message_id: str
    digest: int
    run_id: int | None = None
    row: int | None = None


class Purges:
    """`Journal.purges`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def run(
        self, run: Run, *, now: int, between: Callable[[], None] = lambda: None
    ) -> bool:
        """Purge a finished run; whether it was not purged before.

        Broken off half-way, it can be done again; only the end of it says that it is
        purged.

        Args:
            between: Called after each piece, so that a lease can be renewed.
        """
        # Rows are numbered as in the list, blank ones too; receipts may go beyond.
        whole = {"run_id": run.id, "first": WHOLE.first, "last": WHOLE.last}
        ((known,),) = self._db.fetch("last_row", **whole)
        for first in range(0, (known or 0) + 1, AT_ONCE):
            is_last = first + AT_ONCE > (known or 0)
            last = WHOLE.last if is_last else first + AT_ONCE - 1
            for part in PARTS:
                self._db.execute(part, run_id=run.id, first=first, last=last)
            between()
        return self._db.execute("purge_run", run_id=run.id, now=now) == 1

    def scrub(self) -> None:
        """Leave nothing in the journal's files of what is purged; nobody should send."""
        self._db.scrub()

    def due_callbacks(self, *, before: int) -> int:
        """How many `callbacks` would purge."""
        ((count,),) = self._db.fetch("count_due_callbacks", before=before)
        return int(count)

    def callbacks(self, *, before: int) -> int:
        """Purge those that came *before* and that `run` does not reach; how many.

        They are about no row of ours, as replies are, or came after their run was purged.
        """
        purged, last = 0, _Callback("", LEAST_DIGEST)
        while due := self._due(last, before):
            purged += atomically(self._db, partial(self._purge, due))
            last = due[-1]
        return purged

    def _purge(self, due: list[_Callback]) -> int:
        purged = self._db.execute_each("purge_callback", due)
        rows = [one for one in due if one.run_id is not None]
        self._db.execute_each("purge_row_of_callback", rows)
        return purged

    def _due(self, last: _Callback, before: int) -> list[_Callback]:
        found = self._db.fetch(
            "due_callbacks",
            message_id=last.message_id,
            digest=last.digest,
            before=before,
            most=AT_ONCE,
        )
        with undamaged(self._db.name):
            return [_Callback(*row) for row in found]

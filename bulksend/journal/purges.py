"""Removes from the journal what may tell who somebody is, or what was said to them.

The reasons that operators gave for their decisions go too: they may hold anything.  Counts,
states, times, ids and codes stay, and so does why no rules about hours held.  So do the
keys of the ledger: nobody is texted twice because their number was forgotten.  The
suppression list stays too: whoever said STOP must be known for as long as anything is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.journal.database import Database
    from bulksend.journal.records import Run

AT_ONCE = 20_000
"""Rows a transaction: a sender of another run must not wait for it."""


class Purges:
    """`Journal.purges`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def run(self, run: Run, *, now: int) -> bool:
        """Purge a finished run; whether it was not purged before.

        Broken off half-way, it can be done again; only the end of it says that it is
        purged.
        """
        for first in range(0, run.rows + 2, AT_ONCE):
            rows = {"run_id": run.id, "first": first, "last": first + AT_ONCE - 1}
            self._db.execute("purge_messages", **rows)
            self._db.execute("purge_receipts", **rows)
            self._db.execute("purge_decisions", **rows)
        return self._db.execute("purge_run", run_id=run.id, now=now) == 1

    def strangers(self, *, before: int) -> int:
        """Purge callbacks about no row of ours that came *before*; how many."""
        return self._db.execute("purge_strangers", before=before)

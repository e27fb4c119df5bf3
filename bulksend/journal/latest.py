"""The end of a run as the journal has it: its latest claim, and whether that end is in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.journal.records import WHOLE, Claim, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.database import Database
    from bulksend.journal.records import Part

LATEST = 100
"""Rows that are looked back on."""


class Latest:
    """`Journal.latest`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def claim(self, run_id: int, row: int) -> Claim | None:
        """Of this row; None where the journal does not know that it ever was claimed."""
        found = self._db.fetch("latest_claim", run_id=run_id, row=row)
        return Claim(row, *found[0]) if found else None

    def claims(self, noted: Mapping[str, Claim | None]) -> dict[str, Claim | None]:
        """For each run of *noted* that it knows its own latest claim of the row noted."""
        ids = {one.run: one.id for one in self._runs() if one.run in noted}
        return {
            run: claim and self.claim(ids[run], claim.row)
            for run, claim in noted.items()
            if run in ids
        }

    def is_in_doubt(self, run_id: int, part: Part = WHOLE) -> bool:
        """Whether the fate of any of its latest rows is unknown: it may still go on so."""
        some = {"run_id": run_id, "first": part.first, "last": part.last}
        ((count,),) = self._db.fetch("latest_unknown", most=LATEST, **some)
        return bool(count)

    def _runs(self) -> list[Run]:
        return [Run(*row) for row in self._db.fetch("runs")]

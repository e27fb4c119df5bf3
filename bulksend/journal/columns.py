"""The journal's rows in bulk, column by column.

A million rows as Python objects cost more than everything else that writes a results
file.  So the database itself puts each column of a stretch of rows into one text, values
parted by commas, and Polars takes it apart: no object for each value, on either side.
Codes and words, which few rows have, come beside it, with their rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.faults import undamaged
from bulksend.journal.records import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.database import Database
    from bulksend.journal.records import Part

NAMES = (
    "row",
    "status",
    "attempts",
    "posted_at",
    "accepted_at",
    "ended_at",
    "message_id",
)


class Stretch(NamedTuple):
    """Some rows, in any order, but the same in each column.

    Args:
        columns: For each of `NAMES` one text; an empty place where there is no value.
            Nothing at all where the journal has none of the rows.

        said: JSON: ``[row, error_code, error]`` of the rows that have either.
    """

    columns: Mapping[str, str]
    said: str


NOTHING = Stretch({}, "[]")


class Columns:
    """What the journal knows of a run's rows, as columns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def between(self, run_id: int, first: int, last: int) -> Stretch:
        """The rows *first* to *last*."""
        some = {"run_id": run_id, "first": first, "last": last}
        ((*texts, said),) = self._db.fetch("columns_between", **some)
        if texts[0] is None:
            return NOTHING
        columns = dict(zip(NAMES, texts, strict=True))
        if columns["message_id"].count(",") != columns["row"].count(","):
            # An id with a comma, which Bandwidth does not give.  To replace it in each
            # id would cost a third of the whole question.
            found = {
                row[0]: row[6] or "" for row in self._db.fetch("rows_between", **some)
            }
            ids = (
                found[int(row)].replace(",", " ") for row in columns["row"].split(",")
            )
            columns["message_id"] = ",".join(ids)
        return Stretch(columns, said or "[]")

    def closed(self, run_id: int, part: Part = WHOLE) -> str:
        """The rows that are not *planned* any more: a line for each, in any order."""
        ((rows,),) = self._db.fetch(
            "closed", run_id=run_id, first=part.first, last=part.last
        )
        with undamaged(self._db.name):
            if rows and not rows.replace("\n", "").isdecimal():
                raise ValueError
            return rows or ""

    def last(self, run_id: int, part: Part = WHOLE) -> int:
        """The last row that the journal knows of; 0 where it knows none."""
        ((row,),) = self._db.fetch(
            "last_row", run_id=run_id, first=part.first, last=part.last
        )
        return int(row or 0)

    def posted_since(self, run_id: int, since: int) -> int:
        """How many messages were posted at *since* (milliseconds since 1970) or later.

        Not those that came back as proven not to have been taken.
        """
        found = self._db.fetch("posted_since", run_id=run_id, since=since)
        return int(found[0][0])

"""The journal's rows in bulk, column by column.

A million rows as Python objects cost more than everything else that writes a results
file.  So the database itself puts each column of a stretch of rows into one text, values
parted by commas, and Polars takes it apart: no object for each value, on either side.
What few rows have comes beside it, with their rows: codes, words, a second attempt.
Which rows they are need not be said at all where they are those that were expected.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.faults import undamaged
from bulksend.journal.records import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.database import Database
    from bulksend.journal.records import Part

NAMES = ("status", "posted_at", "accepted_after", "ended_after", "message_id")
"""Moments are milliseconds: since 1970, and then since it was posted (since 1970 where it
was not): most of the time goes into digits."""


class Expected(NamedTuple):
    """All rows that the journal can have there."""

    rows: int
    total: int
    """The sum of their numbers."""


class Stretch(NamedTuple):
    """Some rows, in order.

    Args:
        columns: For each of `NAMES` one text; an empty place where there is no value.
            Nothing at all where the journal has none of the rows.

        said: JSON: ``[row, attempts, error_code, error]`` of those rows that have a code
            or words, or were not attempted just once.

        rows: Which they are, counted from *first*; None where they are all that were
            expected.
    """

    columns: Mapping[str, str]
    said: str
    rows: str | None = None
    first: int = 0


NOTHING = Stretch({}, "[]", "")


class Columns:
    """What the journal knows of a run's rows, as columns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def between(
        self, run_id: int, first: int, last: int, *, expected: Expected | None
    ) -> Stretch:
        """The rows *first* to *last*."""
        some = {"run_id": run_id, "first": first, "last": last}
        asked = partial(self._db.fetch, "columns_between", **some)
        ((*found, rows, said, count, total),) = asked(with_rows=expected is None)
        if count and expected is not None and (count, total) != expected:
            ((*found, rows, said, count, total),) = asked(with_rows=True)
        if not count:
            return NOTHING
        columns = dict(zip(NAMES, found, strict=True))
        if columns["message_id"].count(",") != count - 1:
            # An id with a comma, which Bandwidth does not give.  To replace it in each
            # id would cost a third of the whole question.
            ids = (row[6] or "" for row in self._db.fetch("rows_between", **some))
            columns["message_id"] = ",".join(one.replace(",", " ") for one in ids)
        return Stretch(columns, said or "[]", rows, first)

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

"""The journal's rows in bulk, column by column.

A million rows as Python objects cost more than everything else that writes a results
file.  So the database itself puts each column of some thousand rows into one text, values
parted by commas, and Polars takes it apart: no object for each value, on either side.
What few rows have comes beside it, with their rows: codes, words, a second attempt.
Which rows they are need not be said at all where they are those that were expected.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.journal.faults import undamaged
from bulksend.journal.records import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bulksend.journal.database import Database
    from bulksend.journal.records import Part, Run

NAMES = ("posted_after", "accepted_after", "ended_after", "message_id")
"""Moments are milliseconds: since the run began, and then since it was posted (since the
run began where it was not): most of the time goes into digits."""


ASKED_ROWS = 5_000
"""Longer texts than those of so many rows grow past what the allocator keeps, and each page
of them comes from the kernel anew: that takes as long as SQLite does to fill it."""


class Expected(NamedTuple):
    """All rows that the journal can have there."""

    rows: int
    total: int
    """The sum of their numbers."""


class Stretch(NamedTuple):
    """Some rows, in order.

    Args:
        columns: For each of `NAMES` some texts, one after the other; an empty place where
            there is no value.  No text at all where the journal has none of the rows.

        said: JSON: ``[row, attempts, error_code, error, status]`` of those rows that have
            a code or words, or were not attempted just once, or have another status than
            most: *delivered* where it ended later than it was accepted, else *accepted*.

        rows: Which they are, counted from *first*; None where they are all that were
            expected.
    """

    columns: Mapping[str, Sequence[str]]
    said: Sequence[str]
    rows: Sequence[str] | None = None
    first: int = 0


NOTHING = Stretch(dict.fromkeys(NAMES, ()), (), ())


class Columns:
    """What the journal knows of a run's rows, as columns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def between(
        self, run: Run, first: int, last: int, *, expected: Expected | None
    ) -> Stretch:
        """The rows *first* to *last*."""
        asked = partial(self._parts, run, first, last)
        parts = asked(with_rows=expected is None)
        if parts and expected is not None:
            *_, counts, totals = zip(*parts, strict=True)
            if (sum(counts), sum(totals)) != expected:
                expected, parts = None, asked(with_rows=True)
        if not parts:
            return NOTHING
        *columns, rows, said, _, _ = zip(*parts, strict=True)
        known = dict(zip(NAMES, columns, strict=True))
        return Stretch(known, said, rows if expected is None else None, first)

    def _parts(
        self, run: Run, first: int, last: int, *, with_rows: bool
    ) -> list[tuple[Any, ...]]:
        """The answers to `columns_between`, those without rows left out."""
        whole = {"since": run.created_at, "zero": first, "with_rows": with_rows}
        parts = []
        for begin in range(first, last + 1, ASKED_ROWS):
            end = min(begin + ASKED_ROWS - 1, last)
            some = {"run_id": run.id, "first": begin, "last": end}
            ((*times, ids, rows, said, count, total),) = self._db.fetch(
                "columns_between", **whole, **some
            )
            if not count:
                continue
            if ids.count(",") != count - 1:
                # An id with a comma, which Bandwidth does not give.  To replace it in
                # each id would cost a third of the whole question.
                found = (row[6] or "" for row in self._db.fetch("rows_between", **some))
                ids = ",".join(one.replace(",", " ") for one in found)
            parts.append((*times, ids, rows, said or "[]", count, total))
        return parts

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

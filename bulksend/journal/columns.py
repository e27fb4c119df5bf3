"""The journal's rows in bulk, column by column.

A million rows as Python objects cost more than everything else that writes a results
file.  So the database itself puts each column of a stretch of rows into one text, a value
a line, and Polars takes it apart: no object for each value, on either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.database import Database

NAMES = (
    "row",
    "status",
    "attempts",
    "posted_at",
    "accepted_at",
    "ended_at",
    "message_id",
    "error_code",
    "error",
)


class Columns:
    """What the journal knows of a run's rows, as columns."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def between(self, run_id: int, first: int, last: int) -> Mapping[str, str]:
        """The rows *first* to *last*, in any order: for each of `NAMES` one text.

        A line for each row; an empty line where there is no value.  Nothing at all where
        the journal has none of these rows.
        """
        found = self._db.fetch("columns_between", run_id=run_id, first=first, last=last)
        texts = found[0]
        return {} if texts[0] is None else dict(zip(NAMES, texts, strict=True))

    def posted_since(self, run_id: int, since: int) -> int:
        """How many messages were posted at *since* (milliseconds since 1970) or later.

        Not those that came back as proven not to have been taken.
        """
        found = self._db.fetch("posted_since", run_id=run_id, since=since)
        return int(found[0][0])

"""What is left of a run: the first few rows at once, the others when the journal has told.

Theory of operation
-------------------
Which rows are done the journal knows, and of a million it takes a fifth of a second to
say so.  Nobody waits for that: of the first rows it is asked alone; and where all of those
are done, what comes after the last one that it knows is not.  So a few are found at once,
and the others while these are sent: some at a time, so that claims go on in between.

Nobody else closes a row meanwhile, since the lease is ours; and of our own only the first
few can be closed by then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.journal.records import WHOLE

if TYPE_CHECKING:
    from bulksend.journal.records import Part
    from bulksend.journal.writer import Writer

FIRST_ROWS = 2_000
LOOKED_AT_FIRST = 8_000
LOOKED_AT_ONCE = 20_000
"""The journal takes some 5 ms for so many."""


class _Later(NamedTuple):
    rows: pl.DataFrame
    before: int


class Remainder:
    """The rows of a run that are still to be sent, in the plan's order; use `find`.

    Args:
        first: The first few of them.
    """

    def __init__(self, first: pl.DataFrame, later: asyncio.Task[_Later]) -> None:
        self.first = first
        self._later = later

    @classmethod
    async def find(
        cls,
        rows: pl.DataFrame,
        writer: Writer,
        *,
        part: Part = WHOLE,
        only: pl.Series | None = None,
    ) -> Remainder:
        """Begin to look.

        Args:
            rows: All rows of *part* that get a message: ``row``, in order, and whatever
                else its source needs.

            only: The rows to choose from, in order; None is all.
        """
        looked = _Look(writer, part, only)
        first = await looked.first(rows)
        return cls(first, asyncio.ensure_future(looked.others(rows, first)))

    async def rest(self) -> pl.DataFrame:
        """All but the first few."""
        return (await asyncio.shield(self._later)).rows

    @property
    def is_known(self) -> bool:
        """Whether `rest` is there; or failed, as the journal did."""
        return self._later.done()

    @property
    def known_before(self) -> int | None:
        """How many rows of the part had a fate already, where that is known by now."""
        if not self._later.done() or self._later.cancelled():
            return None
        return None if self._later.exception() else self._later.result().before

    async def close(self) -> None:
        """Look no further."""
        self._later.cancel()
        await asyncio.wait([self._later])
        if not self._later.cancelled():
            self._later.exception()  # the journal's, which the sender has met


class _Look(NamedTuple):
    writer: Writer
    part: Part
    only: pl.Series | None

    async def first(self, rows: pl.DataFrame) -> pl.DataFrame:
        found = await self._left(rows.head(LOOKED_AT_FIRST))
        if not len(found) and len(rows) > LOOKED_AT_FIRST:
            run_id, part = self.writer.run.id, self.part
            last = await self.writer.call(lambda j: j.columns.last(run_id, part))
            found = await self._left(rows.filter(pl.col("row") > last).head(FIRST_ROWS))
        return found.head(FIRST_ROWS)

    async def others(self, rows: pl.DataFrame, first: pl.DataFrame) -> _Later:
        left, before = [rows.clear()], 0
        for some in rows.iter_slices(LOOKED_AT_ONCE):
            others = some.filter(~_among(first["row"]))
            open_ones = others.filter(~_among(await self._closed(others)))
            before += len(others) - len(open_ones)
            left.append(self._wanted(open_ones))
        return _Later(pl.concat(left), before)

    async def _closed(self, some: pl.DataFrame) -> pl.Series:
        """What is done between the first of these rows and the last."""
        if not len(some):
            return pl.Series(dtype=pl.UInt32)
        run_id, rows = self.writer.run.id, some["row"]
        part = self.part._replace(first=rows[0], last=rows[-1])
        said = await self.writer.call(lambda j: j.columns.closed(run_id, part))
        return numbers(said)

    async def _left(self, some: pl.DataFrame) -> pl.DataFrame:
        return self._wanted(some.filter(~_among(await self._closed(some))))

    def _wanted(self, some: pl.DataFrame) -> pl.DataFrame:
        if self.only is None or not len(some):
            return some
        ends = pl.Series([some["row"][0], some["row"][-1] + 1], dtype=pl.UInt32)
        begin, end = self.only.search_sorted(ends)
        return some.filter(_among(self.only[begin:end]))


def _among(rows: pl.Series) -> pl.Expr:
    return pl.col("row").is_in(rows.cast(pl.UInt32).implode())


def numbers(lines: str) -> pl.Series:
    """A number a line; a million of them never become Python's objects."""
    if not lines:
        return pl.Series(dtype=pl.UInt32)
    read = pl.read_csv(lines.encode(), has_header=False, schema={"row": pl.UInt32})
    return read["row"]

"""A plan's rows beside what the journal knows of them: in chunks, in the plan's order.

Both sides are ordered by row, so each value is fetched from its place, and nothing is
joined.  As a rule the journal has every row of a chunk that is to be sent, and then the
places are counted; where it has some of them, it says which.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import orjson
import polars as pl

from bulksend.journal.columns import Expected
from bulksend.prepare.names import own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from bulksend.journal.columns import Stretch
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

CHUNK_ROWS = 50_000
ENDED_AT = own("ended_at")
KNOWN = {
    "status": pl.String,
    "posted_at": pl.Int64,
    "accepted_at": pl.Int64,
    ENDED_AT: pl.Int64,
    "message_id": pl.String,
}
_MOMENTS = [name for name, kind in KNOWN.items() if kind == pl.Int64]
SAID = {
    "row": pl.Int64,
    "attempts": pl.Int64,
    "error_code": pl.String,
    "error": pl.String,
}
"""What the journal adds to a row; all of it null where it has no such row."""


def outcomes(
    plan: Plan,
    journal: Journal,
    run: Run,
    columns: Sequence[str],
    between: tuple[int, int] | None = None,
) -> Iterator[pl.DataFrame]:
    """These columns of the plan, and those of `KNOWN` and `SAID`.

    Args:
        columns: ``row`` and ``reason`` among them.

    While one chunk is worked on, the journal is already asked about the next.  All of it
    is of one moment, also while a run goes on.
    """
    chunks = plan.frame().select(columns)
    if between is not None:
        chunks = chunks.filter(pl.col("row").is_between(*between))
    before: tuple[pl.DataFrame, Future[Stretch]] | None = None
    are_whole = True  # chunks with some rows of a kind come one after the other
    with (
        journal.database.snapshot(),
        ThreadPoolExecutor(1, thread_name_prefix="bulksend-columns") as reader,
    ):
        for chunk in chunks.collect_batches(
            chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
        ):
            if chunk.is_empty():
                continue
            first, last = int(chunk["row"][0]), int(chunk["row"][-1])
            expected = _expected(chunk) if are_whole else None
            asked = reader.submit(
                journal.columns.between, run.id, first, last, expected=expected
            )
            if before is not None:
                found = before[1].result()
                are_whole = not found.rows
                yield beside(before[0], found)
            before = chunk, asked
        if before is not None:
            yield beside(before[0], before[1].result())


def _expected(chunk: pl.DataFrame) -> Expected:
    rows = chunk["row"].filter(chunk["reason"].is_null())
    return Expected(len(rows), int(rows.sum()))


def beside(chunk: pl.DataFrame, found: Stretch) -> pl.DataFrame:
    """Rows of the plan, and what was found about them."""
    known, said, rows = _known(found), _said(found), chunk["row"]
    words = said.select_seq(
        pl.exclude("row").gather(_places(rows, said.get_column("row")))
    )
    if found.rows is not None:
        at = pl.Series([found.rows]).str.split(",").explode()
        at = at.cast(pl.Int64, strict=False).drop_nulls() + found.first
        known = known.select_seq(pl.all().gather(_places(rows, at)))
    elif len(known) < len(chunk):
        known = known.select_seq(pl.all().gather(places_of(chunk["reason"].is_null())))
    once = pl.when(pl.col("status").is_not_null()).then(1)
    return pl.concat([chunk, known, words], how="horizontal").with_columns_seq(
        pl.col("attempts").fill_null(once)
    )


def places_of(which: pl.Series) -> pl.Series:
    """For each true one how many there are before it; for the others null."""
    return which.to_frame("").select_seq(
        pl.when("").then(pl.col("").cum_sum() - 1).cast(pl.UInt32)
    )[""]


def _places(rows: pl.Series, among: pl.Series) -> pl.Series:
    """Where each of *rows* stands *among* some; null where it does not.  Both ascend."""
    places = pl.Series([None], dtype=pl.UInt32).new_from_index(0, len(rows))
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        at = among - rows[0]
    else:  # of several lists, with gaps between them
        at = rows.search_sorted(among)
    return places.scatter(at, pl.int_range(len(among), dtype=pl.UInt32, eager=True))


def _said(found: Stretch) -> pl.DataFrame:
    said = pl.DataFrame(orjson.loads(found.said), SAID, orient="row")
    return said.with_columns_seq(
        pl.col("error").str.replace_all("\n", " ", literal=True)
    )


def _known(found: Stretch) -> pl.DataFrame:
    """The journal's columns, taken apart (see `journal.columns`)."""
    if not found.columns:
        return pl.DataFrame(schema=KNOWN)
    texts = pl.DataFrame([[text] for text in found.columns.values()], list(KNOWN))
    values = texts.select_seq(pl.all().str.split(",").explode()).with_columns_seq(
        pl.col(_MOMENTS).cast(pl.Int64, strict=False),
        pl.when(pl.col("message_id") != "").then("message_id"),
    )
    posted, *after = map(pl.col, _MOMENTS)
    return values.with_columns_seq(one + posted.fill_null(0) for one in after)

"""A plan's rows beside what the journal knows of them: in chunks, in the plan's order.

Both sides are ordered by row, so each value is fetched from its place, and nothing is
joined.  As a rule the journal has every row of a chunk that is to be sent, and then the
places are counted; where it has some of them, it says which.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING

import orjson
import polars as pl

from bulksend.journal.columns import Expected
from bulksend.journal.states import Status
from bulksend.prepare.names import own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from bulksend.journal.columns import Stretch
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

CHUNK_ROWS = 50_000
CHUNKS_AHEAD = 2
ENDED_AT = own("ended_at")
_MOMENTS = ("posted_at", "accepted_at", ENDED_AT)
KNOWN = dict.fromkeys(_MOMENTS, pl.Int64) | {"message_id": pl.String}
SAID = {
    "row": pl.Int64,
    "attempts": pl.Int64,
    "error_code": pl.String,
    "error": pl.String,
    "status": pl.String,
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

    While one chunk is worked on, the next ones are already put together.  All of it is of
    one moment, also while a run goes on.
    """
    chunks = plan.frame().select(columns)
    if between is not None:
        chunks = chunks.filter(pl.col("row").is_between(*between))
    are_whole = True  # chunks with some rows of a kind come one after the other

    def found(chunk: pl.DataFrame) -> pl.DataFrame:
        nonlocal are_whole
        first, last = int(chunk["row"][0]), int(chunk["row"][-1])
        expected = _expected(chunk) if are_whole else None
        stretch = journal.columns.between(run, first, last, expected=expected)
        are_whole = not stretch.rows
        return beside(chunk, stretch, run.created_at)

    with journal.database.snapshot(), _reader() as reader:
        ahead: deque[Future[pl.DataFrame]] = deque()
        for chunk in chunks.collect_batches(
            chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
        ):
            if not chunk.is_empty():
                ahead.append(reader.submit(found, chunk))
            if len(ahead) > CHUNKS_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def _reader() -> Iterator[ThreadPoolExecutor]:
    """A thread that ends with the block.

    Whoever stops reading half-way leaves the block to any thread that calls Polars, which
    lets go of Python's objects where it next can: to this one too, and then not to wait.
    """
    reader = ThreadPoolExecutor(1, thread_name_prefix="bulksend-columns")
    own = reader.submit(get_ident).result()
    try:
        yield reader
    finally:
        reader.shutdown(wait=get_ident() != own, cancel_futures=True)


def _expected(chunk: pl.DataFrame) -> Expected:
    rows = chunk["row"].filter(chunk["reason"].is_null())
    return Expected(len(rows), int(rows.sum()))


def beside(chunk: pl.DataFrame, found: Stretch, since: int) -> pl.DataFrame:
    """Rows of the plan, and what was found about them; *since* the run began."""
    known, said, rows = _known(found, since), _said(found), chunk["row"]
    words = said.select_seq(
        pl.exclude("row").gather(_places(rows, said.get_column("row")))
    )
    if found.rows is not None:
        at = pl.Series(found.rows, dtype=pl.String).str.split(",").explode()
        at = at.cast(pl.Int64, strict=False).drop_nulls() + found.first
        known = known.select_seq(pl.all().gather(_places(rows, at)))
    elif len(known) < len(chunk):
        known = known.select_seq(pl.all().gather(places_of(chunk["reason"].is_null())))
    status = (
        pl.when(pl.col("status").is_not_null())
        .then("status")
        .when(pl.col(ENDED_AT) > pl.col("accepted_at"))
        .then(pl.lit(Status.DELIVERED.value))
        .when(pl.col("accepted_at").is_not_null())
        .then(pl.lit(Status.ACCEPTED.value))
    )
    once = pl.when(pl.col("status").is_not_null()).then(1)
    whole = pl.concat([chunk, known, words], how="horizontal")
    return whole.with_columns_seq(status=status).with_columns_seq(
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
    rows = [row for some in found.said for row in orjson.loads(some)]
    return pl.DataFrame(rows, SAID, orient="row").with_columns_seq(
        pl.col("error").str.replace_all("\n", " ", literal=True)
    )


def _known(found: Stretch, since: int) -> pl.DataFrame:
    """The journal's columns, taken apart (see `journal.columns`)."""
    texts = pl.DataFrame(
        list(found.columns.values()), dict.fromkeys(KNOWN, pl.String), orient="col"
    )
    values = texts.select_seq(pl.all().str.split(",").explode()).with_columns_seq(
        pl.col(_MOMENTS).cast(pl.Int64, strict=False),
        pl.when(pl.col("message_id") != "").then("message_id"),
    )
    posted, *after = map(pl.col, _MOMENTS)
    return values.with_columns_seq(
        posted + since, *(one + (posted.fill_null(0) + since) for one in after)
    )

"""A plan's rows beside what the journal knows of them: in chunks, in the plan's order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import orjson
import polars as pl

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
    "row": pl.Int64,
    "status": pl.String,
    "attempts": pl.Int64,
    "posted_at": pl.Int64,
    "accepted_at": pl.Int64,
    ENDED_AT: pl.Int64,
    "message_id": pl.String,
}
SAID = {"row": pl.Int64, "error_code": pl.String, "error": pl.String}
"""What the journal adds to a row; all of it null where it has no such row."""


def outcomes(
    plan: Plan,
    journal: Journal,
    run: Run,
    columns: Sequence[str],
    between: tuple[int, int] | None = None,
) -> Iterator[pl.DataFrame]:
    """These columns of the plan, ``row`` among them, and those of `KNOWN` and `SAID`.

    While one chunk is worked on, the journal is already asked about the next.
    """
    chunks = plan.frame().select(columns)
    if between is not None:
        chunks = chunks.filter(pl.col("row").is_between(*between))
    before: tuple[pl.DataFrame, Future[Stretch]] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="bulksend-columns") as reader:
        for chunk in chunks.collect_batches(
            chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
        ):
            if chunk.is_empty():
                continue
            first, last = int(chunk["row"][0]), int(chunk["row"][-1])
            asked = reader.submit(journal.columns.between, run.id, first, last)
            if before is not None:
                yield beside(before[0], before[1].result())
            before = chunk, asked
        if before is not None:
            yield beside(before[0], before[1].result())


def beside(chunk: pl.DataFrame, found: Stretch) -> pl.DataFrame:
    """Rows of the plan, and what was found about them."""
    said = pl.DataFrame(orjson.loads(found.said), SAID, orient="row")
    said = said.with_columns(pl.col("error").str.replace_all("\n", " ", literal=True))
    for known in (_known(found), said):
        chunk = chunk.join(known, on="row", how="left", maintain_order="left")
    return chunk


def _known(found: Stretch) -> pl.DataFrame:
    """The journal's columns, taken apart (see `journal.columns`)."""
    if not found.columns:
        return pl.DataFrame(schema=KNOWN)
    texts = pl.DataFrame([[text] for text in found.columns.values()], list(KNOWN))
    values = texts.select(pl.all().str.split(",")).explode(list(KNOWN))
    return values.select(
        pl.col(name).cast(pl.Int64, strict=False)
        if kind == pl.Int64
        else pl.when(pl.col(name) != "").then(pl.col(name))
        for name, kind in KNOWN.items()
    )

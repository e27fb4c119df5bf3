"""What was posted before a row was sent again: it had its second, and may be billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal

_COLUMNS = {
    "row": pl.Int64,
    "posted": pl.Int64,
    "status": pl.String,
    "code": pl.String,
}


def tries_of(journal: Journal, run: Run) -> pl.DataFrame:
    """Each message of a run that was planned again: row, posted, status and code."""
    found = list(journal.selections.earlier(run.id))
    return pl.DataFrame(found, _COLUMNS, orient="row")


def earlier(chunk: pl.DataFrame, tries: pl.DataFrame) -> pl.DataFrame:
    """Those *tries* at the rows of *chunk* that the rows themselves do not tell of.

    Args:
        chunk: With ``row``, ``posted``, ``segments``, ``weight`` and ``cost``.

    Returns:
        The columns of both; a row's segments and cost are those of each try.
    """
    rows = chunk["row"]
    near = tries.filter(pl.col("row").is_between(rows.min(), rows.max()))
    values = chunk.select("row", "segments", "weight", "cost", now="posted")
    return near.join(values, on="row").filter(
        pl.col("posted").ne_missing(pl.col("now"))
    )

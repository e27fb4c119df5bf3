"""Whom of a plan the journal knows as not to be texted: for a look before anything is sent.

A claim finds out anew, message by message (`journal.suppressions.among`).
"""

from __future__ import annotations

import polars as pl

from bulksend.journal.suppressions import EVERY_SENDER


def rows_barred(rows: pl.LazyFrame, numbers: list[tuple[int, str]]) -> pl.Series:
    """The rows of which somebody must get nothing, from its sender or from any.

    Args:
        rows: ``row``, ``to`` (numbers, parted by commas) and ``from`` of what would be
            sent.

        numbers: Who must not be texted, by E.164 without its plus, and by which of our
            senders.
    """
    if not numbers:
        return pl.Series("row", dtype=rows.collect_schema()["row"])
    schema = {"number": pl.Int64, "sender": pl.String}
    known = pl.LazyFrame(numbers, schema=schema, orient="row")
    number = pl.col("to").str.strip_prefix("+").cast(pl.Int64)
    each = (
        rows.select("row", pl.col("to").str.split(","), pl.col("from").cast(pl.String))
        .explode("to")
        .select("row", "from", number.alias("number"))
    )
    sender = pl.col("sender").str.to_lowercase()
    is_about = sender.is_in([EVERY_SENDER]) | (
        sender == pl.col("from").str.to_lowercase()
    )
    found = each.join(known, on="number").filter(is_about).select("row").unique()
    return found.collect(engine="streaming").to_series()

"""Which row is sent instead of one that lost to it, by what the plan itself holds."""

from __future__ import annotations

import polars as pl

from bulksend.prepare.columns import as_text
from bulksend.prepare.reasons import NO_HOUR


def winners(
    frame: pl.LazyFrame, household: str | None, *, keeps_numbers: bool
) -> pl.DataFrame:
    """For each row of a plan that lost to another: the row that counts.

    That is the one that is sent, or held out; else the first by which no hour is right.

    Args:
        household: The input's column that names one; None where nothing does.

        keeps_numbers: A number may come again, and only number and `once_key` together
            not.

    Returns:
        ``row`` and ``winner``, both Int64.
    """
    schema = frame.collect_schema()

    def text(column: str) -> pl.Expr:
        return as_text(column, schema[column]).str.strip_chars().str.to_lowercase()

    number = pl.col("number_key")
    if keeps_numbers:
        number = pl.concat_str(text("number_key"), pl.lit(" "), "once_key")
    keys = {"duplicate": number}
    if household is not None:
        keys["household"] = text(household)
    found = pl.DataFrame(schema={"row": pl.Int64, "winner": pl.Int64})
    pairs = [_pairs(frame, reason, key.alias("key")) for reason, key in keys.items()]
    return pl.concat([found, *pairs]).sort("row")


def _pairs(frame: pl.LazyFrame, reason: str, key: pl.Expr) -> pl.DataFrame:
    losers = frame.filter(pl.col("reason") == reason).select("row", key)
    lost = losers.collect(engine="streaming")
    if not len(lost):  # the other rows are millions
        return lost.select("row", winner=pl.lit(None, pl.Int64))
    why = pl.col("reason")
    counts = why.is_null() | why.is_in(["holdout", *NO_HOUR])
    is_barred = why.is_in(NO_HOUR).fill_null(value=False)
    sent = frame.filter(counts).select(
        pl.col("row").alias("winner"), key, is_barred=is_barred
    )
    sent = sent.filter(pl.col("key").is_in(lost["key"].unique().implode()))
    first = sent.collect(engine="streaming").sort("is_barred", "winner")
    pairs = lost.join(first.unique("key", keep="first", maintain_order=True), on="key")
    return pairs.select("row", "winner")

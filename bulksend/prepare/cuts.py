"""Texts that a few characters less would make a segment shorter."""

from __future__ import annotations

import polars as pl

from bulksend.prepare.segments import units_of

MOST_CUT = 80
"""Characters; to cut more is another text."""


def best_cuts(over: pl.DataFrame) -> list[tuple[int, int]]:
    """How many characters less would save most segments for each of them.

    Args:
        over: What `texts_over` found.

    Returns:
        At most one pair: characters, and segments saved in all.
    """
    found = (
        over.group_by("over")
        .agg(pl.col("texts").sum())
        .sort("over")
        .with_columns(saved=pl.col("texts").cum_sum().cast(pl.Int64))
    )
    if not len(found):
        return []
    best = found.sort(pl.col("saved") / pl.col("over"), descending=True).row(
        0, named=True
    )
    return [(best["over"], best["saved"])]


def texts_over(rows: pl.LazyFrame, *keys: pl.Expr) -> pl.DataFrame:
    """Texts that a few characters less would make a segment shorter: ``over``, how many."""
    is_gsm = pl.col("encoding") == "GSM-7"
    units = units_of(pl.col("text"), is_gsm=is_gsm)
    one = pl.when(is_gsm).then(160).otherwise(70)
    several = pl.when(is_gsm).then(153).otherwise(67)
    fewer = pl.col("segments").cast(pl.Int64) - 1
    room = pl.when(fewer == 1).then(one).otherwise(fewer * several)
    return (
        rows.filter(pl.col("segments") > 1)
        .select(*keys, over=units.cast(pl.Int64) - room)
        .filter(pl.col("over").is_between(1, MOST_CUT))
        .group_by(pl.all())
        .len("texts")
        .collect(engine="streaming")
    )

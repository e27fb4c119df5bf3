"""The unknown rows of a run, with what the plan says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.settle.evidence import Open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.journal.decisions import Unknown
    from bulksend.journal.records import Run
    from bulksend.prepare.plan import Plan

_ASTRAL = r"[\x{10000}-\x{10FFFF}]"
"""Characters that count twice in UTF-16: Bandwidth does not say how it counts."""

_TIMES = dict.fromkeys(("row", "since", "until", "attempt", "seen"), pl.Int64)


def open_messages(run: Run, plan: Plan, unknown: Sequence[Unknown]) -> list[Open]:
    """What the search is to be asked about, those to one number together."""
    if not unknown:
        return []
    times = pl.DataFrame(unknown, schema=_TIMES, orient="row")
    said = (
        plan.frame()
        .filter(pl.col("row").is_in(times["row"].implode()))
        .select(
            "row",
            "to",
            pl.col("from").cast(pl.String).alias("sender"),
            is_mms=(pl.col("media").fill_null("") != "")
            | pl.col("to").str.contains(","),
            chars=pl.col("text").str.len_chars().fill_null(0),
            astral=pl.col("text").str.count_matches(_ASTRAL).fill_null(0),
        )
        .collect(engine="streaming")
        .join(times, on="row", how="inner")
        .sort("to", "row")
    )
    return [
        Open(
            run.id,
            one["row"],
            tuple(one["to"].split(",")),
            one["sender"],
            one["since"],
            one["until"],
            one["is_mms"],
            (one["chars"], one["chars"] + one["astral"]),
            one["seen"],
            one["attempt"],
        )
        for one in said.iter_rows(named=True)
    ]

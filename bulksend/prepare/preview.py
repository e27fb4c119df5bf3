"""The rendered messages of a few rows, as they would arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.reasons import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from bulksend.prepare.plan import Plan

SHOWN = (
    "row",
    "to",
    "from",
    "text",
    "media",
    "tag",
    "segments",
    "encoding",
    "reason",
    "reason_detail",
)


def preview_plan(
    plan: Plan,
    *,
    rows: Sequence[int] = (),
    sample: int = 0,
    longest: int = 0,
    rng: Random | None = None,
) -> list[dict[str, Any]]:
    """Chosen rows of a plan: these, a random few, or those with the longest texts.

    Raises:
        InputError: E640, where a row is not in the plan.
    """
    frame = plan.frame().with_columns(tag=plan.tags()).select(SHOWN)
    sent = frame.filter(pl.col("reason").is_null())
    if rows:
        found = frame.filter(pl.col("row").is_in(list(rows))).collect(
            engine="streaming"
        )
        missing = sorted(set(rows) - set(found["row"]))
        if missing:
            what = f"there is no row {missing[0]}"
            expected = f"rows 2 to {plan.rows + 1}"
            raise InputError(Problem("E640", what, expected, more=len(missing) - 1))
    elif longest:
        found = sent.sort(
            "segments", pl.col("text").str.len_chars(), "row",
            descending=[True, True, False],
        ).head(longest).collect()  # fmt: skip
    else:
        found = _sample(sent, sample, rng)
    winners: dict[int, int] = {}
    if found["reason"].is_in(["duplicate", "household"]).any():
        winners = dict(plan.winners().iter_rows())
    return [_shown(row, winners) for row in found.sort("row").iter_rows(named=True)]


def _sample(sent: pl.LazyFrame, size: int, rng: Random | None) -> pl.DataFrame:
    if rng is None:
        return sent.head(size).collect()
    rows = sent.select("row").collect().to_series()
    chosen = rng.sample(range(len(rows)), min(size, len(rows)))
    return sent.filter(pl.col("row").is_in(rows.gather(chosen).implode())).collect()


def _shown(row: dict[str, Any], winners: dict[int, int]) -> dict[str, Any]:
    detail = row.pop("reason_detail") or winners.get(row["row"])
    why = sentence(row["reason"], str(detail or "?")) if row["reason"] else None
    return row | {"why": why}

"""The rendered messages of a few rows, as they would arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.columns import listed
from bulksend.prepare.names import PLACES
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


USUAL = 3
"""So many are shown where nobody says which."""


def preview_plan(
    plan: Plan,
    *,
    rows: Sequence[int] = (),
    sample: int | None = None,
    longest: int | None = None,
    rng: Random | None = None,
) -> list[dict[str, Any]]:
    """Chosen rows of a plan, in its order: these, a random few, those with the longest texts.

    Each wish adds its rows; without any, the first three that get a message.

    Args:
        sample: So many of the rows that get a message: random ones by *rng*, or the
            first.

        longest: So many with the most segments, and of as many with the most characters.

    Returns:
        What the plan has of each row, with ``source_file`` and ``source_row`` where
        there are several files, and ``why`` it gets nothing.  Rows that are not in
        the plan are not there; `check_rows` names them.
    """
    if not rows and sample is None and longest is None:
        sample, rng = USUAL, None
    places = PLACES if plan.sheets.files else ()
    frame = plan.frame().with_columns(tag=plan.tags()).select(*SHOWN, *places)
    sent = frame.filter(pl.col("reason").is_null())
    wanted = {row for row in rows if abs(row) <= _LAST_ROW}
    winners: dict[int, str] = {}
    with plan.undamaged():
        wanted |= _longest(sent, longest or 0) | _sample(sent, sample or 0, rng)
        found = frame.filter(pl.col("row").is_in(sorted(wanted)))
        shown = found.collect(engine="streaming")
        if shown["reason"].is_in(["duplicate", "household"]).any():
            winners = plan.named_winners()
    return [_shown(row, winners) for row in shown.sort("row").iter_rows(named=True)]


_LAST_ROW = 2**62
"""Beyond what a plan can hold, and within what a column of it can."""


def check_rows(plan: Plan, rows: Sequence[int]) -> None:
    """Every one of *rows* is in the plan.

    Raises:
        InputError: E640, with those that are not.
    """
    row = pl.col("row")
    sought = sorted({one for one in rows if abs(one) <= _LAST_ROW})
    known = plan.frame().select(row.filter(row.is_in(sought))).collect()
    unknown = sorted(set(rows) - set(known["row"]))
    if not unknown:
        return
    first, last = (
        plan.frame().select(row.min(), row.max().alias("last")).collect().row(0)
    )
    many = len(unknown) > 1
    named = plan.sheets.named
    what = f"there {'are no rows' if many else 'is no row'} {listed(list(map(named, unknown)))}"
    raise InputError(Problem("E640", what, f"rows {named(first)} to {named(last)}"))


def _longest(sent: pl.LazyFrame, size: int) -> set[int]:
    if not size:
        return set()
    length = pl.col("text").str.len_chars()
    best = sent.select("row", "segments", length).sort(
        "segments", "text", "row", descending=[True, True, False]
    )
    return set(best.head(size).collect()["row"])


def _sample(sent: pl.LazyFrame, size: int, rng: Random | None) -> set[int]:
    rows = sent.select("row")
    if rng is None or not size:
        return set(rows.head(size).collect().to_series())
    every = rows.collect().to_series()
    return set(every.gather(rng.sample(range(len(every)), min(size, len(every)))))


def _shown(row: dict[str, Any], winners: dict[int, str]) -> dict[str, Any]:
    detail = row.pop("reason_detail") or winners.get(row["row"])
    why = sentence(row["reason"], str(detail or "?")) if row["reason"] else None
    return row | {"why": why}

"""What became of each arm of an experiment, with intervals.

A share of few people says little; Wilson's interval says how little, and stays between
nothing and everything where the plain one would not.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.settle.outcomes import outcomes
from bulksend.settle.results import SHOWN

if TYPE_CHECKING:
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

Z95 = 1.959964
"""The normal distribution's two-sided 95 %."""

TAKEN = ("accepted", "delivered", "failed")
NEEDED = ("row", "reason", "experiment_arm")
NOBODY = pl.DataFrame(
    schema={"arm": pl.String, "status": pl.String, "people": pl.Int64}
)


class Arm(NamedTuple):
    """One arm: its people, what became of their messages, and the shares as intervals.

    Args:
        people: Who was planned a message, or would have been but for the holdout.

        taken: Messages that Bandwidth took.

        delivered_share: Of those whose end is known, `ended`: from and to, of 95 %; None
            where no end is known.
    """

    name: str
    people: int
    taken: int
    delivered: int
    failed: int
    refused: int
    unknown: int
    delivered_share: tuple[float, float] | None
    failed_share: tuple[float, float] | None

    @property
    def ended(self) -> int:
        """Messages of which a receipt tells what became; of the others nobody knows."""
        return self.delivered + self.failed


def arms(plan: Plan, journal: Journal, run: Run) -> list[Arm]:
    """Each arm of a run's experiment, by name; none where it has no experiment."""
    chunks = outcomes(plan, journal, run, NEEDED)
    return arms_of(pl.concat([NOBODY, *map(people_of, chunks)]))


def people_of(chunk: pl.DataFrame) -> pl.DataFrame:
    """How many of a chunk of `outcomes` are in which arm, by what became of them.

    Args:
        chunk: With the plan's columns `NEEDED`.

    Returns:
        ``arm``, ``status`` and ``people``.
    """
    has_part = pl.col("reason").is_null() | (pl.col("reason") == "holdout")
    return (
        chunk.filter(pl.col("experiment_arm").is_not_null() & has_part)
        .group_by(arm="experiment_arm", status=pl.col("status").replace(SHOWN))
        .agg(people=pl.len().cast(pl.Int64))
    )


def arms_of(people: pl.DataFrame) -> list[Arm]:
    """The arms, by name, of what `people_of` counted."""
    found: dict[str, dict[str, int]] = {}
    for name, status, count in people.iter_rows():
        counts = found.setdefault(name, {})
        counts[status] = counts.get(status, 0) + count
    return [_arm(name, found[name]) for name in sorted(found)]


def _arm(name: str, counts: dict[str, int]) -> Arm:
    taken = sum(counts.get(status, 0) for status in TAKEN)
    delivered, failed = counts.get("delivered", 0), counts.get("failed", 0)
    return Arm(
        name=name,
        people=sum(counts.values()),
        taken=taken,
        delivered=delivered,
        failed=failed,
        refused=counts.get("refused", 0),
        unknown=counts.get("unknown", 0),
        delivered_share=interval(delivered, delivered + failed),
        failed_share=interval(failed, delivered + failed),
    )


def interval(hits: int, of: int) -> tuple[float, float] | None:
    """Wilson's interval of 95 % for a share; None of nothing."""
    if not of:
        return None
    share = hits / of
    spread = Z95 * sqrt(share * (1 - share) / of + (Z95 / (2 * of)) ** 2)
    middle, scale = share + Z95**2 / (2 * of), 1 + Z95**2 / of
    low = (middle - spread) / scale if hits else 0.0  # where rounding would miss it
    high = (middle + spread) / scale if hits < of else 1.0
    return low, high

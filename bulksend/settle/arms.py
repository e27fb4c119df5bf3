"""What became of each arm of an experiment, with intervals.

A share of few people says little; Wilson's interval says how little, and stays between
nothing and everything where the plain one would not.  Whether two arms differ is another
question than whether their intervals meet, and has an interval of its own: Newcombe's,
made of both (Statistics in Medicine 17, 1998, method 10).
"""

from __future__ import annotations

from itertools import combinations
from math import comb, hypot, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.settle.outcomes import outcomes
from bulksend.settle.results import SHOWN, experiment_arm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

CHANCE = 0.05
"""Intervals are of 95 %."""

TAKEN = ("accepted", "delivered", "failed")
NEEDED = ("row", "reason", "experiment_arm")
COUNTS = ("people", "opted_out")
NOBODY = pl.DataFrame(
    schema={"arm": pl.String, "status": pl.String, **dict.fromkeys(COUNTS, pl.Int64)}
)


class Arm(NamedTuple):
    """One arm: its people, what became of their messages, and the shares as intervals.

    Args:
        people: Who was planned a message, or would have been but for the holdout.

        taken: Messages that Bandwidth took.

        opted_out: Of those, whose person has opted out since the run began.

        delivered_share: Of those whose end is known, `ended`: from and to, of 95 %; None
            where no end is known.

        opted_out_share: Of `taken`.
    """

    name: str
    people: int
    taken: int
    delivered: int
    failed: int
    refused: int
    unknown: int
    opted_out: int
    delivered_share: tuple[float, float] | None
    failed_share: tuple[float, float] | None
    opted_out_share: tuple[float, float] | None

    @property
    def ended(self) -> int:
        """Messages of which a receipt tells what became; of the others nobody knows."""
        return self.delivered + self.failed


class Measured(NamedTuple):
    """How many of an arm there are of what is compared, and of how many."""

    name: str
    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of


class Difference(NamedTuple):
    """Two arms of an experiment, and by how much their shares differ.

    Args:
        low, high: The interval of 95 % of the difference, wider where there are more
            arms: of many, two are far apart by chance.

        arms: How many were compared.
    """

    more: Measured
    less: Measured
    low: float
    high: float
    arms: int

    @property
    def is_proven(self) -> bool:
        """Whether chance alone would hardly bring it."""
        return self.low > 0


def arms(plan: Plan, journal: Journal, run: Run) -> list[Arm]:
    """Each arm of a run's experiment, by name; none where it has no experiment."""
    gone = opt_outs(plan, journal, run)
    chunks = outcomes(plan, journal, run, NEEDED)
    return arms_of(pl.concat([NOBODY, *(people_of(one, gone) for one in chunks)]))


def opt_outs(plan: Plan, journal: Journal, run: Run) -> pl.Series:
    """The rows, in order, whose person has opted out since the run began.

    None where it has no experiment: it takes a look at all rows of the run.
    """
    rows: list[int] = []
    if plan.about["campaign"].get("experiment"):
        began = journal.canaries.first_claim(run.id)
        rows = journal.suppressions.opt_out_rows(run.id, since=began)
    return pl.Series(rows, dtype=pl.Int64)


def people_of(chunk: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """How many of a chunk of `outcomes` are in which arm, by what became of them.

    Args:
        chunk: With the plan's columns `NEEDED`, rows in order.

        gone: `opt_outs`.

    Returns:
        ``arm``, ``status`` and `COUNTS`.
    """
    return (
        chunk.filter(experiment_arm().is_not_null())
        .group_by(arm="experiment_arm", status=pl.col("status").replace(SHOWN))
        .agg(
            people=pl.len().cast(pl.Int64),
            opted_out=pl.col("row")
            .cast(pl.Int64)
            .is_in(_within(gone, chunk["row"]).implode())
            .sum()
            .cast(pl.Int64),
        )
    )


def _within(gone: pl.Series, rows: pl.Series) -> pl.Series:
    """Those of *gone* between the first and the last of *rows*; both ascend."""
    if gone.is_empty() or rows.is_empty():
        return gone.clear()
    begin, end = (
        gone.search_sorted(rows[0]),
        gone.search_sorted(rows[-1], side="right"),
    )
    return gone.slice(begin, end - begin)


def arms_of(people: pl.DataFrame) -> list[Arm]:
    """The arms, by name, of what `people_of` counted."""
    found: dict[str, dict[str, int]] = {}
    gone: dict[str, int] = {}
    for name, status, count, opted_out in people.select(NOBODY.columns).iter_rows():
        counts = found.setdefault(name, {})
        counts[status] = counts.get(status, 0) + count
        gone[name] = gone.get(name, 0) + (opted_out if status in TAKEN else 0)
    return [_arm(name, found[name], gone[name]) for name in sorted(found)]


def _arm(name: str, counts: dict[str, int], opted_out: int) -> Arm:
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
        opted_out=opted_out,
        delivered_share=interval(delivered, delivered + failed),
        failed_share=interval(failed, delivered + failed),
        opted_out_share=interval(opted_out, taken),
    )


def interval(
    hits: int, of: int, *, chance: float = CHANCE
) -> tuple[float, float] | None:
    """Wilson's interval for a share; None of nothing."""
    if not of:
        return None
    z = NormalDist().inv_cdf(1 - chance / 2)
    share = hits / of
    spread = z * sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    middle, scale = share + z**2 / (2 * of), 1 + z**2 / of
    low = (middle - spread) / scale if hits else 0.0  # where rounding would miss it
    high = (middle + spread) / scale if hits < of else 1.0
    return low, high


def clearest(found: Iterable[Measured]) -> Difference | None:
    """The two arms that differ most surely; None where fewer than two have a share.

    Of several pairs each is allowed its part of the chance (Bonferroni), so that of ten
    arms with the same text no two are said to differ more often than of two.
    """
    some = sorted((one for one in found if one.of), key=lambda one: one.share)
    chance = CHANCE / max(comb(len(some), 2), 1)
    pairs = [
        Difference(more, less, *_apart(less, more, chance), len(some))
        for less, more in combinations(some, 2)
    ]
    return max(pairs, key=lambda one: one.low, default=None)


def _apart(less: Measured, more: Measured, chance: float) -> tuple[float, float]:
    spread = [interval(one.hits, one.of, chance=chance) for one in (less, more)]
    (low, high), (low_more, high_more) = (one or (0.0, 1.0) for one in spread)
    apart = more.share - less.share
    down = hypot(more.share - low_more, high - less.share)
    up = hypot(high_more - more.share, less.share - low)
    return apart - down, apart + up


def delivered(found: Iterable[Arm]) -> Difference | None:
    """By what was delivered, of those whose end is known."""
    return clearest(Measured(one.name, one.delivered, one.ended) for one in found)


def opted_out(found: Iterable[Arm]) -> Difference | None:
    """By whose person has opted out, of what Bandwidth took."""
    return clearest(Measured(one.name, one.opted_out, one.taken) for one in found)

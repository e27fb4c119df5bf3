"""How long people and machines waited: any number of waits in a few hundred counters.

Waits differ by orders of magnitude, so the counters do too: each is a fiftieth of an
e-fold wide, which places a percentile within 2 %.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import exp
from typing import NamedTuple

import polars as pl

_PER_EFOLD = 50

EDGES_MS = (
    *(10, 20, 50, 100, 200, 500),
    *(1_000, 2_000, 5_000, 10_000, 20_000, 60_000),
    *(300_000, 900_000, 3_600_000, 14_400_000, 86_400_000),
)
"""Where one bar ends and the next begins: amounts that people have words for."""


class Bar(NamedTuple):
    """How many waits were at least ``low`` and below ``high`` ms; None: no limit."""

    low: int
    high: int | None
    messages: int


@dataclass(frozen=True, slots=True)
class Waits:
    """Counted waits: how many, their percentiles in ms, and the bars of a histogram."""

    messages: int = 0
    median: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    bars: tuple[Bar, ...] = ()

    @staticmethod
    def place(ms: pl.Expr) -> pl.Expr:
        """The counter of a wait of *ms* milliseconds, Int64."""
        return ((ms.cast(pl.Float64) + 1).log() * _PER_EFOLD).floor().cast(pl.Int64)


def waits(counted: pl.DataFrame) -> Waits:
    """From ``place`` and ``messages``: one row for each counter."""
    if counted.is_empty():
        return Waits()
    rows = sorted(counted.select("place", "messages").iter_rows())
    total = sum(messages for _, messages in rows)
    return Waits(
        messages=total,
        median=_percentile(rows, total, 0.5),
        p95=_percentile(rows, total, 0.95),
        p99=_percentile(rows, total, 0.99),
        longest=_middle(rows[-1][0]),
        bars=_bars(rows),
    )


def _middle(place: int) -> float:
    return exp((place + 0.5) / _PER_EFOLD) - 1


def _percentile(rows: list[tuple[int, int]], total: int, share: float) -> float:
    seen = 0
    for place, messages in rows:
        seen += messages
        if seen >= total * share:
            return _middle(place)
    raise AssertionError("the counts do not add up to their total")


def _bars(rows: list[tuple[int, int]]) -> tuple[Bar, ...]:
    """From the first bar that holds something to the last, those between them too."""
    found = [0] * (len(EDGES_MS) + 1)
    for place, messages in rows:
        found[bisect_right(EDGES_MS, _middle(place))] += messages
    full = [place for place, messages in enumerate(found) if messages]
    lows, highs = (0, *EDGES_MS), (*EDGES_MS, None)
    return tuple(
        Bar(lows[place], highs[place], found[place])
        for place in range(full[0], full[-1] + 1)
    )

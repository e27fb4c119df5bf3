"""Moments at which one segment each may go: used in time, or not at all."""

from __future__ import annotations

import heapq
from typing import NamedTuple

LATE_SECONDS = 0.008


class Slots:
    """Moments at which one segment each may go, in order.  *now*: monotonic seconds.

    Stretches of two lines may lie over each other.

    Args:
        late: How much later than its moment one may be used, in seconds.
    """

    def __init__(self, late: float = LATE_SECONDS) -> None:
        self._late = late
        self._runs: list[_Run] = []
        self.left = 0

    @property
    def first(self) -> float | None:
        """When the first one is."""
        return self._runs[0].begin if self._runs else None

    def add(self, begin: float, slots: int, rate: float) -> None:
        if slots > 0:
            heapq.heappush(self._runs, _Run(begin, slots, rate))
            self.left += slots

    def move(self, slots: int, to: Slots) -> int:
        """Give the first so many to *to*; how many there were."""
        moved = 0
        while self._runs and moved < slots:
            run = self._runs[0]
            piece = min(run.left, slots - moved) if len(self._runs) == 1 else 1
            to.add(run.begin, piece, run.rate)
            self._skip(piece)
            moved += piece
        return moved

    def drop(self, slots: int) -> int:
        return self.move(slots, Slots())

    def drop_late(self, now: float) -> None:
        while self._runs:
            run = self._runs[0]
            late = now - self._late - run.begin
            if late <= 0:
                return
            self._skip(min(run.left, int(late * run.rate) + 1))

    def _skip(self, slots: int) -> None:
        run = self._runs[0]
        self.left -= slots
        if slots == run.left:
            heapq.heappop(self._runs)
        else:
            begin = run.begin + slots / run.rate
            rest = run._replace(begin=begin, left=run.left - slots)
            heapq.heapreplace(self._runs, rest)


class _Run(NamedTuple):
    begin: float
    left: int
    rate: float

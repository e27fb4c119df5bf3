"""Moments at which one message each may go: used in time, or not at all."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.journal.turns import Wanted

LATE_SECONDS = 0.008
"""So much later than its moment one may be used."""


class Slots:
    """Moments by the messages that they were reserved for.  *now*: monotonic seconds.

    A moment is good for any message of the same sender's line and weight.
    """

    def __init__(self) -> None:
        self._moments: dict[Wanted, list[float]] = {}

    @property
    def first_of_all(self) -> float | None:
        return min((one[0] for one in self._moments.values() if one), default=None)

    def first(self, kind: Wanted) -> float | None:
        moments = self._moments.get(kind)
        return moments[0] if moments else None

    def count(self, kind: Wanted) -> int:
        return len(self._moments.get(kind, ()))

    def add(self, kind: Wanted, at: float) -> None:
        heapq.heappush(self._moments.setdefault(kind, []), at)

    def take(self, kind: Wanted) -> float | None:
        """The first one, if there is one."""
        moments = self._moments.get(kind)
        return heapq.heappop(moments) if moments else None

    def give(self, kind: Wanted, to: Slots) -> bool:
        """Move the first one; whether there was one."""
        at = self.take(kind)
        if at is not None:
            to.add(kind, at)
        return at is not None

    def drop_late(self, now: float) -> None:
        for moments in self._moments.values():
            while moments and moments[0] < now - LATE_SECONDS:
                heapq.heappop(moments)

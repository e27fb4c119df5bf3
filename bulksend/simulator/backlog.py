"""The account's outbound queue, as a leaky bucket of segments.

Bandwidth accepts as fast as you post and sends at the account's rate; what waits in
between is the queue, ``rate * queue_seconds`` deep.  429 means that it is full, not that
this second was too busy.
"""

from __future__ import annotations


class Backlog:
    __slots__ = ("_at", "_capacity", "_level", "_rate")

    def __init__(self, rate: float, queue_seconds: float) -> None:
        self._rate = rate
        self._capacity = rate * queue_seconds
        self._level = 0.0
        self._at = 0.0

    def admit(self, units: int, now: float) -> bool:
        """Queue ``units`` if all of them fit; whether Bandwidth takes a part is unknown.

        ``now`` is monotonic seconds.
        """
        leaked = self._rate * max(now - self._at, 0.0)
        self._level = max(self._level - leaked, 0.0)
        self._at = now
        if self._level + units > self._capacity:
            return False
        self._level += units
        return True

"""What any minute may hold, as a forecast sees it: a flow, not messages.

Pure: moments are milliseconds since 1970.
"""

from __future__ import annotations

from collections import deque
from math import inf

from bulksend.prepare.outflow import DUST
from bulksend.rules.carriers import MINUTE_LASTS_MS

PIECES_KEPT = 120


class AnyMinute:
    """What any minute may hold: what goes comes back when it is over.

    After an hour or two of it only the mean is kept, which is a share of a minute off by then.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._mean = most / MINUTE_LASTS_MS * 1000
        self._gone: deque[tuple[float, float, float]] = deque()
        self._pieces = 0
        self._now = -inf
        self.left = self._most

    @property
    def is_full(self) -> bool:
        return self.left <= DUST

    @property
    def lets_out(self) -> float:
        """Segments a second that may go now."""
        return self.refill if self.is_full else inf

    @property
    def refill(self) -> float:
        """Segments a second that come back now."""
        if self._pieces > PIECES_KEPT:
            return self._mean
        if not self._gone or self._now < self._gone[0][0]:
            return 0.0
        return self._gone[0][2]

    @property
    def changes(self) -> float:
        """When that is another; infinite for never."""
        if self._pieces > PIECES_KEPT or not self._gone:
            return inf
        begin, end, _ = self._gone[0]
        return begin if self._now < begin else end

    def seconds_to_change(self, rate: float) -> float:
        """Until `lets_out` is another, while so many segments a second go."""
        used_up = rate - self.refill
        if used_up <= 0.0 or self.is_full:
            return inf
        comes_back = inf if self._gone else MINUTE_LASTS_MS / 1000
        return min(self.left / used_up, comes_back)

    def passes(self, now: float, then: float, rate: float) -> None:
        """Let time go on in which so many segments a second went."""
        back = self._mean * (then - now)
        if self._pieces <= PIECES_KEPT:
            back = sum(
                max(0.0, min(end, then) - max(begin, now)) * came
                for begin, end, came in self._gone
            )
        left = self.left + (back - rate * (then - now)) / 1000
        self.left = min(self._most, max(0.0, left))
        while self._gone and self._gone[0][1] <= then:
            self._gone.popleft()
        self._now = then
        if rate <= 0.0 or self._pieces > PIECES_KEPT:
            return
        begin, end = now + MINUTE_LASTS_MS, then + MINUTE_LASTS_MS
        last = self._gone[-1] if self._gone else (0.0, 0.0, 0.0)
        if last[1:] == (begin, rate):
            self._gone[-1] = last[0], end, rate
        else:
            self._gone.append((begin, end, rate))
            self._pieces += 1

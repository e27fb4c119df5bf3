"""What a carrier's day may hold, as a forecast sees it: whole messages, and all anew then.

Pure: moments are milliseconds since 1970.
"""

from __future__ import annotations

from math import inf

from bulksend.prepare.outflow import DUST
from bulksend.rules.carriers import pacific_day


class ThisDay:
    """What the day still takes, in segments, and when the next one begins.

    Args:
        most: Segments of a day.

        used: Of these on the day of *now*.

        message: Segments of the smallest message: a message is not cut, so only whole
            ones are used of a day.
    """

    def __init__(self, most: int, used: int, message: float, *, now: int) -> None:
        self._most = most
        self._message = message
        self.ends = float(pacific_day(now)[1])
        self.left = self._in_whole_messages(most - used)

    @property
    def is_full(self) -> bool:
        return self.left <= DUST

    def reach(self, now: float) -> None:
        """It is *now*, which may be another day."""
        if now >= self.ends:
            self.ends = float(pacific_day(round(now))[1])
            self.left = self._in_whole_messages(self._most)

    def seconds_to_change(self, now: float, rate: float) -> float:
        """Until it is full or over, while so many segments a second go."""
        return min(self.left / rate, (self.ends - now) / 1000) if rate else inf

    def passes(self, seconds: float, rate: float) -> None:
        """Time goes on in which so many segments a second go."""
        self.left -= rate * seconds

    def give_back(self, segments: float) -> None:
        """Part of a message, which is not sent."""
        self.left = min(self.left + segments, self._in_whole_messages(self._most))

    def _in_whole_messages(self, segments: int) -> float:
        return max(0, segments) // self._message * self._message

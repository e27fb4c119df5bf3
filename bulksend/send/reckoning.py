"""The database's clock, as this process's own monotonic one shows it.

Each answer says what time it was there, and lies between its question and its arrival
here.  So the difference of the clocks lies in an interval, and every answer narrows it.
Clocks drift apart, so it widens with time; where an answer contradicts it, one of the
clocks was set, and that answer counts alone.
"""

from __future__ import annotations

DRIFT = 0.0005
"""Seconds in a second: more than a quartz strays, or NTP slews."""

SET_SECONDS = 0.008
"""Less is slewed in the while between two answers; a slot may be used so late."""


class Reckoning:
    """What is heard of another clock; all in seconds."""

    def __init__(self) -> None:
        self._low, self._high, self._at = float("-inf"), float("inf"), 0.0

    def hear(self, asked: float, told: float, answered: float) -> bool:
        """It was *told* there at some moment between *asked* and *answered* here.

        Returns:
            Whether that clock was set forward since it was heard of last.
        """
        wider = DRIFT * max(0.0, answered - self._at)
        low = max(self._low - wider, told - answered)
        high = min(self._high + wider, told - asked)
        was_set = told - answered > high + SET_SECONDS
        if low > high:
            low, high = told - answered, told - asked
        self._low, self._high, self._at = low, high, answered
        return was_set

    def ours(self, theirs: float) -> float:
        """Our moment at which it is surely *theirs* there: never early."""
        return theirs - self._low

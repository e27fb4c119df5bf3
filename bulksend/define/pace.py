"""What a pace is, for whoever keeps it and whoever foretells it.

Pure: seconds, segments, shares.
"""

from __future__ import annotations

CATCH_UP_SECONDS = 0.05
CATCH_UP_SEGMENTS = 1.5
"""What was late may follow at once: so many seconds' worth, so many segments at least."""

RAMP_FROM = 0.05
"""Where a ramp begins, as a share of the rate."""

RAMP_RESTS_SECONDS = 60.0
"""A ramp is made of sending: while nothing was due for longer than that, it stood still."""


def caught_up(rate: float) -> float:
    """How many segments may follow at once, at most."""
    return max(CATCH_UP_SECONDS * rate, CATCH_UP_SEGMENTS)


def risen(seconds: float, ramp: float) -> float:
    """The share of the rate after so many seconds of a ramp of so many."""
    return RAMP_FROM + (1.0 - RAMP_FROM) * min(1.0, max(0.0, seconds) / ramp)

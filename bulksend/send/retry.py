"""When a message that is proven not to have left may be tried again.

Back-off doubles from half a second, with full jitter, so that many senders that failed
together do not come back together.  What gives up is not lost: the row stays planned,
and the next run tries it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

ATTEMPTS = 6
"""Attempts of one message within one run: about half a minute in all."""

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0

OUTAGE_SECONDS = 7.5
"""A message gave up, and nothing got through for this long (its shortest waits, added
up): then it is not the message, and the run stops."""


def wait(attempt: int, rng: Random) -> float | None:
    """Seconds until the next attempt after *attempt* (1 = the first), None to give up."""
    if attempt >= ATTEMPTS:
        return None
    ceiling: float = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (attempt - 1))
    return rng.uniform(ceiling / 2, ceiling)

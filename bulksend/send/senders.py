"""How much a sender with a rate of its own may catch up.

Its line and the account's are moved together (`journal.turns`), at the account's moments.
So it is late as a rule, by less than a message; what it was late it may follow up with, as
far as no second holds more than its rate allows: a hundredth more, or one message.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from bulksend.journal.turns import Own
from bulksend.send.slots import LATE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

GIVEN_OUT = 0.997
"""Of a rate; with the seconds that a moment may be used late, what a second can hold."""


def lines(rates: Mapping[str, float]) -> dict[str, Own]:
    """The senders' own lines, from their segments per second."""
    return {
        sender: Own(rate * GIVEN_OUT, _credit(rate)) for sender, rate in rates.items()
    }


def _credit(rate: float) -> float:
    """Seconds: what a second may hold, less what it holds without any; a slot at most.

    Between 101 and 200 segments a second a hundredth is hardly more than one, and next to
    nothing is left to catch up with.
    """
    most = floor(max(rate * 1.01, rate + 1.0))
    spare = most / (rate * GIVEN_OUT) - (1.0 + LATE_SECONDS)
    return max(0.0, min(spare, 1.0 / rate))

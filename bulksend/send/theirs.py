"""Bandwidth's clock beside ours, as the Date of its answers tells (RFC 9110, 6.6.1).

Theory
------
Hours for texting stand on our clock, and what the message search proves on moments of
both.  Either may be wrong, and be set right or wrong at any time.  So Bandwidth's is kept
as an interval: a Date has whole seconds, and was written between question and answer.
From there on it goes by a clock of ours that nobody sets.

Where both are asked, one of them that is right is enough: a moment is no earlier than the
earlier and no later than the later of them.  Where they are further apart than clocks that
anybody looks after, one is wrong, and nothing is begun or believed by them.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from bulksend.errors import Problem
from bulksend.send.clocks import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_APART_MS = 300_000
"""As far as two clocks may differ and still both be used."""

A_SECOND_MS = 1_000


class TheirClock:
    """What is known of Bandwidth's clock.

    Args:
        wall: Milliseconds since 1970, as this machine has it.

        boot: Milliseconds of a clock that is never set.
    """

    def __init__(self, wall: Callable[[], int], boot: Callable[[], int]) -> None:
        self.wall = wall
        self.boot = boot
        self._since_boot: Moment | None = None

    @property
    def is_known(self) -> bool:
        return self._since_boot is not None

    def heard(self, date: str | None, *, asked: int) -> None:
        """An answer came just now.

        Args:
            date: Its header; one that is none tells nothing.

            asked: When the question went out, by *boot*.
        """
        if date is None:
            return
        try:
            said = round(parsedate_to_datetime(date).timestamp() * 1000)
        except (ValueError, OverflowError):
            return
        self._since_boot = Moment(said - self.boot(), said + A_SECOND_MS - 1 - asked)

    @property
    def ahead(self) -> int:
        """How far theirs is ahead of ours; 0 where they differ by a second or less."""
        if self._since_boot is None:
            return 0
        theirs, ours = self._theirs(self._since_boot), self.wall()
        if ours < theirs.earliest:
            off = theirs.earliest - ours
        else:
            off = min(theirs.latest - ours, 0)
        return 0 if abs(off) <= A_SECOND_MS else off

    def problem(self) -> Problem | None:
        """E548, where one of the clocks is wrong."""
        if abs(self.ahead) <= MOST_APART_MS:
            return None
        way = "behind" if self.ahead > 0 else "ahead of"
        return Problem(
            "E548", f"this machine's is {_span(self.ahead)} {way} Bandwidth's"
        )

    def moment(self) -> Moment | None:
        """Now; None where theirs is not known."""
        if self._since_boot is None:
            return None
        theirs, ours = self._theirs(self._since_boot), self.wall()
        return Moment(min(ours, theirs.earliest), max(ours, theirs.latest))

    def seen(self) -> int | None:
        """Now, not earlier, whichever clock is wrong; None where they prove nothing."""
        moment = self.moment()
        return None if moment is None or self.problem() else moment.latest

    def _theirs(self, since_boot: Moment) -> Moment:
        boot = self.boot()
        return Moment(*(boot + one for one in since_boot))


def _span(ms: int) -> str:
    """``12 min``, ``10.5 h``."""
    minutes = abs(ms) / 60_000
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:,.1f} h"

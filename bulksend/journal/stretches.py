"""What a line of time gives out: a stretch of it, or a moment for each message.

Pure: moments are microseconds, by the clock that gave them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.turns import MICROSECONDS, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bulksend.journal.turns import Wanted


class Stretch(NamedTuple):
    """Segments that may go out one after the other.

    Args:
        wait: Seconds from now until the first.

        rate: Segments per second from then on.

        whole: The account's segments per second as it is now, of all lines together.

        begins: When the first is, in microseconds by the clock that gave it.

        now: What that clock says.

        queued: Seconds that the line was ahead of its clock when it was asked before.
    """

    wait: float
    segments: int
    rate: float
    whole: float
    begins: int
    now: int
    queued: float = 0.0

    @property
    def ends(self) -> int:
        return self.begins + round(self.segments / self.rate * MICROSECONDS)


class Allotment(NamedTuple):
    """Messages and their moments.

    Args:
        turns: In order; by the clock that gave them, in microseconds.

        rate: Segments per second of the line that they are on.

        whole: The account's, as it is now, of all lines together.

        now: What that clock says.

        queued: Seconds that the line was ahead of its clock when it was asked before.

        later: How much ahead of the account's line a sender's is, in seconds, of those
            that have to wait.
    """

    turns: Sequence[Turn]
    rate: float
    whole: float
    now: int
    queued: float
    later: Mapping[str, float]


def stretch_up_to(
    until: int, now: int, *, segments: int, rate: float, whole: float
) -> Stretch:
    """The stretch that ends where all is given out now."""
    begins = max(now, until - round(segments / rate * MICROSECONDS))
    wait = (begins - now) / MICROSECONDS
    return Stretch(wait, segments, rate, whole, begins, now)


def one_after_another(wanted: Sequence[Wanted], stretch: Stretch) -> Allotment:
    """The stretch, dealt out to messages that have all of it together."""
    at, given = float(stretch.begins), []
    for one in wanted:
        given.append(Turn(one, at))
        at += one.weight / stretch.rate * MICROSECONDS
    _, _, rate, whole, _, now, queued = stretch
    return Allotment(given, rate, whole, now, queued, {})

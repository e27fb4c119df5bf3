"""One of the lines that a sender reserves on: a stretch ahead of what it posts.

It asks for a twentieth of a second's worth at a time, when half of what it had last is used.
Where the journal answers slowly it asks for more, and for no moment that would be over
before it could be used.  A run whose pace rises asks for its own rise first (`Ramp`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from bulksend.journal.stretches import Stretch
    from bulksend.journal.turns import Wanted

STRETCH_SECONDS = 0.05
MOST_LEAD = 1.0
FORGETTING = 0.9
"""What is left of a slow answer with each quicker one."""


class Asked(NamedTuple):
    """What a sender asks the journal for.

    Args:
        wanted: Messages that wait, in order.

        most: Segments after which no more is needed now.

        lead: Seconds within which a moment would be over before it could be used.
    """

    wanted: Sequence[Wanted]
    most: int
    lead: float


class Held(NamedTuple):
    """Moments that are ours.

    Args:
        moments: In monotonic seconds, in order.

        rate: Segments per second of its line.

        whole: The account's, of all lines together.

        later: For how many seconds it is no use to ask for these senders.
    """

    moments: Sequence[tuple[Wanted, float]]
    rate: float
    whole: float
    later: Mapping[str, float]


class Ramp:
    """A run's own rate while it rises, for all its workers together.

    Args:
        rate: Segments per second at its end.

        climb: Asks the journal for so many segments.
    """

    def __init__(
        self, rate: float, *, climb: Callable[[int], Awaitable[Stretch]]
    ) -> None:
        self._full_rate = rate
        self._climb = climb
        self.rate = 0.0

    async def wait(self, wanted: Sequence[Wanted]) -> Sequence[Wanted]:
        """Until the first of them may be asked of the account; which."""
        some = first_of(wanted, _stretch(self.rate))
        stretch = await self._climb(sum(one.weight for one in some))
        self.rate = min(self._full_rate, stretch.rate)
        await asyncio.sleep(stretch.wait)
        return some


class Line:
    """One of the lines that this sender reserves on.

    Args:
        rate: Segments per second of all senders together.

        reserve: Asks the journal.

        ramp: What comes before that.
    """

    def __init__(
        self,
        rate: float,
        *,
        reserve: Callable[[Asked], Awaitable[Held]],
        ramp: Ramp | None = None,
    ) -> None:
        self.whole = self._rate = rate
        self._reserve = reserve
        self._ramp = ramp
        self._took = 0.0
        self._half_way = float("-inf")
        self.wanted: Sequence[Wanted] = ()
        self.asking: asyncio.Task[None] | None = None

    def is_due(self, now: float, ahead: float) -> bool:
        """Whether half of what it had last will be claimed by now."""
        return self.asking is None and now + ahead >= self._half_way

    @property
    def at_once(self) -> int:
        """More where an answer takes longer: half of it must last until the next."""
        return _stretch(self._rate, STRETCH_SECONDS + 3 * self._took)

    def ask(
        self,
        wanted: Sequence[Wanted],
        ahead: float,
        *,
        clock: Callable[[], float],
        give: Callable[[Held], None],
    ) -> None:
        """Reserve for *wanted*, each in time to be claimed *ahead* of its moment."""
        self.wanted = wanted
        self.asking = asyncio.create_task(self._more(ahead, clock, give))
        self.asking.add_done_callback(look_at)  # who asks again meets it again

    async def _more(
        self, ahead: float, clock: Callable[[], float], give: Callable[[Held], None]
    ) -> None:
        most = self.at_once
        try:
            if self._ramp is not None:
                self.wanted = await self._ramp.wait(self.wanted)
            asked = clock()
            held = await self._reserve(Asked(self.wanted, most, self._took + ahead))
            self._took = min(MOST_LEAD, max(clock() - asked, self._took * FORGETTING))
        finally:
            self.asking, self.wanted = None, ()
        self._rate, self.whole = held.rate, held.whole
        if self._ramp is not None:
            self._rate = min(self._rate, self._ramp.rate)
            self.whole = min(self.whole, self._ramp.rate)
        self._half_way = _half_way(held.moments, most)
        give(held)


def _half_way(moments: Sequence[tuple[Wanted, float]], most: int) -> float:
    """When so much of them is used that the rest is half of what is asked for at once."""
    left = 0
    for kind, at in reversed(moments):
        left += kind.weight
        if left > most / 2:
            return at
    return float("-inf")


def first_of(wanted: Iterable[Wanted], segments: int) -> list[Wanted]:
    """The first of them, with so many segments together or just more; one at least."""
    found: list[Wanted] = []
    total = 0
    for one in wanted:
        found.append(one)
        total += one.weight
        if total >= segments:
            break
    return found


def _stretch(rate: float, seconds: float = STRETCH_SECONDS) -> int:
    """How many segments are asked for at once."""
    return max(1, round(rate * seconds))


def look_at(task: asyncio.Future[Any]) -> None:
    """The journal keeps its failure for whoever calls it next."""
    if not task.cancelled():
        task.exception()

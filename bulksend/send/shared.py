"""The pace of several senders: slots that the journal gives out, kept to the moment.

A sender reserves a twentieth of a second's work at a time, one stretch ahead of what it
posts, and only while it has something to post.  Where the journal answers slowly it asks
for more, and for none that would be over before it could use it.  What it claims takes
slots that are due soon, and is posted when they are.  A slot that it could not use in time
is lost, not caught up: whoever caught up would send in another's time.  That is asked last
when the bytes leave: who is late then waits for another slot.  Three thousandths of the
rate are never given out, and a slot may be used eight milliseconds late: so in any second
there is at most a hundredth more than the rate, however many senders there are, where
a message is one segment; of longer ones each sender may be one message ahead.

An urgent run reserves on two lines, the common one and the one that is kept for its like,
and takes of both what comes first (`journal.paces`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.send.senders import Senders
from bulksend.send.slots import LATE_SECONDS, Slots

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from bulksend.journal.paces import Stretch
    from bulksend.send.senders import Granted

STRETCH_SECONDS = 0.05
CLAIM_SECONDS = 0.02
"""So long before its moment a message is claimed, at least: a commit's time."""

MOST_LEAD = 1.0
FORGETTING = 0.9
"""What is left of a slow answer with each quicker one."""

GIVEN_OUT = 0.997
SOON = LATE_SECONDS
AT_ONCE = 1e6


class Held(NamedTuple):
    """A stretch that is ours.

    Args:
        begin: When its first slot is, in monotonic seconds.

        rate: Segments per second from then on.

        whole: The account's, of all lines together.

        senders: What senders with a rate of their own may send of it.

        was_set: Whether the clock that it was told by was set forward before.
    """

    begin: float
    segments: int
    rate: float
    whole: float
    senders: Mapping[str, Granted]
    was_set: bool = False


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

    async def wait(self, segments: int) -> int:
        """Until some of so many may be asked of the account; how many."""
        some = min(segments, _stretch(self.rate))
        stretch = await self._climb(some)
        self.rate = min(self._full_rate, stretch.rate)
        await asyncio.sleep(stretch.wait)
        return some


class Line:
    """What this sender has of one line.

    Args:
        rate: Segments per second of all senders together.

        reserve: Asks the journal for so many segments, for these senders' part, and for
            none within the next so many seconds.

        senders: Those with a rate of their own.

        ramp: What comes before that.
    """

    def __init__(
        self,
        rate: float,
        *,
        reserve: Callable[[int, Mapping[str, float], float], Awaitable[Held]],
        senders: Senders | None = None,
        ramp: Ramp | None = None,
    ) -> None:
        self.whole = self._rate = rate
        self._reserve = reserve
        self.senders = senders or Senders()
        self._ramp = ramp
        self._free = Slots()
        self._debt = 0
        self._took = 0.0
        self.asking: asyncio.Task[None] | None = None
        self.forget_all: Callable[[], None] = self.forget

    @property
    def first(self) -> float | None:
        """When its first free slot is."""
        return self._free.first

    def fill(self, now: float, ahead: float, clock: Callable[[], float]) -> None:
        """Let go what is late, and ask for more in time.

        Args:
            ahead: Seconds before its moment at which a message is claimed.
        """
        self._free.drop_late(now)
        if self._free.left <= self._at_once / 2 and self.asking is None:
            self.asking = asyncio.create_task(self._more(ahead, clock))
            self.asking.add_done_callback(_look_at)  # who asks again meets it again

    def move(self, slots: int, to: Slots) -> int:
        return self._free.move(slots, to)

    def forget(self) -> None:
        """Use none of its slots."""
        self._free = Slots()

    def owe(self, slots: int) -> None:
        """The next slots are spent already."""
        self._debt += slots

    @property
    def _at_once(self) -> int:
        """More where an answer takes longer: half of it must last until the next."""
        return _stretch(self._rate, STRETCH_SECONDS + 3 * self._took)

    async def _more(self, ahead: float, clock: Callable[[], float]) -> None:
        try:
            wanted = self._at_once + self._debt
            if self._ramp is not None:
                wanted = await self._ramp.wait(wanted)
            asked, lead = clock(), self._took + ahead
            held = await self._reserve(wanted, self.senders.take_wanted(), lead)
            self._took = min(MOST_LEAD, max(clock() - asked, self._took * FORGETTING))
        finally:
            self.asking = None
        if held.was_set:
            self.forget_all()
            return
        self._rate, self.whole = held.rate, held.whole
        if self._ramp is not None:
            self._rate = min(self._rate, self._ramp.rate)
            self.whole = min(self.whole, self._ramp.rate)
        self._free.add(held.begin, held.segments, held.rate)
        self.senders.add(held.senders)
        self._debt -= self._free.drop(self._debt)


class SharedPace:
    """A `pacing.Pace` whose rate is everybody's.

    Args:
        lines: The common one first.

        slow_down: Tells the journal of a 429.

        clock: Monotonic seconds.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        clock: Callable[[], float],
        *,
        slow_down: Callable[[], Awaitable[bool]],
    ) -> None:
        self._lines = lines
        self._senders = lines[0].senders
        self._refused = self._could = False
        self._ahead, self._taken_at = CLAIM_SECONDS, clock()
        self._claimed, self._leaving = Slots(), Slots()
        self._clock = clock
        self._slow_down = slow_down
        self._full_rate = lines[0].whole
        self._telling: asyncio.Future[bool] | None = None
        self._slowed_at = float("-inf")
        for line in lines:
            line.forget_all = self._forget

    def __repr__(self) -> str:
        return f"<SharedPace {self.rate:g}/s of {self._full_rate:g}/s>"

    @property
    def rate(self) -> float:
        """Segments per second of all senders together, as it is now."""
        return self._lines[0].whole

    async def tick(self, now: float) -> None:
        if self._refused and not self._could:  # whoever has something to send must wait
            await asyncio.sleep(SOON)  # what is reserved now, others lack
            now = self._clock()
        self._refused = self._could = False
        while (seconds := self._seconds_to_claim(now)) != 0.0:
            asking = [line.asking for line in self._lines if line.asking is not None]
            if seconds is not None:  # who is asked may know of an earlier one
                await asyncio.sleep(min(seconds, SOON) if asking else seconds)
            elif asking:
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                for one in asking:
                    if one.done():
                        one.result()
            now = self._clock()

    def allows(self, sender: str) -> bool:
        now = self._clock()
        if self._seconds_to_claim(now) != 0.0:
            return False
        line = self._earliest()
        assert line is not None
        assert line.first is not None
        allowed = self._senders.allows(sender, at=line.first, now=now)
        if allowed or self._senders.has_slots(sender):
            self._could = True
        else:
            self._refused = True
        return allowed

    def spend(self, sender: str, weight: int) -> None:
        lacking = weight
        while lacking and (line := self._earliest()) is not None:
            lacking -= line.move(1, self._claimed)
        self._lines[0].owe(lacking)
        self._taken_at = self._clock()
        self._senders.spend(sender, weight)

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        had = self._claimed.left
        self._claimed.drop_late(now)
        is_late = had and not self._claimed.left
        wanted = CLAIM_SECONDS + (now - self._taken_at if is_late else 0.0)
        self._ahead = min(MOST_LEAD, max(wanted, self._ahead * FORGETTING))
        seconds = self._senders.seconds_too_early(sender, now)
        if seconds is None or self._claimed.first is None:
            self._fill(now)
        if self._claimed.first is None:  # its moment is over, so it needs another one
            line = self._earliest()
            if line is not None:
                line.move(1, self._claimed)
        first = self._claimed.first
        if seconds is None or first is None:
            return SOON
        return max(0.0, first - now, seconds)

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        self._fill(now)
        seconds = self._senders.seconds_too_early(sender, now)
        return SOON if seconds is None else seconds

    def posted(self, sender: str, weight: int, now: float) -> None:
        owed = weight - self._claimed.move(weight, self._leaving)
        self._leaving.add(now, owed, AT_ONCE)  # `spend` has asked them of the next ones
        self._senders.posted(sender, weight)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        """Each segment has its slot; where one is over it needs another."""
        self._leaving.drop_late(now)
        self._fill(now)
        while self._leaving.left < weight and (line := self._earliest()) is not None:
            line.move(1, self._leaving)
        first = self._leaving.first
        return SOON if first is None else max(0.0, first - now)

    def left(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._lines[0].owe(weight - self._leaving.drop(weight))

    def throttled(self, now: float) -> bool:
        """All senders halve the pace; once a second is enough to say so."""
        if now - self._slowed_at < 1.0:
            return False
        self._slowed_at = now
        self._telling = asyncio.ensure_future(self._slow_down())
        self._telling.add_done_callback(_look_at)
        return True

    def _forget(self) -> None:
        """A clock that was set forward gives out anew what lies reserved: use none of it.

        The others hear of it as soon; so what came with the news is let go, too.
        """
        for line in self._lines:
            line.forget()
        self._senders.forget()
        self._claimed, self._leaving = Slots(), Slots()

    def _seconds_to_claim(self, now: float) -> float | None:
        """Until the next message may be claimed; None until more is reserved."""
        self._fill(now)
        line = self._earliest()
        if line is None or line.first is None:
            return None
        return max(0.0, line.first - self._ahead - now)

    def _fill(self, now: float) -> None:
        for line in self._lines:
            line.fill(now, self._ahead, self._clock)

    def _earliest(self) -> Line | None:
        """The line whose free slot is the first of all."""
        return min(
            (line for line in self._lines if line.first is not None),
            key=lambda line: line.first or 0.0,
            default=None,
        )


def _stretch(rate: float, seconds: float = STRETCH_SECONDS) -> int:
    """How many segments are asked for at once."""
    return max(1, round(rate * seconds))


def _look_at(task: asyncio.Future[Any]) -> None:
    """The journal keeps its failure for whoever calls it next."""
    if not task.cancelled():
        task.exception()

"""The pace of several senders: slots that the journal gives out, kept to the moment.

A sender reserves a twentieth of a second's work at a time, one stretch ahead of what it
posts, and only while it has something to post.  What it claims takes slots that are due
soon, and is posted when they are.  A slot that it could not use in time is lost, not
caught up: whoever caught up would send in another's time.  A hundredth of the rate is
never given out, and a slot may be used five milliseconds late: so in any second
there is at most the rate, however many senders there are.

An urgent run reserves on two lines, the common one and the one that is kept for its like,
and takes of both what comes first (`journal.paces`).
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bulksend.journal.paces import Stretch

STRETCH_SECONDS = 0.05
CLAIM_SECONDS = 0.02
"""So long before its moment a message may be claimed: a commit's time."""

LATE_SECONDS = 0.005
GIVEN_OUT = 0.99
SOON = 0.005


class Slots:
    """Moments at which one segment each may go, in order.  *now*: monotonic seconds.

    Stretches of two lines may lie over each other.
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self.left = 0

    @property
    def first(self) -> float | None:
        """When the first one is."""
        return self._runs[0].begin if self._runs else None

    def add(self, begin: float, slots: int, rate: float) -> None:
        if slots > 0:
            heapq.heappush(self._runs, _Run(begin, slots, rate))
            self.left += slots

    def move(self, slots: int, to: Slots) -> int:
        """Give the first so many to *to*; how many there were."""
        moved = 0
        while self._runs and moved < slots:
            run = self._runs[0]
            piece = min(run.left, slots - moved) if len(self._runs) == 1 else 1
            to.add(run.begin, piece, run.rate)
            self._skip(piece)
            moved += piece
        return moved

    def drop(self, slots: int) -> int:
        return self.move(slots, Slots())

    def drop_late(self, now: float) -> None:
        while self._runs:
            run = self._runs[0]
            late = now - LATE_SECONDS - run.begin
            if late <= 0:
                return
            self._skip(min(run.left, int(late * run.rate) + 1))

    def _skip(self, slots: int) -> None:
        run = self._runs[0]
        self.left -= slots
        if slots == run.left:
            heapq.heappop(self._runs)
        else:
            begin = run.begin + slots / run.rate
            rest = run._replace(begin=begin, left=run.left - slots)
            heapq.heapreplace(self._runs, rest)


class _Run(NamedTuple):
    begin: float
    left: int
    rate: float


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

        reserve: Asks the journal for so many segments.

        ramp: What comes before that.
    """

    def __init__(
        self,
        rate: float,
        *,
        reserve: Callable[[int], Awaitable[Stretch]],
        ramp: Ramp | None = None,
    ) -> None:
        self.whole = self._rate = rate
        self._reserve = reserve
        self._ramp = ramp
        self._free = Slots()
        self._debt = 0
        self.asking: asyncio.Task[None] | None = None

    @property
    def first(self) -> float | None:
        """When its first free slot is."""
        return self._free.first

    def fill(self, now: float, clock: Callable[[], float]) -> None:
        """Let go what is late, and ask for more in time."""
        self._free.drop_late(now)
        if self._free.left <= _stretch(self._rate) / 2 and self.asking is None:
            self.asking = asyncio.create_task(self._more(clock))
            self.asking.add_done_callback(_look_at)  # who asks again meets it again

    def move(self, slots: int, to: Slots) -> int:
        return self._free.move(slots, to)

    def owe(self, slots: int) -> None:
        """The next slots are spent already."""
        self._debt += slots

    async def _more(self, clock: Callable[[], float]) -> None:
        try:
            wanted = _stretch(self._rate) + self._debt
            if self._ramp is not None:
                wanted = await self._ramp.wait(wanted)
            asked_at = clock()
            stretch = await self._reserve(wanted)
        finally:
            self.asking = None
        self._rate, self.whole = stretch.rate, stretch.whole
        if self._ramp is not None:
            self._rate = min(self._rate, self._ramp.rate)
            self.whole = min(self.whole, self._ramp.rate)
        self._free.add(asked_at + stretch.wait, stretch.segments, stretch.rate)
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
        self._claimed = Slots()
        self._clock = clock
        self._slow_down = slow_down
        self._full_rate = lines[0].whole
        self._telling: asyncio.Future[bool] | None = None
        self._slowed_at = float("-inf")

    def __repr__(self) -> str:
        return f"<SharedPace {self.rate:g}/s of {self._full_rate:g}/s>"

    @property
    def rate(self) -> float:
        """Segments per second of all senders together, as it is now."""
        return self._lines[0].whole

    async def tick(self, now: float) -> None:
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

    def allows(self, sender: str) -> bool:  # noqa: ARG002  (the account is everybody's)
        return self._seconds_to_claim(self._clock()) == 0.0

    def spend(self, sender: str, weight: int) -> None:  # noqa: ARG002
        lacking = weight
        while lacking and (line := self._earliest()) is not None:
            lacking -= line.move(1, self._claimed)
        self._lines[0].owe(lacking)

    def seconds_too_early(self, sender: str, now: float) -> float:  # noqa: ARG002
        self._claimed.drop_late(now)
        if self._claimed.first is None:  # its moment is over, so it needs another one
            self._fill(now)
            if (line := self._earliest()) is not None:
                line.move(1, self._claimed)
        first = self._claimed.first
        return SOON if first is None else max(0.0, first - now)

    def posted(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._claimed.drop(weight)

    def throttled(self, now: float) -> bool:
        """All senders halve the pace; once a second is enough to say so."""
        if now - self._slowed_at < 1.0:
            return False
        self._slowed_at = now
        self._telling = asyncio.ensure_future(self._slow_down())
        self._telling.add_done_callback(_look_at)
        return True

    def _seconds_to_claim(self, now: float) -> float | None:
        """Until the next message may be claimed; None until more is reserved."""
        self._fill(now)
        line = self._earliest()
        if line is None or line.first is None:
            return None
        return max(0.0, line.first - CLAIM_SECONDS - now)

    def _fill(self, now: float) -> None:
        for line in self._lines:
            line.fill(now, self._clock)

    def _earliest(self) -> Line | None:
        """The line whose free slot is the first of all."""
        return min(
            (line for line in self._lines if line.first is not None),
            key=lambda line: line.first or 0.0,
            default=None,
        )


def _stretch(rate: float) -> int:
    """How many segments are asked for at once."""
    return max(1, round(rate * STRETCH_SECONDS))


def _look_at(task: asyncio.Future[Any]) -> None:
    """The journal keeps its failure for whoever calls it next."""
    if not task.cancelled():
        task.exception()

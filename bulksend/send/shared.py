"""The pace of several senders: slots that the journal gives out, kept to the moment.

A sender reserves a twentieth of a second's work at a time, one stretch ahead of what it
posts, and only while it has something to post.  What it claims takes slots that are due
soon, and is posted when they are.  A slot that it could not use in time is lost, not
caught up: whoever caught up would send in another's time.  A hundredth of the rate is
never given out, and a slot may be used five milliseconds late: so in any second
there is at most the rate, however many senders there are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bulksend.journal.paces import Stretch

STRETCH_SECONDS = 0.05
CLAIM_SECONDS = 0.02
"""So long before its moment a message may be claimed: a commit's time."""

LATE_SECONDS = 0.005
GIVEN_OUT = 0.99
SOON = 0.005


class Slots:
    """Moments at which one segment each may go, in order.  *now*: monotonic seconds."""

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()
        self.left = 0

    @property
    def first(self) -> float | None:
        """When the first one is."""
        return self._runs[0].begin if self._runs else None

    def add(self, begin: float, slots: int, rate: float) -> None:
        if slots > 0:
            self._runs.append(_Run(begin, slots, rate))
            self.left += slots

    def move(self, slots: int, to: Slots) -> int:
        """Give the first so many to *to*; how many there were."""
        moved = 0
        while self._runs and moved < slots:
            run = self._runs[0]
            piece = min(run.left, slots - moved)
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
            self._runs.popleft()
        else:
            begin = run.begin + slots / run.rate
            self._runs[0] = run._replace(begin=begin, left=run.left - slots)


class _Run(NamedTuple):
    begin: float
    left: int
    rate: float


class Line:
    """What this sender has of the common rate.

    Args:
        rate: Segments per second of all senders together.

        reserve: Asks the journal for so many segments.

        slow_down: Tells the journal of a 429.
    """

    def __init__(
        self,
        rate: float,
        *,
        reserve: Callable[[int], Awaitable[Stretch]],
        slow_down: Callable[[], Awaitable[bool]],
    ) -> None:
        self.full_rate = self.rate = rate
        self.slow_down = slow_down
        self._reserve = reserve
        self._free, self._claimed = Slots(), Slots()
        self._debt = 0
        self.asking: asyncio.Task[None] | None = None

    def seconds_to_claim(self, now: float, clock: Callable[[], float]) -> float | None:
        """Until the next message may be claimed; None until more is reserved."""
        self._free.drop_late(now)
        if self._free.left <= max(1, round(self.rate * STRETCH_SECONDS)) / 2:
            self._ask(clock)
        first = self._free.first
        return None if first is None else max(0.0, first - CLAIM_SECONDS - now)

    def spend(self, weight: int) -> None:
        self._debt += weight - self._free.move(weight, self._claimed)

    def seconds_too_early(self, now: float, clock: Callable[[], float]) -> float:
        self._claimed.drop_late(now)
        if self._claimed.first is None:  # its moment is over, so it needs another one
            self.seconds_to_claim(now, clock)
            self._free.move(1, self._claimed)
        first = self._claimed.first
        return SOON if first is None else max(0.0, first - now)

    def posted(self, weight: int) -> None:
        self._claimed.drop(weight)

    def _ask(self, clock: Callable[[], float]) -> None:
        if self.asking is None:
            self.asking = asyncio.create_task(self._more(clock))
            self.asking.add_done_callback(_look_at)  # who asks again meets it again

    async def _more(self, clock: Callable[[], float]) -> None:
        asked_at = clock()
        wanted = max(1, round(self.rate * STRETCH_SECONDS)) + self._debt
        try:
            stretch = await self._reserve(wanted)
        finally:
            self.asking = None
        self.rate = stretch.rate
        self._free.add(asked_at + stretch.wait, stretch.segments, stretch.rate)
        self._debt -= self._free.drop(self._debt)


class SharedPace:
    """A `pacing.Pace` whose rate is everybody's.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, account: Line, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock
        self._telling: asyncio.Future[bool] | None = None
        self._slowed_at = float("-inf")

    def __repr__(self) -> str:
        return f"<SharedPace {self.rate:g}/s of {self._account.full_rate:g}/s>"

    @property
    def rate(self) -> float:
        """Segments per second of all senders together, as it is now."""
        return self._account.rate

    async def tick(self, now: float) -> None:
        while (seconds := self._account.seconds_to_claim(now, self._clock)) != 0.0:
            if seconds is not None:
                await asyncio.sleep(seconds)
            elif self._account.asking is not None:
                await asyncio.shield(self._account.asking)
            now = self._clock()

    def allows(self, sender: str) -> bool:  # noqa: ARG002  (the account is everybody's)
        return self._account.seconds_to_claim(self._clock(), self._clock) == 0.0

    def spend(self, sender: str, weight: int) -> None:  # noqa: ARG002
        self._account.spend(weight)

    def seconds_too_early(self, sender: str, now: float) -> float:  # noqa: ARG002
        return self._account.seconds_too_early(now, self._clock)

    def posted(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._account.posted(weight)

    def throttled(self, now: float) -> bool:
        """All senders halve the pace; once a second is enough to say so."""
        if now - self._slowed_at < 1.0:
            return False
        self._slowed_at = now
        self._telling = asyncio.ensure_future(self._account.slow_down())
        self._telling.add_done_callback(_look_at)
        return True


def _look_at(task: asyncio.Future[Any]) -> None:
    """The journal keeps its failure for whoever calls it next."""
    if not task.cancelled():
        task.exception()

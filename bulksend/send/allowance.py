"""At most the rate, in segments, in any second: the first one included.

Theory of operation
-------------------
*What is asked for.*  In any second, wherever it begins, at most a hundredth more than the
rate, by the clock of whoever receives; and over a while hardly less than the rate.

*What follows.*  A message takes between ``d`` and ``d + j`` seconds to arrive, so those
that arrive within a second have left within ``1 + j``: it is that longer stretch that must
hold no more than the hundredth.  And it must be kept when the bytes leave, after all that
may take long: a commit, a connection, a turn of the event loop.  (To bound what is begun
in each second, as this did once, lets pass what a stall held up and then let go at once:
1.015 times the rate, measured.)

*What does not follow* is that everything can be caught up.  At exactly the rate nothing
can: what one second wins back, the same place in the next one has to miss.  What may be
won back is what the hundredth leaves beyond ``j``, some 3 ms a second; longer stalls cost
what they take.

*Two rules* for each allowance:

    schedule   the rate, and a twentieth of a second of credit: nothing is begun before
               its moment, and what was late may follow.  It keeps the mean.
    window     `WINDOW_SECONDS`, and what a second may hold: asked when the bytes leave.
               A message of several segments waits for room for all of them, while it is
               in time; late, it may be the one message that a second holds beyond the
               rate.  (At fifty a second the long ones could never use all of it: 25 of
               two segments fit into the window, which is 49.7 a second.)

*Permits* say what may be claimed, from a bucket (`aiolimiter`) that one feeder takes
from in ticks: a commit is for many.  (One permit at a time loses each late wake-up, a
bucket of a whole second sends double in the first one.)  It begins with
one tick of credit, so that one tick lies claimed when the next one's commit takes long.
A message may be claimed when there is one permit; it takes its whole weight, and leaves a
debt that the next ones wait for: Bandwidth counts segments, and a message cannot be cut.
The bucket is filled with seconds, and a permit costs 1/rate of them: so the rate can
change at any time without a new bucket, which would begin with a burst.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from aiolimiter import AsyncLimiter

from bulksend.define.pace import caught_up

TICK = 0.02
"""What is due within so many seconds is claimed together: a commit is not free."""

WINDOW_SECONDS = 1.007
"""A second, and what the ways of two messages may differ by."""

NEAR_SECONDS = 0.005
"""So long before it may leave a message is begun: then nothing is left to be done."""

DUST = 1e-9
"""Less than any permit: what sums of fractions are off by."""


class Gone(NamedTuple):
    """Segments that left at a moment."""

    at: float
    weight: int


class Limit:
    """One allowance, the account's or a sender's; ``rate`` may be set at any time."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._most = caught_up(rate) / rate
        self._bucket = AsyncLimiter(self._most, self._most)
        self._permits = 1.0  # the first message need not wait
        self._is_full = True
        self._due = self._next = 0.0  # of what is begun, and of what leaves
        self._window: deque[Gone] = deque()
        self._in_window = 0

    @property
    def due(self) -> float:
        """When the next one may be begun; 0 where none was."""
        return self._due

    @property
    def is_open(self) -> bool:
        return self._permits >= 1.0 - DUST

    async def fill(self) -> None:
        """Wait for a tick's permits."""
        await self._spend_what_nobody_waited_for()
        while (lacking := self._tick - self._permits) > DUST:
            piece = min(lacking / self.rate, self._most)
            await self._bucket.acquire(piece)
            self._permits += piece * self.rate

    async def top_up(self) -> None:
        """Take what is there of a tick's permits; never waits."""
        await self._spend_what_nobody_waited_for()
        while self._tick - self._permits > DUST and self._bucket.has_capacity(
            1 / self.rate
        ):
            await self._bucket.acquire(1 / self.rate)
            self._permits += 1.0

    def spend(self, weight: int) -> None:
        self._permits -= weight

    def seconds_too_early(self, weight: int, now: float) -> float:
        """Until its moment on the schedule, and until that of the window is near."""
        near = self.seconds_too_close(weight, now) - NEAR_SECONDS
        return max(0.0, self._due - now, near)

    def posted(self, weight: int, now: float) -> None:
        late_at_most = now - self._most if self._due else now
        self._due = max(self._due, late_at_most) + weight / self.rate

    def seconds_too_close(self, weight: int, now: float) -> float:
        """Until the window has room for it: for its first segment, where it is late."""
        window = self._window
        while window and window[0].at + WINDOW_SECONDS <= now:
            self._in_window -= window.popleft().weight
        most = max(self.rate * 1.01, self.rate + 1.0)
        if not window or self._in_window + weight <= most:
            return 0.0
        leaves = window[0].at + WINDOW_SECONDS - now
        if self._in_window + 1 > most:
            return leaves
        late_in = self._next + self._most / 2 - now
        return max(0.0, min(leaves, late_in))

    def left(self, weight: int, now: float) -> None:
        late_at_most = now - self._most if self._next else now
        self._next = max(self._next, late_at_most) + weight / self.rate
        self._in_window += weight
        self._window.append(Gone(now, weight))

    @property
    def _tick(self) -> float:
        return max(1.0, self.rate * TICK)

    async def _spend_what_nobody_waited_for(self) -> None:
        if self._is_full:
            self._is_full = False
            await self._bucket.acquire(self._most - TICK)  # at once: it has just begun

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
bucket of a whole second sends double in the first one: sending.md §2.)  It begins with
one tick of credit, so that one tick lies claimed when the next one's commit takes long.
A message may be claimed when there is one permit; it takes its whole weight, and leaves a
debt that the next ones wait for: Bandwidth counts segments, and a message cannot be cut.
The bucket is filled with seconds, and a permit costs 1/rate of them: so the rate can
change at any time without a new bucket, which would begin with a burst.

All of it is kept for the account and, where it is asked for, for each sender.  A sender
that has to wait keeps nobody else waiting (`backlog`).

A 429 says that Bandwidth's queue is full.  It halves the pace, at most once a second;
every second without one adds a twentieth of the full rate back.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from aiolimiter import AsyncLimiter

from bulksend.define.pace import RAMP_RESTS_SECONDS, caught_up, risen

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

TICK = 0.02
"""What is due within so many seconds is claimed together: a commit is not free."""

WINDOW_SECONDS = 1.007
"""A second, and what the ways of two messages may differ by."""

NEAR_SECONDS = 0.005
"""So long before it may leave a message is begun: then nothing is left to be done."""

SLOWEST_SHARE = 0.01
RECOVERY_PER_SECOND = 0.05
DUST = 1e-9
"""Less than any permit: what sums of fractions are off by."""


Upcoming: TypeAlias = "Callable[[], Mapping[str, Iterator[int]]]"
"""The weights of what comes next, of each sender with a pace of its own, and of all others
(an empty name)."""


class Pace(Protocol):
    """What the engine asks about the pace; `Pacer` is one.  *now*: monotonic seconds."""

    @property
    def rate(self) -> float: ...

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        """Wait until the account has permits again.  For one feeder only."""

    def allows(self, sender: str, weight: int) -> bool:
        """Whether there are permits for a message of this sender."""

    def spend(self, sender: str, weight: int) -> None:
        """A message is taken to be claimed."""

    def spare(self, sender: str, weight: int) -> None:
        """A message that was taken is none that may go: another has its permits."""

    def queue(self, sender: str, weight: int) -> Hashable:
        """Claimed messages of the same one go in order, those of others may pass them."""

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        """How long a claimed message must wait yet to be posted."""

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        """How long for its own queue: meanwhile those of others may go first."""

    def posted(self, sender: str, weight: int, now: float) -> None:
        """A message is posted now."""

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        """How long bytes that are ready to leave must wait, and then ask again."""

    def left(self, sender: str, weight: int, now: float) -> None:
        """A message's bytes leave now."""

    def throttled(self, now: float) -> bool:
        """Bandwidth's queue is full; whether that changed the pace."""


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


class Pacer:
    """The pace of one account, for one run.

    Args:
        rate: The account's segments per second.

        now: Monotonic seconds, of the clock that every other *now* is read from.

        ramp: Seconds in which it rises from a small share to the full rate.
    """

    def __init__(self, rate: float, now: float, *, ramp: float = 0.0) -> None:
        self.full_rate = rate
        self._share = 1.0
        self._ramp = ramp
        self._began_at = self._recovered_at = now
        self._slowed_at = self._rested_until = float("-inf")
        self._limit = Limit(rate)
        self._adjust(now)

    def __repr__(self) -> str:
        return f"<Pacer {self.rate:g}/s of {self.full_rate:g}/s>"

    @property
    def rate(self) -> float:
        """Segments per second as it is now."""
        return self._limit.rate

    async def tick(self, now: float, upcoming: Upcoming) -> None:  # noqa: ARG002
        self._recover(now)
        await self._limit.fill()

    def allows(self, sender: str, weight: int) -> bool:  # noqa: ARG002  (all share it)
        return self._limit.is_open

    def spend(self, sender: str, weight: int) -> None:  # noqa: ARG002
        self._limit.spend(weight)

    def spare(self, sender: str, weight: int) -> None:  # noqa: ARG002
        self._limit.spend(-weight)

    def queue(self, sender: str, weight: int) -> str:  # noqa: ARG002
        return ""

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        return self._limit.seconds_too_early(weight, now)

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        return 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._limit.posted(weight, now)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:  # noqa: ARG002
        return self._limit.seconds_too_close(weight, now)

    def left(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._limit.left(weight, now)

    def throttled(self, now: float) -> bool:
        """Halve the pace, once for all that were in flight."""
        if now - self._slowed_at < 1.0:
            return False
        self._share = max(SLOWEST_SHARE, self._share / 2)
        self._slowed_at = self._recovered_at = now
        self._adjust(now)
        return True

    def _recover(self, now: float) -> None:
        elapsed = now - self._recovered_at
        if elapsed >= 1.0:
            self._share = min(1.0, self._share + RECOVERY_PER_SECOND * elapsed)
            self._recovered_at = now
        self._adjust(now)

    def _rest(self, now: float) -> None:
        """While nobody's window was open, the ramp did not rise."""
        since = max(self._began_at, self._limit.due, self._rested_until)
        if now - since > RAMP_RESTS_SECONDS:
            self._began_at += now - since
            self._rested_until = now

    def _adjust(self, now: float) -> None:
        rate = self.full_rate * self._share
        if self._ramp:
            self._rest(now)
            rate *= risen(now - self._began_at, self._ramp)
        self._limit.rate = rate


class BySender:
    """A `Pace` in which some senders have a limit of their own, within the account's.

    Args:
        rates: Segments per second of each such sender.
    """

    def __init__(self, account: Pace, rates: Mapping[str, float]) -> None:
        self._account = account
        self._limits = {sender: Limit(rate) for sender, rate in rates.items()}

    def __repr__(self) -> str:
        return f"<BySender {len(self._limits)} in {self._account!r}>"

    @property
    def rate(self) -> float:
        return self._account.rate

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        await self._account.tick(now, upcoming)
        for limit in self._limits.values():
            await limit.top_up()

    def allows(self, sender: str, weight: int) -> bool:
        limit = self._limits.get(sender)
        is_open = limit is None or limit.is_open
        return is_open and self._account.allows(sender, weight)

    def spend(self, sender: str, weight: int) -> None:
        self._account.spend(sender, weight)
        if limit := self._limits.get(sender):
            limit.spend(weight)

    def spare(self, sender: str, weight: int) -> None:
        self.spend(sender, -weight)

    def queue(self, sender: str, weight: int) -> str:  # noqa: ARG002
        return sender

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        seconds = self._account.seconds_too_early(sender, weight, now)
        return max(seconds, self.seconds_of_its_own(sender, weight, now))

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        limit = self._limits.get(sender)
        return limit.seconds_too_early(weight, now) if limit else 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:
        self._account.posted(sender, weight, now)
        if limit := self._limits.get(sender):
            limit.posted(weight, now)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        seconds = self._account.seconds_too_close(sender, weight, now)
        limit = self._limits.get(sender)
        return max(seconds, limit.seconds_too_close(weight, now)) if limit else seconds

    def left(self, sender: str, weight: int, now: float) -> None:
        self._account.left(sender, weight, now)
        if limit := self._limits.get(sender):
            limit.left(weight, now)

    def throttled(self, now: float) -> bool:
        return self._account.throttled(now)

"""How fast segments leave at a moment: the rate, its ramp, Bandwidth's own queue.

Theory of operation
-------------------
A message leaves at the beginning of the time that it takes at the rate, not at its end:
of n messages the last one leaves after n - 1 of them.  And a sender that had nothing to
send may then send a little at once (`send.pacing`).  So what may leave now is a bucket of
segments that fills at the rate; it holds one message when a sender begins, and what waits
for it leaves at once.

A ramp is a staircase: each step holds the mean of the rate over it, half a message ago,
since a message waits for as long as the rate said when the one before it left.

Pure: moments are milliseconds since 1970.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

DUST = 0.01
"""Of a segment: a moment in ms since 1970 is a float, and some 1e-4 ms off."""

AT_ONCE = 10_000.0
"""Segments a second, while what may leave at once leaves."""

RAMP_FROM = 0.05
RAMP_STEPS = 64
CATCH_UP_SECONDS = 0.05
CATCH_UP_SEGMENTS = 1.5
"""As `send.pacing` has them."""


class Queue(NamedTuple):
    """Bandwidth's own: segments that leave it per second, and how many may wait in it."""

    rate: float
    holds: float


class Rates(NamedTuple):
    """At which pace a run sends.

    Args:
        account: Segments a second in all.

        senders: What all senders together let go, where they have a pace of their own.

        ramp: Seconds in which the account's rises.
    """

    account: float
    senders: float = inf
    ramp: float = 0.0

    def faster(self, share: float) -> Rates:
        return self._replace(
            account=self.account * (1 + share), senders=self.senders * (1 + share)
        )

    @property
    def full(self) -> float:
        return min(self.account, self.senders)


class _Step(NamedTuple):
    end: float
    rate: float


class Outflow:
    """What may leave, as time goes on.

    Args:
        message: Segments of a message, as a mean.

        queue: None where Bandwidth is as fast as the rate.
    """

    def __init__(self, rates: Rates, message: float, queue: Queue | None) -> None:
        self._rates = rates
        self._message = message
        self._queue = queue
        self._most = message + max(CATCH_UP_SECONDS * rates.account, CATCH_UP_SEGMENTS)
        self._ahead = 0.0
        self._began = 0.0
        self._step = _Step(inf, rates.full)
        self.waiting = 0.0
        self.full_at: float | None = None

    def begin(self, now: float) -> None:
        """A sender begins: its first message waits for nothing, and its ramp rises."""
        self._ahead = self._message
        self._began = now
        self._step = self._next_step(now)

    def rate(self, now: float) -> float:
        """Segments a second that leave now."""
        if now >= self._step.end:
            self._step = self._next_step(now)
        rate = self._step.rate
        if self._queue is not None and self.waiting >= self._queue.holds - DUST:
            return min(rate, self._queue.rate)
        return AT_ONCE if self._ahead > DUST else rate

    def seconds_to_change(self, now: float, total: float) -> float:
        """Until `rate` is another, while *total* leaves."""
        times = [(self._step.end - now) / 1000]
        if self._ahead > DUST and total > self._step.rate:
            times.append(self._ahead / (total - self._step.rate))
        queue = self._queue
        if queue is not None and total > queue.rate:
            times.append((queue.holds - self.waiting) / (total - queue.rate))
        return min(times)

    def passes(self, now: float, then: float, total: float) -> None:
        """Time goes on in which *total* leaves."""
        seconds = (then - now) / 1000
        ahead = self._ahead + (self._step.rate - total) * seconds
        self._ahead = min(self._most, max(0.0, ahead))
        queue = self._queue
        if queue is None:
            return
        waiting = max(0.0, self.waiting + (total - queue.rate) * seconds)
        self.waiting = min(queue.holds, waiting)
        if self.full_at is None and self.waiting >= queue.holds - DUST:
            self.full_at = then

    def give_back(self, segments: float) -> None:
        """Part of a message, which is not sent: another's is, in its place."""
        self._ahead += segments

    def expires(self, until: float, now: float, then: float, total: float) -> float:
        """For how many seconds what leaves waits in the queue beyond *until*."""
        queue = self._queue
        if queue is None or not self.waiting + total - min(total, queue.rate):
            return 0.0
        # Who is taken at t leaves at t + waiting(t) / rate of the queue.
        grows = (total - queue.rate) / queue.rate
        wait = self.waiting / queue.rate * 1000
        last = (until - wait + now * grows) / (1 + grows)
        return max(0.0, then - max(now, last)) / 1000

    @property
    def seconds_in_queue(self) -> float:
        return 0.0 if self._queue is None else self.waiting / self._queue.rate

    def _next_step(self, now: float) -> _Step:
        """The next step of the ramp; the last one is the whole rate, and has no end."""
        ramp = self._rates.ramp * 1000
        if now >= self._began + ramp:
            return _Step(inf, self._rates.full)
        one = self._message / self._risen(now) * 1000
        length = max(min(ramp / RAMP_STEPS, self._began + ramp - now), one)
        rate = self._risen(now + (length - one) / 2)
        return _Step(now + length, min(rate, self._rates.senders))

    def _risen(self, moment: float) -> float:
        share = min(1.0, (moment - self._began) / (self._rates.ramp * 1000))
        return self._rates.account * (RAMP_FROM + (1.0 - RAMP_FROM) * share)

"""How fast segments leave at a moment: the rate, its ramp, Bandwidth's own queue.

Theory of operation
-------------------
A message leaves at the beginning of the time that it takes at the rate, not at its end:
of n messages the last one leaves after n - 1 of them.  And a sender that had nothing to
send may then send a little at once (`send.allowance`).  So what may leave now is a bucket of
segments that fills at the rate; it holds one message when a sender begins, and what waits
for it leaves at once.

A ramp is a staircase: each step holds the mean of the rate over it, half a message ago,
since a message waits for as long as the rate said when the one before it left.

Pure: moments are milliseconds since 1970.
"""

from __future__ import annotations

from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bulksend.define.pace import RAMP_RESTS_SECONDS, caught_up, risen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DUST = 0.01
"""Of a segment: a moment in ms since 1970 is a float, and some 1e-4 ms off."""

AT_ONCE = 10_000.0
"""Segments a second, while what may leave at once leaves."""

RAMP_STEPS = 64


class Queue(NamedTuple):
    """Bandwidth's own: segments that leave it per second, and how many may wait in it."""

    rate: float
    holds: float


class Lane(NamedTuple):
    """Senders with a pace of their own: segments a second of all, and how many they are."""

    rate: float
    senders: float = 1.0


class Rates(NamedTuple):
    """At which pace a run sends.

    Args:
        account: Segments a second in all.

        lanes: Of senders with a pace of their own, by the name that `Volume.lane` has.

        ramp: Seconds in which the account's rises.
    """

    account: float
    lanes: Mapping[str, Lane] = MappingProxyType({})
    ramp: float = 0.0

    def times(self, account: float, lanes: float) -> Rates:
        """So many times as fast."""
        faster = {
            name: one._replace(rate=one.rate * lanes)
            for name, one in self.lanes.items()
        }
        return self._replace(account=self.account * account, lanes=faster)


class Bucket:
    """What may leave at once, in segments; it fills at the rate.

    Args:
        message: Segments of a message, as a mean: so much may leave in the beginning.
    """

    def __init__(self, rate: float, message: float) -> None:
        self._message = message
        self._most = message + caught_up(rate)
        self._holds = 0.0
        self.rate = rate

    def begin(self) -> None:
        self._holds = self._message

    @property
    def lets_out(self) -> float:
        """Segments a second that may leave now."""
        return AT_ONCE if self._holds > DUST else self.rate

    def seconds_to_change(self, total: float) -> float:
        """Until `lets_out` is another, while *total* leaves."""
        if self._holds <= DUST or total <= self.rate:
            return inf
        return self._holds / (total - self.rate)

    def passes(self, seconds: float, total: float) -> None:
        """Time goes on in which *total* leaves."""
        holds = self._holds + (self.rate - total) * seconds
        self._holds = 0.0 if holds < 0.0 else min(self._most, holds)

    def give_back(self, segments: float) -> None:
        """Part of a message, which is not sent: another's is, in its place."""
        self._holds += segments


class Outflow:
    """What may leave, as time goes on.

    Args:
        message: Segments of a message, as a mean.

        queue: None where Bandwidth is as fast as the rate.

        life: Seconds after which a message expires in it.
    """

    def __init__(
        self, rates: Rates, message: float, queue: Queue | None, *, life: float = inf
    ) -> None:
        self._rates = rates
        self._life = life
        self._message = message
        self._queue = queue
        self._account = Bucket(rates.account, message)
        # Of several senders each has its first message.
        self._lanes = {
            name: Bucket(one.rate, message * one.senders)
            for name, one in rates.lanes.items()
        }
        self._began = 0.0
        self._step_ends = inf
        self.waiting = 0.0
        self.full_at: float | None = None

    def begin(self, now: float) -> None:
        """A sender begins: its first message waits for nothing, and its ramp rises."""
        self._began = now
        for bucket in (self._account, *self._lanes.values()):
            bucket.begin()
        self._climb(now)

    def rates(self, now: float, lanes: Collection[str]) -> dict[str, float]:
        """Segments a second that leave now by each of these lanes, which take turns."""
        if now >= self._step_ends:
            self._climb(now)
        left = self._account.lets_out
        if self._queue is not None and self._is_full:
            left = min(self._account.rate, self._queue.rate)
        most = [(self._lanes[name].lets_out if name else inf, name) for name in lanes]
        found: dict[str, float] = {}
        for turn, (rate, name) in enumerate(sorted(most)):
            found[name] = min(rate, left / (len(most) - turn))
            left -= found[name]
        return found

    def seconds_to_change(self, now: float, leaving: Mapping[str, float]) -> float:
        """Until `rates` are others, while so much leaves by each lane."""
        total, queue = sum(leaving.values()), self._queue
        times = [(self._step_ends - now) / 1000, self._account.seconds_to_change(total)]
        times += [
            bucket.seconds_to_change(leaving.get(name, 0.0))
            for name, bucket in self._lanes.items()
        ]
        if queue is not None and total > queue.rate and not self._is_full:
            times.append((queue.holds - self.waiting) / (total - queue.rate))
        return min(times)

    def passes(self, now: float, then: float, leaving: Mapping[str, float]) -> None:
        """Time goes on in which so much leaves by each lane."""
        seconds, total = (then - now) / 1000, sum(leaving.values())
        if not total and seconds > RAMP_RESTS_SECONDS:
            self._began += then - now
            self._step_ends += then - now
        self._account.passes(seconds, total)
        for name, bucket in self._lanes.items():
            bucket.passes(seconds, leaving.get(name, 0.0))
        queue = self._queue
        if queue is None:
            return
        waiting = max(0.0, self.waiting + (total - queue.rate) * seconds)
        self.waiting = min(queue.holds, waiting)
        if self.full_at is None and self._is_full:
            self.full_at = then

    def give_back(self, lane: str, segments: float) -> None:
        """Part of a message, which is not sent: another's is, in its place."""
        self._account.give_back(segments)
        if lane:
            self._lanes[lane].give_back(segments)

    def expires(self, until: float, now: float, then: float, total: float) -> float:
        """For how many seconds what leaves waits longer than *until*, or than its life."""
        queue = self._queue
        if queue is None or not self.waiting + total - min(total, queue.rate):
            return 0.0
        # Who is taken at t leaves at t + waiting(t) / rate of the queue.
        grows = (total - queue.rate) / queue.rate
        wait = self.waiting / queue.rate
        last = (until - wait * 1000 + now * grows) / (1 + grows)
        too_long = wait - self._life
        if grows > 0.0:
            last = min(last, now - too_long / grows * 1000)
        late = max(0.0, then - max(now, last)) / 1000
        if grows <= 0.0 < too_long:  # the queue shrinks, or stays as long as it is
            first = inf if grows == 0.0 else -too_long / grows
            late = max(late, min((then - now) / 1000, first))
        return late

    @property
    def _is_full(self) -> bool:
        return self._queue is not None and self.waiting >= self._queue.holds - DUST

    @property
    def seconds_in_queue(self) -> float:
        return 0.0 if self._queue is None else self.waiting / self._queue.rate

    def _climb(self, now: float) -> None:
        """To the next step of the ramp; the last one is the whole rate, and has no end."""
        ramp = self._rates.ramp * 1000
        if now >= self._began + ramp:
            self._step_ends, self._account.rate = inf, self._rates.account
            return
        one = self._message / self._risen(now) * 1000
        length = max(min(ramp / RAMP_STEPS, self._began + ramp - now), one)
        self._step_ends = now + length
        self._account.rate = self._risen(now + (length - one) / 2)

    def _risen(self, moment: float) -> float:
        seconds = (moment - self._began) / 1000
        return self._rates.account * risen(seconds, self._rates.ramp)

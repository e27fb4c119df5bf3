"""When a run would end, and which rows would not fit.

Theory of operation
-------------------
The sender is a pipe of so many segments a second, and the rows of one place are a volume
that flows while its window is open.  As in the sender itself, of the open windows the one
that closes first goes first.  What a carrier takes in a minute narrows the pipe for its
volumes; what it takes in a day closes them until the next one; and Bandwidth's own queue
fills where it is slower than we are, and narrows the pipe when it is full.  So a whole
run is a few hundred volumes and as many events, however many people it has, and it can be
played again with another start, another rate or fewer segments to see what that would
change (`remedies`).

Pure: the time is an argument, in milliseconds since 1970.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import compress
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from bulksend.prepare.any_minute import AnyMinute
from bulksend.rules.carriers import BY_DAY, BY_MINUTE, pacific_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bulksend.rules.hours import Opening

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
HORIZON_DAYS = 60
LEAST_STEP_SECONDS = 1e-6
"""A step that a moment in ms since 1970 can still hold as a float: time goes on."""

DUST = 0.01
"""Of a segment: a moment in ms since 1970 is a float, and some 1e-4 ms off."""
LEAST_LIFE_MS = 60_000
"""A window counts as closed so much earlier: see `send.agenda`."""


class Volume(NamedTuple):
    """What is to be sent to one place: segments, and the messages they are in.

    Args:
        carrier: Whose caps they count against; empty for nobody's.
    """

    place: str
    weight: int
    rows: int
    carrier: str = ""


class Caps(NamedTuple):
    """What carriers take, in segments; 0: they take all.

    Args:
        used: What T-Mobile's day has taken already.
    """

    per_day: int = 0
    per_minute: int = 0
    used: int = 0


UNCAPPED = Caps()


class Queue(NamedTuple):
    """Bandwidth's own: segments that leave it per second, and how many may wait in it."""

    rate: float
    holds: float


@dataclass(frozen=True, slots=True)
class Load:
    """A run as a forecast sees it.

    Args:
        start: When it begins.

        end: After which nothing is sent; None where it may go on.

        rate: Segments per second that leave in all.

        opening: The first opening of a place's word with some life left after a moment.

        queue: None where Bandwidth is as fast as the rate.
    """

    volumes: tuple[Volume, ...]
    start: int
    end: int | None
    rate: float
    opening: Callable[[str, int], Opening | None]
    caps: Caps = UNCAPPED
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes.

    Args:
        begins: When the first segment leaves; None where none does.

        ends: When the last one does.

        idle_ms: How long it waits for windows, or for carriers, in between.

        too_late: Rows whose window does not come before the end, by place.

        too_many: Rows for which the rate does not suffice before the end, by place.

        full_at: When Bandwidth's queue is full, and answers 429; None where it never is.

        leaves: When the last segment leaves that queue.

        expires: Segments that wait in it longer than their window is open.
    """

    begins: int | None
    ends: int | None
    idle_ms: int
    too_late: dict[str, int]
    too_many: dict[str, int]
    full_at: int | None = None
    leaves: int | None = None
    expires: int = 0

    @property
    def left(self) -> int:
        return sum(self.too_late.values()) + sum(self.too_many.values())


class _Open(NamedTuple):
    until: int
    place: int


def rate_of_all(
    rate: float, own: Mapping[str, float], weights: Iterable[tuple[str, float]]
) -> float:
    """Segments a second that leave in all, where some senders have a pace of their own.

    A sender with much to do and a slow pace of its own is what all wait for.

    Args:
        weights: What each sender sends.
    """
    each = list(weights)
    longest = max((much / own[name] for name, much in each if name in own), default=0.0)
    return min(rate, sum(much for _, much in each) / longest) if longest else rate


def course(load: Load) -> Course:
    """Play a run through."""
    return _Run(load).play()


class _Run:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._left = [float(one.weight) for one in load.volumes]
        caps = load.caps
        self._by_day = [
            bool(caps.per_day) and one.carrier in BY_DAY for one in load.volumes
        ]
        self._by_minute = [
            bool(caps.per_minute) and one.carrier in BY_MINUTE for one in load.volumes
        ]
        self._now = float(load.start)
        self._closed: list[tuple[int, int, int]] = []
        self._open: dict[bool, list[_Open]] = {False: [], True: []}  # by the minute?
        self._late: dict[str, int] = {}
        self._many: dict[str, int] = {}
        self._begins: float | None = None
        self._ends: float | None = None
        self._idle = 0.0
        # A message is not cut: of a day's cap only whole ones are used.
        self._message = min(
            (one.weight / one.rows for one in compress(load.volumes, self._by_day)),
            default=1.0,
        )
        self._day_ends = float(pacific_day(load.start)[1])
        self._day = self._whole_messages(caps.per_day - caps.used)
        self._has_by_day = False  # whether any of these is open
        self._minute = AnyMinute(caps.per_minute)
        self._waiting = 0.0  # in Bandwidth's queue
        self._full_at: float | None = None
        self._expires = 0.0
        self._last = (
            load.end if load.end is not None else load.start + HORIZON_DAYS * DAY
        )

    @property
    def _waits_for_anything(self) -> bool:
        return bool(self._open[False] or self._open[True] or self._closed)

    def play(self) -> Course:
        for place in range(len(self._left)):
            self._schedule(place, self._late)
        while self._waits_for_anything:
            self._turn()
        queue, ends = self._load.queue, self._ends
        leaves = ends
        if queue is not None and ends is not None:
            leaves = ends + self._waiting / queue.rate * 1000
        return Course(
            begins=_whole(self._begins),
            ends=_whole(ends),
            idle_ms=round(self._idle),
            too_late=self._late,
            too_many=self._many,
            full_at=_whole(self._full_at),
            leaves=_whole(leaves),
            expires=round(self._expires),
        )

    # -- the next event ---------------------------------------------------------------

    def _turn(self) -> None:
        """To the next event: a window opens or closes, a cap is met, a place is served."""
        while self._closed and self._closed[0][0] <= self._now:
            _, until, place = heapq.heappop(self._closed)
            if self._by_day[place] and self._day <= DUST and self._now < self._day_ends:
                self._schedule(place, self._many)
            else:
                self._push(_Open(until, place))
        if self._now >= self._day_ends:
            self._day_ends = float(pacific_day(round(self._now))[1])
            self._day = self._whole_messages(self._load.caps.per_day)
        if self._drop_what_is_over() or not self._waits_for_anything:
            return
        flows = self._flows()
        opens = float(self._closed[0][0]) if self._closed else inf
        if self._open[True]:
            opens = min(opens, self._minute.changes)
        if not flows:
            if self._begins is not None:
                self._idle += opens - self._now
            self._pass(opens - self._now, 0.0, 0.0)
            self._now = opens
            return
        self._flow(flows, min(opens, self._next(flows)))

    def _drop_what_is_over(self) -> bool:
        """Windows that closed, and carriers whose day is full, wait for the next ones."""
        for opened in self._open.values():
            if opened and opened[0].until - LEAST_LIFE_MS <= self._now:
                self._schedule(heapq.heappop(opened).place, self._many)
                return True
        if self._day > DUST or not self._has_by_day:
            return False
        self._has_by_day = False
        held = [
            one
            for some in self._open.values()
            for one in some
            if self._by_day[one.place]
        ]
        for opened in self._open.values():
            opened[:] = [one for one in opened if not self._by_day[one.place]]
            heapq.heapify(opened)
        for one in held:
            self._schedule(one.place, self._many)
        return bool(held)

    def _flows(self) -> list[tuple[int, float]]:
        """Places that are served now, and how fast: the one that closes first first."""
        rate = self._out
        limited, free = self._open[True], self._open[False]
        if not limited or (free and free[0] < limited[0]):
            return [(free[0].place, rate)] if free else []
        if self._minute.left > DUST:
            return [(limited[0].place, rate)]
        slow = min(rate, self._minute.refill)
        flows = [(limited[0].place, slow)] if slow > DUST else []
        if free and rate > slow:
            flows.append((free[0].place, rate - slow))
        return flows

    def _whole_messages(self, segments: int) -> float:
        return max(0, segments) // self._message * self._message

    @property
    def _out(self) -> float:
        """Segments a second that Bandwidth takes now."""
        queue = self._load.queue
        if queue is None or self._waiting < queue.holds - DUST:
            return self._load.rate
        return min(self._load.rate, queue.rate)

    def _next(self, flows: list[tuple[int, float]]) -> float:
        """When the first of these flows changes."""
        times = [self._left[place] / rate for place, rate in flows]
        times += [
            (opened[0].until - LEAST_LIFE_MS - self._now) / 1000
            for opened in self._open.values()
            if opened
        ]
        total, by_day, by_minute = self._sums(flows)
        if by_day:
            times += [self._day / by_day, (self._day_ends - self._now) / 1000]
        used_up = by_minute - self._minute.refill
        if used_up > 0.0 and self._minute.left > DUST:
            times.append(self._minute.left / used_up)
        queue = self._load.queue
        if queue is not None and total > queue.rate:
            times.append((queue.holds - self._waiting) / (total - queue.rate))
        return self._now + max(min(times), LEAST_STEP_SECONDS) * 1000

    def _sums(self, flows: list[tuple[int, float]]) -> tuple[float, float, float]:
        total = sum(rate for _, rate in flows)
        by_day = sum(rate for place, rate in flows if self._by_day[place])
        by_minute = sum(rate for place, rate in flows if self._by_minute[place])
        return total, by_day, by_minute

    def _flow(self, flows: list[tuple[int, float]], then: float) -> None:
        self._begins = self._now if self._begins is None else self._begins
        total, by_day, by_minute = self._sums(flows)
        for place, rate in flows:
            self._expire(place, rate, then, total)
            self._left[place] -= (then - self._now) / 1000 * rate
        self._day -= by_day * (then - self._now) / 1000
        self._pass(then - self._now, total, by_minute)
        self._now = self._ends = then
        for place, _ in flows:
            if self._left[place] <= DUST:
                self._left[place] = 0.0
                heapq.heappop(self._open[self._by_minute[place]])

    def _pass(self, ms: float, total: float, by_minute: float) -> None:
        """Time goes on for AT&T's minute and for Bandwidth's queue."""
        queue, seconds = self._load.queue, ms / 1000
        if self._load.caps.per_minute:
            self._minute.passes(self._now, self._now + ms, by_minute)
        if queue is None:
            return
        waiting = max(0.0, self._waiting + (total - queue.rate) * seconds)
        self._waiting = min(queue.holds, waiting)
        if self._full_at is None and self._waiting >= queue.holds - DUST:
            self._full_at = self._now + ms

    def _expire(self, place: int, rate: float, then: float, total: float) -> None:
        """Count what waits in Bandwidth's queue when its window closes."""
        queue = self._load.queue
        if queue is None or not self._waiting + total - min(total, queue.rate):
            return
        until = self._open[self._by_minute[place]][0].until
        # Who is taken at t leaves at t + waiting(t) / rate of the queue.
        grows = (total - queue.rate) / queue.rate
        wait = self._waiting / queue.rate * 1000
        last = (until - wait + self._now * grows) / (1 + grows)
        self._expires += max(0.0, then - max(self._now, last)) / 1000 * rate

    # -- windows ----------------------------------------------------------------------

    def _push(self, one: _Open) -> None:
        heapq.heappush(self._open[self._by_minute[one.place]], one)
        self._has_by_day = self._has_by_day or self._by_day[one.place]

    def _schedule(self, place: int, lost: dict[str, int]) -> None:
        volume, left = self._load.volumes[place], self._left[place]
        if left <= 0:
            return
        now = round(self._now)
        if self._by_day[place] and self._day <= DUST:
            now = max(now, round(self._day_ends))
        found = self._load.opening(volume.place, now)
        if found is None or max(found.start, now) >= self._last - LEAST_LIFE_MS:
            rows = round(volume.rows * left / volume.weight) or 1
            lost[volume.place] = lost.get(volume.place, 0) + rows
            return
        start, until = max(found.start, now), min(found.end, self._last)
        heapq.heappush(self._closed, (start, until, place))


def _whole(moment: float | None) -> int | None:
    return None if moment is None else round(moment)

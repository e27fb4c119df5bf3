"""When a run would end, and which rows would not fit.

Theory of operation
-------------------
The sender is a pipe of so many segments a second (`outflow`), and the rows of one place
are a volume that flows while its window is open.  As in the sender itself, of the open
windows the one that closes first goes first.  What a carrier takes in a minute narrows
the pipe for its volumes; what it takes in a day closes them until the next one; and
Bandwidth's own queue fills where it is slower than we are, and narrows the pipe when it is
full.  The first few are played first, then nothing while their receipts are waited for,
and then the others.  So a whole run is a few hundred volumes and as many events, however
many people it has, and it can be played again with another start, another rate or fewer
segments to see what that would change (`remedies`).

Pure: the time is an argument, in milliseconds since 1970.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import compress
from math import ceil, inf
from typing import TYPE_CHECKING, NamedTuple

from bulksend.prepare.any_minute import AnyMinute
from bulksend.prepare.outflow import DUST, Outflow
from bulksend.prepare.this_day import ThisDay
from bulksend.rules.hours import LEAST_LIFE_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.prepare.volumes import Load

MINUTE = 60_000
SLOWEST = 1e-6
"""Segments a second: less is what sums of fractions are off by."""

LEAST_STEP_SECONDS = 1e-6
"""A step that a moment in ms since 1970 can still hold as a float: time goes on."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes.

    Args:
        begins: When the first segment leaves; None where none does.

        ends: When the last one does.

        idle_ms: How long it waits for windows, carriers or receipts, in between.

        too_late: Rows whose window does not come before the end, by place.

        too_many: Rows for which the rate does not suffice before the end, by place.

        over_caps: Rows of which carriers take no more before the end, by place.

        last: Who would be sent to then, or later, is one of these: its end, or two months
            from its start, which is as far as is looked.

        full_at: When Bandwidth's queue is full, and answers 429; None where it never is.

        leaves: When the last segment leaves that queue.

        expires: Segments that wait in it longer than their window is open, or they live.

        first: When the last of the first few is sent; None where all go at once.

        goes_on: When their receipts have been waited for.
    """

    begins: int | None
    ends: int | None
    idle_ms: int
    too_late: dict[str, int]
    too_many: dict[str, int]
    over_caps: dict[str, int]
    last: int
    full_at: int | None = None
    leaves: int | None = None
    expires: int = 0
    first: int | None = None
    goes_on: int | None = None

    @property
    def left(self) -> int:
        every = self.too_late, self.too_many, self.over_caps
        return sum(sum(some.values()) for some in every)


class _Open(NamedTuple):
    until: int
    place: int


class _Flow(NamedTuple):
    place: int
    rate: float


class _Going(NamedTuple):
    """What leaves by each lane, and of it what counts by the day and the minute."""

    leaving: dict[str, float]
    by_day: float
    by_minute: float


def course(load: Load) -> Course:
    """Play a run through."""
    return _Run(load).play()


class _Run:
    def __init__(self, load: Load) -> None:
        self._load = load
        every = load.volumes
        self._size = [one.weight / one.rows for one in every]
        self._left = [0.0] * len(every)
        caps = load.caps
        holding = [caps.holding(one.carrier) for one in every]
        self._by_day = [by_day for by_day, _ in holding]
        self._by_minute = [by_minute for _, by_minute in holding]
        self._now = float(load.start)
        self._closed: list[tuple[int, int, int]] = []
        # By lane, and whether by AT&T's minute.
        self._open: dict[tuple[str, bool], list[_Open]] = {}
        self._kind = [
            (one.lane, slow) for one, slow in zip(every, self._by_minute, strict=True)
        ]
        self._late: dict[str, int] = {}
        self._many: dict[str, int] = {}
        self._over_caps: dict[str, int] = {}
        self._begins: float | None = None
        self._ends: float | None = None
        self._idle = 0.0
        self._waits = 0.0  # idle where anything comes after it
        least = min(compress(self._size, self._by_day), default=1.0)
        self._day = ThisDay(caps.per_day, caps.used, least, now=load.start)
        self._has_by_day = False  # whether any of these is open
        least = min(compress(self._size, self._by_minute), default=1.0)
        self._minute = AnyMinute(caps.per_minute // least * least)
        rows = sum(one.rows for one in every) or 1
        mean = sum(one.weight for one in every) / rows
        self._out = Outflow(load.rates, mean, load.queue, life=load.life)
        self._expires = 0.0
        expires, horizon = load.ends.expires, load.start + load.ahead
        self._expires_at = horizon if expires is None else expires
        self._last = load.last
        stops = load.ends.stops
        self._stops = inf if stops is None else float(stops)
        self._waits_in_vain = False  # for a window that opens after that

    @property
    def _waits_for_anything(self) -> bool:
        return bool(self._closed or any(self._open.values()))

    def play(self) -> Course:
        every, first = self._load.volumes, self._load.first
        rest, sent, goes_on = [one.rows for one in every], None, None
        if first is not None:
            few = self._load.first_rows()
            self._send(few)
            if self._waits_in_vain:
                self._now = max(self._now, self._stops)
            sent, goes_on = self._now, self._now + first.wait_ms
            self._wait_until(goes_on)
            rest = [all_ - some for all_, some in zip(rest, few, strict=True)]
        self._send(rest)
        ends = self._ends
        leaves = None if ends is None else ends + self._out.seconds_in_queue * 1000
        return Course(
            begins=_whole(self._begins),
            ends=_whole(ends),
            idle_ms=round(self._idle),
            too_late=self._late,
            too_many=self._many,
            over_caps=self._over_caps,
            last=round(self._last),
            full_at=_whole(self._out.full_at),
            leaves=_whole(leaves),
            expires=round(self._expires),
            first=_whole(sent),
            goes_on=_whole(goes_on),
        )

    def _send(self, rows: list[int]) -> None:
        """A sender begins, and sends so many of each volume."""
        self._out.begin(self._now)
        for at, some in enumerate(rows):
            self._left[at] = some * self._size[at]
            self._schedule(at, self._late)
        while self._waits_for_anything and self._now < self._stops:
            self._turn()
        self._stop()

    def _wait_until(self, moment: float) -> None:
        if self._begins is not None:
            self._waits += moment - self._now
        self._pass(moment - self._now, {}, 0.0)
        self._now = moment

    # -- the next event ---------------------------------------------------------------

    def _turn(self) -> None:
        """To the next event: a window opens or closes, a cap is met, a place is served."""
        while self._closed and self._closed[0][0] <= self._now:
            _, until, place = heapq.heappop(self._closed)
            is_full = self._day.is_full and self._now < self._day.ends
            if self._by_day[place] and is_full:
                self._schedule(place, self._many)
            else:
                self._push(_Open(until, place))
        self._day.reach(self._now)
        if self._drop_what_is_over() or not self._waits_for_anything:
            return
        flows = self._flows()
        opens = float(self._closed[0][0]) if self._closed else inf
        if any(some for (_, slow), some in self._open.items() if slow):
            opens = min(opens, self._minute.changes)
        opens = min(opens, self._stops)
        if not flows:
            self._wait_until(min(opens, self._closes))
            return
        going = self._going(flows)
        self._flow(flows, going, min(opens, self._next(flows, going)))

    @property
    def _closes(self) -> float:
        """When the first of the open windows does, for whoever is still to be sent."""
        untils = (some[0].until for some in self._open.values() if some)
        return min(untils, default=inf) - LEAST_LIFE_MS

    def _stop(self) -> None:
        """It is told to end: whoever is left had a window, and the rate did not suffice."""
        waiting = [place for *_, place in self._closed]
        waiting += [one.place for some in self._open.values() for one in some]
        for place in waiting:
            self._keep_whole(place)
            self._lose(place, self._many)
        self._closed.clear()
        self._open.clear()

    def _drop_what_is_over(self) -> bool:
        """Windows that closed, and carriers whose day is full, wait for the next ones."""
        for opened in self._open.values():
            if opened and opened[0].until - LEAST_LIFE_MS <= self._now:
                place = heapq.heappop(opened).place
                self._keep_whole(place)
                self._schedule(place, self._many)
                return True
        if not (self._day.is_full and self._has_by_day):
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

    def _keep_whole(self, place: int) -> None:
        """Part of a message is not sent: another one goes in its place."""
        size, left = self._size[place], self._left[place]
        whole = ceil((left - DUST) / size) * size
        lane = self._load.volumes[place].lane
        part = max(0.0, whole - left)
        self._out.give_back(lane, part)
        if self._by_day[place]:
            self._day.give_back(part)
        self._left[place] = max(left, whole)

    def _flows(self) -> list[_Flow]:
        """Places that are served now, and how fast: of a lane, what closes first first."""
        first = {kind: opened[0] for kind, opened in self._open.items() if opened}
        lanes = {lane for lane, _ in first}
        refill = self._minute.lets_out
        flows: list[_Flow] = []
        for lane, rate in self._out.rates(self._now, lanes).items():
            limited, free = first.get((lane, True)), first.get((lane, False))
            slow = 0.0
            if limited and not (free and free.until < limited.until):
                slow = max(0.0, min(rate, refill))
                refill -= slow
                if slow > SLOWEST:
                    flows.append(_Flow(limited.place, slow))
            if free and rate > slow:
                flows.append(_Flow(free.place, rate - slow))
        return flows

    def _next(self, flows: list[_Flow], going: _Going) -> float:
        """When the first of these flows changes."""
        left = self._left
        times = [left[place] / rate for place, rate in flows]
        times.append((self._closes - self._now) / 1000)
        times.append(self._out.seconds_to_change(self._now, going.leaving))
        times.append(self._day.seconds_to_change(self._now, going.by_day))
        times.append(self._minute.seconds_to_change(going.by_minute))
        return self._now + max(min(times), LEAST_STEP_SECONDS) * 1000

    def _going(self, flows: list[_Flow]) -> _Going:
        leaving: dict[str, float] = {}
        by_day = by_minute = 0.0
        for place, rate in flows:
            lane, slow = self._kind[place]
            leaving[lane] = leaving.get(lane, 0.0) + rate
            by_day += rate if self._by_day[place] else 0.0
            by_minute += rate if slow else 0.0
        return _Going(leaving, by_day, by_minute)

    def _flow(self, flows: list[_Flow], going: _Going, then: float) -> None:
        self._begins = self._now if self._begins is None else self._begins
        if self._load.queue is not None:
            self._expires += self._expiring(flows, then)
        seconds = (then - self._now) / 1000
        for place, rate in flows:
            self._left[place] -= seconds * rate
        self._day.passes(seconds, going.by_day)
        self._pass(then - self._now, going.leaving, going.by_minute)
        self._now = self._ends = then
        self._idle, self._waits = self._idle + self._waits, 0.0
        for place, _ in flows:
            if self._left[place] <= DUST:
                self._left[place] = 0.0
                heapq.heappop(self._open[self._kind[place]])

    def _expiring(self, flows: list[_Flow], then: float) -> float:
        """Segments of these flows that expire in Bandwidth's queue."""
        by_end: dict[int, float] = {}
        for place, rate in flows:
            until = self._open[self._kind[place]][0].until
            by_end[until] = by_end.get(until, 0.0) + rate
        total = sum(by_end.values())
        return sum(
            self._out.expires(until, self._now, then, total) * rate
            for until, rate in by_end.items()
        )

    def _pass(self, ms: float, leaving: Mapping[str, float], by_minute: float) -> None:
        """Time goes on for AT&T's minute and for what may leave."""
        if self._load.caps.per_minute:
            self._minute.passes(self._now, self._now + ms, by_minute)
        self._out.passes(self._now, self._now + ms, leaving)

    # -- windows ----------------------------------------------------------------------

    def _push(self, one: _Open) -> None:
        heapq.heappush(self._open.setdefault(self._kind[one.place], []), one)
        self._has_by_day = self._has_by_day or self._by_day[one.place]

    def _schedule(self, place: int, lost: dict[str, int]) -> None:
        volume, left = self._load.volumes[place], self._left[place]
        if left <= 0:
            return
        now = round(self._now)
        found = self._load.opening(volume.place, now)
        is_held = self._by_day[place] and self._day.is_full
        if is_held and found is not None and max(found.start, now) < self._last:
            now, lost = max(now, round(self._day.ends)), self._over_caps
            found = self._load.opening(volume.place, now)
        if found is None or max(found.start, now) >= self._last:
            self._waits_in_vain |= found is not None and self._last == self._stops
            self._lose(place, lost)
            return
        start, until = max(found.start, now), min(found.end, self._expires_at)
        heapq.heappush(self._closed, (start, until, place))

    def _lose(self, place: int, lost: dict[str, int]) -> None:
        word = self._load.volumes[place].place
        by_day = self._by_day[place] and self._day.is_full
        by_minute = self._by_minute[place] and self._minute.is_full
        if lost is self._many and (by_day or by_minute):
            lost = self._over_caps
        rows = round(self._left[place] / self._size[place]) or 1
        lost[word] = lost.get(word, 0) + rows


def _whole(moment: float | None) -> int | None:
    return None if moment is None else round(moment)

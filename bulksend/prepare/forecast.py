"""When a run would end, which rows would not fit, and what would make them fit.

Theory of operation
-------------------
The sender is a pipe of so many segments a second, and the rows of one place are a volume
that flows while its window is open.  As in the sender itself, of the open windows the one
that closes first goes first.  So a whole run is a few hundred volumes and as many events,
however many people it has, and it can be played again with another start, another rate
or fewer segments to see what that would change.

Pure: the time is an argument, in milliseconds since 1970.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.rules.hours import Opening

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
HORIZON_DAYS = 60
LEAST_LIFE_MS = 60_000
"""A window counts as closed so much earlier: see `send.agenda`."""


class Volume(NamedTuple):
    """What is to be sent to one place: segments, and the messages they are in."""

    place: str
    weight: int
    rows: int


@dataclass(frozen=True, slots=True)
class Load:
    """A run as a forecast sees it.

    Args:
        start: When it begins.

        end: After which nothing is sent; None where it may go on.

        rate: Segments per second that leave in all.

        opening: The first opening of a place's word with some life left after a moment.
    """

    volumes: tuple[Volume, ...]
    start: int
    end: int | None
    rate: float
    opening: Callable[[str, int], Opening | None]


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes.

    Args:
        begins: When the first segment leaves; None where none does.

        ends: When the last one does.

        idle_ms: How long it waits for windows in between.

        too_late: Rows whose window does not come before the end, by place.

        too_many: Rows for which the rate does not suffice before the end, by place.
    """

    begins: int | None
    ends: int | None
    idle_ms: int
    too_late: dict[str, int]
    too_many: dict[str, int]

    @property
    def left(self) -> int:
        return sum(self.too_late.values()) + sum(self.too_many.values())


class _Open(NamedTuple):
    until: int
    place: int


def course(load: Load) -> Course:
    """Play a run through."""
    return _Run(load).play()


class _Run:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._left = [float(one.weight) for one in load.volumes]
        self._now = float(load.start)
        self._closed: list[tuple[int, int, int]] = []
        self._open: list[_Open] = []
        self._late: dict[str, int] = {}
        self._many: dict[str, int] = {}
        self._begins: float | None = None
        self._ends: float | None = None
        self._idle = 0.0
        self._last = (
            load.end if load.end is not None else load.start + HORIZON_DAYS * DAY
        )

    def play(self) -> Course:
        for place in range(len(self._left)):
            self._schedule(place, self._late)
        while self._open or self._closed:
            self._turn()
        begins, ends = (
            None if moment is None else round(moment)
            for moment in (self._begins, self._ends)
        )
        return Course(begins, ends, round(self._idle), self._late, self._many)

    def _turn(self) -> None:
        """To the next event: a window opens or closes, or a place is served."""
        while self._closed and self._closed[0][0] <= self._now:
            _, until, place = heapq.heappop(self._closed)
            heapq.heappush(self._open, _Open(until, place))
        if not self._open:
            opens = float(self._closed[0][0])
            if self._begins is not None:
                self._idle += opens - self._now
            self._now = opens
            return
        until, place = self._open[0]
        if until - LEAST_LIFE_MS <= self._now:
            heapq.heappop(self._open)
            self._schedule(place, self._many)
            return
        served = self._now + self._left[place] / self._load.rate * 1000
        opens = float(self._closed[0][0]) if self._closed else served
        then = min(served, float(until - LEAST_LIFE_MS), opens)
        self._flow(place, then, is_served=then >= served)

    def _flow(self, place: int, then: float, *, is_served: bool) -> None:
        self._begins = self._now if self._begins is None else self._begins
        self._left[place] -= (then - self._now) / 1000 * self._load.rate
        self._now = self._ends = then
        if is_served or self._left[place] <= 1e-6:
            self._left[place] = 0.0
            heapq.heappop(self._open)

    def _schedule(self, place: int, lost: dict[str, int]) -> None:
        volume, left = self._load.volumes[place], self._left[place]
        if left <= 0:
            return
        now = round(self._now)
        found = self._load.opening(volume.place, now)
        if found is None or found.start >= self._last - LEAST_LIFE_MS:
            rows = round(volume.rows * left / volume.weight) or 1
            lost[volume.place] = rows
            return
        heapq.heappush(self._closed, (found.start, min(found.end, self._last), place))


# -- what would help --------------------------------------------------------------------


class Remedy(NamedTuple):
    """A change, and what it brings: rows that fit more, minutes that it ends earlier."""

    change: str
    fits: int
    minutes: int


def remedies(load: Load, *, cuts: Sequence[tuple[int, int]] = ()) -> list[Remedy]:
    """The smallest changes that make all rows fit; else those that help most.

    Args:
        cuts: Characters less in the text, and the segments that they save.
    """
    now = course(load)
    found = [
        one
        for one in (
            _earlier(load, now),
            _faster(load, now),
            *(_shorter(load, now, cut) for cut in cuts),
        )
        if one is not None and (one.fits or one.minutes)
    ]
    return sorted(found, key=lambda one: (-one.fits, -one.minutes))


def _gain(before: Course, after: Course, change: str) -> Remedy:
    minutes = 0
    if before.ends is not None and after.ends is not None and not after.left:
        minutes = max(0, round((before.ends - after.ends) / MINUTE))
    return Remedy(change, before.left - after.left, minutes)


def _earlier(load: Load, now: Course) -> Remedy | None:
    """The least earlier start that lets everybody in who can be."""
    if not now.left:
        return None

    def tried(minutes: int) -> Course:
        return course(replace(load, start=load.start - minutes * MINUTE))

    best = tried(24 * 60)
    if best.left >= now.left:
        return None
    minutes = _least(1, 24 * 60, lambda m: tried(m).left <= best.left)
    return _gain(now, tried(minutes), f"start {_spell(minutes)} earlier")


def _faster(load: Load, now: Course) -> Remedy | None:
    """The least rate that lets everybody in who can be."""
    if not now.too_many:
        return None

    def tried(tenths: int) -> Course:
        return course(replace(load, rate=load.rate * (1 + tenths / 10)))

    best = tried(10_000)
    if best.left >= now.left:
        return None
    tenths = _least(1, 10_000, lambda t: tried(t).left <= best.left)
    more = load.rate * tenths / 10
    return _gain(
        now, tried(tenths), f"send {more:,.1f} segments/s more".replace(".0 ", " ")
    )


def _shorter(load: Load, now: Course, cut: tuple[int, int]) -> Remedy:
    characters, saved = cut
    share = 1 - saved / sum(one.weight for one in load.volumes)
    volumes = tuple(
        one._replace(weight=max(1, round(one.weight * share))) for one in load.volumes
    )
    some = "1 character" if characters == 1 else f"{characters} characters"
    after = course(replace(load, volumes=volumes))
    return _gain(now, after, f"shorten the text by {some}")


def _least(low: int, high: int, is_enough: Callable[[int], bool]) -> int:
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def _spell(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{minutes} min"] if minutes or not hours else parts)

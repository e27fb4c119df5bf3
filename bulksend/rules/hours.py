"""The hours at which a person may be texted: what all rules agree on, in all zones.

Theory.  A rule is a set of local hours for each day.  In one zone the rules of a place
are intersected day by day, in minutes after midnight; the outcome becomes moments; and
the moments of all zones are intersected.  A month of it is worked out once for each pair
of a calendar and zones, since a list has a few hundred such pairs and millions of people:
rules that say the same make the same calendar.

Where a clock is put forward or back inside a window's edge, an edge may be two moments
or none.  Then the window opens at the later and closes at the earlier one.

Pure: moments are milliseconds since 1970, and *now* is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bulksend.rules.calendars import Calendars, first_day
from bulksend.rules.profile import rules_for
from bulksend.rules.tz import zone as clock_of
from bulksend.rules.week import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from bulksend.rules.calendars import Calendar
    from bulksend.rules.pack import Rule, RulePack
    from bulksend.rules.place import Place
    from bulksend.rules.profile import Profile

LEAST_LIFE_MS = 60_000
"""What a message has at least to arrive in: Bandwidth takes an expiration of 60 s from
now, and nobody has tried a shorter one.  So a window counts as closed that much earlier."""

LOOK_AHEAD_DAYS = 45
"""How far a next opening is looked for: longer than any row of closed days."""


class Opening(NamedTuple):
    """From when until when, in milliseconds since 1970; open at ``start``."""

    start: int
    end: int


BEGAN_BEFORE = timedelta(days=2)
"""An opening that began before the month may go on in it for so long."""

_Key = tuple[int, tuple[str, ...], int]
"""The number of a calendar, zones, and a month."""

_Named = tuple[tuple[str, ...], int]
"""Jurisdictions or zones, and a month."""


@dataclass(slots=True)
class Hours:
    """A campaign's hours, for any place and any time.

    Args:
        window: The campaign's own hours in each person's local time, in minutes after
            midnight; None for none.
    """

    pack: RulePack
    profile: Profile
    window: tuple[int, int] | None = None
    _rules: dict[tuple[str, ...], tuple[Rule, ...]] = field(
        default_factory=dict, repr=False
    )
    _calendars: Calendars = field(init=False, repr=False)
    _numbers: dict[_Named, int] = field(default_factory=dict, repr=False)
    _clocks: dict[_Named, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _known: dict[_Key, list[Opening]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._calendars = Calendars(self.window)

    @property
    def restricts(self) -> bool:
        """Whether there is any hour at which somebody may not be texted."""
        is_free = self.profile == "transactional" and not self.pack.own
        return self.window is not None or not is_free

    def rules(self, place: Place) -> tuple[Rule, ...]:
        named = place.jurisdictions
        found = self._rules.get(named)
        if found is None:
            found = self._rules[named] = rules_for(self.pack, self.profile, named)
        return found

    def openings(self, place: Place, start: int, end: int) -> Iterator[Opening]:
        """The openings that reach into ``start..end``, in order and uncut."""
        last: Opening | None = None
        for month in _months_between(start, end):
            for one in self._in_month(place, month):
                if last is not None and one.start <= last.end:
                    last = Opening(last.start, max(last.end, one.end))
                    continue
                if last is not None and last.end > start and last.start < end:
                    yield last
                last = one
        if last is not None and last.end > start and last.start < end:
            yield last

    def next(self, place: Place, now: int, *, least: int = 0) -> Opening | None:
        """The first opening that has *least* milliseconds left after *now*.

        It may have begun before *now*.  None where there is none in sight.
        """
        horizon = now + LOOK_AHEAD_DAYS * DAY * 60_000
        for one in self.openings(place, now, horizon):
            if one.end - max(one.start, now) > least:
                return one
        return None

    def alike(self, place: Place, start: int, end: int) -> tuple[_Key, ...]:
        """A key that places share whose openings in ``start..end`` are the same."""
        return tuple(self._key(place, month) for month in _months_between(start, end))

    def ever_opens(self, place: Place) -> bool:
        """Whether there is an opening in the year in which the pack was checked, or later.

        Later are the years in which a version begins, and those after them: a rule may
        open again.
        """
        first = self.pack.checked.year
        begins = (one.first.year for rule in self.rules(place) for one in rule.versions)
        years = {
            year for begun in begins for year in (begun, begun + 1) if year > first
        }
        return any(
            self._in_month(place, year * 12 + month)
            for year in (first, *sorted(years))
            for month in range(12)
        )

    # -- inside ---------------------------------------------------------------------

    def _in_month(self, place: Place, month: int) -> list[Opening]:
        """Cut at the month's ends; `openings` puts together what goes over them.

        Places differ more than their hours do: of zones whose clocks agree in a month
        one is asked, and of jurisdictions only their rules count.
        """
        if not self.restricts:
            return [Opening(*_bounds(month))]
        return self._of_key(self._key(place, month))

    def _of_key(self, key: _Key) -> list[Opening]:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._worked_out(key)
        return known

    def _key(self, place: Place, month: int) -> _Key:
        named, zones = place.jurisdictions, place.zones
        number = self._numbers.get((named, month))
        if number is None:
            number = self._calendars.number(self.rules(place), month)
            self._numbers[named, month] = number
        clocks = self._clocks.get((zones, month))
        if clocks is None:
            clocks = tuple(sorted({_alike(zone, month) for zone in zones}))
            self._clocks[zones, month] = clocks
        return number, clocks, month

    def _worked_out(self, key: _Key) -> list[Opening]:
        number, zones, month = key
        if len(zones) == 1:
            here = _openings(self._calendars.days(number), zones[0])
            return _intersected(list(here), [Opening(*_bounds(month))])
        found: list[Opening] | None = None
        for zone in zones:
            alone = self._of_key((number, (zone,), month))
            found = alone if found is None else _intersected(found, alone)
        return found or []


def _openings(calendar: Calendar, zone: str) -> Iterator[Opening]:
    """A calendar's slots as moments in one zone; those that touch are one."""
    last: Opening | None = None
    for day, slots in calendar:
        for begin, end in slots:
            one = Opening(
                max(_moments(zone, day, begin)), min(_moments(zone, day, end))
            )
            if one.end <= one.start:
                continue
            if last is not None and one.start <= last.end:
                last = Opening(last.start, one.end)
                continue
            if last is not None:
                yield last
            last = one
    if last is not None:
        yield last


def _intersected(one: Sequence[Opening], other: Sequence[Opening]) -> list[Opening]:
    found, at = [], 0
    for start, end in one:
        while at < len(other) and other[at].end <= start:
            at += 1
        here = at
        while here < len(other) and other[here].start < end:
            cut = Opening(max(start, other[here].start), min(end, other[here].end))
            found.append(cut)
            here += 1
    return found


_FIRST_OF: dict[tuple[int, tuple[tuple[int, int], ...]], str] = {}
"""A month, and when clocks show what in it -> the first zone that was found to show it."""


@lru_cache(maxsize=16384)
def _alike(zone: str, month: int) -> str:
    """A zone whose clocks show the same all through the month."""
    offsets: list[tuple[int, int]] = []
    info = clock_of(zone)
    begin, end = (moment // 1000 for moment in _bounds(month))
    before = _offset(info, begin - 3 * 86_400)
    for day in range(begin - 3 * 86_400, end + 3 * 86_400, 86_400):
        after = _offset(info, day + 86_400)
        steps = range(day, day + 86_400, 900) if before != after else (day,)
        offsets += [(second, _offset(info, second)) for second in steps]
        before = after
    return _FIRST_OF.setdefault((month, tuple(offsets)), zone)


def _offset(info: ZoneInfo, second: int) -> int:
    found = datetime.fromtimestamp(second, UTC).astimezone(info).utcoffset()
    return round(found.total_seconds()) if found is not None else 0


@lru_cache(maxsize=65536)
def _moments(zone: str, day: date, minutes: int) -> tuple[int, int]:
    """A local time as moments: two that differ where the clock is put back or forward."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001
    local = wall.replace(tzinfo=clock_of(zone))
    return (
        round(local.timestamp() * 1000),
        round(local.replace(fold=1).timestamp() * 1000),
    )


def _months_between(start: int, end: int) -> range:
    first, last = _at(start) - BEGAN_BEFORE, _at(end)
    return range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1)


def _bounds(month: int) -> tuple[int, int]:
    begin, end = first_day(month), first_day(month + 1)
    return _midnight(begin), _midnight(end)


def _midnight(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _at(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC)

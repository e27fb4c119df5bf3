"""The hours at which a person may be texted: what all rules agree on, in all zones.

Theory.  A rule is a set of local hours for each day.  In one zone the rules of a place
are intersected day by day, in minutes after midnight; the outcome becomes moments; and
the moments of all zones are intersected.  A month of it is worked out once for each pair
of rules and zone, since a list has a few hundred such pairs and millions of people.

Where a clock is put forward or back inside a window's edge, an edge may be two moments
or none.  Then the window opens at the later and closes at the earlier one.

Pure: moments are milliseconds since 1970, and *now* is an argument.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from bulksend.rules.pack import DAY
from bulksend.rules.profile import rules_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bulksend.rules.pack import Rule, RulePack, Slots
    from bulksend.rules.place import Place
    from bulksend.rules.profile import Profile

ALL_DAY: Slots = ((0, DAY),)
LOOK_AHEAD_DAYS = 45
"""How far a next opening is looked for: longer than any row of closed days."""


class Opening(NamedTuple):
    """From when until when, in milliseconds since 1970; open at ``start``."""

    start: int
    end: int


_Key = tuple[tuple[str, ...], tuple[str, ...], int]
"""The ids of rules, zones, and a month."""


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
    _known: dict[_Key, list[Opening]] = field(default_factory=dict, repr=False)

    @property
    def restricts(self) -> bool:
        """Whether there is any hour at which somebody may not be texted."""
        return self.window is not None or self.profile != "transactional"

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

    def alike(self, place: Place, start: int, end: int) -> tuple[tuple[str, ...], ...]:
        """A key that places share whose openings in ``start..end`` are the same."""
        months = _months_between(start, end)
        zones = (
            tuple(sorted({_alike(zone, month) for zone in place.zones}))
            for month in months
        )
        return tuple(rule.id for rule in self.rules(place)), *zones

    def ever_opens(self, place: Place) -> bool:
        """Whether there is an opening in all of the year in which the pack was checked."""
        months = (self.pack.checked.year * 12 + month for month in range(12))
        return any(self._in_month(place, month) for month in months)

    # -- inside ---------------------------------------------------------------------

    def _in_month(self, place: Place, month: int) -> list[Opening]:
        """Cut at the month's ends; `openings` puts together what goes over them.

        Places differ more than their hours do: of zones whose clocks agree in a month
        one is asked, and of jurisdictions only their rules count.
        """
        if not self.restricts:
            return [Opening(*_bounds(month))]
        rules = self.rules(place)
        zones = tuple(sorted({_alike(zone, month) for zone in place.zones}))
        key = (tuple(rule.id for rule in rules), zones, month)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._worked_out(rules, zones, month)
        return known

    def _worked_out(
        self, rules: tuple[Rule, ...], zones: tuple[str, ...], month: int
    ) -> list[Opening]:
        if len(zones) == 1:
            return _intersected(
                list(self._days(rules, zones[0], month)), [Opening(*_bounds(month))]
            )
        found: list[Opening] | None = None
        for zone in zones:
            key = (tuple(rule.id for rule in rules), (zone,), month)
            here = self._known.get(key)
            if here is None:
                here = self._known[key] = self._worked_out(rules, (zone,), month)
            found = here if found is None else _intersected(found, here)
        return found or []

    def _days(
        self, rules: tuple[Rule, ...], zone: str, month: int
    ) -> Iterator[Opening]:
        last: Opening | None = None
        for day in _days_around(month):
            for begin, end in self._slots(rules, day):
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

    def _slots(self, rules: tuple[Rule, ...], day: date) -> Slots:
        slots = ALL_DAY if self.window is None else (self.window,)
        for rule in rules:
            slots = _agreed(slots, _rule_slots(rule, day))
        return slots


def _rule_slots(rule: Rule, day: date) -> Slots:
    version = rule.on(day)
    if version is None:
        return ALL_DAY
    if version.holiday is not None and day in _holidays(rule.holidays or "", day.year):
        return version.holiday
    return version.week[day.weekday()]


def _agreed(one: Slots, other: Slots) -> Slots:
    cut = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((begin, end) for begin, end in cut if begin < end)


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


@lru_cache(maxsize=4096)
def _holidays(calendar: str, year: int) -> frozenset[date]:
    import holidays

    country, _, part = calendar.partition("-")
    return frozenset(
        holidays.country_holidays(country, subdiv=part or None, years=[year])
    )


_FIRST_OF: dict[tuple[int, tuple[int, ...]], str] = {}
"""A month and what clocks show in it -> the first zone that was found to show it."""


@lru_cache(maxsize=16384)
def _alike(zone: str, month: int) -> str:
    """A zone whose clocks show the same all through the month."""
    offsets: list[int] = []
    info = ZoneInfo(zone)
    begin, end = (moment // 1000 for moment in _bounds(month))
    before = _offset(info, begin - 3 * 86_400)
    for day in range(begin - 3 * 86_400, end + 3 * 86_400, 86_400):
        after = _offset(info, day + 86_400)
        steps = range(day, day + 86_400, 900) if before != after else (day,)
        offsets += [_offset(info, second) for second in steps]
        before = after
    return _FIRST_OF.setdefault((month, tuple(offsets)), zone)


def _offset(info: ZoneInfo, second: int) -> int:
    found = datetime.fromtimestamp(second, UTC).astimezone(info).utcoffset()
    return round(found.total_seconds()) if found is not None else 0


@lru_cache(maxsize=65536)
def _moments(zone: str, day: date, minutes: int) -> tuple[int, int]:
    """A local time as moments: two that differ where the clock is put back or forward."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001
    local = wall.replace(tzinfo=ZoneInfo(zone))
    return (
        round(local.timestamp() * 1000),
        round(local.replace(fold=1).timestamp() * 1000),
    )


def _months_between(start: int, end: int) -> range:
    first, last = _at(start), _at(end)
    return range(
        first.year * 12 + first.month - 2, last.year * 12 + last.month + 1
    )  # a month earlier: an opening that began in it may go on


def _bounds(month: int) -> tuple[int, int]:
    begin, end = _first_day(month), _first_day(month + 1)
    return _midnight(begin), _midnight(end)


def _days_around(month: int) -> Iterator[date]:
    first = _first_day(month)
    count = monthrange(first.year, first.month)[1]
    return (first + timedelta(days=day) for day in range(-2, count + 2))


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _midnight(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _at(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC)

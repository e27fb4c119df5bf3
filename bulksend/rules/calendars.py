"""What all rules of a place agree on, day by day, in minutes after midnight.

Theory.  A list's places are a few thousand sets of rules, and most of those sets say the
same: eight to eight in Florida, Maryland and Washington is one calendar.  So a month's
calendar is a number, equal calendars have the same one, and two numbers are put together
once, however many places ask for it.

Pure: a month is ``year * 12 + month - 1``, and local; which moments that is depends on a
zone, and is told by `hours`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeAlias

from bulksend.rules.closed_days import holidays_of
from bulksend.rules.week import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.rules.pack import Rule
    from bulksend.rules.week import Slots

ALL_DAY: Slots = ((0, DAY),)

Calendar: TypeAlias = "tuple[tuple[date, Slots], ...]"
"""The open hours of each day of a month, and of two days before and after it."""


class Calendars:
    """Calendars by their numbers.

    Args:
        window: Hours that hold beside all rules; None for none.
    """

    def __init__(self, window: tuple[int, int] | None) -> None:
        self._own: Slots = ALL_DAY if window is None else (window,)
        self._known: list[Calendar] = []
        self._numbers: dict[Calendar, int] = {}
        self._of_rules: dict[tuple[tuple[str, ...], int], int] = {}
        self._alone: dict[tuple[str, int], int] = {}
        self._both: dict[tuple[int, int], int] = {}

    def days(self, number: int) -> Calendar:
        return self._known[number]

    def number(self, rules: tuple[Rule, ...], month: int) -> int:
        """Of what these rules, and the window, agree on in a month."""
        key = tuple(rule.id for rule in rules), month
        found = self._of_rules.get(key)
        if found is None:
            found = self._of_rule(None, month)
            for rule in rules:
                found = self._together(found, self._of_rule(rule, month))
            self._of_rules[key] = found
        return found

    # -- inside ---------------------------------------------------------------------

    def _of_rule(self, rule: Rule | None, month: int) -> int:
        key = "" if rule is None else rule.id, month
        found = self._alone.get(key)
        if found is None:
            days = (
                (day, self._own if rule is None else slots_on(rule, day))
                for day in _days_around(month)
            )
            found = self._alone[key] = self._number_of(tuple(days))
        return found

    def _together(self, one: int, other: int) -> int:
        found = self._both.get((one, other))
        if found is None:
            pairs = zip(self._known[one], self._known[other], strict=True)
            days = ((day, agreed(a, b)) for (day, a), (_, b) in pairs)
            found = self._both[one, other] = self._number_of(tuple(days))
        return found

    def _number_of(self, calendar: Calendar) -> int:
        number = self._numbers.setdefault(calendar, len(self._known))
        if number == len(self._known):
            self._known.append(calendar)
        return number


def slots_on(rule: Rule, day: date) -> Slots:
    """When a rule is open on a day; all day where it is not in force."""
    version = rule.on(day)
    if version is None:
        return ALL_DAY
    if version.holiday is not None and day in holidays_of(rule.holidays, day.year):
        return version.holiday
    return version.week[day.weekday()]


def agreed(one: Slots, other: Slots) -> Slots:
    cut = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((begin, end) for begin, end in cut if begin < end)


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _days_around(month: int) -> Iterator[date]:
    first = first_day(month)
    count = monthrange(first.year, first.month)[1]
    return (first + timedelta(days=day) for day in range(-2, count + 2))

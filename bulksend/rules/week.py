"""The hours of a week, as a rule file says them: ``mon-fri: "08:00-20:00"``.

Every day must be there once, and its slots in order and apart from each other.  Pure.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
HOLIDAY = "holiday"

Slots = tuple[tuple[int, int], ...]
"""Open from and until, in minutes after midnight; sorted, and apart from each other."""


def week_of(hours: Mapping[str, str | list[str]]) -> tuple[Slots, ...]:
    """The slots of each day, Monday's first; of hours that have no `faults`."""
    by_day = {
        day: slots_of(said)
        for name, said in hours.items()
        if name != HOLIDAY
        for day in _days(name)
    }
    return tuple(by_day[day] for day in DAYS)


def slots_of(said: str | list[str]) -> Slots:
    """Of hours, several of them, or ``closed``; raises ValueError, where it is neither."""
    if said == "closed":
        return ()
    return tuple(_slot(one) for one in ([said] if isinstance(said, str) else said))


def faults(hours: Mapping[str, str | list[str]]) -> Iterator[str]:
    """What is wrong with the hours of a week."""
    seen: list[str] = []
    for name, said in hours.items():
        try:
            seen += [] if name == HOLIDAY else _days(name)
            slots = slots_of(said)
        except ValueError as error:
            yield str(error)
            continue
        for first, second in pairwise(slots):
            if first[1] > second[0]:
                yield f"hours of {name} overlap or are not in order"
    if twice := sorted({day for day in seen if seen.count(day) > 1}, key=DAYS.index):
        yield f"an overlap: {', '.join(twice)} more than once"
    if lacking := [day for day in DAYS if day not in seen]:
        yield f"a gap: nothing is said about {', '.join(lacking)}"


def _days(name: str) -> list[str]:
    first, _, last = name.partition("-")
    if first not in DAYS or (last and last not in DAYS):
        raise ValueError(f"`{name}` is no day, and no days such as mon-fri")
    days = DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
    if not days:
        raise ValueError(f"`{name}` runs backwards")
    return list(days)


def _slot(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)", text.strip())
    if match is None:
        raise ValueError(
            f'"{text[:20]}" is neither hours such as 08:00-20:00 nor closed'
        )
    hour, minute, until, last = map(int, match.groups())
    begin, end = hour * 60 + minute, until * 60 + last
    if not begin < end <= DAY:
        raise ValueError(f'"{text}" ends before it begins, or after midnight')
    return begin, end

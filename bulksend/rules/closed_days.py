"""Which days are holidays, by a calendar's name: ``US-AL``, ``FR``.

Calendars of the shipped rules stand in a table for some years (holidays.json, written by
docs/closed_days.py and held to the library by a test).  The library imports every country
there is to tell of one, which takes longer than a run of a million rows takes to resume.

Beside calendars a rule may name days that none of them has (`DAY`): ``05-04`` of each year,
``2026-11-03`` of one, ``tue 11-02`` for the first Tuesday from 2 November on, ``easter-2``
for so many days before Easter Sunday.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

from bulksend.rules.week import DAYS

DAY = re.compile(
    rf"easter-(?P<before>[1-9][0-9]?)|((?P<year>\d{{4}})-|(?P<weekday>{'|'.join(DAYS)}) )?"
    r"(?P<month>\d\d)-(?P<day>\d\d)"
)


@lru_cache(maxsize=4096)
def holidays_of(named: tuple[str, ...], year: int) -> frozenset[date]:
    """The holidays of a year, by all that a rule names together."""
    days: set[date | None] = set()
    for one in named:
        if DAY.fullmatch(one):
            days.add(day_of(one, year))
        else:
            days |= closed_days(one, year)
    return frozenset(day for day in days if day is not None)


def day_of(named: str, year: int) -> date | None:
    """The day that is named so; None where the year has none, such as ``02-29`` in most."""
    said = DAY.fullmatch(named)
    assert said is not None
    if said["before"]:
        return easter(year) - timedelta(days=int(said["before"]))
    if said["year"] and int(said["year"]) != year:
        return None
    try:
        day = date(year, int(said["month"]), int(said["day"]))
    except ValueError:
        return None
    if said["weekday"]:
        day += timedelta(days=(DAYS.index(said["weekday"]) - day.weekday()) % 7)
    return day


def easter(year: int) -> date:
    """Easter Sunday of the western churches, by Butcher's rule (1876)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    leaps = century - century // 4 - (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + leaps + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=4096)
def closed_days(calendar: str, year: int) -> frozenset[date]:
    """The holidays of a year."""
    known = _table().get(calendar, {}).get(str(year))
    if known is None:
        return asked(calendar, year)
    return frozenset(map(date.fromisoformat, known))


def asked(calendar: str, year: int) -> frozenset[date]:
    """The same by the library."""
    import holidays

    country, _, part = calendar.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=[year])
    return frozenset(day for day in found if day.year == year)


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    said: dict[str, Any] = orjson.loads(
        files("bulksend.rules").joinpath("holidays.json").read_bytes()
    )
    calendars: dict[str, dict[str, list[str]]] = said["calendars"]
    return calendars

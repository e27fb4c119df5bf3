"""Which days are holidays, by a calendar's name: ``US-AL``, ``FR``.

Beside calendars a rule may name days that no calendar of the library has: ``05-04`` of
each year, ``2026-11-03`` of one.  Those of the shipped rules stand in a table for some years (holidays.json, written by
docs/closed_days.py and held to the library by a test).  The library imports every country
there is to tell of one, which takes longer than a run of a million rows takes to resume.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson


@lru_cache(maxsize=4096)
def holidays_of(named: tuple[str, ...], year: int) -> frozenset[date]:
    """The holidays of a year, by all that a rule names together."""
    days: set[date] = set()
    for one in named:
        if is_day(one):
            day = on_day(one, year)
            days |= {day} if day is not None and day.year == year else set()
        else:
            days |= closed_days(one, year)
    return frozenset(days)


def is_day(named: str) -> bool:
    """Whether it is a day, and no calendar."""
    return named[:1].isdecimal()


def on_day(named: str, year: int) -> date | None:
    """The day itself; None where there is none, such as ``02-29`` in most years."""
    try:
        return date.fromisoformat(named if len(named) > 5 else f"{year}-{named}")
    except ValueError:
        return None


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

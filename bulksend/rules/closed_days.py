"""Which days are holidays, by a calendar's name: ``US-AL``, ``FR``.

Those of the shipped rules stand in a table for some years (holidays.json, written by
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

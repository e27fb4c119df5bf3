"""In which countries and states a zone lies, and which zones a country has.

By the tz database's `zone.tab`, and by the ZIPs of each zone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final

from bulksend.prepare import postcodes
from bulksend.rules.jurisdictions import STATES
from bulksend.rules.tz import zone as clock_of

_SHARES_MOBILES = {"AU": ("CC", "CX"), "IL": ("PS",), "TR": ("CY",)}
"""Of countries whose mobiles cannot be told from another's: Cocos and Christmas Island have
Australia's, Palestinians +972 59 and 56 too, and Cyprus' north Turkey's, and each has clocks
of its own.  Others that share a calling code share clocks too, or have prefixes that
libphonenumber knows."""

_OF_NO_TOWN = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT"}
"""North America's clocks under names of no place, some in files of their own."""

_FEW: Final = 2
"""States of a zone that is told from all others by them: Detroit's is Michigan's, Boise's
Idaho's and that of a county in Oregon.  Los Angeles' has five."""


@lru_cache(maxsize=1024)
def clock(zone: str) -> tuple[object, ...]:
    """A zone's offsets in winter and summer: two names of one clock are equal in it."""
    days = (datetime(2026, month, 15, tzinfo=clock_of(zone)) for month in (1, 7))
    return tuple(day.utcoffset() for day in days)


@lru_cache(maxsize=1)
def _zone_tab() -> list[tuple[str, str]]:
    """Country and zone, as the tz database's `zone.tab` has them."""
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    lines = (line.split("\t") for line in text.splitlines() if line[:1] != "#")
    return [(line[0], line[2]) for line in lines]


@lru_cache(maxsize=512)
def zones_in(country: str) -> tuple[str, ...]:
    countries = {country, *_SHARES_MOBILES.get(country, ())}
    return tuple(sorted(zone for where, zone in _zone_tab() if where in countries))


@lru_cache(maxsize=1024)
def countries_of(zone: str) -> frozenset[str]:
    """Of a zone such as ``US/Eastern`` those of the zones that it is a name for."""
    known = {name: country for country, name in _zone_tab()}
    if zone in known:
        return frozenset((known[zone],))
    if zone in _OF_NO_TOWN:
        return frozenset(("CA", "US"))
    alike = {where for where, name in _zone_tab() if _same_file(zone, name)}
    return frozenset(alike or ("",))


def _same_file(one: str, other: str) -> bool:
    root = files("tzdata") / "zoneinfo"
    return root.joinpath(one).read_bytes() == root.joinpath(other).read_bytes()


@lru_cache(maxsize=1024)
def states_of(zone: str) -> tuple[str, ...]:
    """The states that a zone's name tells; none where it has many, or is abroad."""
    every = _states()
    found = every.get(zone, set())
    if not found and zone not in _OF_NO_TOWN:
        alike = (known for known in every if _same_file(zone, known))
        found = every.get(next(alike, ""), set())
    return tuple(sorted(found)) if len(found) <= _FEW else ()


@lru_cache(maxsize=1)
def _states() -> dict[str, set[str]]:
    """Each zone's states, by the ZIPs that have it."""
    found: dict[str, set[str]] = defaultdict(set)
    for (where, *others), zones in postcodes.places().values():
        if where[3:] in STATES and not others:
            for zone in zones:
                found[zone].add(where[3:])
    return dict(found)

"""From a North American area code to its state, and to all the zones where it is in use.

A number moves with its person, so what its exchange was built for says nothing: whoever
has an area code may be wherever it is in use.  libphonenumber alone does not tell that:
Chattanooga's 423 is Chicago's there, Pensacola's 448 New York's, Orlando's 689 Chicago's,
and the North's 867, from Yukon to Nunavut, is British Columbia's.  So three sources are
put together, and each clock more only narrows the hours:

    libphonenumber   the zones of every exchange of the area code
    zipcodes         those of its ZIPs in its own state; of an area code that the package
                     does not know yet, those of the whole state
    `ALSO`           what neither has
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

import polars as pl
from phonenumbers.tzdata import TIMEZONE_DATA

from bulksend.prepare import postcodes
from bulksend.prepare.phones import cache
from bulksend.prepare.phones.states import FIRST, LAST, STATES, area_states
from bulksend.rules.tz import zone as clock_of

ALSO: Final = {
    "928": "America/Denver",  # the Navajo Nation keeps summer time, Arizona does not
    # Canada, after the provinces that the tz database's zone.tab names for each zone
    "236 250 257 672 778": "America/Creston America/Edmonton America/Vancouver",
    "306 474 639": "America/Edmonton America/Regina America/Swift_Current",
    "367 418 581": "America/Blanc-Sablon America/Halifax America/Toronto",
    "709 879": "America/Goose_Bay America/St_Johns",
    "807": "America/Atikokan America/Toronto America/Winnipeg",
    "867": (
        "America/Atikokan America/Cambridge_Bay America/Dawson America/Edmonton "
        "America/Inuvik America/Iqaluit America/Rankin_Inlet America/Resolute "
        "America/Whitehorse"
    ),
}

LIES_IN: Final = {"324": "904", "645": "305", "728": "561"}
"""Florida's area codes that `zipcodes` does not know yet, and an older one of the same
place: the state has two clocks, and these have one."""


class Area(NamedTuple):
    """What an area code tells; both are empty for what is none, or belongs to no place.

    Args:
        state: Of the United States.

        zones: IANA names, one for each clock.
    """

    state: str
    zones: tuple[str, ...]


def areas_of(numbers: pl.Series) -> pl.Series:
    """The number of each E.164 number's `Area` (`area`)."""
    is_there = numbers.is_between(FIRST, LAST).fill_null(value=False)
    codes = numbers.fill_null(0) // 10_000_000 - 1_000
    slots = pl.select(pl.when(is_there).then(codes).otherwise(0)).to_series()
    return _slots()["place"].gather(slots)


def area(place: int) -> Area:
    """The area that a number of `areas_of` stands for."""
    return _areas()[place]


@lru_cache(maxsize=1)
def _areas() -> dict[int, Area]:
    return {
        place: Area(state, _one_for_each_clock(zones.split()))
        for place, state, zones in _slots().unique("place").rows()
    }


def _one_for_each_clock(zones: list[str]) -> tuple[str, ...]:
    """Not by today's clock alone: Vancouver leaves Los Angeles' one in 2026."""
    clocks: dict[tuple[object, ...], str] = {}
    for zone in sorted(zones, key=lambda one: (one.count("/"), one)):
        days = (
            datetime(year, month, 15, tzinfo=UTC)
            for year in range(2026, 2037)
            for month in range(1, 13)
        )
        clock = tuple(day.astimezone(clock_of(zone)).utcoffset() for day in days)
        clocks.setdefault(clock, zone)
    return tuple(sorted(clocks.values()))


@lru_cache(maxsize=1)
def _slots() -> pl.DataFrame:
    return cache.kept(f"areas-{postcodes.data_version()}", _compiled)


def _compiled() -> pl.DataFrame:
    """A slot for each area code from 0 to 999."""
    every, of_zips = _elsewhere(), _of_zips()
    found: list[tuple[str, str]] = []
    for code, number in enumerate(area_states()):
        state = STATES[number]
        older = int(LIES_IN.get(str(code), code))
        zips = of_zips[code, state] or of_zips[older, state] or of_zips[None, state]
        found.append((state, " ".join(sorted(every[code] | zips))))
    numbers = {("", ""): 0}
    for one in found:
        numbers.setdefault(one, len(numbers))
    return pl.DataFrame(
        {
            "place": pl.Series([numbers[one] for one in found], dtype=pl.UInt16),
            "state": [state for state, _ in found],
            "zones": [word for _, word in found],
        }
    )


def _elsewhere() -> dict[int, set[str]]:
    """What libphonenumber and `ALSO` say of each area code."""
    zones: dict[int, set[str]] = defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) > 3:
            zones[int(prefix[1:4])].update(names)
    for codes, word in ALSO.items():
        for code in codes.split():
            zones[int(code)].update(word.split())
    return zones


def _of_zips() -> dict[tuple[int | None, str], set[str]]:
    """By area code and state; and, without an area code, of the whole state."""
    zones: dict[tuple[int | None, str], set[str]] = defaultdict(set)
    for code, state, names in postcodes.area_codes():
        zones[code, state].update(names)
        zones[None, state].update(names)
    return zones

"""The zones of an area code's ZIPs: libphonenumber has one zone for many that have two.

Chattanooga's 423 is Chicago's there, Pensacola's 448 New York's, and Orlando's 689
Chicago's.  So what the `zipcodes` package knows of an area code in its own state counts
beside it; of an area code that it does not know yet, all zones of the state do.  Each
clock more only narrows the hours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import polars as pl

from bulksend.prepare import postcodes
from bulksend.prepare.phones import cache
from bulksend.prepare.phones.states import FIRST, LAST, STATES, area_states

NONE: Final = 0
"""The number of no zones, where a number has no area code of a state."""

ALSO = {928: "America/Denver"}
"""The Navajo Nation, which keeps summer time where the rest of Arizona does not."""


def areas_of(numbers: pl.Series) -> pl.Series:
    """The number of each E.164 number's zones (`zones`)."""
    is_there = numbers.is_between(FIRST, LAST).fill_null(value=False)
    codes = numbers.fill_null(0) // 10_000_000 - 1_000
    slots = pl.select(pl.when(is_there).then(codes).otherwise(0)).to_series()
    return _slots()["place"].gather(slots)


def zones(place: int) -> tuple[str, ...]:
    """The zones that a number of `areas_of` stands for."""
    return _zones()[place]


@lru_cache(maxsize=1)
def _zones() -> dict[int, tuple[str, ...]]:
    found = _slots().unique("place").rows()
    return {place: tuple(word.split()) for place, word in found}


@lru_cache(maxsize=1)
def _slots() -> pl.DataFrame:
    return cache.kept(f"areas-{postcodes.data_version()}", _compiled)


def _compiled() -> pl.DataFrame:
    """A slot for each area code from 0 to 999."""
    by_area: dict[tuple[int, str], set[str]] = {}
    by_state: dict[str, set[str]] = {}
    for area, state, zone in postcodes.area_codes():
        by_area.setdefault((area, state), set()).add(zone)
        by_state.setdefault(state, set()).add(zone)
    words = [""] * 1_000
    for area, number in enumerate(area_states()):
        state = STATES[number]
        some = by_area.get((area, state)) or by_state.get(state, set())
        also = {ALSO[area]} if area in ALSO else set()
        words[area] = " ".join(sorted(some | also)) if state else ""
    numbers = {"": NONE}
    for word in words:
        numbers.setdefault(word, len(numbers))
    places = pl.Series([numbers[word] for word in words], dtype=pl.UInt16)
    return pl.DataFrame({"place": places, "zones": words})

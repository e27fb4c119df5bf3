"""From a North American area code to its state, by libphonenumber's own place names.

An area code lies in one state: its name in the metadata is the state's (``Florida``), or
that of a town in it (``Palm Beach, FL``).
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from bulksend.prepare.phones import cache
from bulksend.rules import jurisdictions

STATES = ("", *jurisdictions.STATES)
"""The states and the capital; a code is a place in this list, and 0 is none of them."""

_OTHER_NAMES = {"Washington D.C.": "DC", "Washington State": "WA"}

FIRST, LAST = 1_2000_000_000, 1_9999_999_999
"""The numbers that have an area code; an area code has three digits."""


def area_states() -> list[int]:
    """The place in `STATES` of each area code from 0 to 999."""
    found: list[int] = _table()["state"].to_list()
    return found


@lru_cache(maxsize=1)
def _table() -> pl.DataFrame:
    return cache.kept("states", _compiled)


def _compiled() -> pl.DataFrame:
    """A slot for each area code from 0 to 999."""
    from holidays.countries.united_states import UnitedStates
    from phonenumbers.geodata import GEOCODE_DATA

    names = UnitedStates.subdivisions_aliases | _OTHER_NAMES
    found = [0] * 1_000
    votes: dict[int, set[int]] = {}
    for prefix, said in GEOCODE_DATA.items():
        if not prefix.startswith("1") or len(prefix) < 4 or "en" not in said:
            continue
        name = said["en"].rpartition(", ")[2]
        state = names.get(name, name)
        if state in STATES and len(prefix) == 4:
            found[int(prefix[1:])] = STATES.index(state)
        elif state in STATES:
            votes.setdefault(int(prefix[1:4]), set()).add(STATES.index(state))
    for area, states in votes.items():
        if len(states) == 1 and not found[area]:  # two would be a claim for neither
            found[area] = states.pop()
    return pl.DataFrame({"state": pl.Series(found, dtype=pl.UInt8)})

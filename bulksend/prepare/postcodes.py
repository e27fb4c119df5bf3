"""From a ZIP to its state and time zone; the data is the `zipcodes` package's.

A ZIP is five digits, so all of them are one table of 100,000 slots.  Spreadsheets take
the leading zeros of New England's away, and people write ZIP+4.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

import polars as pl

from bulksend.prepare.phones import cache

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_ONE: Final = 0
"""The place of a cell that is no ZIP, or one that nobody has."""

EMPTY: Final = 1
"""The place of an empty cell: no claim at all."""

LARGEST: Final = 99_999

_MILITARY = {"AA", "AE", "AP"}
"""States of the armed forces' post: where in the world is not known."""

_NAVAJO = ("860", "865")
"""ZIPs of Arizona among which are those of the Navajo Nation, which keeps summer time."""


def data_version() -> str:
    return version("zipcodes")


def places_of(cells: pl.Series) -> pl.Series:
    """The number of each ZIP's place; `NOT_ONE` and `EMPTY` are places too.

    Nearly all cells are five digits; only the others are looked at closely.
    """
    text = cells.str.strip_chars()
    number = text.cast(pl.UInt32, strict=False)
    rest = (number.is_null() | (number > LARGEST)).fill_null(value=True).arg_true()
    number = number.fill_null(0).clip(upper_bound=LARGEST)
    found = _slots()["place"].gather(number)
    return found.scatter(rest, _closely(text.gather(rest))) if len(rest) else found


def _closely(text: pl.Series) -> pl.Series:
    """Empty cells, ZIP+4, and numbers that a spreadsheet made fractions of."""
    digits = text.str.strip_suffix(".0").str.replace(r"^(\d{5})[ -]?\d{4}$", "$1")
    is_zip = digits.str.contains(r"^\d{3,5}$").fill_null(value=False)
    number = digits.set(~is_zip, None).cast(pl.UInt32).fill_null(0)
    found = _slots()["place"].gather(number)
    empty = text.is_null() | (text == "").fill_null(value=True)
    return (
        pl.select(pl.when(empty).then(EMPTY).otherwise(found))
        .to_series()
        .cast(pl.UInt16)
    )


@lru_cache(maxsize=1)
def places() -> dict[int, tuple[str, tuple[str, ...]]]:
    """State and zones by the number of the place; no zones where nobody knows them."""
    found = {
        place: (state, zone)
        for place, state, zone in _slots().unique("place").rows()
        if place not in {NOT_ONE, EMPTY}
    }
    zones_of: dict[str, set[str]] = {}
    for state, zone in found.values():
        zones_of.setdefault(state, set()).update(zone.split())
    return {
        place: (state, tuple(zone.split()) or tuple(sorted(zones_of[state])))
        for place, (state, zone) in found.items()
    }


def area_codes() -> Iterator[tuple[int, str, str]]:
    """Area code, state and zone, as each ZIP has them."""
    import zipcodes

    known = available_timezones()
    for one in zipcodes.list_all():  # type: ignore[no-untyped-call]
        for area in one["area_codes"]:
            if one["timezone"] in known and area.isdigit() and len(area) == 3:
                yield int(area), one["state"], one["timezone"]


@lru_cache(maxsize=1)
def _slots() -> pl.DataFrame:
    return cache.kept(f"postcodes-{data_version()}", _compiled)


def _compiled() -> pl.DataFrame:
    import zipcodes

    zones = available_timezones()
    found = [("", "")] * 100_000
    for one in zipcodes.list_all():  # type: ignore[no-untyped-call]
        state, zone = one["state"], one["timezone"]
        if state in _MILITARY or zone not in zones:
            zone = ""
        elif state == "AZ" and one["zip_code"].startswith(_NAVAJO):
            zone = "America/Denver America/Phoenix"
        found[int(one["zip_code"])] = (state, zone)
    numbers = {("", ""): NOT_ONE, ("-", ""): EMPTY}
    for place in sorted(set(found)):
        numbers.setdefault(place, len(numbers))
    return pl.DataFrame(
        {
            "place": pl.Series([numbers[p] for p in found], dtype=pl.UInt16),
            "state": [state for state, _ in found],
            "zone": [zone for _, zone in found],
        }
    )

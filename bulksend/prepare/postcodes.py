"""From a ZIP to its states and time zones, and from a Canadian postcode to its zones.

A ZIP is five digits, so all of them are one table of 100,000 slots; the data is the
`zipcodes` package's.  Spreadsheets take the leading zeros of New England's away, and people
write ZIP+4.  Of a Canadian postcode two characters tell all that matters (`provinces`).
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from bulksend.prepare.border_zips import over_the_border
from bulksend.prepare.phones import cache
from bulksend.prepare.provinces import zones_by_prefix
from bulksend.rules import tz
from bulksend.rules.jurisdictions import STATES, any_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOT_ONE: Final = 0
"""The place of a ZIP that nobody has."""

EMPTY: Final = 1
"""The place of an empty cell: no claim at all."""

FOREIGN: Final = 2
"""The place of a cell that looks like neither; it may be another country's code."""

_CANADA: Final = 4_000
"""From here on Canada's places have their numbers; there are some hundred of ZIPs."""

_CANADIAN = r"^([ABCEGHJ-NPRSTVXY][0-9])[A-Z](?:[ -]?[0-9][A-Z][0-9])?$"

LARGEST: Final = 99_999

TERRITORIES = {"AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI"}
"""What the post writes where a state stands, and ISO 3166 has as countries."""

_MILITARY = {"AA", "AE", "AP"}
"""States of the armed forces' post: where in the world is not known."""

_ALSO = {
    ("AZ", "Apache County"): "America/Phoenix",
    ("AZ", "Coconino County"): "America/Denver",
    ("AZ", "Navajo County"): "America/Denver",
    ("NV", "Elko County"): "America/Denver",
    ("OR", "Malheur County"): "America/Los_Angeles",
}
"""Counties with a second clock that the package's zones do not show, or might not one
day: the Navajo Nation, West Wendover (49 CFR 71.9), the south of Malheur."""

_BY_CUSTOM = {
    ("AL", "Chambers County"): "America/New_York",
    ("AL", "Lee County"): "America/New_York",
    ("AL", "Russell County"): "America/New_York",
}
"""Counties in which towns live by another clock than the law's, that of the towns across the
river: Columbus and West Point.  It is a ZIP's clock, and none of an area code's: whoever has
it with a number of Alabama alone may as well have moved."""


def data_version() -> str:
    return version("zipcodes")


def places_of(cells: pl.Series) -> pl.Series:
    """The number of each ZIP's place; `NOT_ONE` and `EMPTY` are places too.

    Nearly all cells are five digits; only the others are looked at closely.
    """
    text = cells.str.strip_chars()
    number = text.cast(pl.UInt32, strict=False)
    is_odd = (text.str.len_bytes() > len(str(LARGEST))) | text.str.starts_with("+")
    rest = (number.is_null() | is_odd).fill_null(value=True).arg_true()
    number = number.fill_null(0).clip(upper_bound=LARGEST)
    found = _slots()["place"].gather(number)
    return found.scatter(rest, _closely(text.gather(rest))) if len(rest) else found


def _closely(text: pl.Series) -> pl.Series:
    r"""Empty cells, ZIP+4, full-width digits, numbers that a spreadsheet made fractions of; Canada's.

    A digit of another script makes no ZIP, though ``\\d`` would know it.
    """
    plain = text.str.normalize("NFKC").str.strip_suffix(".0")
    digits = plain.str.replace(r"^([0-9]{4,5})(?:[ -]?[0-9]{4}|-)$", "$1")
    is_zip = digits.str.contains(r"^[0-9]{3,5}$").fill_null(value=False)
    number = digits.set(~is_zip, None).cast(pl.UInt32).fill_null(0)
    found = _slots()["place"].gather(number)
    empty = text.is_null() | (text == "").fill_null(value=True)
    prefix = plain.str.to_uppercase().str.extract(_CANADIAN)
    other = prefix.replace_strict(_canadian(), default=FOREIGN, return_dtype=pl.UInt16)
    return (
        pl.select(pl.when(empty).then(EMPTY).when(~is_zip).then(other).otherwise(found))
        .to_series()
        .cast(pl.UInt16)
    )


@lru_cache(maxsize=1)
def places() -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Jurisdictions and zones by the number of the place; no zones where nobody knows them."""
    found = {
        place: (states, zone)
        for place, states, zone in _slots().unique("place").rows()
        if place not in {NOT_ONE, EMPTY, FOREIGN}
    }
    zones_of: dict[str, set[str]] = {}
    for states, zone in found.values():
        zones_of.setdefault(states, set()).update(zone.split())
    american = {
        place: (
            tuple(map(_jurisdiction, states.split())),
            tuple(zone.split()) or tuple(sorted(zones_of[states])),
        )
        for place, (states, zone) in found.items()
    }
    zones, numbers = zones_by_prefix(), _canadian()
    return american | {numbers[one]: (("CA",), zones[one]) for one in zones}


def _jurisdiction(state: str) -> str:
    if state in TERRITORIES:
        return state
    return f"US-{state}" if state in STATES else any_part("US")


@lru_cache(maxsize=1)
def _canadian() -> dict[str, int]:
    """The place of each prefix: those with the same zones have one."""
    zones = zones_by_prefix()
    numbers = {some: _CANADA + n for n, some in enumerate(sorted({*zones.values()}))}
    return {prefix: numbers[some] for prefix, some in zones.items()}


def area_codes() -> Iterator[tuple[int, str, set[str]]]:
    """Area code, state and zones, as each ZIP has them."""
    for one, zones in _zips():
        for area in one["area_codes"]:
            if area.isdigit() and len(area) == 3:
                yield int(area), one["state"], zones


@lru_cache(maxsize=1)
def _slots() -> pl.DataFrame:
    return cache.kept(f"postcodes-{data_version()}", _compiled)


def _compiled() -> pl.DataFrame:
    found, every = [("", "")] * 100_000, list(_zips())
    regions, counties, border = _regions(every), _counties(), over_the_border()
    for one, zones in every:
        there = zones if one["active"] else zones | regions[_region(one)]
        if custom := _BY_CUSTOM.get((one["state"], one["county"])):
            there = there | {custom}
        others = border.get(one["zip_code"], ())
        states = dict.fromkeys([one["state"], *(state for state, _ in others)])
        there = there.union(*(counties[other] for other in others))
        found[int(one["zip_code"])] = (" ".join(states), " ".join(sorted(there)))
    numbers = {("", ""): NOT_ONE, ("-", ""): EMPTY, ("?", ""): FOREIGN}
    for place in sorted(set(found)):
        numbers.setdefault(place, len(numbers))
    return pl.DataFrame(
        {
            "place": pl.Series([numbers[p] for p in found], dtype=pl.UInt16),
            "state": [states for states, _ in found],
            "zone": [zone for _, zone in found],
        }
    )


def _regions(
    every: Iterable[tuple[dict[str, Any], set[str]]],
) -> dict[tuple[str, str], set[str]]:
    """The zones of each of the mail's regions.

    Of a ZIP that is out of use the data knows less well where it was: whoever still
    writes it may be wherever its first three digits reach.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one, zones in every:
        found[_region(one)] |= zones
    return found


def _region(one: dict[str, Any]) -> tuple[str, str]:
    return one["state"], one["zip_code"][:3]


def _zips() -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Each ZIP with the zones of its county: the border runs through some of them.

    A ZIP's own zone is that of a point in it, while its routes may lie on both sides.
    """
    known, counties = tz.names(), _counties()
    for one in _listed():
        zones = {one["timezone"]} | counties.get((one["state"], one["county"]), set())
        yield one, set() if one["state"] in _MILITARY else zones & known


def _counties() -> dict[tuple[str, str], set[str]]:
    """The zones of each state's counties."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for county, zone in _ALSO.items():
        found[county].add(zone)
    for one in _listed():
        if one["county"]:
            found[one["state"], one["county"]].add(one["timezone"])
    return found


def _listed() -> list[dict[str, Any]]:
    import zipcodes

    every: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    return every

"""From an E.164 number to the time zones that it may be in.

As `phonenumbers.timezone.time_zones_for_number` has it: the longest known prefix of a
number that belongs to a place, and the whole country for one that does not (mobiles in
most countries, toll-free numbers).  A set of zones is one word, its zones parted by
spaces: some 300 of them cover the world, so a column of them is small, and what is to be
known of a set need be worked out only once for each.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import polars as pl
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as CALLING_CODES
from phonenumbers import (
    PhoneNumberType,
    country_code_for_region,
    is_number_type_geographical,
)
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA

from bulksend.prepare.phones import cache
from bulksend.prepare.phones import number_line as line
from bulksend.prepare.phones.number_line import POWERS
from bulksend.prepare.phones.plan import plan

if TYPE_CHECKING:
    from bulksend.prepare.phones.number_line import Row, Rows

ZONES: Final = pl.Enum(
    sorted({UNKNOWN_TIMEZONE, *map(" ".join, TIMEZONE_DATA.values())})
)


def zones_of(numbers: pl.Series) -> pl.Series:
    """The `ZONES` of each E.164 number; ``Etc/Unknown`` where it is none."""
    table = _table()
    rows = table["start"].search_sorted(numbers.fill_null(0), side="right") - 1
    found = table["zones"].gather(rows).cat.to(ZONES)
    return pl.select(pl.when(numbers.is_not_null()).then(found)).to_series()


@lru_cache(maxsize=512)
def country_zones(region: str) -> str:
    """The `ZONES` of a number that says no more than a region's calling code."""
    return _country(str(country_code_for_region(region)))


@lru_cache(maxsize=1)
def _table() -> pl.DataFrame:
    return cache.kept("zones", _compiled)


def _compiled() -> pl.DataFrame:
    found: Rows[str] = [row for code in CALLING_CODES for row in _zones(code)]
    joined = line.joined(line.overlay(found, [(0, POWERS[-1], 0, UNKNOWN_TIMEZONE)]))
    code = {word: place for place, word in enumerate(ZONES.categories)}
    return pl.DataFrame(
        {
            "start": pl.Series([row[0] for row in joined], dtype=pl.Int64),
            "zones": pl.Series([code[row[3]] for row in joined], dtype=pl.UInt16),
        }
    )


def _zones(code: int) -> Rows[str]:
    """The zones of every valid number of a calling code, on the line of E.164 numbers."""
    country = _country(str(code))
    anywhere: Rows[str] = []
    somewhere: dict[int, list[Row[None]]] = {}
    for low, high, shift, what in plan(code):
        if what.type is None:
            continue
        start, end = low + shift, high + shift
        kind = getattr(PhoneNumberType, what.type.upper())
        if is_number_type_geographical(kind, code):
            somewhere.setdefault(len(str(start)), []).append((start, end, 0, None))
        else:
            anywhere.append((start, end, 0, country))

    placed = (
        line.within(_prefixed(str(code), digits), place)
        for digits, place in somewhere.items()
    )
    return line.overlay(anywhere, *placed)


def _prefixed(code: str, digits: int) -> Rows[str]:
    """The zones of each known prefix among numbers of so many digits; the longest counts."""
    rows: dict[int, Rows[str]] = {}
    for prefix, zones in TIMEZONE_DATA.items():
        begins = prefix.startswith(code) or code.startswith(prefix)
        if begins and len(prefix) <= digits:
            left = POWERS[digits - len(prefix)]
            low = int(prefix) * left
            row = (low, low + left - 1, 0, " ".join(zones))
            rows.setdefault(len(prefix), []).append(row)
    longest_first = (rows[length] for length in sorted(rows, reverse=True))
    return line.overlay(*longest_first, [(0, POWERS[-1], 0, UNKNOWN_TIMEZONE)])


def _country(code: str) -> str:
    """`time_zones_for_number` asks for the code, and then for its first two digits."""
    found = TIMEZONE_DATA.get(code) or TIMEZONE_DATA.get(code[:2])
    return " ".join(found or (UNKNOWN_TIMEZONE,))

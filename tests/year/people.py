"""Who is texted: numbers of every American area code and of twenty countries.

Half of the Americans tell a ZIP, one in twenty a zone, and some have a toll-free number,
which lives nowhere.  So do people abroad: an American's ZIP, since lists are what they
are, a Canadian's own postcode, or a zone of anywhere, of quarters of an hour and of half an hour's summer time too.
"""

from __future__ import annotations

import random
from functools import lru_cache
from zoneinfo import available_timezones

import phonenumbers
import polars as pl
import zipcodes

COUNTRIES = (
    "AR", "AU", "BR", "CA", "DE", "ES", "FR", "GB", "ID", "IN",
    "IT", "JP", "KZ", "MX", "NG", "NZ", "PL", "RU", "TR", "ZA",
)  # fmt: skip
"""Some have one zone, some eleven, some half hours, some no summer time."""

ABROAD, WITH_ZIP, WITH_ZONE, TOLL_FREE = 0.3, 0.5, 0.05, 0.02
ABROAD_WITH_ZIP = 0.05
AMERICAN = ("America/", "Canada/", "US/")
CONTINENTS = ("Africa/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
CANADIAN = (
    "A1A 1A1", "A2V 1A1", "B3H 1A1", "G4T 1A1", "H2X 1A1", "M5V 1A1", "P9N 1A1", "R3C 1A1",
    "S4P 1A1", "S9V 1A1", "T2P 1A1", "V1C 1A1", "V6B 1A1", "X0A 1A1", "X1A 1A1", "Y1A 1A1",
)  # fmt: skip
OF_EACH = 60


def people(count: int, seed: int) -> pl.DataFrame:
    """A list of *count*: ``phone``, ``zip`` and ``zone``."""
    rng = random.Random(seed)
    abroad, areas, zips = _abroad(), _areas(), _zips()
    zones = sorted(zone for zone in available_timezones() if zone.startswith(AMERICAN))
    everywhere = sorted(
        zone for zone in available_timezones() if zone.startswith(CONTINENTS)
    )
    rows: list[tuple[str, str, str]] = []
    for _ in range(count):
        if rng.random() < ABROAD:
            other = rng.choice(rng.choice(abroad))
            number = f"+{other - other % 100 + rng.randrange(100)}"
            code = rng.choice(zips) if rng.random() < ABROAD_WITH_ZIP else ""
            if str(other).startswith("1") and rng.random() < WITH_ZIP:
                code = rng.choice(CANADIAN)
            zone = rng.choice(everywhere) if rng.random() < WITH_ZONE else ""
            rows.append((number, code, zone))
            continue
        area = 800 if rng.random() < TOLL_FREE else rng.choice(areas)
        number = f"+1{area}{rng.randrange(2_000_000, 9_999_999)}"
        code = rng.choice(zips) if rng.random() < WITH_ZIP else ""
        zone = rng.choice(zones) if rng.random() < WITH_ZONE else ""
        rows.append((number, code, zone))
    return pl.DataFrame(rows, schema=["phone", "zip", "zone"], orient="row")


@lru_cache(maxsize=1)
def _areas() -> list[int]:
    def is_american(area: int) -> bool:
        number = phonenumbers.parse(f"+1{area}2345678")
        where = phonenumbers.region_code_for_number(number)
        is_place = phonenumbers.is_number_geographical(number)
        return is_place and where in {"US", "PR", "GU", "VI", "AS", "MP"}

    return [area for area in range(201, 990) if is_american(area)]


@lru_cache(maxsize=1)
def _zips() -> list[str]:
    return [one["zip_code"] for one in zipcodes.list_all()]  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def _abroad() -> list[list[int]]:
    """For each country numbers of many prefixes, so of all its zones."""
    rng = random.Random(20)
    found = []
    for region in COUNTRIES:
        kinds = (0, 1)  # fixed lines, mobiles
        examples = [
            phonenumbers.example_number_for_type(region, kind) for kind in kinds
        ]
        numbers: list[int] = []
        code = phonenumbers.country_code_for_region(region)
        lengths = [len(str(one.national_number)) for one in examples if one is not None]
        while len(numbers) < OF_EACH:
            digits = rng.choice(lengths)
            national = rng.randrange(10 ** (digits - 1), 10**digits)
            if _is_valid(f"+{code}{national}", region):
                numbers.append(int(f"{code}{national}"))
        found.append(numbers)
    return found


def _is_valid(number: str, region: str = "") -> bool:
    parsed = phonenumbers.parse(number)
    if region:
        return phonenumbers.is_valid_number_for_region(parsed, region)
    return phonenumbers.is_valid_number(parsed)

"""ZIPs that people of two states have; the post, and so the package `zipcodes`, has each in one.

By the Census of 2010 (zcta_county_rel_10.txt): the parts of ZIP areas in another state than
the post's in which anybody lived, some 17,000 people in all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_OVER_THE_BORDER: Final = {
    "AL": {
        "Cherokee County": "30165",
        "Colbert County": "38852",
        "Russell County": "31905",
    },
    "AR": {
        "Boone County": "65733",
        "Desha County": "38769",
        "Marion County": "65729 65733 65761",
        "Miller County": "75556",
    },
    "AZ": {
        "Apache County": "84531 87328",
        "Navajo County": "84536",
    },
    "CA": {
        "Inyo County": "89060 89061",
        "Modoc County": "97635",
        "Mono County": "89010",
        "San Bernardino County": "89019",
        "Sierra County": "89439",
    },
    "CO": {
        "Larimer County": "82063",
    },
    "DE": {
        "New Castle County": "21912",
    },
    "IA": {
        "Kossuth County": "56027",
    },
    "ID": {
        "Caribou County": "83111 83120",
        "Idaho County": "59847",
        "Latah County": "99128",
        "Owyhee County": "89832 97910",
        "Payette County": "97913",
    },
    "IL": {
        "Randolph County": "63673",
    },
    "IN": {
        "Franklin County": "45053",
    },
    "KS": {
        "Jewell County": "68978",
        "Republic County": "68325",
    },
    "KY": {
        "Fulton County": "38079",
    },
    "LA": {
        "Claiborne Parish": "71749",
        "Union Parish": "71749",
    },
    "MA": {
        "Bristol County": "02861",
    },
    "ME": {
        "Oxford County": "03579",
    },
    "MI": {
        "Gogebic County": "54540",
        "Iron County": "54554",
    },
    "MN": {
        "Jackson County": "51360",
        "Kittson County": "58225",
        "Lincoln County": "57026",
        "Rock County": "57030 57068",
    },
    "MO": {
        "Atchison County": "51640",
        "Clark County": "52626",
        "Scotland County": "52542 52573",
        "Taney County": "72644",
    },
    "MS": {
        "Tishomingo County": "38326",
    },
    "MT": {
        "Big Horn County": "82801",
        "Carter County": "57724",
    },
    "ND": {
        "Adams County": "57638",
        "Divide County": "59275",
        "Emmons County": "57648",
        "Grand Forks County": "56744",
        "Grant County": "57638 57645 57660",
        "McKenzie County": "59221 59270",
        "Sioux County": "57638 57641 57642 57645 57660",
        "Walsh County": "56744",
    },
    "NE": {
        "Banner County": "82082",
        "Burt County": "51557",
        "Cedar County": "57078",
        "Dundy County": "80758",
        "Pawnee County": "66541",
    },
    "NM": {
        "McKinley County": "86504 86515",
        "Otero County": "79837",
        "San Juan County": "81137",
    },
    "NV": {
        "White Pine County": "84034",
    },
    "OK": {
        "Texas County": "67950",
    },
    "OR": {
        "Malheur County": "89421",
        "Umatilla County": "99362",
    },
    "SD": {
        "Custer County": "82701",
        "Gregory County": "68719",
        "Harding County": "58623 58649 58653",
        "McPherson County": "58439",
        "Moody County": "56144 56164",
        "Roberts County": "56219",
        "Todd County": "69201 69212 69216",
        "Union County": "51001 51023",
    },
    "TN": {
        "Montgomery County": "42223",
        "Pickett County": "42602",
        "Tipton County": "72338",
    },
    "TX": {
        "Culberson County": "88220",
        "El Paso County": "88063",
        "Oldham County": "88430",
        "Sherman County": "73949",
    },
    "UT": {
        "Box Elder County": "83312 83342",
        "San Juan County": "81324 86044 86514",
        "Summit County": "82930",
    },
    "WV": {
        "Jefferson County": "20135",
        "McDowell County": "24604",
    },
    "WY": {
        "Crook County": "57717",
    },
}
"""State and county of those parts, and the ZIPs."""


@lru_cache(maxsize=1)
def over_the_border() -> dict[str, tuple[tuple[str, str], ...]]:
    """``71749`` -> the counties that it has in another state, each with the state."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for state, counties in _OVER_THE_BORDER.items():
        for county, zips in counties.items():
            for one in zips.split():
                found[one] = (*found.get(one, ()), (state, county))
    return found

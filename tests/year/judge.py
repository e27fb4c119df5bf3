"""Who may be texted when, worked out once more; nothing of bulksend is imported here.

Its own tables of area codes, of their clocks (`clocks`), of hours and of holidays, the
offsets of `tzdata`, and of libraries what they say themselves: `phonenumbers` about a
number's country, and about zones beside the table; `zipcodes` about a ZIP.  Plain loops
over people, so that nothing is clever.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
import zipcodes
from phonenumbers.timezone import time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from tests.year.clocks import clocks_of, states_of

LEAST_LIFE = timedelta(seconds=60)

AREAS = {
    "AL": "205 251 256 334 483 659 938", "AK": "907", "AZ": "480 520 602 623 928",
    "AR": "327 479 501 870",
    "CA": "209 213 279 310 323 341 350 357 369 408 415 424 442 510 530 559 562 619 626 628 650 "
          "657 661 669 707 714 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951",
    "CO": "303 719 720 748 970 983", "CT": "203 475 860 959", "DC": "202 771", "DE": "302",
    "FL": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 "
          "941 954",
    "GA": "229 404 470 478 678 706 762 770 912 943", "HI": "808", "ID": "208 986",
    "IL": "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872",
    "IN": "219 260 317 463 574 765 812 930", "IA": "319 515 563 641 712",
    "KS": "316 620 785 913", "KY": "270 364 502 606 859", "LA": "225 318 337 457 504 985",
    "MA": "339 351 413 508 617 774 781 857 978", "MD": "227 240 301 410 443 667",
    "ME": "207", "MI": "231 248 269 313 517 586 616 679 734 810 906 947 989",
    "MN": "218 320 507 612 651 763 924 952", "MO": "235 314 417 557 573 636 660 816 975",
    "MS": "228 471 601 662 769", "MT": "406",
    "NC": "252 336 472 704 743 828 910 919 980 984", "ND": "701", "NE": "308 402 531",
    "NH": "603", "NJ": "201 551 609 640 732 848 856 862 908 973", "NM": "505 575",
    "NV": "702 725 775",
    "NY": "212 315 329 332 347 363 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 "
          "934",
    "OH": "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937",
    "OK": "405 539 572 580 918", "OR": "458 503 541 971",
    "PA": "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878",
    "RI": "401", "SC": "803 821 839 843 854 864", "SD": "605",
    "TN": "423 615 629 731 865 901 931",
    "TX": "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 "
          "903 915 936 940 945 956 972 979",
    "UT": "385 435 801", "VA": "276 434 540 571 686 703 757 804 826 948", "VT": "802",
    "WA": "206 253 360 425 509 564", "WI": "262 274 353 414 534 608 715 920",
    "WV": "304 681", "WY": "307",
}  # fmt: skip
STATE_OF = {area: state for state, areas in AREAS.items() for area in areas.split()}

TERRITORIES = {"AS", "GU", "MP", "PR", "VI"}
FREE = {"FM", "MH", "PW"}
"""They have a ZIP, and are countries of their own."""

FORCES = {"AA", "AE", "AP"}
"""Their ZIPs may be anywhere in the world."""

OLD_NAMES = {
    "America/Atka": "US", "America/Fort_Wayne": "US", "America/Indianapolis": "US",
    "America/Knox_IN": "US", "America/Louisville": "US", "America/Shiprock": "US",
    "Pacific/Johnston": "US", "America/Coral_Harbour": "CA", "America/Montreal": "CA",
    "America/Nipigon": "CA", "America/Pangnirtung": "CA", "America/Rainy_River": "CA",
    "America/Thunder_Bay": "CA", "America/Yellowknife": "CA", "America/Virgin": "VI",
    "Pacific/Samoa": "AS", "US/Samoa": "AS", "Navajo": "US",
}  # fmt: skip
"""Zones' names of which zone.tab has newer ones; all others are where one rule holds."""

BY_LETTER = {
    "A": "America/St_Johns", "B": "America/Halifax", "C": "America/Halifax",
    "E": "America/Halifax", "R": "America/Winnipeg", "S": "America/Regina",
    "T": "America/Edmonton", "V": "America/Vancouver", "X": "America/Edmonton",
    "Y": "America/Whitehorse", **dict.fromkeys("GHJKLMNP", "America/Toronto"),
}  # fmt: skip
BY_TWO = {
    "A2": "America/Goose_Bay", "G4": "America/Halifax", "P9": "America/Winnipeg",
    "S9": "America/Edmonton", "V1": "America/Edmonton", "X0": "America/Iqaluit",
}  # fmt: skip
"""Canadian postcodes: the clock of most who have the letter, and another that some have."""

BY_GEORGIA = {"Chambers County", "Lee County", "Russell County"}
"""Of Alabama: towns there live by the clock across the river."""

_ALSO_IN = {
    "AL": "30165 31905 38852",
    "AR": "38769 65729 65733 65761 75556",
    "AZ": "84531 84536 87328",
    "CA": "89010 89019 89060 89061 89439 97635",
    "CO": "82063",
    "DE": "21912",
    "IA": "56027",
    "ID": "59847 83111 83120 89832 97910 97913 99128",
    "IL": "63673",
    "IN": "45053",
    "KS": "68325 68978",
    "KY": "38079",
    "LA": "71749",
    "MA": "02861",
    "ME": "03579",
    "MI": "54540 54554",
    "MN": "51360 57026 57030 57068 58225",
    "MO": "51640 52542 52573 52626 72644",
    "MS": "38326",
    "MT": "57724 82801",
    "ND": "56744 57638 57641 57642 57645 57648 57660 59221 59270 59275",
    "NE": "51557 57078 66541 80758 82082",
    "NM": "79837 81137 86504 86515",
    "NV": "84034",
    "OK": "67950",
    "OR": "89421 99362",
    "SD": "51001 51023 56144 56164 56219 58439 58623 58649 58653 68719 69201 69212 69216 82701",
    "TN": "42223 42602 72338",
    "TX": "73949 88063 88220 88430",
    "UT": "81324 82930 83312 83342 86044 86514",
    "WV": "20135 24604",
    "WY": "57717",
}  # fmt: skip
"""ZIPs of which the Census has people in another state than the post."""

ALSO_IN = {code: state for state, codes in _ALSO_IN.items() for code in codes.split()}

ISLANDS = {"AU": ("CX", "CC"), "TR": ("CY",), "IL": ("PS",)}
"""Countries that share another's mobile numbers."""

_E, _N = (8, 20), (9, 21)
WEEK: dict[str, tuple[tuple[int, int] | None, ...]] = {
    # weekdays, Saturday, Sunday; None is closed
    "US": ((8, 21),) * 3, "US-AL": (_E, _E, None), "US-CA": (_N,) * 3, "US-CT": ((9, 20),) * 3,
    "US-FL": (_E,) * 3, "US-KY": ((10, 21),) * 3, "US-LA": (_E, _E, None),
    "US-MA": (_E,) * 3, "US-MD": (_E,) * 3, "US-MI": (_N,) * 3, "US-MN": (_N,) * 3,
    "US-MS": (_E, _E, None), "US-NJ": (_E,) * 3, "US-NM": (_N,) * 3,
    "US-NV": ((9, 20),) * 3, "US-OK": (_E,) * 3, "US-OR": (_E,) * 3,
    "US-PA": ((8, 21), (8, 12), (8, 21)), "US-RI": ((9, 18), (10, 17), None),
    "US-WY": (_E,) * 3,
    "CA": ((9, 20), (10, 18), (10, 18)),
    "US-TX": (_N, _N, (12, 21)), "US-UT": ((8, 21), (8, 21), None),
    "US-WA": (_E,) * 3, "PR": (_N,) * 3, "FR": ((8, 22), (8, 22), None), "else": ((9, 20),) * 3,
}  # fmt: skip
LATER = {"US-PA": ("10-18", ((9, 19), (9, 12), None))}
"""Hours that begin on a day of 2026."""

_EVERY = "01-01 01-19 05-25 06-19 07-03 07-04 09-07 11-11 11-26 12-25"
SHUT = {
    "US-AL": f"{_EVERY} 02-16 04-27 06-01 10-12",
    "US-LA": f"{_EVERY} 01-08 02-16 02-17 04-03 08-30 10-12 11-01 11-03",
    "US-MS": f"{_EVERY} 02-16 04-27",
    "US-PA": f"{_EVERY} 02-16 04-03 06-14 10-12 11-03",
    "US-RI": f"{_EVERY} 02-16 05-04 08-10 10-12 11-03",
    "US-UT": f"{_EVERY} 02-16 06-15 07-24 10-12",
    "FR": "01-01 04-03 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25 12-26",
}
"""Days of 2026 on which a rule is closed, by hand from the states' own statutes: of
American ones those that every one of them keeps (Independence Day on a Saturday from the
Friday on), and its own: Confederate Memorial Day, Mardi Gras and Good Friday, Flag Day,
Utah's Juneteenth on the Monday before, Pioneer Day, Victory Day, an Election Day; and Alsace's two."""


class Possible(NamedTuple):
    """Every rule that may hold for a person, and every zone they may be in."""

    rules: frozenset[str]
    zones: frozenset[str]


def possible(phone: str, code: str = "", zone: str = "") -> Possible:
    """Where somebody may be, by all that is said of them; no zones where nobody knows."""
    number = phonenumbers.parse(phone)
    country = phonenumbers.region_code_for_number(number) or ""
    where, zones = {country}, set[str]()
    homes: set[str] = set()  # the clocks of the states that somebody named
    if number.country_code == 1:
        state = STATE_OF.get(phone[2:5], "")
        zones = clocks_of(phone[2:5], state) | _said(number)
        if country == "US":
            where = {f"US-{state}" if state else "US"}
            homes |= zones if state else set()
    told: set[str] = set()
    if code and number.country_code == 1:
        state, there = _zip(code)
        told |= there
        if state in AREAS:
            states = {state, ALSO_IN.get(code, state)}
            where |= {f"US-{one}" for one in states}
            homes |= there  # and the states' other clocks, which tell of no other state
            homes |= set().union(*map(_clocks_in, states))
        elif state in FORCES:
            where.add("US-*")
            if not zone:
                return Possible(frozenset(_rules(where)), frozenset())
        else:
            where.add("CA" if state == "CANADA" else state)
    if zone:
        where.add(_country(zone))
        where |= {f"US-{state}" for state in states_of(zone)}
        is_home = any(_same_clock(zone, home) for home in homes)
        if _country(zone) == "US" and not is_home and not states_of(zone):
            where.add("US-*")  # who moved, to any state
        told.add(zone)
    if not zones:
        zones = told or _zones_of(country)
    return Possible(frozenset(_rules(where)), frozenset(zones | told))


def faults(who: Possible, at: int, expires: int) -> list[str]:
    """What is wrong with a POST at a moment with an expiration, in ms since 1970."""
    found = [] if who.zones else ["nobody knows where"]
    moment = datetime.fromtimestamp(at / 1000, UTC)
    end = datetime.fromtimestamp(expires / 1000, UTC)
    if end - moment < LEAST_LIFE:
        found.append("no time to arrive in")
    for zone in who.zones:
        here, there = (one.astimezone(_clock(zone)) for one in (moment, end))
        for rule in who.rules:
            since, later = LATER.get(rule, ("99-99", WEEK[rule]))
            week = later if f"{here:%m-%d}" >= since else WEEK[rule]
            hours = week[max(0, here.weekday() - 4)]
            if hours is None or f"{here:%m-%d}" in SHUT.get(rule, ""):
                found.append(f"{rule} is closed on {here:%A %m-%d} ({zone})")
            elif not hours[0] <= here.hour < hours[1]:
                found.append(f"{here:%H:%M} is outside of {rule}'s hours ({zone})")
            elif there.date() != here.date():
                found.append(f"expires on another day ({zone})")
            elif _since_midnight(there) > timedelta(hours=hours[1]):
                found.append(f"expires {there:%T}, after {rule} closes ({zone})")
    return found


# -- inside -----------------------------------------------------------------------------


def _rules(where: set[str]) -> set[str]:
    found: set[str] = set()
    names_a_state = any(one.startswith("US-") for one in where)
    for one in where - {""}:
        country = one[:2]
        if country in {"US", *TERRITORIES}:
            found |= {"US"} | ({one} & WEEK.keys())
        else:
            found.add(country if country in WEEK else "else")
        if one == "US-*" or (one == "US" and not names_a_state):
            found |= {name for name in WEEK if name.startswith("US-")}
    return found or {"else"}


def _since_midnight(moment: datetime) -> timedelta:
    """By the clock on the wall, to the last part of a second."""
    return moment.replace(tzinfo=None) - datetime.combine(moment.date(), time.min)


def _clocks_in(state: str) -> set[str]:
    return set().union(*(clocks_of(area, state) for area in AREAS[state].split()))


def _said(number: phonenumbers.PhoneNumber) -> set[str]:
    """What libphonenumber says, unless that is no more than the whole calling code."""
    said = set(time_zones_for_number(number)) - {"Etc/Unknown"}
    return set() if said == set(TIMEZONE_DATA["1"]) else said


@lru_cache(maxsize=65536)
def _zip(code: str) -> tuple[str, set[str]]:
    if code[0].isalpha():
        return "CANADA", {BY_LETTER[code[0]], BY_TWO.get(code[:2], BY_LETTER[code[0]])}
    found = zipcodes.matching(code)[0]  # type: ignore[no-untyped-call]
    zones = {found["timezone"]} & _names()
    if (
        code == "99634"
    ):  # its zone is called Napakiak there: on Bethel's river, by its clock
        zones = {"America/Anchorage"}
    if not zones:
        alike = zipcodes.filter_by(state=found["state"])  # type: ignore[no-untyped-call]
        zones = {one["timezone"] for one in alike} & _names()
    if found["state"] == "AL" and found["county"] in BY_GEORGIA:
        zones |= {"America/New_York"}
    if (code[:3] in {"860", "865"} and code != "86021") or code == "89883":
        # the Navajo Nation (Colorado City is west of it), West Wendover
        zones |= {"America/Denver"}
    return found["state"], zones


@lru_cache(maxsize=1)
def _names() -> set[str]:
    return available_timezones()


@lru_cache(maxsize=1)
def _zone_tab() -> list[list[str]]:
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


@lru_cache(maxsize=512)
def _zones_of(country: str) -> set[str]:
    with_it = {country, *ISLANDS.get(country, ())}
    return {line[2] for line in _zone_tab() if line[0] in with_it}


@lru_cache(maxsize=1024)
def _country(zone: str) -> str:
    here = {line[2]: line[0] for line in _zone_tab()}
    by_prefix = {"US": "US", "Canada": "CA"}.get(zone.split("/", maxsplit=1)[0])
    return here.get(zone) or OLD_NAMES.get(zone) or by_prefix or "elsewhere"


@lru_cache(maxsize=8192)
def _same_clock(one: str, other: str) -> bool:
    days = [datetime(2026, month, 15, 12, tzinfo=UTC) for month in range(1, 13)]
    return all(
        day.astimezone(_clock(one)).utcoffset()
        == day.astimezone(_clock(other)).utcoffset()
        for day in days
    )


@lru_cache(maxsize=1024)
def _clock(zone: str) -> ZoneInfo:
    """By the package's data: the system's may be of before a country changed its clocks."""
    with files("tzdata").joinpath("zoneinfo", zone).open("rb") as file:
        return ZoneInfo.from_file(file, key=zone)

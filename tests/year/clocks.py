"""Which clocks an area code has, by hand: neither libphonenumber nor a table of ZIPs is asked.

After the map of area codes with time zones at https://www.lincmad.com/areacodemap.html,
the counties on each side of a border in 49 CFR 71, and, for Canada, the provinces that
the tz database's zone.tab names.  Nothing of it was made from bulksend's own tables.
"""

from __future__ import annotations

STATES = {
    "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
}
"""The clock of most of a state, for area codes that have one."""

SEVERAL = {
    # west Florida; Indiana's corners; west Kentucky; east Tennessee; Upper Michigan
    "America/New_York America/Chicago": (
        "850 448 219 574 765 812 930 270 364 606 423 865 931 906"
    ),
    # the west of Nebraska, the Dakotas and Kansas; El Paso and the country east of it
    "America/Chicago America/Denver": "308 402 531 605 701 620 785 915",
    # Idaho's north, Malheur in Oregon, Wendover in Nevada
    "America/Denver America/Los_Angeles": "208 986 458 541 775",
    "America/Denver America/Phoenix": "928",  # the Navajo Nation
    "America/Adak America/Anchorage": "907",
    # Canada
    "America/Vancouver": "604",
    "America/Dawson_Creek America/Edmonton America/Vancouver": "236 250 257 672 778",
    "America/Edmonton": "368 403 587 780 825",
    "America/Edmonton America/Regina": "306 474 639",
    "America/Winnipeg": "204 431 584",
    "America/Atikokan America/Toronto America/Winnipeg": "807",
    "America/Toronto": (
        "226 249 263 273 289 343 354 365 382 416 437 438 450 468 514 519 548 579 613 647 683 "
        "705 742 753 819 873 905 942"
    ),
    "America/Blanc-Sablon America/Halifax America/Toronto": "367 418 581",
    "America/Moncton": "428 506",
    "America/Halifax": "782 902",
    "America/Goose_Bay America/St_Johns": "709 879",
    "America/Edmonton America/Iqaluit America/Rankin_Inlet America/Whitehorse": "867",
}  # fmt: skip

OF_ONE_STATE = {
    "AK": "America/Adak America/Anchorage America/Atka America/Juneau America/Metlakatla "
    "America/Nome America/Sitka America/Yakutat US/Alaska US/Aleutian",
    "AZ": "America/Phoenix US/Arizona",
    "HI": "Pacific/Honolulu Pacific/Johnston US/Hawaii",
    "ID": "America/Boise",
    "IN": "America/Fort_Wayne America/Indiana/Indianapolis America/Indiana/Knox "
    "America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Tell_City "
    "America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac "
    "America/Indianapolis America/Knox_IN US/East-Indiana US/Indiana-Starke",
    "KY": "America/Kentucky/Louisville America/Kentucky/Monticello America/Louisville",
    "MI": "America/Detroit America/Menominee US/Michigan",
    "ND": "America/North_Dakota/Beulah America/North_Dakota/Center "
    "America/North_Dakota/New_Salem",
    "OR": "America/Boise",
}
"""Zones whose names tell the state, by the tz database's comments: of Boise's two."""

BY_STATE = {state: zone for zone, states in STATES.items() for state in states.split()}
BY_AREA = {area: zones for zones, areas in SEVERAL.items() for area in areas.split()}


def states_of(zone: str) -> set[str]:
    """The states that a zone's name tells; none where it is the clock of many."""
    return {state for state, zones in OF_ONE_STATE.items() if zone in zones.split()}


def clocks_of(area: str, state: str) -> set[str]:
    """Of an area code, with its state where it is American; none where none is known."""
    return set(BY_AREA.get(area, BY_STATE.get(state, "")).split())

"""Where a person may be: every source's claim, and what stands against sending."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import zipcodes
from phonenumbers import SUPPORTED_REGIONS
from phonenumbers.tzdata import TIMEZONE_DATA

from bulksend.errors import InputError
from bulksend.prepare import postcodes
from bulksend.prepare.areas import Area, area, areas_of
from bulksend.prepare.border_zips import over_the_border
from bulksend.prepare.phones.states import STATES, area_states
from bulksend.prepare.places import Said, claims_and_fault
from bulksend.prepare.provinces import zones_by_prefix
from bulksend.prepare.timing import plan_hours
from bulksend.prepare.zone_lands import zones_in
from bulksend.rules import tz
from bulksend.rules.hours import Hours
from bulksend.rules.pack import shipped_rules
from bulksend.rules.place import Place, word_of
from tests.prepare.planning import codes, column, fates, plan

if TYPE_CHECKING:
    from pathlib import Path

HELD = {"rules": "us-marketing"}
BOTH = {"zone": "zone", "postcode": "zip"}

ROWS = [
    # number, ZIP, zone · the place · the fate
    ("9192345671", "", "", "number US-NC America/New_York", "sent"),
    # Of many area codes libphonenumber knows one clock, and the ZIPs there two.
    ("8502345671", "", "", "number US-FL America/Chicago America/New_York", "sent"),
    ("6892345671", "", "", "number US-FL America/Chicago America/New_York", "sent"),
    ("4234005671", "", "", "number US-TN America/Chicago America/New_York", "sent"),
    ("3082345671", "", "", "number US-NE America/Chicago America/Denver", "sent"),
    ("9282345671", "", "", "number US-AZ America/Denver America/Phoenix", "sent"),
    ("4482345671", "", "", "number US-FL America/Chicago America/New_York", "sent"),
    # Wendover's exchange is Denver's, and Elko's people have any of Nevada's.
    ("7752345671", "", "", "number US-NV America/Boise America/Los_Angeles", "sent"),
    ("9192345694", "89883", "",
     "number US-NC America/New_York; postcode US-NV America/Denver America/Los_Angeles", "sent"),
    # Fort Campbell lies in two states, of which Kentucky opens at ten; Texhoma in two, too.
    ("9192345601", "42223", "", ("number US-NC America/New_York; postcode US-KY "
      "America/Chicago; postcode US-TN America/Chicago"), "sent"),
    ("9192345602", "73949-1234", "America/Chicago", ("number US-NC America/New_York; "
      "postcode US-OK America/Chicago; postcode US-TX America/Chicago; "
      "zone US America/Chicago"), "sent"),
    ("9192345603", "42223", "America/Denver", None, "place_contradicts"),
    # A Canadian who has moved to the other coast and kept the number.
    ("+14165550124", "V6B 1A1", "",
     "number CA America/Toronto; postcode CA America/Vancouver", "sent"),
    ("+16045550125", "v1c3n7", "", ("number CA America/Vancouver; postcode CA America/Creston "
      "America/Dawson_Creek America/Edmonton America/Fort_Nelson America/Vancouver"), "sent"),
    ("+14165550126", "V6B 1A1", "America/Toronto", None, "place_contradicts"),
    ("9192345604", "M5V 3L9", "", ("number US-NC America/New_York; postcode CA "
      "America/Toronto"), "sent"),
    ("+18673341234", "", "",  # all of Canada's North
     ("number CA America/Atikokan America/Cambridge_Bay America/Dawson America/Edmonton "
      "America/Iqaluit America/Rankin_Inlet America/Vancouver America/Winnipeg"), "sent"),
    ("+12502345671", "", "",
     "number CA America/Creston America/Edmonton America/Vancouver", "sent"),
    ("+16042345671", "", "", "number CA America/Vancouver", "sent"),
    ("+16712345671", "", "", "number GU Pacific/Guam", "sent"),
    ("+13406421234", "", "", "number VI America/St_Thomas", "sent"),
    # Elsewhere a number tells its country, whatever its prefix says.
    ("+6281234567890", "", "",
     "number ID Asia/Jakarta Asia/Jayapura Asia/Makassar Asia/Pontianak", "sent"),
    ("+62811234567", "", "Asia/Jayapura", "number ID; zone ID Asia/Jayapura", "sent"),
    ("4802345671", "86503", "",  # the Navajo Nation keeps summer time
     "number US-AZ America/Phoenix; postcode US-AZ America/Denver America/Phoenix", "sent"),
    ("4802345672", "86555", "",  # out of use, and among the Navajo's by its first digits
     "number US-AZ America/Phoenix; postcode US-AZ America/Denver America/Phoenix", "sent"),
    ("2012345671", "", "", "number US-NJ America/New_York", "sent"),
    (
        "9192345672", "90210", "",
        "number US-NC America/New_York; postcode US-CA America/Los_Angeles", "sent",
    ),
    ("9192345673", "90210-1234", "America/Los_Angeles",
     ("number US-NC America/New_York; postcode US-CA America/Los_Angeles; "
      "zone US America/Los_Angeles"), "sent"),
    ("9192345674", "2139", "us/eastern",
     "number US-NC America/New_York; postcode US-MA America/New_York; zone US US/Eastern", "sent"),
    ("9192345675", "00000", "", None, "postcode_unknown"),
    ("9192345676", "W1A 0B1", "", None, "postcode_unknown"),
    ("9192345677", "", "Eastern", None, "zone_unknown"),
    ("9192345678", "90210", "America/New_York", None, "place_contradicts"),
    ("9192345679", "48201", "America/New_York", None, "sent"),  # Detroit has its clock
    ("+33612345678", "75001", "", "number FR Europe/Paris", "sent"),  # no ZIP is French
    ("+33612345679", "", "Europe/London", "number FR; zone GB Europe/London", "sent"),
    ("+17872345671", "00901", "",
     "number PR America/Puerto_Rico; postcode PR America/Puerto_Rico", "sent"),
    ("+61412345678", "", "Australia/Perth", "number AU; zone AU Australia/Perth", "sent"),
    ("+61412345679", "", "",  # Christmas and Cocos Islands have Australia's mobiles
     ("number AU Antarctica/Macquarie Australia/Adelaide Australia/Brisbane "
      "Australia/Broken_Hill Australia/Darwin Australia/Eucla Australia/Hobart "
      "Australia/Lindeman Australia/Lord_Howe Australia/Melbourne Australia/Perth "
      "Australia/Sydney Indian/Christmas Indian/Cocos"), "sent"),
    ("+905338512345", "", "",  # Cyprus' north has Turkey's mobiles
     "number TR Asia/Famagusta Asia/Nicosia Europe/Istanbul", "sent"),
    ("+972599123456", "", "", "number IL Asia/Gaza Asia/Hebron Asia/Jerusalem", "sent"),
    ("9192345698", "36869", "",  # Phenix City lives by the clock of Columbus, Georgia
     "number US-NC America/New_York; postcode US-AL America/Chicago America/New_York", "sent"),
    ("3342345671", "", "America/New_York",  # and may as well have moved
     "number US-AL America/Chicago; zone US-* America/New_York", "sent"),
    ("3242345671", "", "America/Chicago",  # Jacksonville, not Pensacola
     "number US-FL America/New_York; zone US-* America/Chicago", "sent"),
    ("9192345699", "00012345", "", None, "postcode_unknown"),
    ("9192345680", "09001", "",  # the forces' post: nobody knows where
     "number US-NC America/New_York; postcode US-*", "never_open"),
    ("9192345695", "09001", "Europe/Berlin",  # but by another column
     "number US-NC America/New_York; postcode US-*; zone DE Europe/Berlin", "sent"),
    # Who has moved may be in any state; a zone that the number's state has tells nothing new.
    ("4152345671", "", "America/New_York",
     "number US-CA America/Los_Angeles; zone US-* America/New_York", "sent"),
    ("4152345672", "33101", "America/New_York",
     ("number US-CA America/Los_Angeles; postcode US-FL America/New_York; "
      "zone US America/New_York"), "sent"),
    ("9192345701", "", "America/Detroit",
     "number US-NC America/New_York; zone US-MI America/Detroit", "sent"),
    # Some zones' names tell the state, by other names too; one of two states is of both.
    ("9192345702", "", "America/Louisville",
     ("number US-NC America/New_York; zone US-IN America/Louisville; "
      "zone US-KY America/Louisville"), "sent"),
    ("4152345673", "", "US/Michigan",
     "number US-CA America/Los_Angeles; zone US-MI US/Michigan", "sent"),
    ("+18002345673", "", "Pacific/Honolulu", "number US-*; zone US-HI Pacific/Honolulu", "sent"),
    ("+18002345672", "", "America/Chicago", "number US-*; zone US-* America/Chicago", "sent"),
    ("+17872345673", "", "America/New_York",
     "number PR America/Puerto_Rico; zone US-* America/New_York", "sent"),
    # A zone's other name is in every country that has its clock, or in the one that others name.
    ("4802345673", "", "US/Arizona", "number US-AZ America/Phoenix; zone US-AZ US/Arizona", "sent"),
    ("+33612345670", "", "US/Arizona", "number FR; zone CA US/Arizona; zone US-AZ US/Arizona", "sent"),
    ("+447400123456", "", "GB", "number GB; zone GB GB", "sent"),
    ("+6421123456", "", "NZ", "number NZ; zone NZ NZ", "sent"),
    ("+14162345674", "", "EST5EDT", "number CA America/Toronto; zone CA EST5EDT", "sent"),
    ("+14162345675", "", "Canada/Eastern", "number CA America/Toronto; zone CA Canada/Eastern", "sent"),
    ("+14162345671", "90210", "",
     "number CA America/Toronto; postcode US-CA America/Los_Angeles", "sent"),
    ("+14162345672", "W1A 0B1", "", None, "postcode_unknown"),
    ("+14162345673", "00000", "", None, "postcode_unknown"),  # nobody's ZIP
    ("+18092345671", "00000", "", "number DO America/Santo_Domingo", "sent"),  # its own
    ("+17872345672", "W1A 0B1", "", None, "postcode_unknown"),
    ("9192345696", "", "CET", None, "zone_unknown"),  # Tunis' or Berlin's?
    ("9192345697", "", "PST8PDT", None, "sent"),  # it says when summer is
    ("9192345690", "", "EST", None, "zone_unknown"),  # an offset is no place
    ("9192345691", "", "UTC", None, "zone_unknown"),
    ("9192345692", "", "Etc/GMT+5", None, "zone_unknown"),
    ("+18002345671", "33101", "", "number US; postcode US-FL America/New_York", "sent"),
    ("+80012345678", "", "", "number -", "never_open"),
    ("9192345681", "", "Asia/Jakarta", None, "never_open"),
]  # fmt: skip


def test_each_source_says_where_a_person_may_be(tmp_path: Path) -> None:
    """Number, ZIP and zone column; unknown and contradictory cells are reasons."""
    people = pl.DataFrame(
        [row[:3] for row in ROWS], ["phone", "zip", "zone"], orient="row"
    )
    checked = plan(tmp_path, people, recipients=BOTH, send=HELD)
    found = list(zip(column(checked, "place"), fates(checked), strict=True))
    for (*_, place, fate), (is_place, is_fate) in zip(ROWS, found, strict=True):
        assert is_fate == fate, is_place
        assert place in (None, is_place)


SPANNING = """
    208 219 270 308 364 402 423 448 458 531 541 574 605 606 620 689 701 765 775 785 812
    850 865 906 907 915 928 930 931
"""
"""Area codes of whose ZIPs at least three keep another clock than libphonenumber says."""


@pytest.mark.parametrize("code", SPANNING.split())
def test_area_codes_that_span_zones_have_them_all(code: str) -> None:
    """By every clock that their own state's ZIPs have; of any exchange the same."""
    state = found_area(code).state
    alike = zipcodes.filter_by(state=state)  # type: ignore[no-untyped-call]
    wanted = {one["timezone"] for one in alike if code in one["area_codes"]}
    clocks = {clock(zone) for zone in found_area(code).zones}
    assert {clock(zone) for zone in wanted & tz.names()} <= clocks
    assert len(clocks) > 1
    assert {found_area(code, exchange) for exchange in (234, 400, 789)} == {
        found_area(code)
    }


def test_no_number_of_north_america_is_narrower_than_phonenumbers_has_it() -> None:
    """Of every area code and exchange all clocks that libphonenumber knows there."""
    narrower = [
        prefix
        for prefix, zones in TIMEZONE_DATA.items()
        if len(prefix) > 3 and prefix.startswith("1")
        if not {*map(clock, zones)} <= {*map(clock, found_area(prefix[1:4]).zones)}
    ]
    assert narrower == []


def test_every_american_area_code_has_a_clock_of_each_of_its_zips() -> None:
    """All of them, the quarter of them that is newer than libphonenumber's zones too."""
    told: dict[tuple[str, str], set[str]] = {}
    for one in zipcodes.list_all():  # type: ignore[no-untyped-call]
        for code in filter(str.isdigit, one["area_codes"]):
            told.setdefault((code, one["state"]), set()).add(one["timezone"])
    own = {
        key: zones for key, zones in told.items() if found_area(key[0]).state == key[1]
    }
    for (code, _), zones in own.items():
        clocks = {clock(zone) for zone in found_area(code).zones}
        assert {clock(zone) for zone in zones & tz.names()} <= clocks, code
    assert len(own) > 340


def test_all_that_may_be_leaves_hours_for_everybody() -> None:
    """Eight a day or more for each area code, in winter and summer; some for a country."""
    hours = Hours(shipped_rules(), "us-marketing")

    def opened(found: Area, region: str, month: int) -> int:
        claims, _ = claims_and_fault(Said(found, region, postcodes.EMPTY, ""))
        start = datetime(2026, month, 14, tzinfo=UTC).timestamp() * 1000  # a weekday
        day = (round(start), round(start) + 86_400_000)
        openings = hours.openings(Place.parse(word_of(claims)), *day)
        return sum(min(b, day[1]) - max(a, day[0]) for a, b in openings) // 3_600_000

    for found in {found_area(str(code)) for code in range(200, 1_000)}:
        region = "US" if found.state else "CA"
        least = min(opened(found, region, month) for month in (1, 7))
        assert least >= 8 or not found.zones, found
    nowhere = Area("", ())
    assert [one for one in SUPPORTED_REGIONS if not opened(nowhere, one, 1)] == []


@cache
def found_area(code: str, exchange: int = 234) -> Area:
    number = (1_000 + int(code)) * 10_000_000 + exchange * 10_000 + 5671
    return area(areas_of(pl.Series([number])).item())


@cache
def clock(zone: str) -> tuple[object, ...]:
    """A zone's offset in each month of ten years."""
    moments = (datetime(2026 + n // 12, n % 12 + 1, 15, tzinfo=UTC) for n in range(120))
    return tuple(moment.astimezone(tz.zone(zone)).utcoffset() for moment in moments)


def test_a_number_without_a_place_may_be_anywhere_in_its_country(
    tmp_path: Path,
) -> None:
    """A toll-free number and an Australian mobile: all zones that the country has."""
    checked = plan(tmp_path, "phone\n+18002345671\n+61412345678\n", send=HELD)
    free, mobile = map(Place.parse, column(checked, "place"))
    assert free.jurisdictions == ("US-*",)
    assert {"America/New_York", "Pacific/Honolulu", "America/Adak"} <= set(free.zones)
    assert "America/Toronto" not in free.zones
    assert {"Australia/Perth", "Australia/Sydney"} <= set(mobile.zones)


def test_a_group_is_wherever_its_members_are(tmp_path: Path) -> None:
    """The window of a group is right for everybody in it."""
    people = (
        'phone\n"9192345671;2132345671"\n"9192345671;+818012345678;+442079460958"\n'
        '"9192345671;+18002345672"\n'
    )
    checked = plan(tmp_path, people, message={"group": True}, send=HELD)
    assert column(checked, "place")[0] == (
        "number US-NC America/New_York; number US-CA America/Los_Angeles"
    )
    assert fates(checked) == ["sent", "never_open", "sent"]
    # Somebody of no state brings the rules of all, whose state the others know.
    assert Place.parse(column(checked, "place")[2]).jurisdictions == ("US-*", "US-NC")


def test_without_hours_nothing_is_asked(tmp_path: Path) -> None:
    """Where no rule and no window hold, no place is worked out."""
    free = {"profile": "transactional", "because": "codes that people wait for"}
    checked = plan(tmp_path, "phone\n+80012345678\n", send={"rules": free})
    assert column(checked, "place") == [None]
    assert plan_hours(checked.plan) is None


def test_on_the_simulator_hours_are_shown_and_bar_nobody(tmp_path: Path) -> None:
    """Unless the campaign itself speaks of hours: then a trial shows what would be."""
    assert fates(plan(tmp_path, "phone\n+80012345678\n")) == ["sent"]
    assert fates(plan(tmp_path, "phone\n+80012345678\n", send=HELD)) == ["never_open"]


def test_a_plan_keeps_the_hours_it_was_made_with(tmp_path: Path) -> None:
    """Rules and window are in the plan, whole; another window is another plan."""
    said = {"window": {"from": "09:00", "to": "12:00"}, "rules": "us-strict"}
    checked = plan(tmp_path, "phone\n9192345671\n", send=said)
    hours = plan_hours(checked.plan)
    assert hours is not None
    assert (hours.profile, hours.window) == ("us-strict", (540, 720))
    place = Place.parse(column(checked, "place")[0])
    start, end = hours.next(place, 1_789_300_000_000) or (0, 0)
    zone = ZoneInfo("America/New_York")
    opens, closes = (datetime.fromtimestamp(t / 1000, zone) for t in (start, end))
    assert (f"{opens:%H:%M}", f"{closes:%H:%M}") == ("10:00", "12:00")
    other = plan(tmp_path, "phone\n9192345671\n", send=said | {"rules": "us-marketing"})
    assert other.plan.hash != checked.plan.hash


@pytest.mark.parametrize(
    ("recipients", "send", "code"),
    [
        ({"zone": "tz"}, {}, "E216"),
        ({"postcode": "plz"}, {}, "E216"),
        ({}, {"rules": {"also": "ours.yaml"}}, "E122"),
        ({}, {"rules": {"also": "nowhere.yaml"}}, "E121"),
    ],
)
def test_what_is_wrong_about_place_and_rules_is_said_before_anything(
    tmp_path: Path, recipients: dict[str, Any], send: dict[str, Any], code: str
) -> None:
    """A column that is not there, rules that are not there or wrong: nothing is planned."""
    files = {"ours.yaml": "checked: 2026-01-01\nrules: []\n"}
    with pytest.raises(InputError) as caught:
        plan(tmp_path, "phone\n9192345671\n", files, recipients=recipients, send=send)
    assert code in [problem.code for problem in caught.value.problems]


def test_a_window_that_opens_for_nobody_is_a_gate(tmp_path: Path) -> None:
    """From 21:30 to 22:30 no rule allows: every row says so, and the gate is closed."""
    send = HELD | {"window": {"from": "21:30", "to": "22:30"}}
    checked = plan(tmp_path, "phone\n9192345671\n2132345671\n", send=send)
    assert fates(checked) == ["never_open", "never_open"]
    assert [gate.code for gate in checked.gates] == ["E420"]


OURS = """\
checked: 2026-01-01
rules:
  - id: ours
    name: Ours
    jurisdictions: [US]
    versions:
      - {from: 2020-01-01, hours: {mon-sun: "06:00-07:00"}, kind: caution,
         source: ours, url: "https://example.com"}
"""


def test_own_rules_narrow_a_campaign(tmp_path: Path) -> None:
    """A file of one's own beside the shipped rules."""
    send = {"rules": {"also": "ours.yaml"}}
    checked = plan(tmp_path, "phone\n9192345671\n", {"ours.yaml": OURS}, send=send)
    assert fates(checked) == ["never_open"]


def test_a_transactional_campaign_keeps_its_own_rules(tmp_path: Path) -> None:
    """It drops the hours that come with bulksend; what its writer wrote holds."""
    free = {"profile": "transactional", "because": "codes", "also": "ours.yaml"}
    checked = plan(
        tmp_path, "phone\n9192345671\n", {"ours.yaml": OURS}, send={"rules": free}
    )
    assert fates(checked) == ["sent"]
    hours = plan_hours(checked.plan)
    assert hours is not None
    place = Place.parse(column(checked, "place")[0])
    assert [rule.id for rule in hours.rules(place)] == ["ours"]
    start, end = hours.next(place, 1_789_300_000_000) or (0, 0)
    zone = ZoneInfo("America/New_York")
    opens, closes = (datetime.fromtimestamp(t / 1000, zone) for t in (start, end))
    assert (f"{opens:%H:%M}", f"{closes:%H:%M}") == ("06:00", "07:00")


def test_area_codes_and_zips_agree_about_states() -> None:
    """Two packages that know nothing of each other name the same state for 350 codes."""
    told: dict[int, dict[str, int]] = {}
    for one in zipcodes.list_all():  # type: ignore[no-untyped-call]
        for code in one["area_codes"]:
            if code.strip().isdigit() and one["state"] in STATES:
                votes = told.setdefault(int(code), {})
                votes[one["state"]] = votes.get(one["state"], 0) + 1
    of_area = area_states()
    ours = [STATES[of_area[area]] for area in told]
    theirs = [max(votes, key=votes.__getitem__) for votes in told.values()]
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a]
    assert len(pairs) > 340
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


CELLS = [
    ("02139", "MA"), ("2139", "MA"), ("501", "NY"), ("33101-1234", "FL"),
    ("331011234", "FL"), (" 33101 ", "FL"), ("02139-", "MA"), ("33101-123", "?"),
    ("2139-1234", "MA"), ("21391234", "MA"), ("2139 1234", "MA"), ("00012345", None), ("0002139", "?"),
    ("+2139", "?"), ("+33101", "?"), ("501-1234", "?"), ("3310112345", "?"), ("33101.0", "FL"), ("96910", "GU"),
    ("1", None), ("99999", None), ("", ""), (None, ""),
    ("abcde", "?"), ("W1A 0B1", "?"), ("K1A 1AA", "?"), ("123456", "?"),
    ("K1A 0B1", "CA"), ("k1a0b1", "CA"), ("K1A-0B1", "CA"), ("Ｋ１Ａ", "CA"), ("K1", "?"),
    ("１０００１", "NY"), ("３３１０１－１２３４", "FL"), ("١٢٣٤٥", "?"), ("1٠٠٠1", "?"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "state"), CELLS)
def test_a_zip_is_read_as_people_and_spreadsheets_write_it(
    cell: str | None, state: str | None
) -> None:
    """Lost zeros, ZIP+4, spaces, full-width digits; what is no ZIP is told apart from an empty cell."""
    place = postcodes.places_of(pl.Series([cell], dtype=pl.String)).item()
    known = postcodes.places()
    said = {postcodes.NOT_ONE: None, postcodes.EMPTY: "", postcodes.FOREIGN: "?"}
    assert (
        known[place][0][0].removeprefix("US-") if place in known else said[place]
    ) == state


def test_a_zip_of_two_states_has_both() -> None:
    """The post has Junction City in Arkansas; Louisiana's half of it is closed on Sundays."""
    text = (
        "02861 42223 59221 63673 71749 73949 81137 84536 86044 86515 88063 89439 97635"
    )
    found = postcodes.places_of(pl.Series(text.split()))
    states = [sorted(postcodes.places()[place][0]) for place in found]
    assert " ".join("".join(one[3:] for one in some) for some in states) == (
        "MARI KYTN MTND ILMO ARLA OKTX CONM AZUT AZUT AZNM NMTX CANV CAOR"
    )


def test_every_zip_of_two_states_is_one_with_a_clock_on_both_sides() -> None:
    """Rome in Georgia has people in Alabama, an hour behind and closed on Sundays."""
    border = over_the_border()
    assert len(border) == 103
    found = dict(zip(border, postcodes.places_of(pl.Series([*border])), strict=True))
    places = {code: postcodes.places()[place] for code, place in found.items()}
    assert places["30165"] == (
        ("US-GA", "US-AL"),
        ("America/Chicago", "America/New_York"),
    )
    for code, others in border.items():
        named, _ = places[code]
        assert len(named) == 2, code
        assert named[1:] == tuple({f"US-{state}" for state, _ in others}), code
    known = {(one["state"], one["county"]) for one in zipcodes.list_all()}  # type: ignore[no-untyped-call]
    assert {other for others in border.values() for other in others} <= known


def test_canadian_postcodes_know_every_clock_of_canada() -> None:
    """Each zone that the country has is that of some postcode, and none is another's."""
    told = {zone for zones in zones_by_prefix().values() for zone in zones}
    assert {clock(zone) for zone in told} == {clock(one) for one in zones_in("CA")}
    assert len(zones_by_prefix()) == 180


def test_notices_say_nothing_of_good_columns(tmp_path: Path) -> None:
    """A column that is found under its name needs no word."""
    checked = plan(
        tmp_path, "phone,zip,zone\n9192345671,,\n", recipients=BOTH, send=HELD
    )
    assert codes(checked) == []


UNREAD = [
    # the header, what the campaign reads, and what of the list is named
    ("phone,zip", {}, ["postcode: zip"]),
    ("phone,Postal_Code,Time Zone", {}, ["postcode: Postal_Code", "zone: Time Zone"]),
    ("phone,zip,tz", {"zone": "tz"}, []),
    ("phone,zip_of_shop,zone", {}, []),
]


@pytest.mark.parametrize(("header", "reads", "named"), UNREAD)
def test_a_column_of_places_that_nothing_reads_is_told(
    tmp_path: Path, header: str, reads: dict[str, str], named: list[str]
) -> None:
    """Without it whoever moved and kept the number is texted by the old home's clock."""
    people = f"{header}\n9192345671{',' * header.count(',')}\n"
    checked = plan(tmp_path, people, recipients=reads, send=HELD)
    told = [str(one) for one in checked.notices if one.code == "W228"]
    assert len(told) == len(named)
    for line, key in zip(told, named, strict=True):
        assert f"Add `{key}` to `recipients`." in line


def test_where_no_hours_are_kept_no_column_of_places_is_missed(tmp_path: Path) -> None:
    """A transactional campaign without a window goes to everybody at any hour."""
    free = {
        "rules": {"profile": "transactional", "because": "codes that people ask for"}
    }
    checked = plan(tmp_path, "phone,zip\n9192345671,\n", send=free)
    assert codes(checked) == []

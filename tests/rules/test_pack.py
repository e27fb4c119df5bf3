"""A pack that cannot be trusted is refused, with every reason at once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Any

import holidays
import pytest
import yaml
from pydantic import TypeAdapter

from bulksend.errors import InputError
from bulksend.rules.calendars import slots_on
from bulksend.rules.changes import rule_changes, rules_in_force
from bulksend.rules.closed_days import (
    DAY,
    _table,
    asked,
    closed_days,
    day_of,
    easter,
    holidays_of,
)
from bulksend.rules.hours import Hours
from bulksend.rules.pack import RulePack, read_rules, shipped_rules
from bulksend.rules.place import Claim, Place, claims_of, word_of
from bulksend.rules.rule_file import SHIPPED_CALENDARS

if TYPE_CHECKING:
    from pathlib import Path


def version(**other: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "from": "2020-01-01",
        "hours": {"mon-sun": "08:00-20:00"},
        "kind": "primary",
        "source": "a law",
        "url": "https://example.com/law",
    }
    return said | other


def pack(*versions: dict[str, Any], **other: Any) -> dict[str, Any]:
    rule = {
        "id": "zz",
        "name": "Zed",
        "jurisdictions": ["TZ"],
        "versions": list(versions),
    }
    return {"checked": "2026-11-26", "rules": [rule | other]}


def written(folder: Path, tree: object) -> Path:
    path = folder / "ours.yaml"
    text = tree if isinstance(tree, str | bytes) else yaml.safe_dump(tree)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


WRONG: list[tuple[str, object, str]] = [
    ("E121", "a: [", "it is not YAML"),
    ("E121", b"\xff\xfea\x00", "it is not UTF-8"),
    ("E122", pack(version(hours={"mon-sat": "08:00-20:00"})), "a gap: nothing is said about sun"),
    ("E122", pack(version(hours={"mon-sun": "08:00-20:00", "sat": "closed"})), "an overlap: sat more than once"),
    ("E122", pack(version(hours={"mon-sun": "20:00-08:00"})), "ends before it begins"),
    ("E122", pack(version(hours={"mon-sun": "08:00-25:00"})), "after midnight"),
    ("E122", pack(version(hours={"mon-sun": "8-20"})), "neither hours"),
    ("E122", pack(version(hours={"mon-sun": ["08:00-12:00", "11:00-20:00"]})), "overlap or are not in order"),
    ("E122", pack(version(hours={"sun-mon": "08:00-20:00"})), "runs backwards"),
    ("E122", pack(version(hours={"everyday": "08:00-20:00"})), "is no day"),
    ("E122", pack(version(hours={"mon-sun": "08:00-20:00", "holiday": "closed"})), "no calendar of them"),
    ("E122", pack(version(), holidays="US-QQ"), "no calendar of holidays is called US-QQ"),
    ("E122", pack(version(), holidays=["US", "US-QQ"]), "no calendar of holidays is called US-QQ"),
    ("E122", pack(version(), holidays=["02-30"]), "there is no day 02-30"),
    ("E122", pack(version(), holidays=["2026-13-01"]), "there is no day 2026-13-01"),
    ("E122", pack(version(), holidays=["tue 02-30"]), "there is no day tue 02-30"),
    ("E122", pack(version(), holidays=["easter-0"]), '"easter-0"; expected calendars'),
    ("E122", pack(version(), holidays=["May 4"]), '"May 4"; expected calendars such as US-AL or FR, and days'),
    ("E122", pack(version(until="2021-01-01"), version(**{"from": "2021-06-01"})), "a gap between versions, from 2021-01-01 to 2021-06-01"),
    ("E122", pack(version(), version(**{"from": "2021-06-01"})), "versions overlap"),
    ("E122", pack(version(until="2019-01-01")), "ends on 2019-01-01, and begins on 2020-01-01"),
    ("E122", pack(version(kind="rumour")), '"rumour"; expected primary, secondary or caution'),
    ("E122", pack(version(**{"from": "2021-02-29"})), '"2021-02-29"; expected a day'),
    ("E122", pack(version(url="ftp://x")), "expected an http(s) address"),
    ("E122", pack(version(per_day="0")), "expected a whole number above 0"),
    ("E122", pack(version(per_day="9" * 23)), "up to 1,000,000"),
    ("E122", pack(version(colour="red")), "no such key"),
    ("E122", pack(version(), jurisdictions=["Florida"]), "ISO 3166"),
    ("E122", pack(version(), jurisdictions=["US-FLA"]), "there is no state US-FLA; expected a list of"),
    ("E122", pack(version(), jurisdictions=["US", "ZZ"]), "there is no country ZZ"),
    ("E122", pack(version(), jurisdictions=["US-PR"]), "a country of its own here, PR"),
    ("E122", {"rules": []}, "missing"),
    ("E122", "", "expected the keys `checked` and `rules`"),
    ("E122", "? [a, b]\n: 1\n", ":1: a key that is no word"),
    ("E122", "{a: 1}: 1\n", ":1: a key that is no word"),
    ("E122", "rules: " + "[" * 3_000 + "]" * 3_000, ":1: it is nested too deeply"),
    ("E122", "\n".join(" " * n + "-" for n in range(3_000)), ":21: it is nested too deeply"),
    ("E122", "rules: " + "[" * 200_000, ":1: it is nested too deeply"),  # libyaml's stack ends
    ("E121", "a: &a [*a]", "it is not YAML"),
    ("E121", "a: *a", "it is not YAML"),
    ("E121", 'a: "\\UFFFFFFFF"', "it is not YAML"),
    ("E122", pack(version(**{"from": "0001-01-01"})), "expected a day of 1900 to 2999"),
    ("E122", pack(version(until="9999-12-31")), "without it a version holds for good"),
    ("E122", pack(version()) | {"checked": "0001-01-01"}, "expected the day it was checked"),
    ("E122", pack(version(), id="us-fl"), "is there already"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "tree", "said"), WRONG)
def test_a_wrong_pack_is_refused_with_what_is_wrong(
    tmp_path: Path, code: str, tree: object, said: str
) -> None:
    """A gap, an overlap, an unknown calendar or day: a coded problem each."""
    with pytest.raises(InputError) as caught:
        read_rules([written(tmp_path, tree)], beside=shipped_rules())
    assert any(
        problem.code == code and said in str(problem)
        for problem in caught.value.problems
    ), caught.value


FILE = """\
checked: 2026-11-26
rules:
  - id: one
    name: One
    jurisdictions: [TZ]
    versions:
      - from: 2020-01-01
        hours: {mon-sun: "08:00-20:00"}
        kind: primary
        source: a law
        url: https://example.com/law
"""
LINES = [
    # what is changed, to what, and the line that is to blame
    ("2026-11-26", "soon", 1),
    ("[TZ]", "\n      - TZ\n      - ZZ", 7),
    ("2020-01-01", "2021-02-29", 7),
    ('{mon-sun: "08:00-20:00"}', '{mon-sun: "8-20"}', 8),
    ("hours:", "hour:", 8),
    ("primary", "rumour", 9),
    ("        kind: primary\n", "", 7),
    ("id: one", "id: us-fl", 3),
    ("    name: One\n", "", 3),
    ("id: one", "id: one\n    id: two", 4),
]


@pytest.mark.parametrize(("said", "instead", "line"), LINES)
def test_what_is_wrong_in_a_pack_has_its_line(
    tmp_path: Path, said: str, instead: str, line: int
) -> None:
    """Of a key that is missing, where what lacks it begins."""
    with pytest.raises(InputError) as caught:
        read_rules(
            [written(tmp_path, FILE.replace(said, instead))], beside=shipped_rules()
        )
    assert line in {problem.line for problem in caught.value.problems}, caught.value


def test_the_calendars_of_the_shipped_rules_are_known() -> None:
    """They are taken as known when a pack is read, so they are asked for here."""
    named = {one for rule in shipped_rules().rules for one in rule.holidays}
    assert {one for one in named if not DAY.fullmatch(one)} == SHIPPED_CALENDARS
    for country, _, part in (name.partition("-") for name in SHIPPED_CALENDARS):
        holidays.country_holidays(country, subdiv=part or None)


@pytest.mark.parametrize("calendar", sorted(SHIPPED_CALENDARS))
def test_the_table_of_holidays_is_the_librarys(calendar: str) -> None:
    """For each year that it has; a year that it lacks is asked for."""
    years = sorted(map(int, _table()[calendar]))
    assert len(years) >= 10
    for year in (*years, years[-1] + 1):
        found = closed_days(calendar, year)
        assert found == asked(calendar, year), "docs/closed_days.py writes it anew"


OF_THE_STATE_S_OWN_LIST = [
    # R.S. 1:55, R.I.G.L. 25-1-1, code du travail L3134-13 (Alsace and Moselle)
    ("us-la", "2026-01-08 2026-02-17 2026-10-12 2026-08-30 2026-11-01 2028-01-10"),
    ("us-ri", "2026-05-04 2031-05-05 2026-11-03 2028-11-07 2026-08-10"),
    ("us-pa", "2026-04-03 2026-06-14 2026-11-03 2027-11-02 2028-06-14"),  # 44 P.S. 11
    ("us-ut", "2026-06-15 2027-06-21 2028-06-19 2027-03-26 2026-07-24"),  # 63G-1-301
    ("us-al", "2026-02-17 2027-02-09 2026-04-27"),  # 1-3-8
    ("fr", "2026-04-03 2026-12-26 2027-03-26 2026-07-14"),
]


@pytest.mark.parametrize(("rule", "days"), OF_THE_STATE_S_OWN_LIST)
def test_a_place_closes_on_what_its_own_list_has(rule: str, days: str) -> None:
    """Beside the library's days; the day before is one like others."""
    known = shipped_rules().rule(rule)
    assert known is not None
    for day in map(date.fromisoformat, days.split()):
        assert slots_on(known, day) == ()
        assert day in holidays_of(known.holidays, day.year)
    assert date(2026, 6, 10) not in holidays_of(known.holidays, 2026)


NAMED = [
    ("05-04", {2026: "05-04", 2028: "05-04"}),
    ("02-29", {2026: "", 2028: "02-29"}),
    ("2026-11-03", {2026: "11-03", 2028: ""}),
    ("tue 11-02", {2026: "11-03", 2027: "11-02", 2028: "11-07", 2033: "11-08"}),
    ("mon 06-15", {2026: "06-15", 2027: "06-21", 2028: "06-19", 2032: "06-21"}),
    ("easter-2", {2026: "04-03", 2027: "03-26", 2038: "04-23"}),
    ("easter-47", {2026: "02-17", 2024: "02-13"}),
]


@pytest.mark.parametrize(("named", "days"), NAMED)
def test_a_day_is_named_in_four_ways(named: str, days: dict[int, str]) -> None:
    """Of each year, of one, a weekday from a day on, and before Easter."""
    for year, day in days.items():
        found = day_of(named, year)
        assert (f"{found:%m-%d}" if found else "") == day, year
        assert (found in holidays_of((named,), year)) == bool(day)


def test_easter_is_as_another_library_has_it() -> None:
    """By Good Friday and Easter Monday, which are French holidays."""
    years = range(1950, 2100)
    known = holidays.country_holidays("FR", subdiv="57", years=years)
    for year in years:
        for name, days in (("Good Friday", -2), ("Easter Monday", 1)):
            found = easter(year) + timedelta(days=days)
            assert known.get(found) == name, year


def test_days_that_move_are_right_for_as_long_as_the_table_is() -> None:
    """Elections, inaugurations, and 4 May on a Sunday: written out, so computed here."""
    louisiana, rhode_island = map(shipped_rules().rule, ("us-la", "us-ri"))
    assert louisiana is not None
    assert rhode_island is not None
    for year in range(2026, 2037):
        weekdays = {
            date(year, 1, day): date(year, 1, day).weekday() for day in range(8, 15)
        }
        (second_monday,) = (day for day, weekday in weekdays.items() if weekday == 0)
        if year % 4 == 0:
            assert second_monday in holidays_of(louisiana.holidays, year)
        (tuesday,) = (
            date(year, 11, day)
            for day in range(2, 9)
            if date(year, 11, day).weekday() == 1
        )
        closed = holidays_of(rhode_island.holidays, year)
        assert (tuesday in closed) == (year % 2 == 0)
        fourth = date(year, 5, 4)
        assert (date(year, 5, 5) in closed) == (fourth.weekday() == 6)


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    """Two faults, two problems, each at its place."""
    tree = pack(version(hours={"mon": "closed"}), version(hours={"sun-mon": "closed"}))
    with pytest.raises(InputError) as caught:
        read_rules([written(tmp_path, tree)])
    places = [problem.column for problem in caught.value.problems]
    assert "rules[0].versions[0].hours" in places
    assert "rules[0].versions[1].hours" in places
    assert "rules[0].versions" in places


OPEN, SHUT = {"mon-sun": "08:00-20:00"}, {"mon-sun": "closed"}
OPENED = [
    # what a rule says, and whether it ever opens; the shipped pack is of 2026
    ([version(hours=SHUT)], False),
    ([version(hours=SHUT, until="2028-12-30"), version(hours=OPEN, **{"from": "2028-12-30"})], True),
    ([version(hours=OPEN, until="2025-01-01"), version(hours=SHUT, **{"from": "2025-01-01"})], False),
    ([version(hours=SHUT, until="2025-01-01"), version(hours=OPEN, **{"from": "2025-01-01"})], True),
]  # fmt: skip


@pytest.mark.parametrize(("versions", "is_open"), OPENED)
@pytest.mark.parametrize("checked", ["2020-05-01", "2026-11-27"])
def test_a_rule_that_opens_later_is_no_rule_that_never_opens(
    tmp_path: Path, versions: list[dict[str, Any]], *, is_open: bool, checked: str
) -> None:
    """However long ago somebody looked at rules of their own."""
    own = pack(*versions, jurisdictions=["US"]) | {"checked": checked}
    both = read_rules([written(tmp_path, own)], beside=shipped_rules())
    place = Place(("US-CO",), ("America/Denver",))
    assert Hours(both, "us-marketing").ever_opens(place) == is_open


def test_own_rules_only_narrow(tmp_path: Path) -> None:
    """A rule of one's own for Colorado holds beside the federal one."""
    own = pack(version(hours={"mon-sun": "07:00-12:00"}), jurisdictions=["US-CO"])
    both = read_rules([written(tmp_path, own)], beside=shipped_rules())
    place = Place(("US-CO",), ("America/Denver",))
    found = Hours(both, "us-marketing").next(place, 1_790_000_000_000)
    assert found is not None
    assert {rule.id for rule in Hours(both, "us-marketing").rules(place)} == {
        "us-federal",
        "zz",
    }


@pytest.mark.parametrize("where", ["GB", "CA-QC", "DE"])
@pytest.mark.parametrize("place", ["GB", "CA", "CA-QC", "CA-ON", "DE", "BR", "US-FL"])
def test_own_rules_for_a_country_stand_beside_the_default(
    tmp_path: Path, where: str, place: str
) -> None:
    """However wide they are: nobody may be texted at an hour that was closed before."""
    own = pack(version(hours={"mon-sun": "00:00-24:00"}), jurisdictions=[where])
    both = read_rules([written(tmp_path, own)], beside=shipped_rules())
    person = Place((place,), ("Europe/London",))
    before = Hours(shipped_rules(), "us-marketing").rules(person)
    after = Hours(both, "us-marketing").rules(person)
    assert {rule.id for rule in before} <= {rule.id for rule in after}


TWICE = """\
checked: 2026-11-26
rules:
  - id: zz
    name: Zed
    jurisdictions: [GB]
    versions:
      - from: 2020-01-01
        hours: {mon-sun: "20:00-21:00", mon-sun: "08:00-09:00"}
        kind: primary
        source: a law
        url: https://example.com/law
"""


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """YAML would take the second, and nobody would know."""
    with pytest.raises(InputError) as caught:
        read_rules([written(tmp_path, TWICE)])
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("E122", 8)
    assert "`mon-sun` is there twice" in str(problem)


def test_the_shipped_pack_says_where_each_rule_stands() -> None:
    """Every version has a source, an address and a kind; FL and WA were read."""
    kinds = {
        row.id: row.kind for row in rules_in_force(shipped_rules(), date(2026, 11, 26))
    }
    assert kinds["us-federal"] == kinds["us-fl"] == kinds["us-wa"] == "primary"
    assert kinds["us-tx"] == "secondary"
    assert kinds["default"] == "caution"


def test_what_changed_between_two_days() -> None:
    """Florida's rule begins in July 2021, and Texas' source changes in 2025."""
    before, after = (
        rules_in_force(shipped_rules(), date(*day))
        for day in ((2021, 1, 1), (2026, 1, 1))
    )
    found = {
        (one.id, one.what): (one.before, one.after)
        for one in rule_changes(before, after)
    }
    assert found["us-fl", "rule"] == ("", "mon-sun 08:00-20:00")
    assert found["us-tx", "since"] == ("2003-10-01", "2025-09-01")
    assert ("us-wa", "rule") not in found
    assert rule_changes(after, after) == []


def test_a_place_s_word_is_read_back() -> None:
    """Claims to a word and back; the place is all of them."""
    claims = [
        Claim("number", "US-FL", ("America/Chicago", "America/New_York")),
        Claim("zone", "", ("America/Denver",)),
    ]
    word = word_of(claims)
    assert (
        word == "number US-FL America/Chicago America/New_York; zone - America/Denver"
    )
    assert claims_of(word) == claims
    assert Place.parse(word) == Place(
        ("US-FL",), ("America/Chicago", "America/Denver", "America/New_York")
    )


def test_a_plan_from_before_a_rule_could_name_several_is_read() -> None:
    """A plan keeps the rules that it was made with, however old."""
    adapter = TypeAdapter(RulePack)
    now = adapter.dump_python(shipped_rules(), mode="json")
    assert adapter.validate_python(now) == shipped_rules()
    for rule, named in zip(now["rules"], cycle(["FR", None]), strict=False):
        rule["holidays"] = named
    before = adapter.validate_python(now)
    assert {rule.holidays for rule in before.rules} == {("FR",), ()}

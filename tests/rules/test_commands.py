"""`bulksend rules`, and what `check` says of hours, as a person types and reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flow.conftest import bandwidth, desk  # noqa: F401  (fixtures)

if TYPE_CHECKING:
    from tests.flow.desk import Desk

PEOPLE = """\
mobile,zip
9192345671,90210
8002345675,
+819012345678,
"""


def test_rules_are_listed_shown_and_compared(desk: Desk) -> None:  # noqa: F811
    """By id and by jurisdiction, on a day, as lines and as JSON."""
    listed = desk.call("rules", "list")
    assert listed.code == 0
    assert "us-federal" in listed.out
    assert "Not legal advice" in listed.out
    (florida,) = desk.call("rules", "show", "US-FL", "--json").json
    assert (florida["kind"], florida["per_day"]) == ("primary", 3)
    assert florida["url"].startswith("http")
    early = desk.call("rules", "list", "--on", "2010-01-01", "--json").json
    (florida,) = (row for row in early if row["id"] == "us-fl")
    assert (florida["in_force"], florida["since"]) == (False, "2021-07-01")
    lines = desk.call("rules", "list", "--on", "2010-01-01").out.splitlines()
    (line,) = (one for one in lines if one.startswith("us-fl "))
    assert line.endswith("from 2021-07-01")
    changed = desk.call("rules", "diff", "2021-01-01", "2026-11-26").out
    assert "+ us-fl mon-sun 08:00-20:00" in changed
    both = desk.call("rules", "show", "us-pa", "--json").json
    assert [rule["id"] for rule in both] == ["us-pa", "us-pa-saturdays"]
    unknown = desk.call("rules", "show", "atlantis")
    assert (unknown.code, "E123" in unknown.err) == (2, True)


def test_rules_of_one_s_own_are_checked_and_shown(desk: Desk) -> None:  # noqa: F811
    """The page's own example is a pack; one with a gap is refused."""
    text = """\
checked: 2026-11-26
rules:
  - id: our-sundays
    name: "No texts on [/] Sundays"
    jurisdictions: [US]
    holidays: US
    versions:
      - from: 2026-01-01
        hours: {mon-sat: "09:00-19:00", sun: closed, holiday: closed}
        kind: caution
        source: our own policy
        url: https://example.com/policy
"""
    desk.write("ours.yaml", text)
    shown = desk.call("rules", "show", "our-sundays", "--pack", "ours.yaml")
    assert "mon-sat 09:00-19:00, sun closed, holidays closed" in shown.out
    assert "our-sundays No texts on [/] Sundays (US)" in shown.out
    desk.write("ours.yaml", text.replace("sun: closed, ", ""))
    gap = desk.call("rules", "list", "--pack", "ours.yaml")
    assert (gap.code, "E122" in gap.err) == (2, True)
    assert "nothing is said about sun" in gap.err


def test_rules_that_do_not_hold_now_are_there_with_their_dates(
    desk: Desk,  # noqa: F811
) -> None:
    """One to come and one that is over: listed, shown, and told apart by a diff."""
    text = """\
checked: 2026-11-26
rules:
  - id: old
    name: Over
    jurisdictions: [US]
    versions:
      - {from: 2020-01-01, until: 2021-01-01, hours: {mon-sun: "09:00-19:00"},
         kind: caution, source: us, url: https://example.com/}
  - id: new
    name: To come
    jurisdictions: [US-FL]
    versions:
      - {from: 2020-01-01, until: 2999-01-01, hours: {mon-sun: "09:00-19:00"},
         kind: caution, source: us, url: https://example.com/}
      - {from: 2999-01-01, hours: {mon-sun: "10:00-19:00"},
         kind: caution, source: us, url: https://example.com/}
"""
    desk.write("ours.yaml", text)
    lines = [
        " ".join(line.split())
        for line in desk.call("rules", "list", "--pack", "ours.yaml").out.splitlines()
    ]
    assert (
        "old US mon-sun 09:00-19:00 caution from 2020-01-01 until 2021-01-01" in lines
    )
    assert "new US-FL mon-sun 09:00-19:00 caution until 2999-01-01" in lines
    assert "new US-FL mon-sun 10:00-19:00 caution from 2999-01-01" in lines
    shown = desk.call("rules", "show", "new", "--pack", "ours.yaml").out
    assert "in force not now: from 2999-01-01" in shown
    desk.write("later.yaml", text.replace('"10:00-19:00"', '"11:00-19:00"'))
    changed = desk.call("rules", "diff", "ours.yaml", "later.yaml").out
    assert changed.split() == (
        [
            "~",
            "new",
            "from",
            "2999-01-01",
            "hours:",
            "mon-sun",
            "10:00-19:00",
            "→",
            "mon-sun",
            "11:00-19:00",
        ]
    )


def test_check_says_where_people_are_and_when(desk: Desk) -> None:  # noqa: F811
    """Each place with its window and its rules; long lists of zones are counted."""
    desk.people(PEOPLE)
    desk.campaign(
        provider="simulator",
        recipients={"postcode": "zip"},
        message={"text": "Hi"},
        send={"rules": None},
    )
    said = desk.call("check", "hello.yaml").out
    assert "number US-NC America/New_York; postcode US-CA America/Los_Angeles: " in said
    assert "number US-* any of " in said
    assert "number JP Asia/Tokyo: " in said
    assert "(default)" in said

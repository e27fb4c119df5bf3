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
    early = {
        row["id"]
        for row in desk.call("rules", "list", "--on", "2010-01-01", "--json").json
    }
    assert "us-fl" not in early
    changed = desk.call("rules", "diff", "2021-01-01", "2026-11-26").out
    assert "+ us-fl mon-sun 08:00-20:00" in changed
    unknown = desk.call("rules", "show", "atlantis")
    assert (unknown.code, "E123" in unknown.err) == (2, True)


def test_rules_of_one_s_own_are_checked_and_shown(desk: Desk) -> None:  # noqa: F811
    """The page's own example is a pack; one with a gap is refused."""
    text = """\
checked: 2026-11-26
rules:
  - id: our-sundays
    name: No texts on Sundays
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
    desk.write("ours.yaml", text.replace("sun: closed, ", ""))
    gap = desk.call("rules", "list", "--pack", "ours.yaml")
    assert (gap.code, "E122" in gap.err) == (2, True)
    assert "nothing is said about sun" in gap.err


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
    assert "number US any of " in said
    assert "number JP Asia/Tokyo: " in said
    assert "(default)" in said

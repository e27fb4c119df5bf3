"""Whose hour does not come any more, or too late: said before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.cli.checked import headline
from bulksend.errors import Problem
from bulksend.prepare.in_time import out_of_time
from tests.prepare.planning import plan, put

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.planning import Checked

UNTIL_JUNE = """\
checked: 2026-11-26
rules:
  - id: our-end
    name: Nothing any more
    jurisdictions: [US]
    versions:
      - from: 2026-01-01
        until: 2026-06-01
        hours: {mon-sun: "09:00-19:00"}
        kind: caution
        source: our own policy
        url: https://example.com/policy
      - from: 2026-06-01
        hours: {mon-sun: closed}
        kind: caution
        source: our own policy
        url: https://example.com/policy
"""
"""Open when the pack was checked last year, and shut from June on."""

EAST, PARIS = "+19192345671\n+19192345672\n", "+33612345678\n"
SHUT = {"rules": {"profile": "us-marketing", "also": ["own.yaml"]}}


def checked(folder: Path, people: str, **sections: Any) -> Checked:
    put(folder, "own.yaml", UNTIL_JUNE)
    real = {"provider": "bandwidth", "application_id": "a", **sections}
    return plan(folder, f"phone\n{people}", **real)


ROWS: list[tuple[str, dict[str, Any], str, list[str]]] = [
    # who, what the campaign says, when it begins, what is said
    (EAST, {"send": SHUT}, "2026-05-20T12:00", []),
    (EAST, {"send": SHUT}, "2026-06-01T12:00", ["E421 for 2 messages no window"]),
    (EAST + PARIS, {"send": SHUT}, "2026-06-01T12:00", ["W421 for 2 messages no"]),
    # New York opens at twelve, Paris has been open since six
    (EAST, {"send": {"not_after": "2026-09-14T12:00:00Z"}}, "2026-09-14T09:00",
     ["E429 the first hour for 2 messages comes after send.not_after (2026-09-14T12:"]),
    (EAST, {"send": {"not_after": "2026-09-14T12:00:01Z"}}, "2026-09-14T09:00", []),
    (EAST + PARIS, {"send": {"not_after": "07:00 America/New_York"}},
     "2026-09-14T09:00", ["W429 the first hour for 2 messages comes after send.not_"]),
    (EAST, {"send": {"not_after": "2026-09-14T09:00:00Z"}}, "2026-09-14T09:00",
     ["E515 it may be sent until 2026-09-14T09:00:00Z"]),
    # A message needs a minute to arrive in.
    (EAST, {"message": {"expiration": "2026-09-14T12:01:00Z"}}, "2026-09-14T09:00",
     ["E429 the first hour for 2 messages comes after message.expiration (2026-09-14"]),
    (EAST, {"message": {"expiration": "2026-09-14T12:01:01Z"}}, "2026-09-14T09:00", []),
    (EAST, {"message": {"expiration": "2026-09-14T08:00:00Z"}, "provider": "simulator"},
     "2026-09-14T09:00", ["E429 the first hour for 2 messages comes after message.ex"]),
    # The simulator sends at any hour.
    (EAST, {"send": SHUT, "provider": "simulator"}, "2026-06-01T12:00", []),
    # Some never, and the others too late: that is all of them.
    (EAST + PARIS, {"send": SHUT | {"not_after": "2026-06-02T05:00:00Z"}},
     "2026-06-01T22:00", ["E421 for 2 messages no", "E429 the first hour for 1 message"]),
]  # fmt: skip


@pytest.mark.parametrize(("people", "sections", "begins", "said"), ROWS)
def test_whose_hour_does_not_come_is_told(
    tmp_path: Path,
    people: str,
    sections: dict[str, Any],
    *,
    begins: str,
    said: list[str],
) -> None:
    """A gate where it is so for all, a warning for some; at the edge to the second."""
    made = checked(tmp_path, people, **sections)
    now = datetime.fromisoformat(begins).replace(tzinfo=UTC).timestamp() * 1000
    found = out_of_time(made.plan, made.campaign, now=round(now))
    assert len(found) == len(said)
    for problem, words in zip(found, said, strict=True):
        assert f"{problem.code} {problem.found}".startswith(words)


def test_a_campaign_of_rules_that_are_shut_by_now_is_refused(tmp_path: Path) -> None:
    """`check` has it among the gates; nothing of it can be sent."""
    made = checked(tmp_path, EAST, send=SHUT)
    assert [gate.code for gate in made.gates] == ["E421"]


@pytest.mark.parametrize("code", ["W421", "W429"])
def test_the_first_line_does_not_count_on_who_is_late(
    tmp_path: Path, code: str
) -> None:
    """Who may have no hour left is not promised a message."""
    checked = plan(tmp_path, "phone\n9192345671\n")
    assert headline(checked) == "1 will receive a message"
    late = replace(checked, notices=(Problem(code, "for 1 message"),))
    assert headline(late) == "up to 1 will receive a message"

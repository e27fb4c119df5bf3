"""How a run stands: counts that add up, and the exit code they mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import GateRefused, InputError, Problem, Stopped
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate
from bulksend.journal.states import Event
from bulksend.settle.standing import Ended, standing
from bulksend.view.now import look
from tests.prepare.planning import number, plan
from tests.settle.test_results import NOW, begun, played

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.errors import BulksendError

ACCEPT = [Event.CLAIM, Event.ACCEPT]
DELIVER = [*ACCEPT, Event.DELIVER]
FAIL = [*ACCEPT, Event.FAIL]
REFUSE = [Event.CLAIM, Event.REFUSE]
LOSE = [Event.CLAIM, Event.LOSE]
RELEASE = [Event.CLAIM, Event.RELEASE]

# what happened to rows 2 to 5, the exit code, the counts that are not 0 (of 6 rows)
STANDINGS: list[tuple[str, list[list[Event]], int, dict[str, int]]] = [
    ("nothing yet", [[], [], [], []], 4, {"not_sent": 4}),
    ("all accepted", [ACCEPT] * 4, 0, {"accepted": 4}),
    ("all delivered", [DELIVER] * 4, 0, {"delivered": 4}),
    ("late exclusions", [ACCEPT, ACCEPT, [Event.EXCLUDE], ACCEPT], 0, {"accepted": 3, "excluded": 1}),
    ("past their time", [[Event.EXPIRE]] * 4, 1, {"expired": 4}),
    ("some refused", [ACCEPT, REFUSE, ACCEPT, ACCEPT], 1, {"accepted": 3, "refused": 1}),
    ("some failed", [DELIVER, FAIL, DELIVER, ACCEPT], 1, {"accepted": 1, "delivered": 2, "failed": 1}),
    ("some unknown", [ACCEPT, LOSE, REFUSE, ACCEPT], 5, {"accepted": 2, "refused": 1, "unknown": 1}),
    ("claimed and no more", [ACCEPT, [Event.CLAIM], ACCEPT, ACCEPT], 5, {"accepted": 3, "unknown": 1}),
    ("half-way", [ACCEPT, LOSE, [], ACCEPT], 4, {"accepted": 2, "unknown": 1, "not_sent": 1}),
    ("proven not sent", [ACCEPT, RELEASE, ACCEPT, ACCEPT], 4, {"accepted": 3, "not_sent": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "code", "counts"),
    [case[1:] for case in STANDINGS],
    ids=[case[0] for case in STANDINGS],
)
def test_counts_add_up_to_the_rows_and_mean_an_exit_code(
    tmp_path: Path, events: list[list[Event]], code: int, counts: dict[str, int]
) -> None:
    """Rows in = the sum of all outcomes; two rows were excluded by the plan."""
    people = "phone\n" + "".join(f"{number(row)}\n" for row in range(2, 6)) + "12\nx\n"
    checked = plan(tmp_path, people)
    with begun(tmp_path, checked.plan, 4) as (journal, run, epoch):
        played(journal, run, epoch, dict(enumerate(events, start=2)))
        ended = standing(journal, run)
    assert (ended.exit_code, ended.rows) == (code, 6)
    assert sum(ended.counts.values()) == 6
    expected = counts | {"excluded": counts.get("excluded", 0) + 2}
    assert {name: count for name, count in ended.counts.items() if count} == expected


@pytest.mark.parametrize("is_of_this_run", [True, False])
def test_what_a_living_sender_has_under_way_is_not_unknown(
    tmp_path: Path, is_of_this_run: bool
) -> None:
    """It is in flight, nothing is to be run again, and the counts add up; else unknown."""
    people = "phone\n" + "".join(f"{number(row)}\n" for row in range(2, 6))
    with begun(tmp_path, plan(tmp_path, people).plan, 4) as (journal, run, epoch):
        played(journal, run, epoch, {2: ACCEPT, 3: [Event.CLAIM], 4: LOSE})
        journal.leases.end(run.campaign, epoch)
        owner = Owner.me(run.run if is_of_this_run else "another-1")
        journal.leases.take(run.campaign, owner, now=NOW)
        journal.claim(run, epoch + 1, [Candidate(5, None)], now=NOW)
        ended, beside = standing(journal, run), standing(journal, run, now=NOW)
        assert look(journal, run, now=NOW).counts == beside.counts
    assert sum(beside.counts.values()) == beside.rows == 4
    assert (ended.exit_code, ended.counts["unknown"]) == (5, 3)
    if is_of_this_run:
        assert (beside.exit_code, beside.counts["unknown"]) == (0, 2)
        assert beside.as_dict()["in_flight"] == 1
    else:
        assert (beside.exit_code, beside.counts) == (5, ended.counts)


@pytest.mark.parametrize(
    ("stopped", "code"),
    [(Stopped, 4), (GateRefused, 3), (InputError, 2)],
)
def test_what_stopped_a_run_has_the_last_word(
    stopped: type[BulksendError], code: int
) -> None:
    """Its exit code, and its problems among the facts for machines."""
    counts = dict.fromkeys(
        ("accepted", "delivered", "failed", "refused", "unknown", "expired", "excluded", "not_sent"), 0
    )  # fmt: skip
    counts["accepted"] = 3
    whole = Ended("r-1", 3, counts, "out.csv")
    assert (whole.exit_code, whole.as_dict()["problems"]) == (0, [])
    ended = Ended(
        "r-1", 3, counts, "out.csv", stopped(Problem("E631", "it was asked to"))
    )
    assert ended.exit_code == code
    said = json.loads(json.dumps(ended.as_dict()))
    assert [problem["code"] for problem in said["problems"]] == ["E631"]
    assert (said["run"], said["rows"], said["accepted"]) == ("r-1", 3, 3)

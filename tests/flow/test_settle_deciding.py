"""What a person decides of messages, and how it is taken back; the search is stronger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.home import Home
from bulksend.journal.store import Journal
from tests.flow.desk import codes_in, counts
from tests.flow.settling import RUN, crowd
from tests.flow.statuses import answer_first

if TYPE_CHECKING:
    import pytest

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk


def test_a_person_decides_and_the_reason_is_kept(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Accepted or not sent, about unknown rows only, never without a reason."""
    bandwidth(silent=0.0, lost_before=0.5)
    crowd(desk, 20)
    desk.campaign()
    run = desk.call(*RUN).json["run"]
    frame = desk.results()
    rows = frame.filter(frame["status"] == "unknown")["row"].to_list()
    one, other = rows[:2]

    bare = desk.call("settle", "--decide", run, one, "accepted", "--json")
    assert (bare.code, bare.json["problems"][0]["code"]) == (2, "E654")
    for row, verdict in ((one, "accepted"), (other, "not_sent")):
        ran = desk.call(
            "settle",
            "--decide",
            run,
            row,
            verdict,
            "--because",
            "asked her at +19192345671",
        )
        assert ran.code == 0, ran
    third = desk.call(
        "settle", "--decide", run, rows[2], "accepted", "--because", "x", "--json"
    )
    assert third.json == {"row": int(rows[2]), "status": "accepted"}
    twice = desk.call(
        "settle", "--decide", run, one, "accepted", "--because", "x", "--json"
    )
    assert (twice.code, twice.json["problems"][0]["code"]) == (2, "E653")

    status = dict(desk.results().select("row", "status").iter_rows())
    assert (status[one], status[other]) == ("accepted", "not_sent")
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        made = journal.decisions.of_rows(1, int(one), int(one))
    assert [(each.source, each.event) for each in made] == [("operator", "accept")]
    assert "asked her at" in made[0].evidence
    assert "9192345671" not in made[0].evidence


def decide(desk: Desk, run: str, row: int, verdict: str) -> list[str]:
    """A person's word; the codes of what is wrong with it."""
    said = ("--decide", run, str(row), verdict, "--because", "x", "--json")
    ran = desk.call("settle", *said)
    codes = codes_in(ran.json) if "problems" in ran.json else ()
    assert ran.code == (2 if codes else 0), ran
    return list(codes)


def test_a_decision_is_taken_back_while_nothing_was_sent_since(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Either way, and after --resend; then the row is sent as the last word has it."""
    bandwidth(lost_before=1.0)
    crowd(desk, 2)
    desk.campaign()
    run = desk.call(*RUN).json["run"]
    one, other = desk.results()["row"].to_list()
    for row, words in (
        (one, ["not_sent", "accepted", "not_sent", "accepted", "not_sent"]),
        (other, ["accepted", "not_sent"]),
    ):
        for word in words:
            assert decide(desk, run, row, word) == []
            assert decide(desk, run, row, word) == ["E653"]
            status = dict(desk.results().select("row", "status").iter_rows())
            assert status[row] == word
    assert desk.call("settle", run, "--resend", "--json").json["planned_again"] == 2
    assert decide(desk, run, one, "accepted") == []
    healthy = bandwidth()
    assert counts(desk.call(*RUN)) == {"accepted": 2}
    texted = [to for each in healthy.bandwidth.witness.accepted for to in each.to]
    assert texted == desk.results().filter(pl.col("row") == other)["to"].to_list()

    # Bandwidth has said that it took the other one; this one is only a person's word.
    assert decide(desk, run, other, "not_sent") == ["E653"]
    assert decide(desk, run, other, "accepted") == ["E653"]
    assert decide(desk, run, 999, "accepted") == ["E653"]
    assert decide(desk, run, one, "not_sent") == []
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        made = journal.decisions.of_rows(1, one, one)
    events = [each.event for each in made]
    back = ["disprove", "accept"]
    assert events == [*back, *back, "disprove", "again", "accept", "disprove"]
    (row,) = desk.call("explain", f"#{run[-12:-4]}-{one}", "--json").json["rows"]
    assert sum("decided by" in each["what"] for each in row["steps"]) == len(events)


def test_a_record_is_stronger_than_a_decision(desk: Desk, bandwidth: Bandwidth) -> None:
    """What a person called not sent, and the search has, is not sent again."""
    simulator = bandwidth(lost_after=0.5, lost_before=0.5)
    crowd(desk, 12)
    desk.campaign()
    run = desk.call(*RUN).json["run"]
    rows = dict(desk.results().select("row", "to").iter_rows())
    taken = {one.to[0] for one in simulator.bandwidth.witness.accepted}
    assert 0 < len(taken) < len(rows)
    for row in rows:
        assert decide(desk, run, row, "not_sent") == []

    ran = desk.call("settle", run, "--resend", "--json")

    again = len(rows) - len(taken)
    assert (ran.json["planned_again"], ran.json["left_not_sent"]) == (again, 0)
    status = dict(desk.results().select("to", "status").iter_rows())
    assert {to for to, what in status.items() if what == "accepted"} == taken
    healthy = bandwidth()
    desk.call(*RUN)
    assert taken.isdisjoint(one.to[0] for one in healthy.bandwidth.witness.accepted)


def test_a_record_that_fits_two_holds_back_what_a_person_decided(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Two campaigns, one person, one record: whose it is, no word of ours decides."""
    bandwidth(lost_after=1.0)
    crowd(desk, 1)
    desk.campaign()
    run = desk.call(*RUN).json["run"]
    bandwidth_of_first = dict(desk.environment)
    desk.campaign("other.yaml", name="other", results="results/other.csv")
    simulator = bandwidth(lost_before=1.0)
    other = desk.call("run", "other.yaml", "--yes", "--json").json["run"]
    assert not simulator.bandwidth.witness.accepted
    desk.environment = bandwidth_of_first
    for name in (run, other):
        (row,) = desk.results()["row"].to_list()
        assert decide(desk, name, row, "not_sent") == []
        ran = desk.call("settle", name, "--resend", "--json")
        assert (ran.json["planned_again"], ran.json["left_not_sent"]) == (0, 1)


def test_what_failed_for_certain_is_no_question_when_it_is_planned_again(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word about it would hide the failure, and nothing could take it back."""
    answer_first(monkeypatch, 400)  # then a 403, which refuses nobody
    bandwidth(forbidden=frozenset({"1"}))
    crowd(desk, 2)
    desk.campaign(send={"rate": "1/s"})
    stopped = desk.call(*RUN)
    assert counts(stopped) == {"refused": 1, "not_sent": 1}
    assert counts(desk.call(*RUN, "--only", "failed")) == {"not_sent": 2}

    for row in desk.results()["row"].to_list():
        assert decide(desk, stopped.json["run"], row, "accepted") == ["E653"]

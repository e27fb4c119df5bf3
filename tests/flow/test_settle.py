"""Unknown messages, ended by evidence against a search that lags; the server is judge."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.home import Home
from bulksend.journal.states import Status
from bulksend.journal.store import Journal
from bulksend.settle.evidence import ALONE_MS
from bulksend.settle.search import TRIES, MessageSearch
from bulksend.settling import Manner, settle_runs
from bulksend.simulator.answers import Answer
from tests.flow.desk import codes_in, counts, ended, until
from tests.flow.elsewhen import ByProcess, Clock
from tests.flow.settling import (
    IN_DOUBT_SECONDS,
    LAG_SECONDS,
    RUN,
    WAIT_SECONDS,
    clock,
    crowd,
    later,
    settle,
)

if TYPE_CHECKING:
    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

__all__ = ["clock"]


def to_the_end(desk: Desk, simulator: Simulator, clock: Clock) -> dict[str, int]:
    """Run, settle by evidence, send again what was proven absent; until all have it."""
    for _ in range(20):
        ran = desk.call(*RUN)
        found = counts(ran)
        if set(found) == {"accepted"}:
            return found
        run = ran.json["run"]
        prove(desk, clock, run, unknown=found["unknown"])
        judge(desk, simulator, run)
        settle(desk, run, "--resend")
    raise AssertionError("it never came to an end")


def prove(desk: Desk, clock: Clock, run: str, *, unknown: int) -> None:
    """Look at once, after the lag, after later messages, and when the wait is over."""
    at_once = settle(desk, run)
    clock.seconds += LAG_SECONDS + 1
    shown = settle(desk, run)
    later(desk, clock)
    clock.seconds += LAG_SECONDS + 1
    passed = settle(desk, run)
    looks = (at_once, shown, passed)
    assert [one["absent"] for one in looks] == [0, 0, 0]
    assert passed["accepted"] == 0
    waiting = passed["waiting"]
    assert at_once["accepted"] + shown["accepted"] + waiting == unknown
    clock.seconds += WAIT_SECONDS
    last = settle(desk, run)
    assert (last["absent"], last["accepted"]) == (waiting, 0)


def judge(desk: Desk, simulator: Simulator, run: str) -> None:
    """Whatever the results call it now, the server's own log agrees."""
    desk.call("results", run)
    ids = {
        one.to[0]: one.id
        for one in simulator.bandwidth.witness.accepted
        if one.to[0].startswith("+19192")
    }
    for to, status, message_id in (
        desk.results().select("to", "status", "message_id").iter_rows()
    ):
        assert status in ("accepted", "not_sent"), (to, status)
        assert (to in ids) is (status == "accepted"), (to, status)
        assert message_id in (None, ids.get(to))


def nothing_before_its_proof(desk: Desk, simulator: Simulator, run_id: int) -> int:
    """Each second post came after the decision about the first; how many there were."""
    posts: dict[str, list[float]] = {}
    for one in simulator.bandwidth.witness.attempts:
        if one.to and one.tag and one.to[0].startswith("+19192"):
            posts.setdefault(one.tag, []).append(one.wall)
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        decided: dict[int, list[int]] = {}
        for made in journal.decisions.of_rows(run_id, 0, 10**7):
            if made.event == "disprove":
                decided.setdefault(made.row, []).append(made.decided_at)
    again = {tag: times for tag, times in posts.items() if len(times) > 1}
    for tag, times in again.items():
        proofs = decided[int(tag.rpartition("-")[2])]
        for number, wall in enumerate(sorted(times)[1:]):
            assert sorted(proofs)[number] <= wall * 1000 + 1
    return len(again)


# rows, the share of lost answers, whether each command is a process
SHOWN = (
    pytest.param((150, 0.3, False), id="many"),
    pytest.param((4_000, 0.02, True), id="2 %, by processes", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("shown", SHOWN)
def test_every_unknown_ends_by_evidence(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, shown: tuple[int, float, bool]
) -> None:
    """The search lags 30 s: 0 doubled, 0 lost, not one sent again before its proof."""
    rows, share, by_process = shown
    simulator = bandwidth(
        lost_after=share / 2, lost_before=share / 2, search_lag=LAG_SECONDS
    )
    if by_process:
        desk = ByProcess(desk.folder, desk.environment, desk.started, clock)
    crowd(desk, rows)
    desk.campaign(send={"rate": "2000/s"})

    assert to_the_end(desk, simulator, clock) == {"accepted": rows}

    texted = Counter(
        one.to[0]
        for one in simulator.bandwidth.witness.accepted
        if one.to[0].startswith("+19192")
    )
    assert len(texted) == rows
    assert max(texted.values()) == 1
    assert nothing_before_its_proof(desk, simulator, run_id=1) > 0


def test_too_early_nothing_is_decided(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """While the search shows nothing later, an absence is no proof, however long."""
    bandwidth(lost_before=0.4)
    crowd(desk, 30)
    desk.campaign()
    unknown = counts(desk.call(*RUN))["unknown"]

    clock.seconds += 2 * WAIT_SECONDS
    assert settle(desk)["waiting"] == unknown
    # One of the same minute is no later message, either.
    clock.seconds -= 2 * WAIT_SECONDS + IN_DOUBT_SECONDS
    later(desk, clock)
    clock.seconds += 2 * WAIT_SECONDS
    ours = desk.call("status", "--json").json[-1]["run"]
    assert settle(desk, ours)["waiting"] == unknown


def test_who_watches_sees_what_came_to_be_unknown_since(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """A campaign that begins after the first look, and whose answers are lost, too."""
    bandwidth(lost_after=1.0, search_lag=LAG_SECONDS)
    crowd(desk, 3)
    desk.campaign()
    assert counts(desk.call(*RUN))["unknown"] == 3
    looks: list[dict[str, int]] = []

    def tell(found: dict[str, int]) -> None:
        looks.append(found)
        if len(looks) == 1:
            later(desk, clock)
        clock.seconds += LAG_SECONDS + 1

    home = Home.find(desk.folder, desk.environment)
    how = Manner(again_seconds=0.01, tell=tell)
    settled = settle_runs(home, desk.environment, how=how)
    assert (looks[0]["waiting"], looks[0]["accepted"]) == (3, 0)
    with Journal.open(home.journal) as journal:
        runs = journal.runs.all()
        later_ones = journal.counts(runs[0].id)
        assert len(runs) == 2
    assert Status.UNKNOWN not in later_ones
    assert settled.left == 0
    assert settled.counts["accepted"] > 3


def test_another_accounts_search_settles_nothing(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """E551: there nobody of this run was texted; nor does it send the rest."""
    bandwidth(lost_after=1.0)
    crowd(desk, 3)
    desk.campaign()
    run = desk.call(*RUN).json["run"]
    right = desk.environment
    desk.environment = right | {"BW_ACCOUNT_ID": "2"}
    later(desk, clock)
    clock.seconds += ALONE_MS / 1000
    said = settle(desk, run)
    assert (codes_in(said), said["left_out"], said["absent"]) == (["E551"], 3, 0)
    again = desk.call("settle", run, "--resend", "--json")
    assert again.json["planned_again"] == 0
    crowd(desk, 3)
    assert codes_in(
        desk.call("run", "hello.yaml", "--only", "failed", "--yes", "--json").json
    ) == ["E551"]
    desk.environment = right
    assert settle(desk, run)["accepted"] == 3


def test_a_run_without_its_plan_keeps_no_other_from_being_settled(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """E550 names it; the others end by evidence, also where only that one was asked for."""
    bandwidth(lost_after=0.5)
    crowd(desk, 20)
    crowd(desk, 20, first=3_000_000, file="other.csv")
    desk.campaign()
    desk.campaign(
        "other.yaml",
        name="other",
        recipients={"path": "other.csv"},
        results="results/other.csv",
    )
    ran = desk.call(*RUN)
    other = desk.call("run", "other.yaml", "--yes", "--json")
    plan = desk.folder / ".bulksend" / "plans" / f"{other.json['run']}.parquet"
    plan.unlink()

    said = settle(desk)
    assert (said["accepted"], said["left_out"]) == (
        ran.json["unknown"],
        other.json["unknown"],
    )
    assert codes_in(said) == ["E550"]
    assert other.json["run"] in said["problems"][0]["found"]
    assert settle(desk, ran.json["run"])["left_out"] == 0
    assert codes_in(settle(desk, other.json["run"])) == ["E550"]
    frame = pl.read_csv(desk.folder / "results" / "other.csv")
    row = frame.filter(frame["status"] == "unknown")["row"][0]
    verdict = ("--decide", other.json["run"], row, "accepted", "--because", "she told")
    assert desk.call("settle", *verdict).code == 0
    left = settle(desk, other.json["run"])["left_out"]
    assert left == other.json["unknown"] - 1


# what is said, and the code of what is wrong with it
CONTRADICTIONS = (
    (("--wait", "nan"), "E655"),
    (("--wait", "inf"), "E655"),
    (("--wait", "-1"), "E655"),
    (("--wait", "soon"), "E655"),
    (("--watch", "--every", "0"), "E655"),
    (("--watch", "--every", "nan"), "E655"),
    (("--every", "5"), "E656"),
    (("--because", "she said so"), "E656"),
    (("hello", "--decide", "hello", "7", "accepted", "--because", "x"), "E656"),
    (("--resend", "--decide", "hello", "7", "accepted", "--because", "x"), "E656"),
    (("--wait", "1", "--decide", "hello", "7", "accepted", "--because", "x"), "E656"),
    (("--watch", "--decide", "hello", "7", "accepted", "--because", "x"), "E656"),
)


@pytest.mark.parametrize(("said", "code"), CONTRADICTIONS)
def test_what_would_be_ignored_is_refused(
    desk: Desk, said: tuple[str, ...], code: str
) -> None:
    """Before anything is done; exit 2."""
    ran = desk.call("settle", *said, "--json")
    assert (ran.code, codes_in(ran.json)) == (2, [code])


def test_what_is_proven_absent_waits_for_a_word(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """A plain run sends none of it; --resend and a run send it, once."""
    simulator = bandwidth(lost_before=1.0)
    crowd(desk, 30)
    desk.campaign(send={"rate": "20/s"})
    first = desk.call(*RUN)
    assert first.code == 3, first  # E512: too many outcomes are unknown
    healthy = bandwidth()
    run = first.json["run"]
    lost = first.json["unknown"]
    assert settle(desk, run, "--wait", "0")["waiting"] == lost
    later(desk, clock)
    # Nothing of this run is known to be accepted, so nothing tells what the search hides.
    assert settle(desk, run, "--wait", "0")["alone"] == lost
    clock.seconds += ALONE_MS / 1000
    assert settle(desk, run, "--wait", "0")["absent"] == lost
    row = (
        desk.results().filter(desk.results()["status"] == "not_sent").row(0, named=True)
    )
    assert run in row["error"]

    again = desk.call(*RUN)
    assert counts(again) == {"accepted": 30 - lost, "not_sent": lost}, again
    assert again.code == 1

    ran = desk.call("settle", run, "--resend")
    assert f"{lost:,} planned again" in ran.out
    assert counts(desk.call(*RUN)) == {"accepted": 30}
    texted = Counter(one.to[0] for one in healthy.bandwidth.witness.accepted)
    assert max(texted.values()) == 1
    assert not simulator.bandwidth.witness.accepted


def test_a_search_that_refuses_or_throttles(desk: Desk, bandwidth: Bandwidth) -> None:
    """A user without the role: E545, and nothing is decided."""
    bandwidth(lost_after=0.5)
    crowd(desk, 20)
    desk.campaign()
    unknown = desk.call(*RUN).json["unknown"]
    bandwidth(forbidden=frozenset({"1"}))

    ran = desk.call("settle", "--json")

    assert (ran.code, ran.json["problems"][0]["code"]) == (3, "E545"), ran
    assert desk.call("status", "--json").json[0]["unknown"] == unknown


@pytest.mark.parametrize("command", ["settle", "poll"])
def test_who_watches_is_not_left_by_an_outage(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Where the search is ill for longer than one look tries; who looks once is told so."""
    monkeypatch.setattr(MessageSearch, "_pause", lambda *_: 0.0)
    simulator = bandwidth(lost_after=1.0 if command == "settle" else 0.0)
    crowd(desk, 3)
    desk.campaign()
    desk.call(*RUN)
    ill = [Answer(503, b"a gateway's page")] * 2 * TRIES
    search = simulator.bandwidth._search
    monkeypatch.setattr(search, "throttle", lambda *_: ill.pop() if ill else None)

    once = desk.call(command, "--json")
    assert (once.code, codes_in(once.json)) == (4, ["E546"])
    ran = desk.call(command, "--watch", "--every", "0.1", "--json")

    assert not ill
    found = ran.json["accepted" if command == "settle" else "delivered"]
    assert (ran.code, found) == (0, 3)
    assert "E546" in ran.err
    assert "it answered 503" in ran.err


def test_nothing_unknown_asks_nothing(desk: Desk, bandwidth: Bandwidth) -> None:
    """Exit 0, and not a call."""
    bandwidth()
    crowd(desk, 5)
    desk.campaign()
    desk.call(*RUN)
    assert settle(desk)["calls"] == 0


@pytest.mark.slow
@pytest.mark.crash
def test_what_a_killed_sender_left_is_settled(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """`kill -9` in the middle: its claims become unknown, and each gets its true end."""
    simulator = bandwidth(latency=0.05)
    crowd(desk, 1_000)
    desk.campaign(send={"rate": "500/s"})
    sender = desk.start(*RUN)
    until(lambda: len(simulator.bandwidth.witness.accepted) > 200, sender)
    sender.kill()
    ended(sender)
    first = settle(desk, "--wait", "0")  # from here on its claims are unknown
    later(desk, clock)
    second = settle(desk, "--wait", "0")
    assert first["accepted"] + second["accepted"] > 0
    assert first["waiting"] == second["accepted"] + second["absent"]
    run = next(
        one["run"]
        for one in desk.call("status", "--json").json
        if one["run"].startswith("hello")
    )
    desk.call("results", run)
    texted = {one.to[0] for one in simulator.bandwidth.witness.accepted}
    for to, status in desk.results().select("to", "status").iter_rows():
        assert (status == "accepted") is (to in texted), (to, status)
    settle(desk, run, "--resend")
    assert counts(desk.call(*RUN)) == {"accepted": 1_000}
    posts = Counter(one.to[0] for one in simulator.bandwidth.witness.accepted)
    assert max(posts.values()) == 1


STAYS = {"4406", "4470", "4720", "4702", "4750"}


def test_only_what_bandwidth_lets_one_repeat_is_sent_again(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """`run --only retryable`: its own 5xxx and a carrier's 56xx, and nothing else."""
    bandwidth(undelivered=1.0)
    crowd(desk, 120)
    desk.campaign(send={"rate": "2000/s"})
    desk.call(*RUN)
    assert desk.call("poll", "--json").json == {"delivered": 0, "failed": 120}
    failed = dict(desk.results().select("to", "error_code").iter_rows())
    repeatable = {to for to, code in failed.items() if code in ("5100", "5620")}
    asked = desk.call("run", "hello.yaml", "--only", "retryable")
    assert asked.out.startswith(f"{len(repeatable)} of 120 will receive a message")
    stopped = {to for to, code in failed.items() if code in ("4775", "4721")}
    assert repeatable
    assert stopped

    healthy = bandwidth()
    ran = desk.call(*RUN, "--only", "retryable")

    texted = Counter(one.to[0] for one in healthy.bandwidth.witness.accepted)
    assert texted == Counter(repeatable)
    assert counts(ran) == {
        "accepted": len(repeatable),
        "failed": 120 - len(repeatable),
    }
    (row,) = desk.call("explain", min(repeatable), "--json").json["rows"]
    happened = [one["what"] for one in row["steps"] if one["what"].startswith("posted")]
    assert happened == ["posted", "posted (try 2)"]
    # What a filter stopped, or what may arrive yet, no word sends again, nor in silence.
    left = Counter(code for code in failed.values() if code in STAYS)
    told = desk.call(*RUN, "--only", "failed")
    assert counts(told) == counts(ran)
    assert len(healthy.bandwidth.witness.accepted) == len(repeatable)
    mended, doubted = told.json["notices"]
    assert (mended["code"], doubted["code"]) == ("W567", "W568")
    sure = sum(left[code] for code in ("4406", "4470", "4720"))
    assert mended["found"].startswith(f"{sure} failed messages are left out: ")
    assert f"4470 rejected-spam-detected ({left['4470']})" in mended["found"]
    assert "4702 destination-subscriber-unavailable" in doubted["found"]
    asked = desk.call("run", "hello.yaml", "--only", "failed")
    assert asked.out.startswith("0 of 120 will receive a message")
    assert f"W567 {mended['found']}" in " ".join(asked.err.split())
    # Whose number is gone, or who has opted out, is on the list for every campaign.
    later = desk.call("suppress", "list", "--limit", "200", "--json").json["counts"]
    assert sum(later.values()) == len(stopped)

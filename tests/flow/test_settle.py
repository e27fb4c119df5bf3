"""Unknown messages, ended by evidence against a search that lags; the server is judge."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import polars as pl
import pytest

from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.settle.evidence import ALONE_MS, ON_ITS_WAY_MS, SKEW_MS, WAIT_MS
from bulksend.simulator.fates import fate_of
from tests.flow.desk import TOKEN, codes_in, counts, ended, until
from tests.flow.elsewhen import ByProcess, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

RUN = ("run", "hello.yaml", "--yes", "--json")
LATER = ("run", "later.yaml", "--yes", "--json")

WAIT_SECONDS = WAIT_MS / 1000
LAG_SECONDS = 30.0
IN_DOUBT_SECONDS = (SKEW_MS + ON_ITS_WAY_MS) / 1000 + 1
"""As long as a later message proves nothing about one from before it."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Minutes pass in a moment; every margin is as long as out there."""
    ours = Clock()
    ours.set(monkeypatch)
    return ours


def crowd(
    desk: Desk, size: int, first: int = 2_000_000, file: str = "list.csv"
) -> None:
    rows = [f"{n},P{n},+1919{first + n},9:{n:05}" for n in range(size)]
    desk.write(file, "\n".join(["id,name,mobile,at", *rows]) + "\n")


def later(desk: Desk, clock: Clock) -> None:
    """Other people's messages: the search shows something accepted after ours."""
    clock.seconds += IN_DOUBT_SECONDS
    turn = round(clock.seconds)
    crowd(desk, 20, first=5_000_000 + 100 * turn, file="later.csv")
    desk.campaign(
        "later.yaml",
        name=f"later-{turn}",
        recipients={"path": "later.csv"},
        results=f"results/later-{turn}.csv",
    )
    desk.call(*LATER)


def settle(desk: Desk, *more: str) -> dict[str, Any]:
    ran = desk.call("settle", *more, "--json")
    said: dict[str, Any] = ran.json
    undecided = ("waiting", "hidden", "ambiguous", "too_old", "skipped", "left_out")
    assert ran.code == (5 if sum(said[one] for one in undecided) else 0), ran
    return said


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


HOUR = 3600.0
WRONG = (-25 * HOUR, -40 * 60.0, 40 * 60.0, 10 * HOUR)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_senders_wrong_clock_proves_no_absence(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, wrong: float
) -> None:
    """Its clock is right again when it is settled, and the search has not shown it yet.

    By the sender's own times the wait would be over and the watermark passed.  Without a
    sign-in the first answer tells that its clock is wrong (E548); until then it posts.
    """
    bandwidth(lost_after=0.5, search_lag=10 * 60, latency=0.5)
    later(desk, clock)
    clock.seconds += 10 * 60 + 1
    crowd(desk, 100)
    desk.campaign(send={"rate": "20/s"})
    sender = Clock(clock.seconds + wrong)
    ran = ByProcess(desk.folder, desk.environment, desk.started, sender).call(*RUN)
    assert (ran.code, codes_in(ran.json)) == (3, ["E548"])
    unknown = ran.json["unknown"]
    assert unknown > 0

    for _ in range(2):
        said = settle(desk, ran.json["run"], "--wait", "1")
        assert (said["absent"], said["waiting"]) == (0, unknown)
        clock.seconds += 4 * 60
    clock.seconds += 3 * 60
    later(desk, clock)
    clock.seconds += WAIT_SECONDS
    said = settle(desk, ran.json["run"])
    assert (said["absent"], said["accepted"] + said["ambiguous"]) == (0, unknown)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_sender_with_a_wrong_clock_does_not_begin(
    desk: Desk, bandwidth: Bandwidth, wrong: float
) -> None:
    """E548 where a token is fetched first: people's hours stand on that clock."""
    simulator = bandwidth()
    desk.environment = {
        name: value
        for name, value in desk.environment.items()
        if name not in ("BW_USERNAME", "BW_PASSWORD")
    } | TOKEN
    crowd(desk, 5)
    desk.campaign()
    sender = ByProcess(desk.folder, desk.environment, desk.started, Clock(wrong))
    ran = sender.call(*RUN)
    assert (ran.code, codes_in(ran.json)) == (3, ["E548"])
    assert not simulator.bandwidth.witness.attempts
    assert counts(desk.call(*RUN)) == {"accepted": 5}


@pytest.mark.parametrize("wrong", [3 * HOUR, -3 * HOUR])
def test_a_wrong_clock_where_it_is_settled_proves_no_absence(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, wrong: float
) -> None:
    """E548; and what it saw counts for nothing when it is right again."""
    bandwidth(lost_before=0.5)
    crowd(desk, 20)
    desk.campaign()
    ran = desk.call(*RUN)
    unknown = ran.json["unknown"]
    later(desk, clock)
    elsewhere = Clock(clock.seconds + wrong)
    other = ByProcess(desk.folder, desk.environment, desk.started, elsewhere)
    for more in (("--wait", "0"), (), ("--watch",)):
        said = settle(other, ran.json["run"], *more)
        assert (said["absent"], codes_in(said)) == (0, ["E548"])
    assert settle(desk, ran.json["run"])["waiting"] == unknown
    clock.seconds += WAIT_SECONDS
    assert settle(desk, ran.json["run"])["absent"] == unknown


def awaited(is_so: Callable[[], bool]) -> None:
    """Wait for what a thread of this process does."""
    give_up = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.01)


class Refusing:
    """Whoever takes callbacks, and answers none about the numbers that begin so."""

    def __init__(self, *numbers: str) -> None:
        self.refused = numbers

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                said = handler.rfile.read(int(handler.headers["Content-Length"]))
                to = json.loads(said)[0]["to"]
                handler.send_response(503 if to.startswith(self.refused) else 204)
                handler.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_what_is_hidden_for_its_callbacks_is_not_absent(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """A search that shows no message before its callback is answered shows others' later."""
    with Refusing("+19192") as listener:
        simulator = bandwidth(
            lost_after=0.3,
            search_after_callback=True,
            callback_url=listener.url,
            callback_retry=0.02,
        )
        crowd(desk, 60)
        desk.campaign()
        ran = desk.call(*RUN)
        run, unknown = ran.json["run"], ran.json["unknown"]
        later(desk, clock)
        clock.seconds += WAIT_SECONDS
        said = settle(desk, run)
        assert (said["absent"], said["hidden"]) == (0, unknown)
        assert unknown > 0

        listener.refused = ("nobody",)
        awaited(lambda: simulator.callbacks.waiting == 0)
        assert settle(desk, run)["accepted"] == unknown


def test_what_the_search_shows_by_now_is_not_sent_again(
    desk: Desk, bandwidth: Bandwidth, clock: Clock
) -> None:
    """Proven absent, and found when it is to be sent again: it is accepted."""
    with Refusing("+19192") as listener:
        simulator = bandwidth(
            lost_after=0.3,
            search_after_callback=True,
            callback_url=listener.url,
            callback_retry=0.02,
        )
        crowd(desk, 40)
        desk.campaign()
        run = desk.call(*RUN).json["run"]
        frame = desk.results()
        hidden = frame.filter(frame["status"] == "unknown")["to"].to_list()
        later(desk, clock)
        clock.seconds += WAIT_SECONDS
        listener.refused = tuple(
            hidden
        )  # now what is known is shown, and these are not
        awaited(lambda: simulator.callbacks.waiting == len(hidden))
        assert settle(desk, run)["absent"] == len(hidden) > 1

        listener.refused = (hidden[0],)
        awaited(lambda: simulator.callbacks.waiting == 1)
        ran = desk.call("settle", run, "--resend", "--json")
        assert (ran.json["planned_again"], ran.json["left_not_sent"]) == (1, 0)
    status = dict(desk.results().select("to", "status").iter_rows())
    assert [status[to] for to in hidden] == ["not_sent"] + ["accepted"] * (
        len(hidden) - 1
    )


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
    assert settle(desk, run, "--wait", "0")["hidden"] == lost
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
        "settle", "--decide", run, one, "not_sent", "--because", "x", "--json"
    )
    assert (twice.code, twice.json["problems"][0]["code"]) == (2, "E653")

    status = dict(desk.results().select("row", "status").iter_rows())
    assert (status[one], status[other]) == ("accepted", "not_sent")
    with Journal.open(Home.find(desk.folder, {}).journal) as journal:
        made = journal.decisions.of_rows(1, int(one), int(one))
    assert [(each.source, each.event) for each in made] == [("operator", "accept")]
    assert "asked her at" in made[0].evidence
    assert "9192345671" not in made[0].evidence


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


def test_nothing_unknown_asks_nothing(desk: Desk, bandwidth: Bandwidth) -> None:
    """Exit 0, and not a call."""
    bandwidth()
    crowd(desk, 5)
    desk.campaign()
    desk.call(*RUN)
    assert settle(desk)["calls"] == 0


def test_poll_tells_what_became_of_each_message(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Without an address for callbacks: the search's status, in every row."""
    simulator = bandwidth(undelivered=0.3, dropped=0.1, lost_after=0.02)
    crowd(desk, 1_500)
    desk.campaign(send={"rate": "3000/s"})
    before = counts(desk.call(*RUN))

    ran = desk.call("poll", "--json")
    assert ran.code == 0, ran
    again = desk.call("poll", "--json")
    assert again.json == ran.json

    fates: Counter[str] = Counter()
    for to, status, code, error in (
        desk.results().select("to", "status", "error_code", "error").iter_rows()
    ):
        if status == "unknown":
            continue
        record = next(
            one for one in simulator.bandwidth.witness.accepted if one.to[0] == to
        )
        fate = fate_of(record, to, simulator.bandwidth.scenario)
        expected = {"DELIVERED": "delivered", "FAILED": "failed"}
        assert status == expected.get(fate.status, "accepted"), to
        if fate.code:
            assert (code, error.startswith(code)) == (str(fate.code), True)
        fates[status] += 1
    assert ran.json == {"delivered": fates["delivered"], "failed": fates["failed"]}
    assert fates.total() == before["accepted"]
    stopped = desk.call("suppress", "list", "--json").json["counts"]
    assert stopped["opted_out"] > 0


@pytest.mark.timeout(60)
def test_poll_watches_no_further_than_the_search_shows(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A message of 15 days ago that never got its receipt is not waited for."""
    bandwidth(dropped=1.0)
    crowd(desk, 3)
    desk.campaign()
    assert counts(desk.call(*RUN)) == {"accepted": 3}
    path = desk.folder / ".bulksend" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as journal:
        journal.execute("update messages set accepted_at = accepted_at - 1296000000")
        journal.commit()

    ran = desk.call("poll", "--watch", "--every", "0.1", "--json")
    older = {"delivered": 0, "failed": 0, "without_an_end": 3}
    assert (ran.code, ran.json) == (0, older)
    assert "3 accepted more than 14 days ago" in desk.call("poll").out


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
    # Whose number is gone, or who has opted out, is on the list for every campaign.
    later = desk.call("suppress", "list", "--limit", "200", "--json").json["counts"]
    assert sum(later.values()) == len(stopped)

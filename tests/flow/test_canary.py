"""A run's first few, from the command line: what is sent, what is said, who goes on."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.assignment import Assignment
from bulksend.closer import forecast_plan
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.planning import plan_campaign
from bulksend.prepare.timing import plan_hours
from bulksend.send.choosing import soonest
from tests.flow.desk import codes, counts, ended, served, until
from tests.flow.test_hours import window
from tests.flow.test_listen import listening
from tests.prepare.planning import plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

HUNDRED = "id,name,mobile,at\n" + "".join(
    f"{n},P{n},+1919{2_000_000 + n},9:00\n" for n in range(100)
)


def journal_of(desk: Desk) -> Journal:
    return Journal.open(Home.find(desk.folder, {}).journal)


def begin(desk: Desk, *, wait: str = "1s", **more: Any) -> None:
    desk.people(HUNDRED)
    send = {"canary": {"first": 10, "wait": wait}}
    desk.campaign(send=send | more.pop("send", {}), **more)


def run(desk: Desk) -> Any:
    return desk.call("run", "hello.yaml", "--yes", "--json")


def test_the_rest_goes_when_the_receipts_came(desk: Desk, bandwidth: Bandwidth) -> None:
    """By callbacks beside the run; the ten were the first ten."""
    with listening(desk) as at:
        simulator = bandwidth(
            **at.callbacks,
        )
        begin(desk)
        ran = run(desk)
        until(lambda: not simulator.callbacks.waiting, at.process)
    assert ran.code == 0
    assert sum(counts(ran).values()) == 100
    with journal_of(desk) as journal:
        (known,) = journal.runs.all()
        canary = journal.canaries.of(known.id)
    assert canary is not None
    assert (canary.size, canary.passed_by) == (10, "")


def test_the_simulator_calls_back_by_itself(desk: Desk) -> None:
    """So that a campaign with a canary can be tried at a desk."""
    begin(desk, provider="simulator", application_id=None)
    ran = run(desk)
    assert (ran.code, sum(counts(ran).values())) == (0, 100)


def test_the_first_few_are_not_waited_for_either(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """With --no-wait and every window closed: exit 4 and the time; they are still to go."""
    simulator = bandwidth()
    free = {"profile": "transactional", "because": "a test"}
    begin(desk, send={"window": window(3), "rules": free})
    for _ in range(2):
        ran = desk.call("run", "hello.yaml", "--yes", "--no-wait", "--json")
        assert (ran.code, codes(ran)) == (4, ["E430"])
        assert "opens at " in ran.json["problems"][0]["found"]
        assert counts(ran) == {"not_sent": 100}
    with journal_of(desk) as journal:
        canary = journal.canaries.of(journal.runs.all()[0].id)
    assert canary is not None
    assert (canary.size, canary.sent_at, canary.passed_at) == (10, None, None)
    assert simulator.bandwidth.witness.accepted == []


def test_without_receipts_nothing_more_is_sent(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Exit 3 with the way out; status says why; again, it waits once more; resume goes on."""
    simulator = bandwidth()
    begin(desk)
    for _ in range(2):
        ran = run(desk)
        assert (ran.code, codes(ran)) == (3, ["E426"])
        assert counts(ran) == {"accepted": 10, "not_sent": 90}
    name = ran.json["run"]
    said = desk.call("status", "--json")
    assert json.loads(said.out)[0]["state"].startswith("halted (E426")
    assert desk.call("resume", name).code == 0
    assert run(desk).code == 0
    numbers = [one.to[0] for one in simulator.bandwidth.witness.accepted]
    assert len(numbers) == len(set(numbers)) == 100


def test_a_verdict_stands_until_somebody_says_to_go_on(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A filter's word halts; a second run is refused; the report tells what tripped."""
    with listening(desk) as at:
        simulator = bandwidth(
            **at.callbacks,
            undelivered=1.0,
        )
        begin(desk, wait="5 min")
        ran = run(desk)
        assert (ran.code, counts(ran)["not_sent"]) == (3, 90)
        (code,) = codes(ran)
        assert code in {"E424", "E425", "E514", "E547"}
        again = run(desk)
        assert (again.code, codes(again)) == (3, ["E427"])
        report = desk.call("report", ran.json["run"], "--output", "r.html")
        assert report.code == 0, report
        page = (desk.folder / "r.html").read_text()
        assert "What stopped it" in page
        assert f"<code>{code}</code>" in page
        assert f"Then <code>bulksend resume {ran.json['run']}</code>" in page
        assert desk.call("resume", ran.json["run"]).code == 0
        never = {"failed": "100%", "spam": 1_000, "opt_outs": "100%"}
        begin(desk, send={"stop_at": never})
        after = run(desk)
        until(lambda: not simulator.callbacks.waiting, at.process)
    # What nobody can mend by waiting, an unregistered sender, may stop the rest as well.
    assert (after.code, codes(after)) in [(0, []), (1, []), (3, ["E425"])]
    numbers = [one.to[0] for one in simulator.bandwidth.witness.accepted]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_sender_that_ends_while_it_waits_is_followed(desk: Desk, how: int) -> None:
    """The next one waits on, for the same ten; nobody gets two."""
    with served(desk.folder) as simulator:
        desk.environment |= simulator.environment
        begin(desk, wait="5 min")
        process = desk.start("run", "hello.yaml", "--yes", "--json")
        until(simulator.has(10), process)

        def waits() -> bool:
            with journal_of(desk) as journal:
                runs = journal.runs.all()
                canary = journal.canaries.of(runs[0].id) if runs else None
                return canary is not None and canary.sent_at is not None

        until(waits, process)
        process.send_signal(how)
        ran = ended(process)
        if how == signal.SIGTERM:
            assert (ran.code, codes(ran)) == (4, ["E631"])
        follower = desk.start("run", "hello.yaml", "--yes", "--json")
        with journal_of(desk) as journal:
            (known,) = journal.runs.all()
            until(
                lambda: (
                    (owner := journal.leases.holder(known.campaign, now=0)) is not None
                    and owner.pid == follower.pid
                ),
                follower,
            )
        assert simulator.stats()["accepted"] == 10
        follower.send_signal(signal.SIGTERM)
        assert ended(follower).code == 4
        desk.call("resume", known.run)
        assert simulator.stats()["accepted"] == 10


def test_who_was_texted_and_then_opted_out_is_still_of_the_first_few(
    desk: Desk,
) -> None:
    """Killed after six, four of them put on a list, and resumed: ten are texted, not more."""
    desk.write("opt.csv", "mobile\n+19195550199\n")
    with served(desk.folder) as simulator:
        desk.environment |= simulator.environment
        begin(desk, recipients={"suppress": "opt.csv"}, send={"rate": "3/s"})
        plan = desk.call("plan", "hello.yaml", "--json").json["plan"]
        process = desk.start("send", plan, "--yes")
        until(simulator.has(6), process)
        process.kill()
        ended(process)
        texted = [line["to"][0] for line in simulator.lines()]
        begin(desk, recipients={"suppress": "opt.csv"})
        desk.write("opt.csv", "\n".join(["mobile", *texted[:4]]) + "\n")

        resumed = desk.call("send", plan, "--yes", "--json")

        assert (resumed.code, codes(resumed)) == (3, ["E426"]), resumed
        assert counts(resumed)["not_sent"] == 90
        # What was on its way when it was killed is unknown, and one of the ten.
        assert simulator.stats()["accepted"] in {9, 10}


def test_who_has_the_text_already_is_none_of_the_first_few(desk: Desk) -> None:
    """Yesterday's list with a few new people on it: the ten are of those; of none, none."""
    begin(desk, provider="simulator", application_id=None, results="{run}.csv")
    assert run(desk).code == 0
    new = "".join(f"n{n},N{n},+1919{2_001_000 + n},9:00\n" for n in range(12))
    desk.people(HUNDRED.replace(",P1,", ",Q1,") + new)
    grown = run(desk)
    assert (grown.code, counts(grown)["excluded"]) == (0, 99), grown
    with journal_of(desk) as journal:
        (known,) = (one for one in journal.runs.all() if one.run == grown.json["run"])
        canary = journal.canaries.of(known.id)
        assert canary is not None
        assert canary.sent_at is not None
        told = journal.entries(known.id, 2, 200)
    first = [one for one in told if (one.posted_at or canary.sent_at) < canary.sent_at]
    assert len(first) == 10

    desk.people("".join(HUNDRED.splitlines(keepends=True)[:61]))
    fewer = run(desk)
    assert (fewer.code, counts(fewer)) == (0, {"excluded": 60}), fewer


def test_who_has_had_enough_is_none_of_the_first_few(desk: Desk) -> None:
    """Others are drawn for them; where all have had enough, the run is over."""
    often = {"per_person": ["1 per 7 days"]}
    free: dict[str, Any] = {"provider": "simulator", "application_id": None}
    free["results"] = "{run}.csv"
    begin(desk, name="a", send=often, **free)
    desk.people("".join(HUNDRED.splitlines(keepends=True)[:61]))
    assert run(desk).code == 0
    for name, people, excluded in (("b", HUNDRED, 60), ("c", HUNDRED, 100)):
        begin(desk, name=name, send=often, **free)
        desk.people(people)
        ran = run(desk)
        assert (ran.code, counts(ran)["excluded"]) == (0, excluded), ran
        with journal_of(desk) as journal:
            (known,) = (one for one in journal.runs.all() if one.run == ran.json["run"])
            canary = journal.canaries.of(known.id)
            told = journal.entries(known.id, 2, 200)
        assert canary is not None
        sent_at = canary.sent_at or 0
        first = [one for one in told if one.posted_at and one.posted_at <= sent_at]
        assert len(first) == (10 if excluded < 100 else 0)


def test_shards_wait_for_the_first(desk: Desk, bandwidth: Bandwidth) -> None:
    """Shard 0 sends the first few of the whole run; shard 1 begins when they passed."""
    with listening(desk) as at:
        simulator = bandwidth(
            **at.callbacks,
        )
        begin(desk, wait="2s")
        plan = desk.call("plan", "hello.yaml", "--shards", "2", "--json").json["plan"]
        other = desk.start("send", plan, "--shard", "1", "--yes", "--json")
        first = desk.call("send", plan, "--shard", "0", "--yes", "--json")
        assert first.code == 0, first
        assert ended(other).code == 0
        until(lambda: not simulator.callbacks.waiting, at.process)
    numbers = [one.to[0] for one in simulator.bandwidth.witness.accepted]
    assert len(numbers) == len(set(numbers)) == 100


NIGHT = datetime(2026, 11, 27, 8, tzinfo=UTC)
"""Three in the morning in New York, ten in the evening in Honolulu: all windows are shut."""

AREAS = {"808": "Honolulu", "213": "Los Angeles", "214": "Dallas", "919": "Raleigh"}


@pytest.mark.parametrize(
    ("few", "among"),
    [(1, {"919"}), (20, {"919"}), (21, {"919", "214"}), (61, {*AREAS})],
)
def test_the_first_few_are_those_whose_windows_open_first(
    tmp_path: Path, few: int, among: set[str]
) -> None:
    """The rest waits for them: chosen from all, they would hold the east up for the west."""
    numbers = [f"{area}2345{n:03}" for n in range(20) for area in AREAS]
    people = "phone\n" + "\n".join(numbers) + "\n"
    rules = {"window": {"from": "09:00", "to": "20:00"}}
    real: dict[str, Any] = {"provider": "bandwidth", "application_id": "x"}
    checked = plan(tmp_path, people, send=rules, **real)
    drawn = checked.plan.drawn(pl.Series(dtype=pl.Int64))
    now = round(NIGHT.timestamp() * 1000)
    chosen = soonest(drawn, plan_hours(checked.plan), now).head(few)
    assert {numbers[row - 2][:3] for row in chosen} == among
    assert len(chosen) == few


def test_what_goes_first_is_foreseen_as_it_stands(desk: Desk) -> None:
    """Before them, while their receipts are waited for, and when they have passed."""
    begin(desk, wait="2h", provider="simulator", application_id=None)
    checked = plan_campaign(desk.folder / "hello.yaml", environment={})

    def waits() -> int | None:
        course = forecast_plan(checked).course
        assert course is not None
        if course.first is None or course.goes_on is None:
            return None
        return round((course.goes_on - course.first) / 60_000)

    assert waits() == 120
    folder = desk.folder
    asked = Assignment(checked.plan, checked.campaign, checked.home, {}, folder)
    now = round(datetime.now(UTC).timestamp() * 1000)
    known = asked.begin_run(now=now)
    assert waits() == 120
    with journal_of(desk) as journal:
        journal.canaries.begin(known.id, 10)
        journal.canaries.sent(known.id, now=now - 30 * 60_000)
    assert waits() == 90
    with journal_of(desk) as journal:
        journal.canaries.passed(known.id, by="", now=now)
    assert waits() is None

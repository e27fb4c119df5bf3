"""All that was ever decided about a number: each plan, each run, each word about it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner

from bulksend.cli import cli
from bulksend.errors import InputError
from bulksend.home import Home
from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.receipts import Kept
from bulksend.journal.records import Candidate, Outcome, person_key
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, Cause, suppression
from bulksend.pipeline import run_arms, write_run
from bulksend.settle.explaining import explain
from bulksend.view.report import report_run
from tests.prepare.planning import number, plan
from tests.settle.test_results import NOW, begun, played
from tests.suites.scene import reopened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bulksend.prepare.plan import Plan

ANA, BEN, NOBODY = number(1), number(2), number(3)
HEAD = "phone,name\n"
TEXT = "Hi {{ name }}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")


def one(tmp_path: Path) -> Plan:
    """Ana twice, Ben once; a second plan of another campaign that was never sent."""
    people = f"{HEAD}{ANA},Ana\n{BEN},Ben\n(919) 234-0001,Ana again\n"
    plan(tmp_path, f"{HEAD}{ANA},Ana\n", name="later", message={"text": TEXT})
    return plan(tmp_path, people, message={"text": TEXT, "tag": "t"}).plan


def test_every_plan_and_what_became_of_it(tmp_path: Path, home: Home) -> None:
    """Sent, lost to another row, planned only; callbacks and opt-outs; in order."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        played(journal, run, epoch, {2: [Event.CLAIM, Event.ACCEPT, Event.FAIL]})
        told = Kept(
            "id-2", 7, "message-failed", NOW + 1_500, NOW, None, 4720, None, run.id, 2
        )
        journal.receipts.keep([told])
        stop = Cause(OPTED_OUT, "reply STOP", NOW, "+19195550100")
        journal.suppressions.add([suppression(ANA, stop)])

    found = explain("919 234 0001", home=home, region="US")
    assert (found.number, found.was_given, found.plans) == (ANA, True, 2)
    by_row = {(row.campaign, row.row): row for row in found.rows}
    assert {key: row.status for key, row in by_row.items()} == {
        ("test", 2): "failed",
        ("test", 4): "excluded",
        ("later", 2): "planned",
    }
    sent = by_row["test", 2]
    assert (sent.text, sent.segments, sent.sender) == ("Hi Ana", 1, "+19195550100")
    happened = [step.what for step in sent.steps if step.what != "planned"]
    assert happened == [
        "posted",
        "accepted by the simulator, id id-2",
        "callback message-failed, code 4720",
        "failed (4785)",
    ]
    assert sent.why == "It did not work: fail."
    why = "The same number stands in the row that counts (row 2)."
    assert by_row["test", 4].why.startswith(why)
    assert (by_row["test", 4].text, by_row["later", 2].text) == ("", "Hi Ana")
    assert {key: row.is_run for key, row in by_row.items()} == {
        ("test", 2): True,
        ("test", 4): True,
        ("later", 2): False,
    }
    (word,) = found.suppressions
    assert (word.reason, word.source) == (OPTED_OUT, "reply STOP")
    assert explain(NOBODY, home=home).rows == ()


def test_what_happened_in_one_millisecond_is_told_as_it_happened(
    tmp_path: Path, home: Home
) -> None:
    """Posted, then accepted; the callback, then the failure that it tells of."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        ana = Candidate(2, 2, person=person_key(ANA))
        assert journal.claim(run, epoch, [ana], now=NOW) == [2]
        accepted = Outcome(2, Event.ACCEPT, NOW, NOW, "id-2")
        failed = Outcome(2, Event.FAIL, NOW, NOW, None, "5100", "-")
        journal.record(run.id, epoch, [accepted])
        journal.record(run.id, epoch, [failed])
        told = Kept("id-2", 7, "message-failed", NOW, NOW, None, 5100, None, run.id, 2)
        journal.receipts.keep([told])

    (row,) = (
        one
        for one in explain(ANA, home=home).rows
        if one.row == 2 and one.run == made.run
    )
    happened = [step.what for step in row.steps if step.what != "planned"]
    assert happened == [
        "posted",
        "accepted by the simulator, id id-2",
        "callback message-failed, code 5100",
        "failed (5100)",
    ]


def test_what_bandwidth_tells_in_whole_seconds_comes_after_the_post(
    tmp_path: Path, home: Home
) -> None:
    """Its clock may be behind ours, too: nothing is told before what it answers."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        bandwidth = replace(run, run="real-1", provider="bandwidth", plan="gone")
        real = journal.runs.add(bandwidth)
        ana = Candidate(2, 2, person=person_key(ANA))
        posted, second = NOW - NOW % 1_000 + 400, NOW - NOW % 1_000
        for one_run in (run, real):
            assert journal.claim(one_run, epoch, [ana], now=posted) == [2]
            accepted = Outcome(2, Event.ACCEPT, posted + 80, posted, "id-2")
            journal.record(one_run.id, epoch, [accepted])
            told = Kept("id-2", one_run.id, "message-failed", second, posted + 500)
            told = told._replace(error_code=4720, run_id=one_run.id, row=2)
            journal.receipts.keep([told])
            failed = Evidence(
                one_run.id, 2, Event.FAIL, second, Source.RECEIPT, "{}", second,
                "id-2", "4720", "-",
            )  # fmt: skip
            journal.decisions.apply([failed], now=posted + 500)

    rows = [row for row in explain(ANA, home=home).rows if row.row == 2 and row.is_run]
    happened = {
        row.run: [step.what for step in row.steps if step.what != "planned"][:4]
        for row in rows
    }
    taken = {made.run: "the simulator", "real-1": "Bandwidth"}
    assert happened == {
        name: [
            "posted",
            f"accepted by {by}, id id-2",
            "callback message-failed, code 4720",
            "failed (4720)",
        ]
        for name, by in taken.items()
    }


def test_what_was_posted_stays_told_whatever_became_of_its_next_try(
    tmp_path: Path, home: Home
) -> None:
    """Planned again, kept from it by an opt-out, sent again: each post is told once."""
    made = one(tmp_path)
    first = ["posted", "accepted by the simulator, id id-2", "failed (4785)"]
    over, again = (
        ["posted", "failed (4785)"],
        "to be sent again: decided by an operator",
    )

    def told() -> list[str]:
        rows = explain(ANA, home=home).rows
        (row,) = (one for one in rows if (one.run, one.row) == (made.run, 2))
        return [step.what for step in row.steps if step.what != "planned"]

    with begun(tmp_path, made, 2) as (journal, run, epoch):
        played(journal, run, epoch, {2: [Event.CLAIM, Event.ACCEPT, Event.FAIL]})
        ana = Candidate(2, 2, person=person_key(ANA))
        assert told() == first

        for times in (1, 2):
            now = NOW + 5_000 * times
            reopened(journal, run, epoch, "failed", now=now)
            assert told() == [*over, *[again] * times]
            stop = Cause(OPTED_OUT, "reply STOP", now)
            journal.suppressions.add([suppression(ANA, stop)])
            assert journal.claim(run, epoch, [ana], now=NOW) == []
            assert told() == [*first, *[again] * times]
            journal.suppressions.lift(ANA, now=now + 1)

        reopened(journal, run, epoch, "failed", now=NOW + 20_000)
        assert journal.claim(run, epoch, [ana], now=NOW) == [2]
        then = Outcome(2, Event.ACCEPT, NOW + 30_000, NOW + 29_000, "id-new")
        journal.record(run.id, epoch, [then])
        second = ["posted (try 2)", "accepted by the simulator, id id-new"]
        assert told() == [*over, *[again] * 3, *second]


def test_each_decision_says_what_it_rests_on(tmp_path: Path, home: Home) -> None:
    """By whom, why, from which look; each attempt, and what was decided in between."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        decisions = journal.decisions
        ana = Candidate(2, 2, person=person_key(ANA))
        lost = Outcome(2, Event.LOSE, NOW + 1, NOW, None, "no_answer", "-")
        looked = {"asked_at": NOW + 9, "watermark": NOW + 8, "since": NOW - 1}
        looked["attempt"] = 1
        because = {"because": "she has it", "by": "kim"}
        ends = (
            (Event.DISPROVE, Source.SEARCH, looked, NOW + 10),
            (Event.ACCEPT, Source.OPERATOR, because, NOW + 30),
        )
        for event, source, said, at in ends:
            assert journal.claim(run, epoch, [ana], now=at - 5) == [2]
            journal.record(run.id, epoch, [lost])
            decisions.note_looks(run.id, [(2, 0)], at=at - 4)
            why = ("not_sent", "-") if event is Event.DISPROVE else (None, None)
            text = json.dumps(said)
            ended = Evidence(run.id, 2, event, at, source, text, at, None, *why)
            decisions.apply([ended], now=at)
            decisions.resend(run.id, [(2, 1)], now=at + 5, evidence='{"by":"lee"}')
        gone = journal.runs.add(replace(run, run="old-1", plan=str(tmp_path / "old")))
        journal.claim(gone, epoch, [ana], now=NOW)
        journal.record(gone.id, epoch, [lost])

    found = explain(ANA, home=home)
    (row,) = (one for one in found.rows if (one.run, one.row) == (made.run, 2))
    happened = [step.what for step in row.steps if step.what != "planned"]
    then = "2026-01-02T03:04:05"
    assert happened == [
        "posted",
        "posted (try 2)",
        "found unknown (try 1)",
        f"not sent: the search of {then}.687Z, which showed messages up to {then}.686Z",
        "to be sent again: decided by lee",
        "found unknown (try 2)",
        "accepted by the simulator",
        "accepted: decided by kim, because she has it",
    ]
    evidence = [step.as_dict().get("evidence") for step in row.steps]
    assert [one for one in evidence if one] == [looked, {"by": "lee"}, because]
    (other,) = (one for one in found.rows if one.run == "old-1")
    assert (other.status, other.row, found.gone) == ("unknown", 2, ("old-1",))

    with Journal.open(home.journal) as journal:
        done = journal.runs.named(made.run)
        assert done is not None
        journal.runs.finish(done.id, now=NOW)
        journal.purges.run(done, now=NOW)
        kept = [one.evidence for one in journal.decisions.of_rows(done.id, 2, 2)]
    assert kept == [json.dumps(looked), "{}", "{}"]


def test_a_tag_or_an_id_leads_to_the_person_who_stays_masked(
    tmp_path: Path, home: Home
) -> None:
    """Whoever asks by a message did not know the number, and does not learn it."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        played(journal, run, epoch, {3: [Event.CLAIM, Event.LOSE]})
        message = "1795702523100ky41jonx21e9qed7"
        seen = Evidence(run.id, 3, Event.ACCEPT, NOW, Source.SEARCH, "{}", NOW, message)
        journal.decisions.apply([seen], now=NOW)
    for asked in (f"t{made.mark}3", message):
        found = explain(asked, home=home)
        assert [(row.row, row.status) for row in found.rows] == [(3, "accepted")]
        said = json.dumps(found.as_dict()) + repr(found)
        assert BEN not in said
        assert "Hi Ben" not in said
    for asked in ("t#00000000-3", f"t{made.mark}99", "1795702523100ky41jonx21e9qed8"):
        with pytest.raises(InputError, match="E674"):
            explain(asked, home=home)
    for asked in ("n/a", "550e8400-e29b-41d4-a716-446655440000", "9192340001"):
        with pytest.raises(
            InputError, match="E651 it was taken for a number"
        ) as refused:
            explain(asked, home=home)
        (problem,) = refused.value.problems
        assert "a message's id at Bandwidth" in problem.expected
        assert "--region" in problem.fix
        assert "nothing was done" not in str(problem)


def test_a_member_of_a_group_is_found(tmp_path: Path, home: Home) -> None:
    """By each of its numbers, whole ones only."""
    people = f'phone,name\n"{ANA},{BEN}",us\n'
    plan(tmp_path, people, message={"text": TEXT, "group": "true"})
    for asked in (ANA, BEN):
        assert [row.row for row in explain(asked, home=home).rows] == [2]
    assert explain(ANA[:-1] + "9", home=home).rows == ()


def test_who_lost_a_household_is_told_to_whom(tmp_path: Path, home: Home) -> None:
    """And that the number got its text by another row."""
    people = f"phone,name,hh\n{ANA},W,A\n{BEN},X,A\n{BEN},Y,B\n"
    plan(tmp_path, people, recipients={"household": "hh"}, message={"text": TEXT})
    lost, sent = sorted(explain(BEN, home=home).rows, key=lambda row: row.row)
    assert lost.why.startswith("Another row counts for the same household (row 2).")
    assert (sent.row, sent.status, sent.why) == (4, "planned", "")


def test_a_run_whose_plan_is_gone_is_told(tmp_path: Path, home: Home) -> None:
    """It may have been for this number: silence would be a lie."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, _):
        journal.runs.add(replace(run, run="old-1", plan=str(tmp_path / "old.parquet")))
    found = explain(ANA, home=home)
    assert found.gone == ("old-1",)
    assert len(found.rows) == 3


def _scrambled(data: bytes) -> bytes:
    """Its pages are no Parquet any more; its footer is as it was."""
    third = len(data) // 3
    return data[:4] + bytes(one ^ 0x5A for one in data[4:third]) + data[third:]


@pytest.mark.parametrize("spoil", [_scrambled, lambda data: data[:-9] + data[-8:]])
def test_a_plan_that_was_damaged_is_as_one_that_is_gone(
    tmp_path: Path, home: Home, spoil: Callable[[bytes], bytes]
) -> None:
    """What the journal knows is told; results and report are refused, by a code."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        ana = Candidate(2, 2, person=person_key(ANA))
        journal.claim(run, epoch, [ana], now=NOW)
    made.path.chmod(0o600)
    made.path.write_bytes(spoil(made.path.read_bytes()))
    found = explain(ANA, home=home)
    assert found.gone == (made.run,)
    (row,) = (row for row in found.rows if row.run == made.run)
    assert (row.status, row.text) == ("unknown", "")
    for use in (write_run, report_run, run_arms):
        with pytest.raises(InputError, match=r"E620|E623"):
            use(made.run, home=home)
    with pytest.raises(InputError, match="E674"):
        explain(f"t{made.mark}3", home=home)


def test_a_plan_whose_rows_were_exchanged_tells_nothing(
    tmp_path: Path, home: Home
) -> None:
    """It reads well, and is not what was sent: no word of it may be taken for that."""
    made = one(tmp_path)
    with begun(tmp_path, made, 2) as (journal, run, epoch):
        ana = Candidate(2, 2, person=person_key(ANA))
        journal.claim(run, epoch, [ana], now=NOW)
    made.path.chmod(0o600)
    about = pl.read_parquet_metadata(made.path)
    text = pl.when(pl.col("text").is_not_null()).then(pl.lit("Another text"))
    other = pl.read_parquet(made.path).with_columns(text.alias("text"))
    other.write_parquet(made.path, metadata=about)
    found = explain(ANA, home=home)
    assert "Another text" not in str(found.as_dict())
    assert found.gone == (made.run,)
    with pytest.raises(InputError, match="E623"):
        write_run(made.run, home=home)


def test_the_command_says_it_to_people(tmp_path: Path, home: Home) -> None:
    """And the same as JSON; a home without a journal has plans all the same."""
    one(tmp_path)
    where = ["--folder", str(tmp_path)]
    ran = CliRunner().invoke(cli, ["explain", ANA, *where])
    assert ran.exit_code == 0, ran.output
    assert ANA in ran.output
    said = json.loads(
        CliRunner().invoke(cli, ["explain", ANA, "--json", *where]).output
    )
    assert sorted(row["status"] for row in said["rows"]) == [
        "excluded", "planned", "planned",
    ]  # fmt: skip
    assert ran.output.count("in a plan that was never sent") == 3
    never = CliRunner().invoke(cli, ["explain", NOBODY, *where])
    assert (never.exit_code, never.output) == (
        0,
        f"{NOBODY}\nNo plan here has it; 2 looked through.\n",
    )

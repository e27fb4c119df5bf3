"""Numbers and texts of old runs go, their counts stay, and nobody is texted again."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.home import Home
from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.pipeline import list_runs, write_run
from bulksend.send.clocks import wall_ms
from bulksend.settle.copies import is_of, mark_of
from bulksend.settle.purging import plan_purge, read_age
from bulksend.settle.removing import purge
from bulksend.view.report import report_run
from tests.prepare.planning import number, plan
from tests.settle.test_results import NOW, begun, played, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = timedelta(days=1)
LATER = NOW + 2 * 86_400_000


@contextmanager
def run_of_two(
    tmp_path: Path, events: dict[int, list[Event]], *, finished: bool = True
) -> Iterator[Journal]:
    """A run, its results and its rejects, that ended (or not) at NOW."""
    people = f"phone\n{number(1)}\n{number(2)}\n12\n"
    made = plan(tmp_path, people)
    results = tmp_path / "results.csv"
    results.write_text(f"row,to,tag\n2,{number(1)},a{made.plan.mark}2\n")
    rejects = tmp_path / ".bulksend" / "rejects" / f"{made.plan.run}.csv"
    rejects.parent.mkdir()
    rejects.write_text("phone\n12\n")
    os.utime(made.plan.path, (NOW / 1000, NOW / 1000))
    with begun(tmp_path, made.plan, 2) as (journal, run, epoch):
        played(journal, run, epoch, events)
        journal.runs.set_results(run.id, str(results))
        journal.leases.end(run.campaign, epoch)
        if finished:
            journal.runs.finish(run.id, now=NOW)
        yield journal


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")


SENT = [Event.CLAIM, Event.ACCEPT]


def holds_numbers(folder: Path) -> list[str]:
    """Files in which a number of the list stands, in any spelling of its digits."""
    needles = [number(1)[1:].encode(), number(2)[1:].encode()]
    return [
        path.name
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in ("list.csv", "campaign.yaml")
        and any(needle in path.read_bytes() for needle in needles)
    ]


def test_a_run_that_ended_long_ago_keeps_only_its_counts(
    tmp_path: Path, home: Home
) -> None:
    """Plan, results and rejects are gone; status, and the reason for it, are not."""
    with run_of_two(tmp_path, {2: SENT, 3: [Event.CLAIM, Event.REFUSE]}):
        pass
    before = list_runs(home)
    assert holds_numbers(tmp_path)
    found = plan_purge(home, DAY, now=LATER)
    assert [path.name for path in found.files if path.suffix == ".csv"] == [
        f"{before[0].run}.csv",
        "results.csv",
    ]
    assert len(holds_numbers(tmp_path)) == 2, "nothing is removed by looking"
    purge(home, found, now=LATER)

    assert holds_numbers(tmp_path) == []
    assert [replace(one, state="") for one in list_runs(home)] == [
        replace(one, state="") for one in before
    ]
    for use in (write_run, report_run):
        with pytest.raises(InputError, match="E675"):
            use(before[0].run, home=home)
    assert plan_purge(home, DAY, now=LATER).is_empty


@pytest.mark.parametrize(
    ("events", "finished", "age", "why"),
    [
        ({2: SENT, 3: SENT}, True, 3 * DAY, ""),
        ({2: SENT}, False, DAY, "not finished"),
        (
            {2: SENT, 3: [Event.CLAIM, Event.LOSE]},
            True,
            DAY,
            "1 of its messages are unknown",
        ),
    ],
    ids=["too young", "unfinished", "unknown"],
)
def test_what_is_young_or_open_stays_whole(  # noqa: PLR0917  (cases have columns)
    tmp_path: Path,
    home: Home,
    events: dict[int, list[Event]],
    finished: bool,
    age: timedelta,
    why: str,
) -> None:
    """With the reason, and what to do about it."""
    with run_of_two(tmp_path, events, finished=finished):
        pass
    found = plan_purge(home, age, now=LATER)
    assert found.is_empty
    assert all(why in one.why for one in found.kept)
    assert bool(found.kept) is bool(why)


def test_results_that_another_run_wrote_over_are_that_ones(
    tmp_path: Path, home: Home
) -> None:
    """Only the plan goes: the file belongs to whoever wrote it last."""
    with run_of_two(tmp_path, {2: SENT, 3: SENT}) as journal:
        old = journal.runs.all()[0]
        young = replace(old, run="young-1", plan="gone.parquet", created_at=LATER)
        journal.runs.add(young)
    purge(home, plan_purge(home, DAY, now=LATER), now=LATER)
    assert (tmp_path / "results.csv").exists()
    assert not list((tmp_path / ".bulksend" / "plans").iterdir())


def test_a_run_that_began_anew_while_it_was_asked_stays(
    tmp_path: Path, home: Home
) -> None:
    """Somebody resends some of it at the prompt: files and numbers are as they were."""
    with run_of_two(tmp_path, {2: SENT, 3: [Event.CLAIM, Event.REFUSE]}) as journal:
        found = plan_purge(home, DAY, now=LATER)
        (run,) = journal.runs.all()
        journal.runs.reopen(run.id)
        done = purge(home, found, now=LATER)
        (kept,) = done.kept
        assert kept.why.startswith("it is not finished")
        assert (done.runs, done.files) == ((), ())
        assert all(Path(str(path)).exists() for path in found.files)
        assert journal.runs.all()[0].purged_at is None
        assert not journal.purges.run(run, now=LATER)
        words = [one.error for one in journal.entries(run.id, 2, 9)]
        assert "Its words were purged." not in words


def test_a_run_that_ended_anew_while_it_was_asked_is_not_said_to_be_purged(
    tmp_path: Path, home: Home
) -> None:
    """It is as young as its new end: all of it is there, and its name is among the kept."""
    with run_of_two(tmp_path, {2: SENT, 3: [Event.CLAIM, Event.REFUSE]}) as journal:
        found = plan_purge(home, DAY, now=LATER)
        (run,) = journal.runs.all()
        journal.runs.reopen(run.id)
        journal.runs.finish(run.id, now=LATER)
        done = purge(home, found, now=LATER)
        (kept,) = done.kept
        assert (kept.run, done.runs, done.files) == (run.run, (), ())
        assert all(Path(str(path)).exists() for path in found.files)
        assert journal.runs.all()[0].purged_at is None


# who has the campaign's lease: this run, or another of the campaign
HOLDERS = [("its own", ["it is being sent"]), ("another", []), ("", [])]


@pytest.mark.parametrize(("whose", "why"), HOLDERS)
def test_a_run_that_somebody_has_stays(
    tmp_path: Path, home: Home, whose: str, why: list[str]
) -> None:
    """Of its campaign another run may be under way; and the lease is given back."""
    with run_of_two(tmp_path, {2: SENT, 3: SENT}) as journal:
        found = plan_purge(home, DAY, now=LATER)
        (run,) = journal.runs.all()
        if whose:
            owner = Owner.me(run.run if whose == "its own" else "r-2")
            journal.leases.take(run.campaign, owner, now=wall_ms())
        done = purge(home, found, now=LATER)
        assert [one.why for one in done.kept if one.run == run.run] == why
        assert (journal.runs.all()[0].purged_at is None) is bool(why)
        alive = journal.leases.alive(run.campaign, now=wall_ms())
        assert len(alive) == bool(whose)


def test_a_file_that_somebody_put_at_its_results_stays(
    tmp_path: Path, home: Home
) -> None:
    """It is named; what of it is ours goes, whatever columns stand beside it by now."""
    with run_of_two(tmp_path, {2: SENT, 3: SENT}):
        pass
    results = tmp_path / "results.csv"
    ours = results.read_text()
    results.write_text("customer,price\n1,2\n")
    found = plan_purge(home, DAY, now=LATER)
    assert results not in found.files
    (kept,) = found.kept
    assert kept.run == str(results)
    assert "holds nothing of" in kept.why
    results.write_text(ours.replace("row,", "my note,row,").replace("\n2,", "\nx,2,"))
    found = plan_purge(home, DAY, now=LATER)
    assert results in found.files
    purge(home, found, now=LATER)
    assert not results.exists()


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_whose_a_file_is_its_tags_say(tmp_path: Path, form: str) -> None:
    """In any form, with any columns; what cannot be read is nobody's."""
    path = tmp_path / f"results.{form}"
    frame = pl.DataFrame({"tag": ["a#12345678-2", None], "note": ["x", "y"]})
    if form == "csv":
        frame.write_csv(path)
    elif form == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_excel(path)
    assert is_of(path, mark_of("12345678" + "0" * 56))
    assert not is_of(path, mark_of("87654321" + "0" * 56))
    path.write_bytes(b"PAR1 nothing")
    assert not is_of(path, mark_of("12345678"))


def test_a_plan_that_is_begun_meanwhile_stays(tmp_path: Path, home: Home) -> None:
    """Nobody had sent it when it was looked for; somebody does now."""
    made = plan(tmp_path, f"phone\n{number(1)}\n").plan
    os.utime(made.path, (NOW / 1000, NOW / 1000))
    found = plan_purge(home, DAY, now=LATER)
    with Journal.open(home.journal) as journal:
        run = journal.runs.add(run_of(made, 1))
        done = purge(home, found, now=LATER)
        assert [one.why for one in done.kept] == [f"{run.run} sends it"]
    assert made.path.exists()


def test_what_was_sent_for_a_trial_goes_too(tmp_path: Path, home: Home) -> None:
    """`test` makes plans of its own, and of whom it went to somebody else's texts."""
    made = plan(tmp_path, f"phone\n{number(1)}\n").plan
    trial = home.folder / "tests" / "test-1.parquet"
    trial.parent.mkdir()
    made.path.rename(trial)
    os.utime(trial, (NOW / 1000, NOW / 1000))
    purge(home, plan_purge(home, DAY, now=LATER), now=LATER)
    assert holds_numbers(tmp_path) == []


def test_plans_that_nobody_sent_go_too(tmp_path: Path, home: Home) -> None:
    """They hold the same numbers; a home without a journal is no reason to keep them."""
    made = plan(tmp_path, f"phone\n{number(1)}\n").plan
    assert plan_purge(home, DAY, now=LATER).is_empty
    os.utime(made.path, (NOW / 1000, NOW / 1000))
    found = plan_purge(home, DAY, now=LATER)
    assert (found.plans, found.files) == (1, (made.path,))
    purge(home, found, now=LATER)
    assert not made.path.exists()
    assert not home.journal.exists()


def test_old_replies_go_also_where_nothing_else_does(
    tmp_path: Path, home: Home
) -> None:
    """Words and numbers of people: counted, shown, and removed by their own age."""
    said = '{"from": "+19195550199", "text": "Is it you, Ann?"}'
    old = Kept("", 1, "message-received", NOW, NOW, 77, said=said)
    with Journal.open(home.journal) as journal:
        journal.receipts.keep([old, old._replace(digest=2, received_at=LATER)])
    found = plan_purge(home, DAY, now=LATER)
    assert (found.callbacks, found.is_empty) == (1, False)
    assert found.as_dict()["callbacks"] == 1
    purge(home, found, now=LATER)
    assert plan_purge(home, DAY, now=LATER).is_empty
    with Journal.open(home.journal) as journal:
        assert journal.purges.due_callbacks(before=LATER + 1) == 1, "the young one"


@pytest.mark.parametrize(
    "text", ["90", "d", "0d", "soon", "2026-01-01T00:00:00Z", "", "-1d"]
)
def test_an_age_is_a_number_and_a_unit(text: str) -> None:
    """Anything else is no age: a typing error must not remove everything."""
    assert read_age("90d") == 90 * DAY
    with pytest.raises(InputError, match="E677"):
        read_age(text)

"""Numbers and texts of old runs go, their counts stay, and nobody is texted again."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError
from bulksend.home import Home
from bulksend.journal.receipts import Kept
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.pipeline import list_runs, write_run
from bulksend.settle.purging import plan_purge, purge, read_age
from bulksend.view.report import report_run
from tests.prepare.planning import number, plan
from tests.settle.test_results import NOW, begun, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    results.write_text(f"row,to\n2,{number(1)}\n")
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

"""Plan and journal to the results file: one line for every row of the input."""

from __future__ import annotations

import csv
import datetime as dt
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.journal.owner import Owner
from bulksend.journal.records import (
    ALREADY_SENT,
    PAST_EXPIRATION,
    Candidate,
    Outcome,
    Run,
)
from bulksend.journal.states import Event, Status
from bulksend.journal.store import Journal
from bulksend.settle import outcomes as module
from bulksend.settle.files import write_results
from bulksend.settle.results import OUTCOMES, Reading, results
from bulksend.settle.standing import standing, standing_of
from tests.prepare.planning import SENDER, number, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bulksend.prepare.plan import Plan

NOW = 1_767_323_045_678
"""2026-01-02 03:04:05.678 UTC, in milliseconds."""

OURS = ["to", "from", "status", "message_id", "error_code", "error", "tag", "text", "segments",
        "attempts", "posted_at", "accepted_at", "delivered_at", "reason"]  # fmt: skip


def run_of(plan: Plan, sendable: int) -> Run:
    return Run(
        run=plan.run,
        campaign="simulator/test",
        plan=str(plan.path),
        plan_hash=plan.hash,
        plan_digest=plan.seal().digest,
        input_digest="",
        content_digest="",
        provider="simulator",
        rows=plan.rows,
        sendable=sendable,
        results="out.csv",
        created_at=NOW,
    )


@contextmanager
def begun(
    folder: Path, plan: Plan, sendable: int
) -> Iterator[tuple[Journal, Run, int]]:
    """A journal in which this plan is being sent."""
    with Journal.open(folder / "journal.sqlite") as journal:
        run = journal.runs.add(run_of(plan, sendable))
        yield journal, run, journal.leases.take(run.campaign, Owner.me(), now=NOW)


def played(
    journal: Journal, run: Run, epoch: int, events: dict[int, list[Event]]
) -> None:
    """Let these things happen to these rows, a second apart."""
    claimed = [row for row, said in events.items() if Event.CLAIM in said]
    journal.claim(
        run, epoch, [Candidate(row, row, person=row) for row in claimed], now=NOW
    )
    for row, said in events.items():
        for step, event in enumerate(said):
            now = NOW + 1_000 * step
            if event is Event.EXCLUDE:
                journal.close_unsent(run.id, epoch, [row], ALREADY_SENT, now=now)
            elif event is Event.EXPIRE:
                journal.close_unsent(run.id, epoch, [row], PAST_EXPIRATION, now=now)
            elif event is not Event.CLAIM:
                bad = event in {Event.REFUSE, Event.FAIL, Event.LOSE, Event.RELEASE}
                outcome = Outcome(
                    row,
                    event,
                    now,
                    posted_at=NOW + 1,
                    message_id=f"id-{row}" if event is Event.ACCEPT else None,
                    error_code="4785" if bad else None,
                    error=f"It did not work: {event}." if bad else None,
                )
                assert journal.record(run.id, epoch, [outcome]) == 1


EVERYTHING = {
    2: [],
    3: [Event.CLAIM],
    4: [Event.CLAIM, Event.ACCEPT],
    5: [Event.CLAIM, Event.REFUSE],
    6: [Event.CLAIM, Event.LOSE],
    7: [Event.EXPIRE],
    8: [Event.CLAIM, Event.ACCEPT, Event.DELIVER],
    9: [Event.CLAIM, Event.ACCEPT, Event.FAIL],
    10: [Event.EXCLUDE],
    11: [Event.CLAIM, Event.RELEASE],
}
STATUS = ["not_sent", "unknown", "accepted", "refused", "unknown", "expired", "delivered",
          "failed", "excluded", "not_sent", "excluded", "excluded"]  # fmt: skip


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[tuple[Plan, Journal, Run]]:
    """Ten rows that met everything, one duplicate, one short number."""
    people = "winner,phone,status,ended_at\n"
    people += "".join(f"w{row},{number(row)},s,e\n" for row in range(2, 12))
    people += f"w12,{number(4)},s,e\nw13,12,s,e\n"
    checked = plan(tmp_path, people, message={"text": "Hi {{ winner }}", "tag": "t"})
    with begun(tmp_path, checked.plan, checked.summary.sendable) as (
        journal,
        run,
        epoch,
    ):
        played(journal, run, epoch, EVERYTHING)
        yield checked.plan, journal, run


def test_results_of_a_run_that_goes_on_are_of_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece of them, however long the first ones took; and so are their counts."""
    monkeypatch.setattr(module, "CHUNK_ROWS", 5)
    people = "phone\n" + "".join(f"{number(row)}\n" for row in range(2, 62))
    checked = plan(tmp_path, people, message={"text": "Hi"})
    with begun(tmp_path, checked.plan, 60) as (journal, run, epoch):
        journal.claim(run, epoch, [Candidate(n, n) for n in range(2, 62)], now=NOW)

        class Sending:
            """Another connection, which records an answer while a piece is written."""

            row = 62

            @property
            def seconds_left(self) -> float:
                self.row -= 1
                answer = Outcome(self.row, Event.ACCEPT, NOW, NOW, f"id-{self.row}")
                with Journal.open(tmp_path / "journal.sqlite") as other:
                    assert other.record(run.id, epoch, [answer]) == 1
                return 1.0

        sending = Sending()
        reading = Reading(sending)
        frame = results(checked.plan, journal, run, reading=reading).collect()
        assert sending.row < 55
        assert set(frame["status"]) == {"unknown"}
        assert reading.counts == {"claimed": 60}
        assert journal.counts(run.id)[Status.ACCEPTED] == 62 - sending.row
        journal.record(run.id, epoch, [Outcome(2, Event.ACCEPT, NOW, NOW, "id-2")])


def test_every_row_has_one_line_with_its_outcome(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """In the input's order, its columns first; the counts are those of the run."""
    plan, journal, run = everything
    frame = results(plan, journal, run).collect()
    assert frame.columns == [
        "row",
        "winner",
        "phone",
        "input_status",
        "ended_at",
        *OURS,
    ]
    assert frame["row"].to_list() == list(range(2, 14))
    assert frame["status"].to_list() == STATUS
    assert set(STATUS) == set(OUTCOMES)
    assert frame["ended_at"].unique().to_list() == ["e"]

    reading = Reading()
    results(plan, journal, run, reading=reading).collect()
    assert standing_of(run, reading.counts) == standing(journal, run)
    counts = standing(journal, run).counts
    assert sum(counts.values()) == run.rows == len(frame)
    counted = dict(frame["status"].value_counts().iter_rows())
    assert counted == {status: count for status, count in counts.items() if count}


def test_a_line_says_what_happened_and_when(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """Attempts, times in UTC, the message's id; what was sent, with its tag."""
    plan, journal, run = everything
    by_row = {
        row["row"]: row
        for row in results(plan, journal, run).collect().iter_rows(named=True)
    }
    then = dt.datetime.fromtimestamp(NOW / 1000, dt.UTC)
    ms, s = dt.timedelta(milliseconds=1), dt.timedelta(seconds=1)
    good = by_row[8]
    assert (good["to"], good["from"], good["text"]) == (number(8), SENDER, "Hi w8")
    assert good["tag"] == f"t#{plan.hash[:8]}-8"
    assert (good["attempts"], good["message_id"], good["segments"]) == (1, "id-8", 1)
    assert (good["posted_at"], good["accepted_at"]) == (then + ms, then + s)
    assert good["delivered_at"] == then + 2 * s
    assert (good["error_code"], good["error"], good["reason"]) == (None, None, None)

    bad = by_row[9]
    assert (bad["error_code"], bad["error"]) == ("4785", "It did not work: fail.")
    assert (bad["delivered_at"], bad["message_id"]) == (None, "id-9")
    assert by_row[4]["error"] is None
    assert (by_row[2]["attempts"], by_row[11]["attempts"]) == (0, 1)
    assert by_row[2]["posted_at"] is by_row[3]["posted_at"] is None
    assert by_row[7]["error_code"] == "expired"


def test_an_excluded_line_says_why_and_which_row_won(
    everything: tuple[Plan, Journal, Run],
) -> None:
    """Though the list has a column called `winner`; what it would have been is not sent."""
    plan, journal, run = everything
    frame = results(plan, journal, run).collect()
    late, lost, short = frame.filter(pl.col("status") == "excluded").iter_rows(
        named=True
    )
    assert (late["reason"], lost["reason"], short["reason"]) == (
        "already_sent", "duplicate", "number_too_short",
    )  # fmt: skip
    assert "earlier run" in late["error"]
    assert "(row 4)" in lost["error"]
    assert short["error"] == "The number has too few digits. Add the rest."
    for row in (lost, short):
        assert (row["tag"], row["from"], row["segments"]) == (None, None, None)
        assert (row["attempts"], row["error_code"]) == (0, None)


def test_parquet_and_csv_say_the_same(
    everything: tuple[Plan, Journal, Run], tmp_path: Path
) -> None:
    """The same columns and rows; moments in ISO 8601."""
    plan, journal, run = everything
    frame = results(plan, journal, run)
    for name in ("a.parquet", "a.csv", "deeper/a.csv"):
        write_results(frame, tmp_path / name)
        write_results(frame, tmp_path / name)  # written again, it is replaced
    typed = pl.read_parquet(tmp_path / "a.parquet")
    assert typed.equals(frame.collect())
    assert typed.schema["delivered_at"] == pl.Datetime("ms", "UTC")
    assert typed.schema["row"] == typed.schema["attempts"] == pl.Int64

    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == typed.columns
    for line, row in zip(lines, typed.iter_rows(named=True), strict=True):
        for name, value in row.items():
            shown = "" if value is None else str(value)
            if isinstance(value, dt.datetime):
                shown = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            assert line[name] == shown, name
    assert lines[6]["accepted_at"] == "2026-01-02T03:04:06.678Z"
    assert not list(tmp_path.rglob("*.unfinished"))


def test_what_csv_cannot_hold_is_json(tmp_path: Path) -> None:
    """Lists, objects and bytes of the input; Parquet keeps them."""
    people = pl.DataFrame(
        {
            "phone": [number(1), number(2)],
            "many": [[1, 2], None],
            "object": [{"a": "é", "b": [1]}, None],
            "bytes": [b"a", None],
            "moment": [dt.datetime(2026, 1, 2, tzinfo=dt.UTC), None],
            "nothing": [None, None],
        }
    )
    checked = plan(tmp_path, people, recipients={"path": "list.parquet"})
    with begun(tmp_path, checked.plan, 2) as (journal, run, _):
        frame = results(checked.plan, journal, run)
        write_results(frame, tmp_path / "a.csv")
        write_results(frame, tmp_path / "a.parquet")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        full, empty = csv.DictReader(file)
    assert json.loads(full["many"]) == [1, 2]
    assert json.loads(full["object"]) == {"a": "é", "b": [1]}
    assert (full["bytes"], full["moment"]) == ("a", "2026-01-02T00:00:00.000Z")
    assert [empty[name] for name in people.columns[1:]] == [""] * 5
    kept = pl.read_parquet(tmp_path / "a.parquet").select(people.columns)
    assert kept.equals(people)


@pytest.mark.parametrize("which", [slice(0, 99, 3), slice(40), slice(99), slice(0)])
def test_chunks_are_put_together_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: slice
) -> None:
    """White box: small chunks, gaps in the rows; the journal has some of a chunk, or all."""
    monkeypatch.setattr("bulksend.settle.outcomes.CHUNK_ROWS", 7)
    lines = [f"{number(place)},x" if place % 9 else "" for place in range(1, 100)]
    checked = plan(tmp_path, "phone,name\n" + "\n".join(lines) + "\n")
    sendable = checked.summary.sendable
    with begun(tmp_path, checked.plan, sendable) as (journal, run, epoch):
        sent = [row for chunk in checked.plan.sendable() for row in chunk["row"]][which]
        played(journal, run, epoch, {row: [Event.CLAIM, Event.ACCEPT] for row in sent})
        reading = Reading()
        frame = results(checked.plan, journal, run, reading=reading)
        whole = frame.collect(engine="streaming")
        assert whole["row"].to_list() == checked.plan.frame().collect()["row"].to_list()
        accepted = pl.col("status") == "accepted"
        taken = whole.filter(accepted)
        assert taken["row"].to_list() == sent
        assert taken["message_id"].to_list() == [f"id-{row}" for row in sent]
        assert set(taken["attempts"]) <= {1}
        assert reading.counts == journal.counts(run.id)
        # What Polars asks of a source: some columns, some rows, the first few.
        assert frame.filter(accepted).select("row").collect()["row"].to_list() == sent
        assert frame.head(10).collect().equals(whole.head(10))
        assert frame.filter(accepted).head(5).collect()["row"].to_list() == sent[:5]
        assert frame.select(pl.len()).collect().item() == len(whole)

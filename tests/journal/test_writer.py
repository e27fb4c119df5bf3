"""Group commit: order, durability, and what a failure does."""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import BulksendError, Problem
from bulksend.journal import writer as journal_writer
from bulksend.journal.mark import Mark, read_marks, refuse_lost
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, LeaseLost, Run
from bulksend.journal.states import Event, Status
from bulksend.journal.store import Journal
from bulksend.journal.writer import Writer
from tests.suites.scene import CAMPAIGN, ELSEWHERE, NOW, RUN, outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bulksend.journal.records import Outcome

FULL = BulksendError(Problem("E601", "the disk is full"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def run(path: Path) -> Run:
    with Journal.open(path) as journal:
        return journal.runs.add(RUN)


@pytest.fixture
async def writer(path: Path, run: Run) -> AsyncIterator[Writer]:
    """A writer that holds the lease; what it still had to say is on the disk after."""
    async with Writer(path, run) as writer:
        writer.epoch = await writer.call(
            lambda journal: journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        )
        yield writer
        writer.failure = None


def _counts(path: Path, run: Run) -> dict[Status, int]:
    with Journal.open(path) as journal:
        return journal.counts(run.id)


async def test_a_claim_is_on_the_disk_when_it_returns(
    writer: Writer, path: Path, run: Run
) -> None:
    """Another connection sees it at once."""
    rows = [Candidate(row, None) for row in (2, 3)]

    assert await writer.claim(rows, now=NOW) == [2, 3]
    assert _counts(path, run) == {Status.CLAIMED: 2}
    assert await writer.claim(rows, now=NOW) == []


async def test_many_rows_are_written_some_at_a_time(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked meanwhile, as a renewal of the lease, comes in between."""
    monkeypatch.setattr(journal_writer, "AT_ONCE", 2)
    done: list[object] = []

    def close(_: Journal, rows: list[int]) -> int:
        done.append(rows)
        return len(rows)

    many = asyncio.create_task(writer.each(range(5), close))
    await asyncio.sleep(0)
    await writer.call(lambda _: done.append("renewed"))

    assert await many == 5
    assert done == [[0, 1], "renewed", [2, 3], [4]]


async def test_durable_waits_until_everything_recorded_is_on_the_disk(
    writer: Writer, path: Path, run: Run
) -> None:
    """What was recorded before it and while it waits; without any, not at all."""
    await writer.claim([Candidate(row, None) for row in range(2, 302)], now=NOW)
    for row in range(2, 202):
        writer.record(outcome(row, Event.ACCEPT))
    asyncio.get_running_loop().call_soon(writer.record, outcome(202, Event.ACCEPT))

    await writer.durable()

    assert _counts(path, run) == {Status.ACCEPTED: 201, Status.CLAIMED: 99}
    await writer.durable()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> queue.SimpleQueue[list[int]]:
    """The rows of each transaction that recorded."""
    found: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    real = Journal.record

    def record(
        self: Journal, run_id: int, epoch: int, outcomes: Sequence[Outcome]
    ) -> int:
        changed = real(self, run_id, epoch, outcomes)
        found.put([one.row for one in outcomes])
        return changed

    monkeypatch.setattr(Journal, "record", record)
    return found


async def test_outcomes_gather_and_are_written_by_themselves(
    writer: Writer, path: Path, run: Run, groups: queue.SimpleQueue[list[int]]
) -> None:
    """Those of a moment go together, in their order; nobody needs to ask for it."""
    rows = list(range(2, 42))
    await writer.claim([Candidate(row, None) for row in rows], now=NOW)
    for row in rows:
        writer.record(outcome(row, Event.ACCEPT))

    assert await asyncio.to_thread(groups.get, timeout=10) == rows
    assert _counts(path, run) == {Status.ACCEPTED: 40}


async def test_a_claim_takes_the_outcomes_along(
    writer: Writer, path: Path, run: Run, groups: queue.SimpleQueue[list[int]]
) -> None:
    """Recorded before it claims: a row just given back can be claimed again."""
    await writer.claim([Candidate(2, None), Candidate(3, None)], now=NOW)
    writer.record(outcome(2, Event.RELEASE))
    writer.record(outcome(3, Event.ACCEPT))

    assert await writer.claim([Candidate(2, None, again=True)], now=NOW) == [2]
    assert _counts(path, run) == {Status.ACCEPTED: 1, Status.CLAIMED: 1}
    assert groups.get_nowait() == [2, 3]
    assert groups.empty()


async def test_everything_happens_in_the_order_it_was_asked_for(
    writer: Writer, path: Path, run: Run
) -> None:
    """A release that is durable stands before the claim that follows it."""
    for _ in range(20):
        assert await writer.claim([Candidate(2, None)], now=NOW) == [2]
        writer.record(outcome(2, Event.RELEASE))
        await writer.durable()
    await writer.claim([Candidate(2, None)], now=NOW)

    assert _counts(path, run) == {Status.CLAIMED: 1}


async def test_all_of_it_runs_in_one_other_thread(writer: Writer) -> None:
    """The event loop's thread never touches the disk, and the journal has one user."""
    names = await asyncio.gather(
        *(writer.call(lambda _: threading.current_thread().name) for _ in range(20))
    )

    assert len(set(names)) == 1
    assert names[0] != threading.current_thread().name


async def test_the_first_failure_is_raised_from_everything_that_follows(
    writer: Writer, path: Path, run: Run
) -> None:
    """Claims, calls and waits: nothing pretends that the journal still works."""

    def fail(_: Journal) -> None:
        raise FULL

    await writer.claim([Candidate(2, None)], now=NOW)
    for attempt in (fail, lambda journal: journal.runs.all()):
        with pytest.raises(BulksendError) as raised:
            await writer.call(attempt)
        assert raised.value is FULL

    with pytest.raises(BulksendError, match="disk is full"):
        await writer.claim([Candidate(3, None)], now=NOW)
    writer.record(outcome(2, Event.ACCEPT))
    with pytest.raises(BulksendError, match="disk is full"):
        await writer.durable()
    assert _counts(path, run) == {Status.CLAIMED: 1}


async def test_a_commit_that_fails_behind_the_scenes_is_raised_by_the_next_call(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody awaits a recorded outcome, and still its failure is not lost."""

    def fail(*_: object) -> int:
        raise FULL

    await writer.claim([Candidate(2, None)], now=NOW)
    monkeypatch.setattr(Journal, "record", fail)
    writer.record(outcome(2, Event.ACCEPT))
    with pytest.raises(BulksendError, match="disk is full"):
        await writer.durable()

    assert writer.failure is FULL
    with pytest.raises(BulksendError, match="disk is full"):
        await writer.claim([Candidate(3, None)], now=NOW)


async def test_a_lost_lease_is_no_failure_of_the_journal(
    writer: Writer, path: Path, run: Run
) -> None:
    """Nothing more is claimed, but what is known is still recorded."""
    await writer.claim([Candidate(2, None)], now=NOW)
    with Journal.open(path) as journal:
        journal.leases.end(CAMPAIGN, writer.epoch)
        journal.leases.take(CAMPAIGN, ELSEWHERE, now=NOW)

    with pytest.raises(LeaseLost):
        await writer.claim([Candidate(3, None)], now=NOW)
    writer.record(outcome(2, Event.ACCEPT))
    await writer.durable()

    assert writer.failure is None
    assert _counts(path, run) == {Status.ACCEPTED: 1}


async def test_leaving_writes_what_is_left_and_ends_the_thread(
    path: Path, run: Run
) -> None:
    """The block's end is a `durable`, also when the block fails."""
    for row, ending in ((2, None), (3, RuntimeError("a bug"))):
        try:
            async with Writer(path, run) as writer:
                writer.epoch = await writer.call(
                    lambda j: j.leases.take(CAMPAIGN, Owner.me(), now=NOW)
                )
                await writer.claim([Candidate(row, None)], now=NOW)
                writer.record(outcome(row, Event.ACCEPT))
                if ending:
                    raise ending
                await writer.call(lambda j: j.leases.end(CAMPAIGN, writer.epoch))
        except RuntimeError:
            assert ending

    assert _counts(path, run) == {Status.ACCEPTED: 2}
    assert not _threads()


async def test_a_journal_that_cannot_be_opened_leaves_no_thread(
    tmp_path: Path, run: Run
) -> None:
    """The coded error comes out, and nothing stays behind."""
    with pytest.raises(BulksendError, match="E601"):
        async with Writer(tmp_path, run):
            pass

    assert not _threads()


async def test_waiting_for_it_may_be_given_up(
    writer: Writer, path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled `durable` does not take the commit with it."""
    await writer.claim([Candidate(2, None)], now=NOW)
    is_under_way, go_on = threading.Event(), threading.Event()
    real = Journal.record

    def record(*arguments: object) -> int:
        is_under_way.set()
        assert go_on.wait(10)
        return real(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Journal, "record", record)
    writer.record(outcome(2, Event.ACCEPT))
    waiting = asyncio.create_task(writer.durable())
    await asyncio.to_thread(is_under_way.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await writer.durable()

    assert _counts(path, run) == {Status.ACCEPTED: 1}


def _threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("bulksend-journal")]


async def test_what_a_full_disk_did_not_take_is_written_when_there_is_room(
    path: Path, run: Run
) -> None:
    """Outcomes are kept, the lease ends; what has none by then is unknown."""
    async with Writer(path, run) as writer:
        writer.epoch = await writer.call(
            lambda journal: journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        )
        rows = [Candidate(row, None) for row in (2, 3, 4)]
        assert await writer.claim(rows, now=NOW) == [2, 3, 4]
        assert writer._journal is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer._journal, "record", _full)
            writer.record(outcome(2, Event.ACCEPT))
            with pytest.raises(BulksendError, match="the disk is full"):
                await writer.durable()
            writer.record(outcome(3, Event.RELEASE))
            with pytest.raises(BulksendError, match="the disk is full"):
                await writer.claim([Candidate(5, None)], now=NOW)

        await writer.give_up(now=NOW + 1)

    assert _counts(path, run) == {
        Status.ACCEPTED: 1,
        Status.PLANNED: 1,
        Status.UNKNOWN: 1,
    }
    with Journal.open(path) as journal:
        assert journal.leases.holder(CAMPAIGN, now=NOW + 1) is None


def _full(*_: object) -> int:
    raise FULL


async def test_a_mark_follows_the_claims(path: Path, run: Run, tmp_path: Path) -> None:
    """After each commit, and not for what was not claimed."""
    mark = Mark(tmp_path / "claims" / "r")
    mark.begin()
    async with Writer(path, run, mark) as writer:
        writer.epoch = await writer.call(
            lambda journal: journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        )
        for rows, last in (((2, 3), 3), ((3, 4), 4), ((3, 4), 4)):
            await writer.claim([Candidate(row, None) for row in rows], now=NOW)
            with Journal.open(path) as journal:
                assert mark.noted() == journal.latest.claim(run.id, last)


async def test_a_clock_that_was_set_back_is_no_loss(
    path: Path, run: Run, tmp_path: Path
) -> None:
    """Claimed again an hour earlier, and killed before that was noted: it knows of both."""
    mark = Mark(tmp_path / "claims" / "r")
    mark.begin()
    async with Writer(path, run, mark) as writer:
        writer.epoch = await writer.call(
            lambda journal: journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        )
        await writer.claim([Candidate(2, None)], now=NOW)
        writer.record(outcome(2, Event.RELEASE))
        await writer.durable()
        again = [Candidate(2, None, again=True)]
        with Journal.open(path) as other:  # another's hands: nothing is noted
            earlier = NOW - 3_600_000
            assert other.claim(run, writer.epoch, again, now=earlier) == [2]

    marks = read_marks(tmp_path / "claims")
    with Journal.open(path) as journal:
        refuse_lost(
            tmp_path,
            {run.run: marks["r"]},
            journal.latest.claims({run.run: marks["r"]}),
        )

"""What comes in while a run goes on reaches its breakers, each failure once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bulksend.errors import Problem
from bulksend.journal.limits import CLOSED
from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept
from bulksend.journal.records import (
    WHOLE,
    Candidate,
    Outcome,
    Part,
    Run,
    person_key,
)
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, Cause, Suppression, suppression
from bulksend.journal.writer import Writer
from bulksend.rules.carriers import pacific_day
from bulksend.send import hearing
from bulksend.send.aftermath import Tally
from bulksend.send.breakers import FEWEST_PEOPLE, Breakers
from bulksend.send.caps import CarrierCap

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_790_000_000_000
RUN = Run("a", "c", "p", "h", "d", "i", "e", "bandwidth", 9, 9, "", NOW)


class Clocks:
    """A wall that the test moves."""

    now = NOW

    def monotonic(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        return self.now

    def boot_ms(self) -> int:
        return self.now


class Ear:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.failed: list[str] = []
        self.rates: list[tuple[int, int]] = []
        self.before = (0, 0)

    def texted_before(self, people: int, failed: int) -> None:
        self.before = (people, failed)

    def receipt_failed(self, error_code: str) -> None:
        self.failed.append(error_code)

    def opted_out(self, count: int, people: int) -> None:
        self.rates.append((count, people))


def number(row: int) -> str:
    return f"+1919234{row:04}"


def failure(run: Run, row: int, at: int) -> Kept:
    said = {"error_code": 4770, "run_id": run.id, "row": row}
    return Kept(f"m{row}", 1, "message-failed", at, at, **said)  # type: ignore[arg-type]


def stop(row: int, at: int) -> Suppression:
    return suppression(number(row), Cause(OPTED_OUT, "reply STOP", at))


def sent_before(journal: Journal, run: Run, epoch: int, *, failed: int = 0) -> None:
    """Rows 2 to 41, an hour ago; the first of them did not arrive."""
    rows, then = range(2, 42), NOW - 3_600_000
    some = [Candidate(row, row, person=person_key(number(row))) for row in rows]
    journal.claim(run, epoch, some, now=then)
    taken = [Outcome(row, Event.ACCEPT, then, then, f"m{row}") for row in rows]
    lost = [
        Outcome(row, Event.FAIL, then + 9, None, None, "4770", "-")
        for row in rows[:failed]
    ]
    journal.record(run.id, epoch, taken + lost)
    journal.receipts.keep([failure(run, row, then + 9) for row in rows[:failed]])


class Listening:
    """What a run's breakers hear, look by look."""

    def __init__(self, writer: Writer, part: Part = WHOLE) -> None:
        self.ear, self.clocks = Ear(), Clocks()
        heard = hearing.hear(self.ear, writer, self.clocks, part=part)
        self._task = asyncio.create_task(heard)

    async def look(self) -> None:
        """Until two looks are over that began since."""
        seen = len(self.ear.rates)
        async with asyncio.timeout(30):
            while len(self.ear.rates) < seen + 2:  # noqa: ASYNC110  (its own pace)
                await asyncio.sleep(0.001)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def test_each_failure_is_told_once_and_opt_outs_with_the_people_texted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the looks overlap; from the run's first message on; of its own."""
    monkeypatch.setattr(hearing, "LOOK_SECONDS", 0.0)
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal, capture_logs() as told:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(run.campaign, Owner.me(), now=NOW)
        sent_before(journal, run, epoch)
        journal.suppressions.add([stop(6_000, NOW)])
        async with Writer(path, run) as writer:
            heard = Listening(writer)
            ear = heard.ear
            await heard.look()
            journal.receipts.keep([failure(run, 2, NOW + 1)])
            await heard.look()
            ear.tally.events[Event.ACCEPT] += 2
            others = range(6_001, 6_031)  # who answer to an earlier campaign
            journal.suppressions.add([stop(row, NOW + 2) for row in (2, *others)])
            journal.receipts.keep([failure(run, 3, NOW + 2)])
            await heard.look()
            await heard.look()
            await heard.close()
    (warned,) = [one for one in told if "proof of consent" in one["event"]]
    assert (warned["count"], warned["people"]) == (1, 42)  # over 0.5 %
    assert ear.failed == ["4770", "4770"]
    assert ear.before == (40, 0)
    assert ear.rates[0] == (0, 40)
    assert ear.rates[-1] == (1, 42)


# what stopped the run since · people and failures that count · opt-outs that do
BEFORE = [
    pytest.param(None, (40, 3), 2, id="killed, and resumed"),
    pytest.param("E512", (40, 3), 2, id="a gateway failed"),
    pytest.param("E424", (0, 0), 2, id="somebody sent it on in spite of the failures"),
    pytest.param("E547", (40, 3), 0, id="somebody sent it on in spite of the opt-outs"),
]


@pytest.mark.parametrize(("halted", "before", "opted_out"), BEFORE)
async def test_a_run_that_is_resumed_goes_on_counting(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    halted: str | None,
    before: tuple[int, int],
    opted_out: int,
) -> None:
    """Above and below the line; but for what stopped it and was looked at since."""
    monkeypatch.setattr(hearing, "LOOK_SECONDS", 0.0)
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(run.campaign, Owner.me(), now=NOW)
        sent_before(journal, run, epoch, failed=3)
        journal.suppressions.add([stop(row, NOW - 900_000) for row in (2, 3, 6_000)])
        if halted is not None:
            journal.canaries.halt(run.id, Problem(halted, "-"), now=NOW - 600_000)
        async with Writer(path, run) as writer:
            heard = Listening(writer)
            await heard.look()
            await heard.close()
    assert heard.ear.before == before
    assert heard.ear.failed == []
    assert heard.ear.rates[-1] == (opted_out, before[0])


async def test_a_shard_counts_its_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failures and opt-outs of others' rows are no share of its people."""
    monkeypatch.setattr(hearing, "LOOK_SECONDS", 0.0)
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(run.campaign, Owner.me(), now=NOW)
        sent_before(journal, run, epoch, failed=3)
        async with Writer(path, run) as writer:
            heard = Listening(writer, Part(1, 22, 2**62))
            await heard.look()
            journal.receipts.keep([failure(run, row, NOW + 1) for row in (10, 30)])
            journal.suppressions.add([stop(row, NOW + 1) for row in (10, 11, 31)])
            await heard.look()
            await heard.look()
            await heard.close()
    assert heard.ear.before == (20, 0)
    assert heard.ear.failed == ["4770"]
    assert heard.ear.rates[-1] == (1, 20)


def test_failures_before_a_resume_count_for_the_breaker() -> None:
    """30 % of all who were texted: 300 of 1,000 before, and two of few since."""
    breakers = Breakers()
    breakers.texted_before(1_000, 300)
    for _ in range(6):
        breakers.answered(Event.ACCEPT)
    assert breakers.failed("4720") is None
    found = breakers.failed("4720")
    assert found is not None
    assert (found.code, found.found) == ("E424", "302 of 1,006 people texted")


async def test_a_carrier_that_takes_no_more_today_closes_its_day(
    tmp_path: Path,
) -> None:
    """Of today's messages, for all of the brand; yesterday's is over."""
    cap = CarrierCap("bandwidth/t_mobile/B", 2_000)
    today, tomorrow = pacific_day(NOW)
    async with Writer(tmp_path / "journal.db", RUN) as writer:
        run = await writer.call(lambda journal: journal.runs.add(RUN))
        writer.run = run
        lease = lambda j: j.leases.take("c", Owner.me(), now=NOW)  # noqa: E731
        writer.epoch = await writer.call(lease)
        await writer.claim([Candidate(2, 2), Candidate(3, 3)], now=NOW)
        for row in (2, 3):
            writer.record(Outcome(row, Event.ACCEPT, NOW, NOW, f"m{row}"))
        await writer.durable()

        async def used(now: int, code: int | None = None, row: int = 2) -> int:
            if code is not None:
                said = Kept(
                    f"m{row}", row, "message-failed", now, now,
                    error_code=code, run_id=run.id, row=row,
                )  # fmt: skip
                await writer.call(lambda journal: journal.receipts.keep([said]))
            await hearing.close_day_if_told(writer, cap, now)
            since = pacific_day(now)[0]
            found = await writer.call(lambda j: j.limits.used(cap.name, since=since))
            return sum(found.values())

        assert await used(NOW) == 0
        assert await used(NOW, 4781) == 0
        assert await used(NOW, 4780, row=3) == CLOSED
        assert await used(tomorrow - 1) == CLOSED  # once
        assert await used(tomorrow) == 0
        assert await used(tomorrow, 4780) == 0  # of a message of yesterday
        assert today <= NOW


# opted out, people, whether it stops
SHARES = (
    (0, 0, False),
    (8, 10, False),
    (9, 10, True),  # of 200 people, however few were texted
    (40, 1_000, False),
    (41, 1_000, True),
)


@pytest.mark.parametrize(("count", "people", "stops"), SHARES)
def test_too_many_opt_outs_stop_a_run(count: int, people: int, stops: bool) -> None:
    """Over 4 % of the people texted: E547."""
    assert FEWEST_PEOPLE == 200
    problem = Breakers().opted_out(count, people)
    assert (problem is not None) is stops
    if problem is not None:
        assert problem.code == "E547"
    assert Breakers(opt_outs=1.0).opted_out(count, people) is None

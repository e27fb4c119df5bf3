"""What comes in while a run goes on reaches its breakers, each failure once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept
from bulksend.journal.records import Candidate, Outcome, Run, person_key
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, Cause, suppression
from bulksend.journal.writer import Writer
from bulksend.rules.carriers import pacific_day
from bulksend.send import hearing
from bulksend.send.aftermath import Tally
from bulksend.send.breakers import FEWEST_PEOPLE, Breakers
from bulksend.send.caps import DAY_MS, CarrierCap

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
        self.before = 0

    def texted_before(self, people: int) -> None:
        self.before = people

    def receipt_failed(self, error_code: str) -> None:
        self.failed.append(error_code)

    def opted_out(self, count: int, people: int) -> None:
        self.rates.append((count, people))


async def test_each_failure_is_told_once_and_opt_outs_with_the_people_texted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the looks overlap; from the moment on at which the run went on; of its own."""
    monkeypatch.setattr(hearing, "LOOK_SECONDS", 0.0)
    path = tmp_path / "journal.db"
    clocks, ear = Clocks(), Ear()
    with Journal.open(path) as journal, capture_logs() as told:
        run = journal.runs.add(RUN)

        def fails(message_id: str, at: int) -> None:
            journal.receipts.keep(
                [
                    Kept(
                        message_id,
                        1,
                        "message-failed",
                        at,
                        at,
                        error_code=4770,
                        run_id=run.id,
                        row=2,
                    )
                ]
            )

        def stops(number: str, at: int) -> None:
            why = Cause(OPTED_OUT, "reply STOP", at)
            journal.suppressions.add([suppression(number, why)])

        epoch = journal.leases.take(run.campaign, Owner.me(), now=NOW)
        ours, others = "+19192345671", [f"+1919234{n}" for n in range(6000, 6030)]
        later = "+19192345672"
        both = [(2, ours), (3, later)]
        mine = [Candidate(row, row, person=person_key(one)) for row, one in both]
        journal.claim(run, epoch, mine, now=NOW)

        async def looked() -> None:
            seen = len(ear.rates)
            async with asyncio.timeout(30):
                while len(ear.rates) < seen + 2:  # noqa: ASYNC110  (its own pace)
                    await asyncio.sleep(0.001)

        fails("before", NOW - 1)
        stops("+19192345670", NOW - 1)
        async with Writer(path, run) as writer:
            counted = asyncio.get_running_loop().create_future()
            counted.set_result(40)
            work = hearing.hear(ear, writer, clocks, counted=counted)
            listening = asyncio.create_task(work)
            fails("a", NOW + 1)
            await looked()
            ear.tally.events[Event.ACCEPT] += 2
            stops(ours, NOW + 2)
            for number in others:  # who answer to an earlier campaign
                stops(number, NOW + 2)
            fails("b", NOW + 2)
            await looked()
            await looked()
            assert ear.rates[-1] == (1, 42)
            clocks.now += DAY_MS + 1_000  # nobody of those before counts any more
            stops(later, clocks.now)
            await looked()
            await looked()
            listening.cancel()
            await asyncio.wait([listening])
    (warned,) = [one for one in told if "proof of consent" in one["event"]]
    assert (warned["count"], warned["people"]) == (1, 42)  # over 0.5 %
    assert ear.failed == ["4770", "4770"]
    assert ear.before == 40
    assert ear.rates[0] == (0, 40)
    assert ear.rates[-1] == (1, 42)


async def test_a_carrier_that_takes_no_more_today_closes_its_day(
    tmp_path: Path,
) -> None:
    """Of today's messages, of this campaign, for all of the brand; yesterday's is over."""
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
            await hearing.close_day(writer, cap, now)
            since = pacific_day(now)[0]
            found = await writer.call(lambda j: j.limits.used(cap.name, since=since))
            return sum(found.values())

        assert await used(NOW) == 0
        assert await used(NOW, 4781) == 0
        assert await used(NOW, 4780, row=3) == 2_000
        assert await used(tomorrow - 1) == 2_000  # once
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

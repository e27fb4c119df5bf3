"""A forecast beside the engine itself: any campaign ends when it was told, within 2 %.

`python -m tests.send.test_forecast_runs 5000` plays so many.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from math import ceil, inf
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import pytest
import structlog

from bulksend import first_few as few
from bulksend.define.sending import Send
from bulksend.errors import GateRefused, Stopped
from bulksend.journal import leases
from bulksend.journal.records import Outcome
from bulksend.journal.states import Event
from bulksend.prepare.ends import Ends
from bulksend.prepare.forecast import course
from bulksend.prepare.outflow import Lane, Queue, Rates
from bulksend.prepare.volumes import Caps as Foreseen
from bulksend.prepare.volumes import FirstFew, Load, Volume
from bulksend.rules.hours import LEAST_LIFE_MS, Hours
from bulksend.rules.pack import shipped_rules
from bulksend.rules.place import Place
from bulksend.send import engine as engine_module
from bulksend.send import hold, timed, watch
from bulksend.send.caps import Caps, CarrierCap
from bulksend.send.message import Envelope
from bulksend.send.pacing import BySender, Pacer
from tests.send.stage import ACCEPTED, FULL, Answer, new_path
from tests.send.test_carriers import Capped
from tests.send.test_hours import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bulksend.rules.hours import Opening
    from bulksend.send.message import Message
    from bulksend.send.pacing import Pace

PLAYED = 100
WITHIN = 0.02
HARD = (148, 655, 766, 949)
"""Where a message more or less on a day, or who goes first, moves the end by days."""

SLACK_MS = 3_000
"""What a run of a minute is off by: a tick, a commit, an answer."""

MINUTE_MS = 61_000
"""Where AT&T's minute is kept, which one a last message still goes in may be off."""

PLACES = (
    "number US-FL America/New_York",
    "number US-ID America/Los_Angeles",
    "number US-AL America/Chicago",  # closed on Sundays and holidays
    "number US-PA America/New_York",  # on Saturdays until noon
    "number US-NC America/New_York; postcode US-WA America/Los_Angeles",
    "number US-AZ America/Phoenix",
    "number FR Europe/Paris",
    "number AU Australia/Lord_Howe",  # its summer time is half an hour
    "number IN Asia/Kolkata",
)
DAYS = (
    "2026-03-07", "2026-03-08", "2026-03-28", "2026-03-29", "2026-04-04", "2026-10-03",
    "2026-10-24", "2026-10-25", "2026-10-31", "2026-11-01", "2026-07-03", "2026-12-24",
    "2028-02-28", "2026-06-16", "2026-09-14",
)  # fmt: skip
SENDERS = ("+19195550100", "+19195550101", "+19195550102")


@dataclass
class Drawn(Capped):
    """A campaign that may have senders with a pace of their own, and a queue that fills."""

    own: dict[str, float] = field(default_factory=dict)
    queue: Queue | None = None
    ramp: float = 0.0
    first: int = 0
    wait_seconds: int = 0

    def sender(self, row: int) -> str:
        return SENDERS[row // 3 % len(SENDERS)]

    def lane(self, row: int) -> str:
        return self.sender(row) if self.sender(row) in self.own else ""

    def message(self, row: int) -> Message:
        return super().message(row)._replace(sender=self.sender(row))

    def pacer(self) -> Pace:
        account = Pacer(self.rate, self.loop.time(), ramp=self.ramp)
        return BySender(account, self.own) if self.own else account

    async def work(self) -> None:
        """As `dispatch` does: the first few, their receipts, and then the others."""
        if self.first:
            assembly = FewFirst(self)
            first = few.FirstFew(assembly, self.work_off)  # type: ignore[arg-type]
            try:
                await first.go()
            except GateRefused:  # for all of them it was too late; an operator goes on
                assert {one.status for one in self.entries()} == {"expired"}
            self.make_engine(self.timed_source(self.rows_left()))
        await self.engine.run()

    async def work_off(self, first: int) -> None:
        """All that is taken is delivered."""
        self.make_engine(self.timed_source(self.drawn_first(first)))
        await self.engine.run()
        now = self.clocks.wall_ms()
        told = [
            Outcome(one.row, Event.DELIVER, now)
            for one in self.entries()
            if one.status == "accepted"
        ]
        await self.writer.call(lambda j: j.record(self.run.id, self.writer.epoch, told))

    def drawn_first(self, most: int) -> list[int]:
        """Of whose windows open first; among these in an order of chance."""
        hours, start = (
            Hours(shipped_rules(), self.profile, self.window),
            utc(self.start),
        )

        def opens(row: int) -> float:
            place = Place.parse(self.place(row))
            found = hours.next(place, start, least=LEAST_LIFE_MS)
            return inf if found is None else max(found.start, start)

        rows = self.rows_left()
        Random(0).shuffle(rows)
        return sorted(sorted(rows, key=opens)[:most])

    def load(self) -> Load:
        hours = Hours(shipped_rules(), self.profile, self.window)

        def opening(word: str, now: int) -> Opening | None:
            return hours.next(Place.parse(word), now, least=LEAST_LIFE_MS)

        rows = range(2, self.rows + 2)
        counted = Counter(
            (self.place(row), self.carrier(row), self.lane(row)) for row in rows
        )
        volumes = tuple(
            Volume(place, count * self.weight, count, carrier, lane)
            for (place, carrier, lane), count in sorted(counted.items())
        )
        lanes = {name: Lane(rate) for name, rate in self.own.items()}
        rates = Rates(self.rate, lanes, self.ramp)
        day, minute = (self.caps and (self.caps.t_mobile, self.caps.att)) or (
            None,
            None,
        )
        caps = Foreseen(day.most if day else 0, minute.most if minute else 0)
        start, wait_ms = utc(self.start), 1000 * self.wait_seconds
        first = FirstFew(self.first, wait_ms) if self.first else None
        until = self.not_after
        stops = round(until.timestamp() * 1000) if until else None
        ends = Ends(utc(self.end) if self.end else None, stops)
        return Load(volumes, start, ends, rates, opening, caps, self.queue, first)


class FewFirst:
    """Of an assembly what `first_few` asks for, for the rows of a stage."""

    def __init__(self, stage: Drawn) -> None:
        self.stage, self.writer, self.clocks = stage, stage.writer, stage.clocks
        canary = {"first": stage.first, "wait": f"{stage.wait_seconds} s"}
        self.assignment = SimpleNamespace(
            campaign=SimpleNamespace(send=Send.model_validate({"canary": canary})),
            plan=SimpleNamespace(kind="send"),
            only="",
            shard=None,
            parent=None,
        )


def drawn(seed: int) -> Drawn:
    """Any campaign: of minutes or of days, with or without each thing that slows it.

    Not among them are long texts, and less than a message a second, from senders with a
    pace of their own: one that waits for such a text's last segment holds the others up,
    and such a run may take a tenth longer.
    """
    rng = Random(seed)
    has_paces = rng.random() < 0.25
    rows, weight = rng.randrange(40, 600), 1 if has_paces else rng.choice((1, 1, 2, 3))
    total, rate = rows * weight, 10 ** rng.uniform(0.0 if has_paces else -1.0, 2.0)
    day = date.fromisoformat(rng.choice(DAYS)) + timedelta(days=rng.randrange(-1, 2))
    opens = rng.randrange(8 * 60, 18 * 60, 15)
    long = max(10, round(total / rate / 60 * rng.uniform(0.2, 1.5)))
    window = (opens, min(1440, opens + long))
    stage = Drawn(
        rows=rows,
        weight=weight,
        rate=rate,
        start=f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}",
        window=rng.choice((None, window)),
    )
    stage.places = rng.sample(PLACES, rng.randrange(1, 4))
    if rng.random() < 0.5:
        stage.carriers = ("t_mobile", "att", "unknown", "")[: rng.randrange(1, 5)]
        most = rng.choice((None, max(10 * weight, total // rng.randrange(1, 5))))
        minute = max(weight, round(60 * rate * rng.uniform(0.3, 1.5)))
        stage.caps = Caps(
            "p",
            t_mobile=CarrierCap("t", most) if most else None,
            att=CarrierCap("a", minute) if rng.random() < 0.5 else None,
        )
    else:
        stage.carriers = ("",)
    if has_paces:
        stage.own = {
            name: rate * rng.uniform(0.15, 1.0)
            for name in rng.sample(SENDERS, rng.randrange(1, 4))
        }
    elif rng.random() < 0.4:
        pace = rate * rng.uniform(0.4, 1.2)
        stage.queue = Queue(pace, max(5.0 * weight, pace * rng.uniform(60, 900)))
        stage.script = filling(stage, stage.queue)
    if rng.random() < 0.3:
        stage.ramp = round(total / rate * rng.uniform(0.1, 2.0))
    if rng.random() < 0.3:
        stage.first = rng.randrange(1, rows // 2)
        stage.wait_seconds = rng.choice((60, 900, 7200))
    if rng.random() < 0.3:
        ended(stage, rng.uniform(0.1, 1.2), expires=rng.random() < 0.5)
    return stage


def ended(stage: Drawn, share: float, *, expires: bool) -> None:
    """Let it end after such a share of the time that all of it would take."""
    start, told = utc(stage.start), course(stage.load()).ends
    last = start + round(share * ((told or start) - start) / 1000) * 1000 + 61_000
    moment = datetime.fromtimestamp(last / 1000, UTC)
    if expires:
        stage.end = f"{moment:%Y-%m-%dT%H:%M:%S}"
        stage.envelope = Envelope("c", "app", expiration=moment)
    else:
        stage.not_after = moment


def filling(stage: Drawn, queue: Queue) -> Callable[[int, int], Answer]:
    """Bandwidth takes until its queue is full; what it sends on makes room."""
    waiting = seen = 0.0

    def script(_row: int, _attempt: int) -> Answer:
        nonlocal waiting, seen
        now = stage.loop.time()
        waiting, seen = max(0.0, waiting - (now - seen) * queue.rate), now
        if waiting + stage.weight > queue.holds:
            return Answer(FULL)
        waiting += stage.weight
        return Answer(ACCEPTED)

    return script


@contextmanager
def seldom() -> Iterator[None]:
    """Nothing depends on it but how often what waits turns round."""
    with ExitStack() as stack:
        for where, name, value in (
            (engine_module, "IDLE_SECONDS", 60.0),
            (timed, "LONGEST_SLEEP", 600.0),
            (watch, "TICK_SECONDS", 600.0),
            (hold, "RENEW_SECONDS", 2_000.0),
            (hold, "LEASE_MS", 10**12),
            (leases, "LEASE_MS", 10**12),
        ):
            stack.enter_context(patch.object(where, name, value))
        yield


class Off(NamedTuple):
    """How far a run's end was from what was told.

    Args:
        time: As a share of the time that it took.

        pace: The same, had it been a fiftieth slower or faster; less only where a window
            closes, or a day ends, just when the last are due: then that decides.
    """

    time: float
    pace: float


def off(stage: Drawn) -> Off:
    """Play a campaign, and compare."""
    stage.patience = 90 * 86_400
    load = stage.load()
    told = course(load)
    with seldom(), new_path() as path:
        with suppress(Stopped):  # its `not_after` has come
            stage.play(path)
        fates = stage.fates()
    sent = fates["accepted"] + fates["delivered"]
    slack = SLACK_MS + (MINUTE_MS if stage.caps and stage.caps.att else 0)
    is_cut = load.ends.last < inf
    few = (WITHIN * stage.rows + stage.rate * slack / 1000 / stage.weight) * is_cut
    assert abs(stage.rows - sent - told.left) <= ceil(few), (fates, told)
    if told.ends is None:
        return Off(0.0, 0.0)
    start, taken = (
        load.start,
        [one.at for one in stage.poster.posted if one.answer.what is ACCEPTED],
    )
    ended = start + max(taken) * 1000

    def apart(earliest: int | None, latest: int | None) -> float:
        assert earliest is not None
        assert latest is not None
        late = max(earliest - ended, ended - latest, 0.0)
        return max(0.0, late - slack) / (ended - start)

    early, late = (
        course(replace(load, rates=load.rates.times(1 + share, 1 + share))).ends
        for share in (WITHIN, -WITHIN)
    )
    return Off(apart(told.ends, told.ends), apart(early, late))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_any_campaign_ends_when_it_was_forecast() -> None:
    """Rates, windows, caps, senders, a queue, changes of clocks: within 2 % of its time."""
    found = {seed: off(drawn(seed)) for seed in {*range(PLAYED), *HARD}}
    late = {seed: one.time for seed, one in found.items() if one.time > WITHIN}
    assert late == {}


def test_a_night_is_no_part_of_a_ramp() -> None:
    """Five minutes of it in four: at the full rate only after one more in the morning."""
    stage = Drawn(rows=1_000, rate=4.0, ramp=300.0, window=(600, 604))
    stage.places, stage.carriers = [PLACES[0]], ("",)
    stage.start = "2026-09-14T07:00"  # seven hours before it opens
    assert off(stage).time <= WITHIN
    posts = [one.at for one in stage.poster.posted]
    days = [[at for at in posts if at // 86_400 == day] for day in range(3)]
    assert len(days[0]) == pytest.approx(4 * 180 * (0.05 + 0.95 * 180 / 300 / 2), abs=4)
    morning = [at for at in days[1] if at < days[1][0] + 60]
    assert len(morning) == pytest.approx(4 * 60 * (0.05 + 0.95 * 210 / 300), abs=6)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    played = {seed: off(drawn(seed)) for seed in range(int(sys.argv[1]))}
    for seed, one in played.items():
        if min(one) > WITHIN:
            sys.stdout.write(f"{seed}: {one}\n")
    right = sum(one.time <= WITHIN for one in played.values())
    edge = sum(one.time > WITHIN >= one.pace for one in played.values())
    sys.stdout.write(
        f"{len(played)} campaigns: {right} end when they were forecast, within 2 % of "
        f"their time; {edge} at the end of a window, within 2 % of their pace\n"
    )

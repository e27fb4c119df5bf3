"""What carriers take: counted across runs, in order, and the rest on the next day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.errors import Problem, Stopped
from bulksend.journal import leases
from bulksend.journal.store import Journal
from bulksend.prepare.ends import NEVER
from bulksend.prepare.forecast import course
from bulksend.prepare.outflow import Queue, Rates
from bulksend.prepare.volumes import UNCAPPED, Load, Volume
from bulksend.prepare.volumes import Caps as Foreseen
from bulksend.rules.carriers import pacific_day
from bulksend.rules.hours import LEAST_LIFE_MS, Hours
from bulksend.rules.pack import shipped_rules
from bulksend.rules.place import Place
from bulksend.send import backlog, hold, timed
from bulksend.send import engine as engine_module
from bulksend.send.caps import Caps, CarrierCap
from bulksend.send.message import Envelope
from bulksend.send.timed import Manner, TimedSource
from tests.send.stage import ACCEPTED, FULL, REFUSED, Answer
from tests.send.test_hours import LOS_ANGELES, NEW_YORK, Timed, utc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.rules.hours import Opening

T_MOBILE = CarrierCap("bandwidth/t_mobile/default", 30)
ATT = CarrierCap("bandwidth/att/default", 10)
HOUR = 3_600_000


@dataclass
class Capped(Timed):
    """A stage whose rows have carriers, in turn."""

    carriers: Sequence[str] = ("t_mobile", "att", "unknown", "")
    keeps_hours: bool = True

    behind_ms: int = 0

    def carrier(self, row: int) -> str:
        return self.carriers[row % len(self.carriers)]

    def _timed(self, _: object) -> TimedSource:
        self.clocks.wall_offset = utc(self.start)
        source = self.timed_source(self.rows_left())
        self.clocks.boot_offset -= self.behind_ms
        return source

    def timed_source(self, rows: Sequence[int]) -> TimedSource:
        frame = pl.DataFrame(
            {
                "row": rows,
                "place": [self.place(row) for row in rows],
                "carrier": [self.carrier(row) for row in rows],
            },
            schema={"row": pl.Int64, "place": pl.String, "carrier": pl.String},
        )
        hours = Hours(shipped_rules(), self.profile, self.window)
        manner = Manner(self.rate, utc(self.end) if self.end else None, self.waits)
        self.timed = TimedSource(
            frame,
            hours if self.keeps_hours else None,
            self._read,
            clocks=self.clocks,
            manner=manner,
            theirs=self.theirs,
        )
        return self.timed

    async def _read(self, rows: pl.Series) -> pl.DataFrame:
        found = await super()._read(rows)
        return found.with_columns(carrier=pl.Series([self.carrier(r) for r in rows]))

    def by_day(self, *carriers: str) -> Counter[int]:
        """Segments that went to these carriers, by T-Mobile's day."""
        return Counter(
            pacific_day(utc(self.start) + round(one.at * 1000))[0]
            for one in self.poster.posted
            for _ in range(self.weight)
            if self.carrier(one.row) in carriers and one.answer.what is ACCEPTED
        )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Nothing depends on them but how often what waits turns round.
    monkeypatch.setattr(engine_module, "IDLE_SECONDS", 600.0)
    monkeypatch.setattr(timed, "LONGEST_SLEEP", 600.0)
    monkeypatch.setattr(hold, "RENEW_SECONDS", 2_000.0)
    monkeypatch.setattr(hold, "LEASE_MS", 10**8)
    monkeypatch.setattr(leases, "LEASE_MS", 10**8)
    return tmp_path / "journal.sqlite"


@pytest.mark.parametrize(
    ("at", "begin", "end"),
    [
        ("2026-09-14T06:59", "2026-09-13T07:00", "2026-09-14T07:00"),
        ("2026-09-14T07:00", "2026-09-14T07:00", "2026-09-15T07:00"),
        ("2026-03-08T12:00", "2026-03-08T08:00", "2026-03-09T07:00"),  # 23 hours
        ("2026-11-01T12:00", "2026-11-01T07:00", "2026-11-02T08:00"),  # 25 hours
        ("2028-02-29T20:00", "2028-02-29T08:00", "2028-03-01T08:00"),
    ],
)
def test_t_mobiles_day_ends_at_midnight_in_seattle(
    at: str, begin: str, end: str
) -> None:
    """Also on the days on which its clocks change, and on a leap day."""
    assert pacific_day(utc(at)) == (utc(begin), utc(end))


@pytest.mark.parametrize("keeps_hours", [True, False])
def test_the_rest_goes_on_the_next_day(path: Path, *, keeps_hours: bool) -> None:
    """Nobody fails; whose carrier is unknown counts; the others are not held up."""
    stage = Capped(rows=400, caps=Caps("p", t_mobile=T_MOBILE), rate=50)
    stage.keeps_hours = keeps_hours
    stage.play(path)
    assert stage.fates() == {"accepted": 400}
    days = stage.by_day("t_mobile", "unknown")
    assert sorted(days.values()) == [20, 30, 30, 30, 30, 30, 30]
    first = [one for one in stage.poster.posted if one.at < 60]
    assert Counter(map(stage.carrier, (one.row for one in first))) >= Counter(
        {"att": 100, "": 100}
    )
    if keeps_hours:
        hours = {
            (utc(stage.start) + round(one.at * 1000) - utc("2026-09-14T00:00"))
            % (24 * HOUR)
            // HOUR
            for one in stage.poster.posted
        }
        assert hours <= set(range(12, 24))  # eight to eight in New York


def test_any_minute_has_no_more_than_att_takes(path: Path) -> None:
    """Wherever it begins; the cap is used, and the others do not wait for it."""
    stage = Capped(rows=200, caps=Caps("p", att=ATT), rate=20)
    stage.play(path)
    assert stage.fates() == {"accepted": 200}
    mine = [
        one.at
        for one in stage.poster.posted
        if stage.carrier(one.row) in {"att", "unknown"}
    ]
    assert len(mine) == 100
    assert all(b - a >= 60 for a, b in zip(mine, mine[10:], strict=False))
    assert mine[-1] < 10 * 62
    others = [one.at for one in stage.poster.posted if one.at not in mine]
    assert max(others) < 20


@pytest.mark.parametrize("ahead", [-290_000, 290_000])
def test_a_minute_is_as_long_where_clocks_differ(
    path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """It goes by the clock that nobody sets, also for what is still in the plan."""
    monkeypatch.setattr(backlog, "LOW_WATER", 20)  # so that much of it is
    caps = Caps("p", att=CarrierCap(ATT.name, 100))
    stage = Capped(rows=1_000, caps=caps, carriers=("att",), theirs_ahead=ahead)
    stage.play(path)
    assert stage.fates() == {"accepted": 1_000}
    at = [one.at for one in stage.poster.posted]
    assert all(b - a >= 60 for a, b in zip(at, at[100:], strict=False))
    assert at[-1] < 10 * 62


DAYS = [
    # theirs ahead, seconds to midnight by ours, seconds to the next thirty
    (-290_000, 1, 291),
    (-290_000, 60, 350),
    (-290_000, 400, 690),
    (290_000, 400, 400),
    (290_000, 60, 86_460),  # the first thirty may have been tomorrow's
]


@pytest.mark.parametrize(("ahead", "left", "over"), DAYS)
def test_a_day_is_over_by_the_later_clock(
    path: Path, ahead: int, left: int, over: int
) -> None:
    """It is waited for once, and not in circles."""
    begins = datetime.fromisoformat("2026-09-15T07:00") - timedelta(seconds=left)
    caps = Caps("p", t_mobile=T_MOBILE)
    stage = Capped(rows=60, caps=caps, carriers=("t_mobile",), theirs_ahead=ahead)
    stage.start, stage.keeps_hours = begins.isoformat(), False
    stage.play(path)
    assert stage.fates() == {"accepted": 60}
    at = [one.at for one in stage.poster.posted]
    assert at[29] < 1
    assert over <= at[30] < over + 2
    assert stage.turns < 2_000


def test_caps_count_across_runs_and_segments(path: Path) -> None:
    """What an earlier run of another campaign took is gone; a message may be several."""
    caps = Caps("p", t_mobile=T_MOBILE)
    Capped(rows=8, caps=caps, weight=3, carriers=("t_mobile",)).play(path)
    stage = Capped(
        rows=8, caps=caps, weight=3, carriers=("t_mobile",), run_name="second"
    )
    stage.envelope = Envelope("other", "app")
    stage.play(path)
    assert stage.by_day("t_mobile") == {
        utc("2026-09-14T07:00"): 6,
        utc("2026-09-15T07:00"): 18,
    }


def test_what_was_not_taken_does_not_count(path: Path) -> None:
    """A full queue and a refusal use nothing up; each is counted once."""
    script = lambda row, attempt: Answer(  # noqa: E731
        FULL if attempt < 4 and row % 2 else REFUSED if row == 4 else ACCEPTED
    )
    caps = Caps("p", t_mobile=T_MOBILE)
    stage = Capped(rows=31, caps=caps, carriers=("unknown",), script=script)
    stage.play(path)
    assert stage.by_day("unknown") == {utc("2026-09-14T07:00"): 30}
    with Journal.open(path) as journal:
        used = journal.limits.used(T_MOBILE.name, since=0)
    assert list(used.values()) == [30]


def test_a_run_that_does_not_wait_says_when_the_carrier_takes_more(path: Path) -> None:
    """It ends with the next day's first hour for whom is left."""
    stage = Capped(rows=100, caps=Caps("p", t_mobile=T_MOBILE), waits=False)
    stage.places = (LOS_ANGELES,)
    stage.start = "2026-09-14T16:00"
    stage.play(path)
    assert stage.timed.comes_back_at == utc("2026-09-15T15:00")
    assert stage.fates()["planned"] == 20


def test_clocks_that_differ_by_a_millisecond_send_what_is_due(path: Path) -> None:
    """As they do when each is read by itself: nobody comes back for now."""
    caps = Caps("p", t_mobile=T_MOBILE)
    stage = Capped(rows=100, caps=caps, waits=False, keeps_hours=False, behind_ms=1)
    stage.play(path)
    assert stage.fates() == {"accepted": 80, "planned": 20}
    assert stage.timed.comes_back_at == utc("2026-09-15T07:00")


def test_whose_day_does_not_come_before_the_end_is_not_sent_late(path: Path) -> None:
    """A campaign that ends today leaves them expired, with the reason."""
    stage = Capped(rows=100, caps=Caps("p", t_mobile=T_MOBILE), end="2026-09-14T23:00")
    stage.play(path)
    assert stage.fates() == {"accepted": 80, "expired": 20}


def test_a_stop_while_a_carrier_is_waited_for(path: Path) -> None:
    """What is left stays planned, and the next run goes on with what the day has left."""
    caps = Caps("p", t_mobile=T_MOBILE)
    stop = lambda one: one.engine.stop(Stopped(Problem("E631", "")))  # noqa: E731
    stage = Capped(rows=60, caps=caps, carriers=("t_mobile",), at={3600.0: stop})
    with pytest.raises(Stopped):
        stage.play(path)
    assert stage.fates() == {"accepted": 30, "planned": 30}
    again = Capped(rows=60, caps=caps, carriers=("t_mobile",), start="2026-09-14T15:00")
    again.play(path)
    assert again.by_day("t_mobile") == {utc("2026-09-15T07:00"): 30}
    assert again.fates() == {"accepted": 60}
    assert all(a.at <= b.at for a, b in pairwise(again.poster.posted))
    assert NEW_YORK in again.places


FORECASTS = [
    # rows, weight, rate, carriers, places, T-Mobile a day, AT&T a minute, start
    (400, 1, 50.0, ("t_mobile", "att", "unknown", ""), (NEW_YORK,), 90, 0, "2026-09-14T13:00"),
    (300, 3, 5.0, ("t_mobile", ""), (NEW_YORK, LOS_ANGELES), 333, 0, "2026-09-14T20:00"),
    (600, 1, 20.0, ("att", "unknown", ""), (NEW_YORK,), 0, 10, "2026-09-14T13:00"),
    (500, 2, 3.0, ("att", "t_mobile"), (NEW_YORK, LOS_ANGELES), 400, 60, "2026-09-13T22:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "weight", "rate", "carriers", "places", "day", "minute", "start"),
    FORECASTS,
)
def test_a_run_with_caps_ends_when_it_was_forecast(
    path: Path,
    *,
    rows: int,
    weight: int,
    rate: float,
    carriers: Sequence[str],
    places: Sequence[str],
    day: int,
    minute: int,
    start: str,
) -> None:
    """Within 2 % of the time that it takes, over several days and many minutes."""
    caps = Caps(
        "p",
        t_mobile=CarrierCap("t", day) if day else None,
        att=CarrierCap("a", minute) if minute else None,
    )
    stage = Capped(rows=rows, weight=weight, rate=rate, caps=caps, start=start)
    stage.carriers, stage.places = carriers, places
    stage.play(path)
    assert stage.fates() == {"accepted": rows}
    ended = max(at for _, at, _ in stage.posts())
    told = course(_load(stage, Foreseen(day, minute)))
    assert told.ends is not None
    assert told.left == 0
    assert abs(told.ends - ended) < 0.02 * (ended - utc(start)) + 2_000


def _load(stage: Capped, caps: Foreseen, queue: Queue | None = None) -> Load:
    hours = Hours(shipped_rules(), "us-marketing")

    def opening(word: str, now: int) -> Opening | None:
        return hours.next(Place.parse(word), now, least=LEAST_LIFE_MS)

    counted = Counter(
        (stage.place(row), stage.carrier(row)) for row in range(2, stage.rows + 2)
    )
    volumes = tuple(
        Volume(place, count * stage.weight, count, carrier)
        for (place, carrier), count in sorted(counted.items())
    )
    rates = Rates(stage.rate)
    return Load(volumes, utc(stage.start), NEVER, rates, opening, caps, queue)


def test_what_the_day_has_taken_already_is_known() -> None:
    """Nothing is left of today's thirty: it begins tomorrow at eight."""
    stage = Capped(rows=30, carriers=("t_mobile",))
    stage.loop.close()
    told = course(_load(stage, Foreseen(30, 0, used=30)))
    assert told.begins == utc("2026-09-15T12:00")


QUEUES = [(700, 20.0, 2.0), (400, 9.0, 8.0)]


@pytest.mark.parametrize(("rows", "rate", "dequeue"), QUEUES)
def test_a_run_into_a_full_queue_ends_when_it_was_forecast(
    path: Path, rows: int, rate: float, dequeue: float
) -> None:
    """Bandwidth takes at the rate, until it is full; then what it sends on (429s)."""
    holds, waiting, seen = 100 * dequeue, 0.0, 0.0

    def script(_row: int, _attempt: int) -> Answer:
        nonlocal waiting, seen
        now = stage.loop.time()
        waiting, seen = max(0.0, waiting - (now - seen) * dequeue), now
        if waiting + 1 > holds:
            return Answer(FULL)
        waiting += 1
        return Answer(ACCEPTED)

    stage = Capped(rows=rows, rate=rate, carriers=("",), script=script)
    stage.play(path)
    assert stage.fates() == {"accepted": rows}
    taken = [one.at for one in stage.poster.posted if one.answer.what is ACCEPTED]
    load = _load(stage, UNCAPPED, Queue(dequeue, holds))
    told = course(load)
    assert told.ends is not None
    assert told.leaves is not None
    ended = utc(stage.start) + max(taken) * 1000
    assert abs(told.ends - ended) < 0.02 * (ended - utc(stage.start)) + 1_000
    full = next(
        (one.at for one in stage.poster.posted if one.answer.what is FULL), None
    )
    assert (told.full_at is None) == (full is None)
    if told.full_at is not None and full is not None:
        assert abs(told.full_at - utc(stage.start) - full * 1000) < 3_000
    left = told.leaves - utc(stage.start)
    assert abs(left - rows / dequeue * 1000) < 0.02 * left


def test_what_waits_longer_than_its_window_is_told() -> None:
    """Taken in the last quarter of an hour before eight, by a queue that is slow."""
    stage = Capped(rows=3_600, rate=10.0, carriers=("",), start="2026-09-14T23:50")
    stage.loop.close()
    told = course(_load(stage, UNCAPPED, Queue(1.0, 900)))
    # Until 19:59 some 1,350 are taken: what leaves at one a second after 20:00 is lost.
    assert told.expires == pytest.approx(840, abs=10)

"""What carriers take: counted across runs, in order, and the rest on the next day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.errors import Problem, Stopped
from bulksend.journal import leases
from bulksend.journal.store import Journal
from bulksend.rules.hours import Hours
from bulksend.rules.pack import shipped_rules
from bulksend.send import engine as engine_module
from bulksend.send import hold, timed
from bulksend.send.caps import Caps, CarrierCap, pacific_day
from bulksend.send.message import Envelope
from bulksend.send.timed import Manner, TimedSource
from tests.send.test_engine import ACCEPTED, FULL, REFUSED, Answer
from tests.send.test_hours import LOS_ANGELES, NEW_YORK, Timed, utc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

T_MOBILE = CarrierCap("bandwidth/t_mobile/default", 30)
ATT = CarrierCap("bandwidth/att/default", 10)
HOUR = 3_600_000


@dataclass
class Capped(Timed):
    """A stage whose rows have carriers, in turn."""

    carriers: Sequence[str] = ("t_mobile", "att", "unknown", "")
    keeps_hours: bool = True

    def carrier(self, row: int) -> str:
        return self.carriers[row % len(self.carriers)]

    def _timed(self, _: object) -> TimedSource:
        self.clocks.wall_offset = utc(self.start)
        rows = self.rows_left()
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

"""Each message while its person's window is open: the real engine, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.cli.progress import _doing
from bulksend.errors import Stopped
from bulksend.journal.store import Journal
from bulksend.prepare.ends import NEVER
from bulksend.prepare.forecast import course
from bulksend.prepare.outflow import Rates
from bulksend.prepare.volumes import Load, Volume
from bulksend.rules.hours import LEAST_LIFE_MS, Hours
from bulksend.rules.pack import shipped_rules
from bulksend.rules.place import Place
from bulksend.send import engine as engine_module
from bulksend.send.message import Envelope
from bulksend.send.timed import Manner, TimedSource
from bulksend.underway import Progress
from tests.send.stage import ACCEPTED, FULL, UNREACHED, Answer, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bulksend.rules.hours import Opening

HOUR = 3_600_000
NEW_YORK = "number US-FL America/New_York"
LOS_ANGELES = "number US-ID America/Los_Angeles"  # the north, by federal hours alone
NOWHERE = "number -"


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass
class Timed(Stage):
    """A stage whose rows stand at places, begun at a moment."""

    places: Sequence[str] = (NEW_YORK,)
    start: str = "2026-09-14T13:00"
    end: str = ""
    waits: bool = True
    profile: Any = "us-marketing"
    window: tuple[int, int] | None = None
    timed: TimedSource = field(init=False)

    def __post_init__(self) -> None:
        self.source = self._timed
        self.patience = 10 * 86_400

    def place(self, row: int) -> str:
        return self.places[row % len(self.places)]

    def _timed(self, _: object) -> TimedSource:
        self.clocks.wall_offset = utc(self.start)
        rows = self.rows_left()
        manner = Manner(self.rate, utc(self.end) if self.end else None, self.waits)
        self.timed = TimedSource(
            pl.DataFrame({"row": rows, "place": [self.place(row) for row in rows]}),
            Hours(shipped_rules(), self.profile, self.window),
            self._read,
            clocks=self.clocks,
            manner=manner,
            theirs=self.theirs,
        )
        return self.timed

    async def _read(self, rows: pl.Series) -> pl.DataFrame:
        found = [self.message(row)[:8] for row in rows]
        names = ["row", "to", "from", "text", "media", "tag", "weight", "once_key"]
        frame = pl.DataFrame(found, schema=names, orient="row")
        return frame.with_columns(place=pl.Series([self.place(r) for r in rows]))

    def posts(self) -> list[tuple[int, int, int]]:
        """Row, moment and expiration of each POST, in milliseconds since 1970."""
        return [
            (
                one.row,
                utc(self.start) + round(one.at * 1000),
                utc(one.body["expiration"].removesuffix("Z")),
            )
            for one in self.poster.posted
        ]

    def statuses(self) -> dict[str, int]:
        with Journal.open(self.path) as journal:
            return {str(k): n for k, n in journal.counts(self.run.id).items()}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Nothing depends on it but how often an engine that waits turns round.
    monkeypatch.setattr(engine_module, "IDLE_SECONDS", 600.0)
    return tmp_path / "journal.sqlite"


def test_inside_a_window_each_message_dies_with_it(path: Path) -> None:
    """Begun at nine in New York: at once, and each expires at eight in the evening."""
    stage = Timed(rows=20)
    stage.play(path)
    assert len(stage.posts()) == 20
    assert {expires for *_, expires in stage.posts()} == {utc("2026-09-15T00:00")}
    assert stage.loop.time() < 60


def test_outside_every_window_the_run_waits(path: Path) -> None:
    """Begun at five in the morning in New York: nothing before eight, then everything."""
    stage = Timed(rows=20, start="2026-09-14T09:00", places=(NEW_YORK, LOS_ANGELES))
    stage.play(path)
    found = {row: at for row, at, _ in stage.posts()}
    for row, moment in found.items():
        opens = "12:00" if stage.place(row) == NEW_YORK else "15:00"
        assert 0 <= moment - utc(f"2026-09-14T{opens}") < 60_000
    assert len(found) == 20


def test_while_it_waits_it_says_for_when(path: Path) -> None:
    """An hour after the east was sent: until eight in Los Angeles, and nothing to do."""
    said = []

    def look(stage: Any) -> None:
        said.append((stage.timed.waits_until, stage.engine.is_idle))

    places = (NEW_YORK, LOS_ANGELES)
    stage = Timed(rows=20, start="2026-09-14T12:30", places=places, at={3600.0: look})
    stage.play(path)
    assert said == [(utc("2026-09-14T15:00"), True)]
    assert stage.timed.waits_until is None
    seen = Progress(20, 10, 0, 0, 1.0, said[0][0], "people's hours")
    assert _doing(seen).startswith("waiting for people's hours until Mon 14 Sep ")
    assert _doing(seen._replace(waits_until=None)) == "sending"


def test_windows_that_close_first_go_first(path: Path) -> None:
    """Both coasts are open: the east goes first, whatever the order of the rows."""
    stage = Timed(
        rows=40, rate=10.0, places=(LOS_ANGELES, NEW_YORK), start="2026-09-14T20:00"
    )
    stage.play(path)
    order = [stage.place(row) for row, *_ in stage.posts()]
    assert order == [NEW_YORK] * 20 + [LOS_ANGELES] * 20


def test_what_a_day_does_not_hold_goes_on_the_next(path: Path) -> None:
    """An hour's work with half an hour left: the rest at eight in the morning."""
    stage = Timed(rows=60, rate=1 / 60, start="2026-09-14T23:30")
    stage.play(path)
    times = [at for _, at, _ in stage.posts()]
    evening = [t for t in times if t < utc("2026-09-15T00:00")]
    assert 25 <= len(evening) <= 31
    assert max(evening) <= utc("2026-09-15T00:00") - LEAST_LIFE_MS
    assert min(set(times) - set(evening)) >= utc("2026-09-15T12:00")
    assert sorted(row for row, *_ in stage.posts()) == list(range(2, 62))


def test_without_waiting_it_says_when_to_come_back(path: Path) -> None:
    """For schedulers: the east is sent, the west's window is told, its rows are left."""
    stage = Timed(
        rows=10, places=(NEW_YORK, LOS_ANGELES), start="2026-09-14T12:30", waits=False
    )
    stage.play(path)
    assert len(stage.posts()) == 5
    assert stage.timed.comes_back_at == utc("2026-09-14T15:00")
    assert stage.statuses() == {"accepted": 5}


def test_a_window_that_cannot_be_met_ends_as_expired(path: Path) -> None:
    """The campaign ends at ten in New York; nobody knows where a row belongs: no POST."""
    stage = Timed(
        rows=9,
        places=(NEW_YORK, LOS_ANGELES, NOWHERE),
        start="2026-09-14T12:30",
        end="2026-09-14T14:00",
        envelope=Envelope("c", "app", expiration=datetime(2026, 9, 14, 14, tzinfo=UTC)),
    )
    stage.play(path)
    assert [stage.place(row) for row, *_ in stage.posts()] == [NEW_YORK] * 3
    assert {e for *_, e in stage.posts()} == {utc("2026-09-14T14:00")}
    assert stage.statuses() == {"accepted": 3, "expired": 6}


def test_an_end_inside_an_open_window_ends_the_run(path: Path) -> None:
    """Two minutes for 300 at two a second: what is left expires at once, nothing turns on."""
    stage = Timed(rows=300, rate=2.0, start="2026-09-14T14:00", end="2026-09-14T14:02")
    stage.play(path)
    assert stage.loop.time() < 125 + 600  # an idle turn of these tests
    assert stage.turns < 5_000
    found = stage.statuses()
    assert found["accepted"] + found["expired"] == 300
    assert 110 <= found["accepted"] <= 122


def test_a_deadline_ends_the_waiting_for_a_window(path: Path) -> None:
    """At its moment, not when the window opens; the rows stay, for whoever moves it."""
    ends = datetime(2026, 9, 14, 11, tzinfo=UTC)
    stage = Timed(rows=6, start="2026-09-14T09:00", not_after=ends)  # opens at twelve

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert stage.loop.time() == pytest.approx(2 * 3600, abs=1)
    assert stage.fates() == {"planned": 6}


def test_an_expiration_of_the_campaign_counts_where_it_is_earlier(path: Path) -> None:
    """Two hours to live in the morning; in the evening the window's end."""
    from datetime import timedelta

    lives = Envelope("c", "app", expiration=timedelta(hours=2))
    stage = Timed(rows=1, envelope=lives)
    stage.play(path)
    assert stage.posts()[0][2] == utc("2026-09-14T15:00")
    late = Timed(rows=1, envelope=lives, start="2026-09-14T23:00")
    late.play(path.with_name("late.sqlite"))
    assert late.posts()[0][2] == utc("2026-09-15T00:00")


def test_a_retry_that_comes_after_the_window_waits_for_the_next(path: Path) -> None:
    """Proven not sent at 19:58, and tried again on the next morning, not at 20:01."""

    def script(row: int, attempt: int) -> Answer:
        return Answer(UNREACHED if attempt == 1 else ACCEPTED, latency=70.0)

    stage = Timed(rows=3, start="2026-09-14T23:58", script=script)
    stage.play(path)
    times = [at for _, at, _ in stage.posts()]
    assert max(times[:3]) < utc("2026-09-14T23:59")
    assert min(times[3:]) >= utc("2026-09-15T12:00")
    assert stage.statuses() == {"accepted": 3}


def test_a_full_queue_does_not_carry_a_message_over_its_window(path: Path) -> None:
    """Bandwidth answers 429 until the window closes: the rest goes tomorrow."""

    def script(row: int, attempt: int) -> Answer:
        night = stage.clocks.wall_ms() < utc("2026-09-15T00:00")
        return Answer(FULL if night else ACCEPTED)

    stage = Timed(rows=5, start="2026-09-14T23:50", script=script)
    stage.play(path)
    accepted = [
        at for at in (t for _, t, _ in stage.posts()) if at > utc("2026-09-15T00:00")
    ]
    assert min(accepted) >= utc("2026-09-15T12:00")
    refused = [at for _, at, _ in stage.posts() if at < utc("2026-09-15T12:00")]
    assert max(refused) < utc("2026-09-15T00:00") - LEAST_LIFE_MS
    assert stage.statuses() == {"accepted": 5}


def set_clock(hours: float) -> Callable[[Stage], None]:
    def at_once(stage: Stage) -> None:
        stage.clocks.wall_offset += round(hours * HOUR)

    return at_once


def test_a_wall_clock_that_is_put_forward_opens_no_window(path: Path) -> None:
    """At 7:30 somebody sets it to 10:30: the lease has ended by it, and nothing is sent."""
    stage = Timed(rows=5, start="2026-09-14T11:30", at={60.0: set_clock(3)})
    with pytest.raises(Stopped, match="E611"):
        stage.play(path)
    assert stage.posts() == []


@pytest.mark.parametrize("hours", [-3, 10 / 3600])
def test_a_wall_clock_that_is_set_waits_for_both(path: Path, hours: float) -> None:
    """Back by three hours, or forward by less than a lease: not before both say eight."""
    stage = Timed(rows=5, start="2026-09-14T11:30", at={60.0: set_clock(hours)})
    stage.play(path)
    assert len(stage.posts()) == 5
    for _, at, _ in stage.posts():
        assert at >= utc("2026-09-14T12:00")
        assert at + hours * HOUR >= utc("2026-09-14T12:00")


# how far Bandwidth's clock is ahead of ours, in seconds; ours is then slow, or fast
@pytest.mark.parametrize("ahead", [290, -290])
def test_one_of_two_right_clocks_is_enough_for_a_window(path: Path, ahead: int) -> None:
    """It opens by the later and closes by the earlier: nobody is texted beside it."""
    stage = Timed(rows=300, rate=1, start="2026-09-14T11:50", window=(480, 490))
    stage.theirs_ahead = ahead * 1000
    stage.play(path)
    opens, closes = utc("2026-09-14T12:00"), utc("2026-09-14T12:10") - LEAST_LIFE_MS
    first_day = [at for _, at, _ in stage.posts() if at < opens + 12 * HOUR]
    by_both = [(at, at + ahead * 1000) for at in first_day]
    assert min(map(min, by_both)) >= opens
    assert max(map(max, by_both)) < closes
    assert len(first_day) == pytest.approx(540 - abs(ahead), abs=5)


# as above, and when our clock shows the run's begin: in the window by it alone
FIRST_HEARD = [(-290, "2026-09-14T12:00:30"), (290, "2026-09-14T12:05:00")]


@pytest.mark.parametrize(("ahead", "start"), FIRST_HEARD, ids=["fast", "slow"])
def test_before_their_clock_is_heard_one_message_leaves_alone(
    path: Path, ahead: int, start: str
) -> None:
    """HTTP Basic: the first answer tells the time, and all that was handed out waits."""

    def listen(stage: Stage) -> None:
        def heard() -> None:
            stage.poster.knows_no_time, stage.theirs_ahead = False, ahead * 1000

        stage.poster.knows_no_time, stage.poster.on_answer = True, heard

    slowly = lambda _row, _attempt: Answer(ACCEPTED, latency=2.0)  # noqa: E731
    stage = Timed(rows=300, rate=5.0, start=start, window=(480, 490), script=slowly)
    stage.at = {0.0: listen}
    stage.play(path)
    first, *others = [at for _, at, _ in stage.posts()]
    opens, closes = utc("2026-09-14T12:00"), utc("2026-09-14T12:10") - LEAST_LIFE_MS
    today = [at for at in others if at < opens + 12 * HOUR]
    assert first - utc(start) < 1_000
    assert all(opens <= at + ahead * 1000 < closes for at in today)
    assert (len(today) == 299) == (ahead < 0)
    assert stage.statuses() == {"accepted": 300}


def test_a_slow_clock_sends_nothing_that_has_expired(path: Path) -> None:
    """By Bandwidth's it has, which would refuse it, and a refused row is not sent again."""
    ends = datetime(2026, 9, 14, 13, 10, tzinfo=UTC)
    stage = Timed(rows=900, rate=1, envelope=Envelope("c", "a", expiration=ends))
    stage.theirs_ahead = 280_000
    stage.play(path)
    last = utc("2026-09-14T13:10") - LEAST_LIFE_MS - 280_000
    assert last - 3_000 < max(at for _, at, _ in stage.posts()) < last + 100


def test_a_life_counts_from_the_clock_that_judges_it(path: Path) -> None:
    """Two minutes to live, and a clock that is 280 seconds slow: none is refused."""
    lives = Envelope("c", "a", expiration=timedelta(minutes=2))
    stage = Timed(rows=20, envelope=lives, theirs_ahead=280_000)
    stage.play(path)
    left = {round((ends - at - 280_000) / 1000) for _, at, ends in stage.posts()}
    assert left <= {119, 120}


def test_a_machine_that_slept_over_the_end_sends_nothing_late(path: Path) -> None:
    """Claimed at 19:50, asleep for an hour: given back, and sent in the morning."""

    def sleep(stage: Stage) -> None:
        stage.loop.advance(3_600)

    stage = Timed(rows=30, rate=1.0, start="2026-09-14T23:50", at={5.0: sleep})
    with pytest.raises(Stopped, match="E611"):  # the lease ended meanwhile
        stage.play(path)
    night = [at for _, at, _ in stage.posts() if at < utc("2026-09-15T12:00")]
    assert max(night) < utc("2026-09-15T00:00") - LEAST_LIFE_MS


def test_rows_are_lost_nowhere_when_the_hours_never_open(path: Path) -> None:
    """From 21:30 to 22:30 no rule is open: all expire, and the run ends."""
    stage = Timed(rows=7, window=(21 * 60 + 30, 22 * 60 + 30))
    stage.play(path)
    assert stage.posts() == []
    assert stage.statuses() == {"expired": 7}


FORECASTS = [
    # rows, weight, rate, start, places, window
    (600, 1, 2.0, "2026-09-14T13:00", (NEW_YORK,), None),
    (300, 3, 5.0, "2026-09-14T09:00", (NEW_YORK,), None),
    (600, 1, 0.5, "2026-09-14T23:45", (NEW_YORK,), None),
    (400, 1, 0.05, "2026-09-14T11:00", (NEW_YORK, LOS_ANGELES), (10 * 60, 12 * 60)),
    (400, 2, 30.0, "2026-03-07T22:00", (NEW_YORK, LOS_ANGELES), None),
]


@pytest.mark.parametrize(
    ("rows", "weight", "rate", "start", "places", "window"), FORECASTS
)
def test_a_run_ends_when_it_was_forecast(
    path: Path,
    *,
    rows: int,
    weight: int,
    rate: float,
    start: str,
    places: Sequence[str],
    window: tuple[int, int] | None,
) -> None:
    """Within 2 % of the time that it takes, through nights and pauses."""
    stage = Timed(
        rows=rows, weight=weight, rate=rate, start=start, places=places, window=window
    )
    stage.play(path)
    ended = max(at for _, at, _ in stage.posts())
    hours = Hours(shipped_rules(), "us-marketing", window)

    def opening(word: str, now: int) -> Opening | None:
        return hours.next(Place.parse(word), now, least=LEAST_LIFE_MS)

    count = rows // len(places)
    volumes = tuple(Volume(place, count * weight, count) for place in places)
    told = course(Load(volumes, utc(start), NEVER, Rates(rate), opening))
    assert told.ends is not None
    assert abs(told.ends - ended) < 0.02 * (ended - utc(start)) + 1000

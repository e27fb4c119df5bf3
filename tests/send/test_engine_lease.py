"""The engine, its journal and its lease: nothing is posted that could not be written down."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.owner import Owner
from bulksend.journal.states import Event
from bulksend.send import flight
from bulksend.send.engine import Engine
from bulksend.send.pacing import Pacer
from tests.send.stage import (
    ACCEPTED,
    UNAUTHORIZED,
    Answer,
    InlineWriter,
    Stage,
    always,
    scripted,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.journal.records import Outcome
    from bulksend.send.pacing import Pace


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.001])
def test_a_journal_that_cannot_be_written_stops_the_posts_at_once(
    path: Path, seconds: float
) -> None:
    """Nothing is posted after the first failure; its error is the one that is raised."""
    broken = BulksendError(Problem("E601", "the disk is full"))
    stage = Stage(rows=2_000, rate=200)
    stage.at = {seconds: lambda s: setattr(s.writer, "broken", broken)}

    with pytest.raises(BulksendError) as raised:
        stage.play(path)

    assert raised.value is broken
    # One commit may have been under way; what it had claimed was durable.
    assert stage.poster.posted[-1].at <= seconds + 0.06
    assert "unknown" not in stage.fates()
    assert stage.fates()["planned"] > 1_500


def test_what_waits_claimed_is_not_posted_after_a_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim was durable; but the outcome could not be written any more."""
    monkeypatch.setattr(flight, "MOST_IN_FLIGHT", 1)
    broken = BulksendError(Problem("E601", "the disk is full"))
    stage = Stage(rows=50, script=always(ACCEPTED, 0.4))
    stage.at = {0.2: lambda s: setattr(s.writer, "broken", broken)}

    with pytest.raises(BulksendError) as raised:
        stage.play(path)

    assert raised.value is broken
    assert stage.poster.posted[-1].at < stage.began + 0.5


def test_a_release_is_durable_before_the_row_is_claimed_again(path: Path) -> None:
    """Also where it is due at once, and an earlier commit is still under way."""
    late = [Answer(UNAUTHORIZED, 0.1), Answer(ACCEPTED)]
    stage = Stage(rows=2, script=scripted(r3=late))
    stage.at = {0.03: lambda s: setattr(s.writer, "seconds", 0.5)}

    stage.play(path)

    assert stage.fates() == {"accepted": 2}


def test_what_was_in_doubt_is_unknown_for_the_next_sender(path: Path) -> None:
    """Rows whose outcome could not be written are not sent again by anybody."""
    stage = Stage(rows=400, script=always(ACCEPTED, latency=0.4))
    broken = BulksendError(Problem("E601", "the disk is full"))
    stage.at = {1.0: lambda s: setattr(s.writer, "broken", broken)}
    with pytest.raises(BulksendError):
        stage.play(path)
    in_doubt = stage.fates()["claimed"]
    assert in_doubt > 5

    again = Stage(rows=400)
    again.play(path)

    assert again.fates() == {"accepted": 400 - in_doubt, "unknown": in_doubt}
    both = Counter(one.row for one in stage.poster.posted + again.poster.posted)
    assert set(both.values()) == {1}


# which clocks go on by a lease, and what is said of it
OVER = [
    (("boot_offset", "wall_offset"), "this process stood still for too long"),
    (("boot_offset",), "this process stood still for too long"),
    (("wall_offset",), "this machine's clock was set ahead, beyond its end"),
]


@pytest.mark.parametrize(("clocks", "said"), OVER)
@pytest.mark.parametrize("rate", [5, 300])
def test_a_sender_that_slept_posts_nothing_more(
    path: Path, clocks: tuple[str, ...], said: str, rate: float
) -> None:
    """Either clock says that the lease is over: E611, why, and no POST after it."""

    def sleep(stage: Stage) -> None:
        for clock in clocks:
            setattr(stage.clocks, clock, getattr(stage.clocks, clock) + LEASE_MS)

    stage = Stage(rows=2_000, rate=rate, at={1.5: sleep})

    with pytest.raises(Stopped, match=rf"E611.*{said}"):
        stage.play(path)

    assert max(one.at for one in stage.poster.posted) < stage.began + 1.501
    assert set(stage.fates()) == {"accepted", "planned"}


class Broken(Pacer):
    """Fails in the middle of a round, when some of it are under way."""

    begun = 0

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        if self.begun == 3:
            raise RuntimeError
        return 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:
        self.begun += 1


class BrokenPace(Stage):
    def pacer(self) -> Pace:
        return Broken(self.rate, self.loop.time())


def test_what_is_under_way_is_not_given_back_by_a_fault_of_ours(path: Path) -> None:
    """Three of a round left when the pace fails: only the others are planned again."""
    stage = BrokenPace(rows=9, rate=1_000, script=always(ACCEPTED, 0.5))
    released: list[int] = []
    record = InlineWriter.record

    def spy(writer: InlineWriter, outcome: Outcome) -> None:
        if outcome.event is Event.RELEASE:
            released.append(outcome.row)
        record(writer, outcome)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InlineWriter, "record", spy)
        with pytest.raises(RuntimeError):
            stage.play(path)

    posted = {one.row for one in stage.poster.posted}
    assert len(posted) == 3
    assert released
    assert not posted & set(released)
    assert stage.fates() == {"accepted": 3, "planned": 6}


def test_a_lease_that_another_took_ends_the_sending(path: Path) -> None:
    """The claim is refused: what the other one has is never posted by this one."""

    def take(stage: Stage) -> None:
        stage.poster.intents.add("unknown")  # its own claims of the last moment
        stage._journal(lambda j: j.leases.end("c", stage.writer.epoch))
        stage._journal(
            lambda j: j.leases.take("c", Owner.me(), now=stage.clocks.wall_ms())
        )

    stage = Stage(rows=2_000, rate=200, at={1.5: take})

    with pytest.raises(Stopped, match=r"E611.*another sender has taken it over"):
        stage.play(path)

    assert max(one.at for one in stage.poster.posted) < 1.6
    assert stage.fates()["planned"] > 1_500


def test_a_lease_that_was_lost_before_the_start_is_said(path: Path) -> None:
    """Reading a great journal may outlast the lease: E611, no traceback."""
    stage = Stage()
    real = Engine.run

    async def late(engine: Engine) -> None:
        stage.clocks.wall_offset += LEASE_MS + 1
        await real(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "run", late)
        with pytest.raises(Stopped, match="E611"):
            stage.play(path)

    assert stage.poster.posted == []


def test_a_long_run_keeps_its_lease(path: Path) -> None:
    """Ten minutes at a slow pace: nobody can take over, and nothing stops."""
    refusals = []

    def knock(stage: Stage) -> None:
        try:
            stage._journal(
                lambda j: j.leases.take("c", Owner.me(), now=stage.clocks.wall_ms())
            )
        except GateRefused:
            refusals.append(stage.loop.time())

    stage = Stage(rows=300, rate=0.5, at={s * 25.0: knock for s in range(1, 23)})

    stage.play(path)

    assert stage.loop.time() > 590
    assert len(refusals) == 22

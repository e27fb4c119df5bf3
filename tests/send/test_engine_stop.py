"""What ends the engine before the plan's end: a word, a deadline, an outage, a refused list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.send import retry
from bulksend.send.engine import Engine
from bulksend.send.flight import DRAIN_SECONDS
from tests.send.stage import (
    ACCEPTED,
    GATEWAY,
    REFUSED,
    SILENT,
    START,
    UNREACHED,
    SlowPlan,
    Stage,
    always,
    new_path,
    scripted,
    stop_at,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.send.message import Message


def test_an_outage_stops_the_run_and_loses_nothing(path: Path) -> None:
    """E510 after one message's attempts; a handful of rows were tried, all are planned."""
    stage = Stage(rows=2_000, script=always(UNREACHED))

    with pytest.raises(Stopped, match="E510 Not sent: no connection"):
        stage.play(path)

    assert stage.fates() == {"planned": 2_000}
    assert retry.OUTAGE_SECONDS < stage.loop.time() < 40
    assert len({one.row for one in stage.poster.posted}) < 25


def test_answers_that_prove_nothing_stop_the_run_before_the_plan_is_lost(
    path: Path,
) -> None:
    """E512 after 25 unknowns in a row; most of the plan is still planned."""
    stage = Stage(rows=2_000, script=always(GATEWAY))

    with pytest.raises(GateRefused, match="E512 25 messages in a row"):
        stage.play(path)

    fates = stage.fates()
    assert 25 <= fates["unknown"] < 200
    assert fates["unknown"] + fates["planned"] == 2_000


def test_an_unexpected_fault_of_the_client_is_not_swallowed(path: Path) -> None:
    """It stops the run and is raised; its row may have left, so it is no planned one."""
    stage = Stage(rows=500, script=scripted(r9=[RuntimeError("a bug")]))

    with pytest.raises(RuntimeError, match="a bug"):
        stage.play(path)

    assert stage.entries()[7].status in ("claimed", "unknown")
    assert stage.fates()["planned"] > 400


def test_stopping_lets_what_is_under_way_end(path: Path) -> None:
    """Outcomes in flight are recorded; what was claimed and not posted is given back."""
    stage = Stage(rows=5_000, rate=400, script=always(ACCEPTED, 1.0), at=stop_at(2.0))

    stage.play(path)

    assert stage.fates() == {
        "accepted": len(stage.poster.posted),
        "planned": 5_000 - len(stage.poster.posted),
    }
    assert max(one.at for one in stage.poster.posted) <= stage.began + 2.0
    assert stage.loop.time() == pytest.approx(3.0, abs=0.1)


def test_what_does_not_end_in_time_is_unknown(path: Path) -> None:
    """A silent server is waited for as long as a drain may take, and no longer."""
    stage = Stage(rows=500, script=always(ACCEPTED, 60.0), at=stop_at(1.0))

    stage.play(path)

    assert stage.fates() == {
        "unknown": len(stage.poster.posted),
        "planned": 500 - len(stage.poster.posted),
    }
    assert stage.loop.time() == pytest.approx(1.0 + DRAIN_SECONDS, abs=0.1)


@pytest.mark.parametrize(
    ("rate", "weight", "chunk_seconds"),
    [
        (0.01, 1, 0),  # waits for a permit
        (1, 31, 0),  # waits for the permits of a long message
        (30, 31, 0),
        (500, 1, 0),
        (50, 1, 600),  # waits for the plan's next piece
    ],
)
def test_a_stop_is_heard_wherever_the_engine_waits(
    path: Path, rate: float, weight: int, chunk_seconds: float
) -> None:
    """The drain's time is the bound, whatever was being waited for."""
    stage = Stage(
        rows=20_000,
        rate=rate,
        weight=weight,
        chunk_seconds=chunk_seconds,
        at=stop_at(3.0),
    )

    stage.play(path)

    assert stage.loop.time() < 3.0 + DRAIN_SECONDS + 0.5
    assert set(stage.fates()) <= {"accepted", "planned"}


def test_a_stop_before_the_start_sends_nothing(path: Path) -> None:
    """The problem that stop was given is the one that is raised."""
    stage = Stage()
    real = Engine.run

    async def stopped(engine: Engine) -> None:
        engine.stop(Stopped(Problem("E631", "it was asked to stop")))
        engine.stop(Stopped(Problem("E510", "later")))
        await real(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "run", stopped)
        with pytest.raises(Stopped, match="E631"):
            stage.play(path)

    assert stage.poster.posted == []
    assert stage.fates() == {"planned": 5}


def test_a_plan_that_cannot_be_read_on_stops_the_run(path: Path) -> None:
    """Its error is raised, and what was under way has its outcome."""

    class Torn(SlowPlan):
        async def ahead(self) -> Sequence[Message] | None:
            if len(self._rows) < 1_500:
                raise BulksendError(Problem("E620", "it broke off"))
            return await super().ahead()

    stage = Stage(rows=1_500, chunk=500, chunk_seconds=1.0, source=Torn)

    with pytest.raises(BulksendError, match="E620"):
        stage.play(path)

    assert set(stage.fates()) == {"accepted", "planned"}


def test_from_its_deadline_on_nothing_is_begun(path: Path) -> None:
    """What is under way ends, the rest stays as it was, and the reason is said."""
    ends = datetime.fromtimestamp(START + 2, UTC)
    stage = Stage(rows=1_000, rate=100, not_after=ends)

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert max(one.at for one in stage.poster.posted) < 2
    assert stage.fates() == {
        "accepted": len(stage.poster.posted),
        "planned": 1_000 - len(stage.poster.posted),
    }


def test_a_clock_that_is_set_back_moves_no_deadline(path: Path) -> None:
    """By the clock that is ahead: `not_after` in ten minutes stays in ten minutes."""

    def back(stage: Stage) -> None:
        stage.clocks.wall_offset -= 3 * 3_600_000

    stage = Stage(
        rows=1_000, rate=1, not_after=datetime.fromtimestamp(START + 600, UTC)
    )
    stage.patience, stage.at = 200_000, {60.0: back}

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert 595 < max(one.at for one in stage.poster.posted) < 600


def test_a_list_that_is_refused_is_not_burnt(path: Path) -> None:
    """After eleven refusals at the start it stops, and the rest can be resumed."""
    stage = Stage(rows=1_000, rate=100, script=always(REFUSED))

    with pytest.raises(GateRefused, match="E513"):
        stage.play(path)

    fates = stage.fates()
    assert 11 <= fates["refused"] <= 30
    assert fates["planned"] == 1_000 - fates["refused"]


def test_a_run_in_doubt_sends_one_message_until_an_answer_proves_something(
    path: Path,
) -> None:
    """Three probes of a gateway that fails cost three unknowns, not a plan."""
    stage = Stage(rows=1_000, rate=100, script=always(SILENT, 1.0), in_doubt=True)

    with pytest.raises(GateRefused, match="E512"):
        stage.play(path)

    assert stage.fates() == {"unknown": 3, "planned": 997}
    healed = Stage(rows=300, rate=100, in_doubt=True)
    with new_path() as other:
        healed.play(other)
        assert healed.fates() == {"accepted": 300}
    first, second, *_ = healed.poster.posted
    assert second.at >= first.at + first.answer.latency


def test_receipts_of_filtered_texts_stop_the_run(path: Path) -> None:
    """They come while it sends, from whoever hears them."""

    def filtered(stage: Stage) -> None:
        for _ in range(20):
            stage.engine.receipt_failed("4470")

    stage = Stage(rows=1_000, rate=100, at={1.0: filtered})

    with pytest.raises(GateRefused, match="E514"):
        stage.play(path)

    assert 90 < stage.fates()["accepted"] < 120

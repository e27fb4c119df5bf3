"""What is claimed and waits for its turn: all that forbids it is asked as its bytes leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import Stopped
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, Cause, suppression
from bulksend.send import flight
from bulksend.send.allowance import TICK
from bulksend.send.intake import FRESH_SECONDS
from bulksend.send.pacing import Pacer
from tests.send.stage import (
    ACCEPTED,
    START,
    SlowPlan,
    Stage,
    always,
)
from tests.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bulksend.send.message import Message
    from bulksend.send.pacing import Pace


class Jam(Pacer):
    """Bytes that are ready may not leave before *until*, seconds after the start."""

    until = 6.0

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        return max(0.0, self.until - now)


class Jammed(Stage):
    def pacer(self) -> Pace:
        return Jam(self.rate, self.loop.time())


def _sleep(stage: Stage) -> None:
    stage.clocks.boot_offset += LEASE_MS


class ClosingPlan(SlowPlan):
    """Its windows close five seconds after the start."""

    def is_late(self, message: Message) -> bool:
        return self._stage.loop.time() >= self._stage.began + 5

    def put_back(self, some: Iterable[Message]) -> None:
        """For another day."""


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (lambda stage: stage.engine.stop(), ""),
        (lambda stage: stage.engine.pause(), ""),
        (_sleep, "E611"),
    ],
    ids=["stop", "pause", "a machine that slept"],
)
def test_what_is_said_while_bytes_wait_for_their_turn_holds_them_back(
    path: Path, what: Callable[[Stage], None], code: str
) -> None:
    """All that forbids a message is asked when its bytes leave, not when it is begun."""
    stage = Jammed(rows=5, at={5.0: what})
    stage.at[8.0] = lambda stage: stage.engine.stop()
    if code:
        with pytest.raises(Stopped, match=code):
            stage.play(path)
    else:
        stage.play(path)

    assert not stage.poster.posted
    assert stage.fates() == {"planned": 5}


def test_a_deadline_that_passes_while_bytes_wait_holds_them_back(path: Path) -> None:
    """`not_after` is no moment to begin at: it is one to have left by."""
    ends = datetime.fromtimestamp(START + 5, UTC)
    stage = Jammed(rows=5, not_after=ends)

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert not stage.poster.posted
    assert stage.fates() == {"planned": 5}


def test_a_window_that_closes_while_bytes_wait_holds_them_back(path: Path) -> None:
    """Nobody is texted some seconds after it."""
    stage = Jammed(rows=5, source=ClosingPlan)

    stage.play(path)

    assert not stage.poster.posted
    assert stage.fates() == {"planned": 5}


def _all_opt_out(stage: Stage) -> None:
    """Everybody, in the store: what `bulksend listen` does with a STOP."""
    why = Cause(OPTED_OUT, "reply STOP", stage.clocks.wall_ms())
    people = [stage.message(row).to for row in range(2, stage.rows + 2)]
    with Journal.open(stage.path) as journal:
        journal.suppressions.add([suppression(one, why) for one in people])


SLOW_WAYS = (
    # a stage, and the most messages that may leave after the opt-outs were stored
    (Stage(rows=900, rate=300), 2 * 300 * TICK + 10),
    (Stage(rows=40, rate=300, script=always(ACCEPTED, 30)), 0),
    (Jammed(rows=60), 0),
)


@pytest.mark.parametrize(
    ("stage", "most"), SLOW_WAYS, ids=["at its pace", "slow answers", "slow to leave"]
)
def test_who_has_opted_out_gets_nothing_a_second_later(
    path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage, most: float
) -> None:
    """However long a claimed message must wait: for an answer, or for its turn."""
    stage = replace(stage, loop=VirtualLoop(), at={1.0: _all_opt_out})
    monkeypatch.setattr(flight, "MOST_IN_FLIGHT", 20)

    stage.play(path)

    late = [one.at - stage.began - 1.0 for one in stage.poster.posted]
    late = [seconds for seconds in late if seconds > 0]
    assert len(late) <= most
    assert all(seconds <= FRESH_SECONDS for seconds in late), late
    assert stage.fates().keys() <= {"accepted", "excluded"}
    assert stage.fates()["excluded"]
    assert stage.loop.time() <= stage.began + stage.rows / stage.rate + 35


def test_what_a_pause_held_back_goes_out_once_after_it(path: Path) -> None:
    """It was no attempt, and nobody is lost by it."""
    stage = Jammed(rows=5, at={5.0: lambda stage: stage.engine.pause()})
    stage.at[60.0] = lambda stage: stage.engine.resume()

    stage.play(path)

    assert sorted(one.row for one in stage.poster.posted) == [2, 3, 4, 5, 6]
    assert min(one.at for one in stage.poster.posted) >= 60
    assert stage.fates() == {"accepted": 5}

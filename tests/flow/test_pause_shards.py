"""A pause of a run that several send: it is there when nothing is under way anywhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bulksend import control
from bulksend.home import Home
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Part
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from tests.suites.scene import RUN, outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


class Clock:
    """Time that moves when somebody waits; and what happens meanwhile."""

    def __init__(self, steps: dict[float, Callable[[], object]]) -> None:
        self.now = 0.0
        self._steps = steps

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at in [at for at in self._steps if at <= self.now]:
            self._steps.pop(at)()


def paused(
    tmp_path: Path, patch: pytest.MonkeyPatch, *, answered: float
) -> tuple[float, Owner | None]:
    """Two shards, of which one obeys at once; the other posts, and is *answered* then.

    Returns:
        How long the pause took, and who had not obeyed by then.
    """
    home = Home.find(tmp_path, {})
    now = time.time_ns() // 1_000_000
    with Journal.open(home.journal) as journal:
        run = journal.runs.add(RUN)
        first, second = (
            journal.leases.take_shard(run, part, Owner.me(run.run), now=now)
            for part in (Part(0, 2, 500), Part(1, 501, 1_001))
        )

        def claim() -> None:  # it had not seen the order by then
            claimed = journal.claim(run, second, [Candidate(700, 700)], now=now)
            assert claimed == [700]

        def answer() -> None:
            journal.record(run.id, second, [outcome(700, Event.ACCEPT)])

        journal.claim(run, first, [Candidate(2, 2)], now=now)
        journal.record(run.id, first, [outcome(2, Event.ACCEPT)])
        steps: dict[float, Callable[[], object]] = {
            0.2: lambda: journal.orders.heed(run.id, now=now),
            0.6: claim,
            answered: answer,
        }
        clock = Clock(steps)
        patch.setattr(control, "time", clock)
        found = control.pause_run(run.run, home=home)
        return clock.now, found.sender


def test_a_pause_waits_for_every_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has nothing under way, another posts still: it is not there before."""
    took, late = paused(tmp_path, monkeypatch, answered=3.0)
    assert (3.0 <= took < 3.2, late) == (True, None)


def test_a_shard_that_does_not_obey_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a sender of the whole: after so many seconds, and the order stands."""
    took, late = paused(tmp_path, monkeypatch, answered=99.0)
    assert took > control.PATIENCE_SECONDS
    assert late == Owner.me(RUN.run)

"""A pause: what is under way ends, nothing begins, and nothing is lost by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.journal.orders import Order, Word
from bulksend.send import watch as watching
from bulksend.send.watch import watch
from tests.send.stage import Stage
from tests.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


NOW = 1_790_000_000_000


def watched(found: list[Any]) -> Callable[[Stage], None]:
    """Note how it stands."""

    def look(stage: Stage) -> None:
        found.append((len(stage.poster.posted), stage.engine.is_quiet, stage.fates()))

    return look


@pytest.mark.parametrize("rate", [5, 20, 100, 2_000])
def test_nothing_is_posted_in_a_pause_and_all_of_it_after(
    path: Path, rate: float
) -> None:
    """No claim is left standing while it lasts; then each goes out once, in its pace."""
    found: list[Any] = []
    stage = Stage(rows=int(rate * 4), rate=rate, chunk=40)
    stage.at = {
        1.01: lambda stage: stage.engine.pause(),
        1.3: watched(found),
        900.0: watched(found),
        900.1: lambda stage: stage.engine.resume(),
    }

    stage.play(path)

    (before, quiet, fates), at_the_end = found
    assert quiet
    assert 0 < before < stage.rows
    assert set(fates) == {"accepted", "planned"}
    assert at_the_end == (before, quiet, fates)
    assert stage.fates() == {"accepted": stage.rows}
    rows = [one.row for one in stage.poster.posted]
    assert sorted(rows) == list(range(2, stage.rows + 2))


def test_a_stop_ends_a_pause(path: Path) -> None:
    """Who presses Ctrl-C at a paused run gets his terminal back, nothing claimed."""
    stage = Stage(rows=400, rate=100)
    stage.at = {
        1.0: lambda stage: stage.engine.pause(),
        50.0: lambda stage: stage.engine.stop(),
    }

    stage.play(path)

    assert set(stage.fates()) == {"accepted", "planned"}
    assert stage.loop.time() < 60


def test_a_paused_run_with_nothing_left_is_over(path: Path) -> None:
    """A pause that comes after the last message holds nobody."""
    stage = Stage(rows=3, rate=100)
    stage.at = {0.06: lambda stage: stage.engine.pause()}

    stage.play(path)

    assert stage.fates() == {"accepted": 3}


# -- who says so ----------------------------------------------------------------------------


class Desk:
    """A sender that notes what it is told, and a journal with one order in it."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.order: Order | None = None
        self.heeded: list[int] = []
        self.is_quiet = False
        self.run = type("R", (), {"id": 7, "run": "r"})
        self.looks = 0

    # as a sender
    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def stop(self, problem: BulksendError | None = None) -> None:
        assert problem is not None
        self.told.append((type(problem), problem.problems[0].code))

    # as a writer, its journal and that one's orders
    async def call(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    async def durable(self) -> None:
        self.told.append("durable")

    @property
    def orders(self) -> Desk:
        return self

    def of(self, run_id: int) -> Order | None:
        assert run_id == 7
        self.looks += 1
        return self.order

    def heed(self, run_id: int, *, now: int) -> None:
        assert self.order is not None
        self.heeded.append(now)
        self.order = self.order._replace(heeded_at=now)

    def wall_ms(self) -> int:
        return NOW


def play(script: Callable[[Desk], Any], *, parent: int | None = None) -> Desk:
    """Watch a desk while *script* runs, in virtual time."""
    loop, desk = VirtualLoop(), Desk()

    async def both() -> None:
        task = asyncio.ensure_future(watch(desk, desk, desk, parent=parent))  # type: ignore[arg-type]
        await script(desk)
        task.cancel()
        await asyncio.wait([task])

    try:
        loop.run_until_complete(both())
    finally:
        loop.close()
    return desk


def test_orders_are_seen_within_a_second() -> None:
    """Pause, once; noted as heeded when nothing is under way; then on again."""

    async def script(desk: Desk) -> None:
        await asyncio.sleep(10)
        desk.order = Order(Word.PAUSE, "ann", NOW)
        await asyncio.sleep(1)
        assert desk.told == ["pause"]
        await asyncio.sleep(10)
        assert (desk.told, desk.heeded) == (["pause"], [])
        desk.is_quiet = True
        await asyncio.sleep(1)
        assert (desk.told, desk.heeded) == (["pause", "durable"], [NOW])
        await asyncio.sleep(10)
        desk.order = None
        await asyncio.sleep(1)
        assert desk.told == ["pause", "durable", "resume"]

    desk = play(script)

    assert desk.heeded == [NOW]
    assert desk.looks < 60, "more often than it must"


def test_an_abort_stops_for_good() -> None:
    """By a gate: running it again is not what it asks for."""

    async def script(desk: Desk) -> None:
        desk.order = Order(Word.ABORT, "ann", NOW)
        await asyncio.sleep(30)

    assert [code for _, code in play(script).told] == ["E613"]


def test_a_run_that_belongs_to_its_parent_ends_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Noticed within half a second, whatever becomes of the orphan then."""
    parents = [40]
    monkeypatch.setattr("os.getppid", lambda: parents[0])

    async def script(desk: Desk) -> None:
        await asyncio.sleep(10)
        assert desk.told == []
        parents[0] = 1
        await asyncio.sleep(0.5)
        assert desk.told == [(Stopped, "E614")]

    play(script, parent=40)


def test_who_has_no_parent_to_watch_watches_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run under nohup outlives its shell."""
    monkeypatch.setattr("os.getppid", lambda: 1)

    async def script(_: Desk) -> None:
        await asyncio.sleep(10)

    assert play(script).told == []


def test_a_refusal_names_who_asked() -> None:
    """And the way out stands in the table of problems."""
    refused = watching.refused(Order(Word.PAUSE, "ann on web-3", NOW))

    assert refused.problems == (Problem("E612", "ann on web-3 asked for it"),)
    assert "bulksend resume" in str(refused)

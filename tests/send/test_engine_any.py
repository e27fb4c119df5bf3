"""The engine whatever happens: any answers, stop, sleep and fault, and a resume after them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.errors import BulksendError, Problem
from bulksend.journal.leases import LEASE_MS
from tests.send.stage import (
    ACCEPTED,
    BROKEN,
    FORBIDDEN,
    FULL,
    GATEWAY,
    NO_TOKEN,
    REFUSED,
    SILENT,
    UNAUTHORIZED,
    UNREACHED,
    Answer,
    Posted,
    Stage,
    new_path,
)

VERDICTS = st.sampled_from(
    [ACCEPTED] * 4
    + [REFUSED, UNAUTHORIZED, FORBIDDEN, FULL, BROKEN, GATEWAY, UNREACHED, SILENT]
    + [NO_TOKEN]
)


ANSWERS = st.builds(Answer, VERDICTS, st.sampled_from([0.0, 0.01, 0.3, 2.0, 45.0]))


class Scene(NamedTuple):
    """A script for a run, and what happens beside it."""

    answers: list[list[Answer]]
    rate: float
    weight: int
    chunk: int
    chunk_seconds: float
    stop: float | None
    sleep: float | None
    broken: float | None


SCENES = st.builds(
    Scene,
    answers=st.lists(
        st.lists(ANSWERS, min_size=1, max_size=4), min_size=1, max_size=40
    ),
    rate=st.sampled_from([0.5, 3, 24, 40, 300, 5_000]),
    weight=st.sampled_from([1, 2, 7]),
    chunk=st.integers(1, 20),
    chunk_seconds=st.sampled_from([0.0, 0.2, 30.0]),
    stop=st.none() | st.floats(0, 20),
    sleep=st.none() | st.floats(0, 20),
    broken=st.none() | st.floats(0, 20),
)


def _stage(scene: Scene) -> Stage:
    def script(row: int, attempt: int) -> Answer:
        mine = scene.answers[row - 2]
        return mine[attempt - 1] if attempt <= len(mine) else Answer(ACCEPTED)

    def sleep(stage: Stage) -> None:
        stage.clocks.boot_offset += LEASE_MS
        stage.clocks.wall_offset += LEASE_MS

    def tear(stage: Stage) -> None:
        stage.writer.broken = BulksendError(Problem("E601", "the disk is full"))

    beside = {
        scene.stop: lambda s: s.engine.stop(),
        scene.sleep: sleep,
        scene.broken: tear,
    }
    return Stage(
        rows=len(scene.answers),
        script=script,
        rate=scene.rate,
        weight=scene.weight,
        chunk=scene.chunk,
        chunk_seconds=scene.chunk_seconds,
        at={at: act for at, act in beside.items() if at is not None},
    )


@settings(derandomize=True, max_examples=60, deadline=None)
@given(scene=SCENES)
def test_whatever_happens_every_row_has_its_fate_and_nobody_is_texted_twice(
    scene: Scene,
) -> None:
    """Any script, stop, sleep and disk fault, and a resume that meets no trouble.

    What the journal says is what Bandwidth did: accepted rows were accepted once, no
    other row was, but among those that are unknown.
    """
    with new_path() as path:
        stage = _stage(scene)
        codes: set[str] = set()
        try:
            stage.play(path)
        except BulksendError as error:
            codes = {problem.code for problem in error.problems}
        assert codes <= {"E502", "E503", "E510", "E601", "E611"}
        first = {one.row: one.status for one in stage.entries()}
        if scene.broken is None:
            assert "claimed" not in first.values()

        resumed = Stage(rows=stage.rows, rate=1_000)
        resumed.play(path)

        posted = stage.poster.posted + resumed.poster.posted
        _judge(resumed, posted)
        _nothing_after(stage, scene)


def _judge(stage: Stage, posted: list[Posted]) -> None:
    accepted = Counter(one.row for one in posted if one.answer.what is ACCEPTED)
    may_have_left = Counter(
        one.row for one in posted if one.answer.what in (ACCEPTED, SILENT, GATEWAY)
    )
    fates = {one.row: one.status for one in stage.entries()}
    assert fates.keys() == set(range(2, stage.rows + 2))
    assert set(fates.values()) <= {"accepted", "refused", "unknown"}
    for row, status in fates.items():
        assert may_have_left[row] <= 1
        assert accepted[row] == 1 if status == "accepted" else status != "accepted"
        assert status == "unknown" or accepted[row] == (status == "accepted")


def _nothing_after(stage: Stage, scene: Scene) -> None:
    """Nobody is posted to after a stop, a sleep or a fault of the journal."""
    for moment in (scene.stop, scene.sleep, scene.broken):
        if moment is not None:
            late = [one.row for one in stage.poster.posted if one.at > moment + 0.06]
            assert not late

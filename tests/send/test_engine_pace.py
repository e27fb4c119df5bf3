"""The engine and its pace: permits, senders, slow plans, and the 429 that slows all down."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import pytest

from bulksend.send import flight
from bulksend.send.account import Account
from bulksend.send.allowance import TICK
from bulksend.send.pacing import BySender, Pacer
from tests.send.stage import (
    ACCEPTED,
    FAST,
    FULL,
    SLOW,
    UNREACHED,
    Answer,
    Stage,
    always,
    scripted,
)
from tests.suites.arrivals import densest

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.send.message import Message
    from bulksend.send.pacing import Pace


def test_a_full_queue_slows_down_and_fails_nobody(path: Path) -> None:
    """However long Bandwidth answers 429: every row is accepted in the end."""
    stage = Stage(rows=300, rate=50)
    stage.script = lambda *_: Answer(FULL if stage.loop.time() < 60 else ACCEPTED)

    stage.play(path)

    assert stage.fates() == {"accepted": 300}
    assert stage.engine.tally.throttled > 6
    posted = [one.at for one in stage.poster.posted]
    assert len([at for at in posted if 20 < at < 60]) < 40 * 50 / 10


@pytest.mark.parametrize("rate", [1, 2, 10, 30, 60])
@pytest.mark.parametrize("weight", [1, 3])
def test_no_second_holds_more_than_the_rate_after_a_429_either(
    path: Path, rate: int, weight: int
) -> None:
    """Slowing down and recovering never send a burst."""
    stage = Stage(rows=max(60, 12 * rate // weight), rate=rate, weight=weight)
    stage.script = lambda *_: Answer(FULL if stage.loop.time() % 9 < 1 else ACCEPTED)

    stage.play(path)

    times = [one.at for one in stage.poster.posted]
    most = densest(times) * weight
    assert most <= max(floor(rate * 1.01), rate + weight)


def test_a_429_in_the_middle_of_a_long_message_does_no_harm(path: Path) -> None:
    """The pace may halve while a message waits for its many permits."""
    stage = Stage(rows=60, rate=300, weight=7)
    stage.script = lambda row, n: Answer(FULL if n == 1 and row % 9 == 0 else ACCEPTED)

    stage.play(path)

    assert stage.fates() == {"accepted": 60}


def test_a_slow_claim_waits_for_its_permit(path: Path) -> None:
    """At low rates nothing lies claimed while the pace makes it wait."""
    claimed: list[int] = []

    def look(stage: Stage) -> None:
        claimed.append(stage.fates()["claimed"])

    stage = Stage(rows=60, rate=2, at={s + 0.4: look for s in range(28)})

    stage.play(path)

    assert set(claimed) == {0}


def test_little_is_claimed_ahead(path: Path) -> None:
    """What a kill could leave unknown without having been posted: some hundredths."""
    ahead: list[int] = []

    def look(stage: Stage) -> None:
        under_way = sum(
            one.at + one.answer.latency > stage.loop.time()
            for one in stage.poster.posted
        )
        ahead.append(stage.fates()["claimed"] - under_way)

    stage = Stage(rows=1_500, rate=1_000, at={s / 17: look for s in range(1, 25)})

    stage.play(path)

    assert max(ahead) <= 2 * 1_000 * TICK + 10


def test_the_pace_is_kept_through_the_whole_engine(path: Path) -> None:
    """At most the rate in any second, and hardly less, with latency and commits."""
    stage = Stage(rows=2_100, rate=500, script=always(ACCEPTED, 0.7))

    stage.play(path)

    times = [one.at for one in stage.poster.posted]
    assert len([t for t in times if t < 4]) >= 0.99 * 2_000
    first = 0
    for index, time in enumerate(times):
        while times[first] <= time - 1:
            first += 1
        assert index - first + 1 <= 505


def test_a_plan_that_comes_slowly_neither_hangs_nor_spins(path: Path) -> None:
    """A piece a minute: each is sent as it comes, and nothing turns in between."""
    stage = Stage(rows=30, chunk=3, chunk_seconds=60)

    stage.play(path)

    assert stage.fates() == {"accepted": 30}
    assert stage.loop.time() < 11 * 60
    assert stage.turns < 10_000


def test_retries_do_not_wait_for_the_plans_next_piece(path: Path) -> None:
    """A message that is due again goes out while the next piece is being read."""
    stage = Stage(
        rows=6, chunk=3, chunk_seconds=60, script=scripted(r3=[UNREACHED, ACCEPTED])
    )

    stage.play(path)

    first, second = stage.posts_of(3)
    assert second.at - first.at < 1


def test_a_full_house_waits_without_turning(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many POSTs under way as may be, and a retry due: it waits for one to end."""
    monkeypatch.setattr(flight, "MOST_IN_FLIGHT", 3)
    script = lambda row, attempt: Answer(  # noqa: E731
        UNREACHED if row == 2 and attempt == 1 else ACCEPTED, 0.01 if row == 2 else 20
    )
    stage = Stage(rows=12, rate=100, script=script)

    stage.play(path)

    assert stage.fates() == {"accepted": 12}
    assert stage.turns < 10_000


def test_a_slow_sender_holds_up_nobody_in_a_run(path: Path) -> None:
    """Each at its own pace, to the end, with only so much of the plan in memory."""

    class Stage2(Stage):
        def message(self, row: int) -> Message:
            slow = row % 2 == 0
            return super().message(row)._replace(sender=SLOW if slow else FAST)

        def pacer(self) -> Pace:
            account = Pacer(200, self.loop.time())
            return BySender(account, {SLOW: 5, FAST: 150})

    stage = Stage2(rows=900, paced=(SLOW, FAST))

    stage.play(path)

    at = {
        sender: [one.at for one in stage.poster.posted if one.body["from"] == sender]
        for sender in (SLOW, FAST)
    }
    assert stage.fates() == {"accepted": 900}
    assert max(at[FAST]) == pytest.approx(3, abs=0.2)
    assert max(at[SLOW]) == pytest.approx(90, abs=1)
    assert [one.row for one in stage.poster.posted if one.body["from"] == SLOW] == list(
        range(2, 902, 2)
    )


class ManySenders(Stage):
    """Ten senders of 5/s each, on an account that others may send on, too."""

    def message(self, row: int) -> Message:
        return super().message(row)._replace(sender=f"+1919555000{row % 10}")

    def pacer(self) -> Pace:
        own = dict.fromkeys(self.paced, 5.0)
        account = Account("55", self.rate, writer=self.writer, clocks=self.clocks)
        return account.pace(own)


@pytest.mark.parametrize("weight", [1, 3])
def test_who_waits_for_its_own_pace_is_passed_by(path: Path, weight: int) -> None:
    """One whose moment is over holds up nobody else, whose moments would pass as well."""
    names = tuple(f"+1919555000{n}" for n in range(10))
    stage = ManySenders(rows=600 // weight, rate=100, weight=weight, paced=names)

    stage.play(path)

    at = sorted(one.at for one in stage.poster.posted)
    used = (len(at) - len(names)) * weight / (at[-1] - at[0]) / 50
    assert stage.fates() == {"accepted": stage.rows}
    assert used == pytest.approx(1.0, abs=0.04)
    for name in names:
        mine = [one.at for one in stage.poster.posted if one.body["from"] == name]
        assert densest(mine) * weight <= 5 + weight

"""The first few: what speaks against going on, and the waiting for it, in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import GateRefused, Problem, Stopped
from bulksend.journal.canaries import Fate
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Outcome, Run
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.send.canary import Bounds, Seen, Vigil, against, seen
from tests.send.stage import InlineWriter
from tests.virtual_time import VirtualClocks, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

BOUNDS = Bounds(failed=0.3, opt_outs=0.04)
START = 1_790_000_000_000
RUN = Run("a", "c", "p", "h", "d", "i", "e", "bandwidth", 9, 9, "", START)

CASES = [
    # texted, delivered, failed, spam, unregistered, opted out; before and after
    (Seen(100, 0, 0, 0, 0, 0), None, "E426"),
    (Seen(100, 49, 0, 0, 0, 0), None, "E426"),
    (Seen(100, 50, 0, 0, 0, 0), None, None),
    (Seen(100, 90, 10, 0, 0, 4), None, None),
    (Seen(100, 90, 10, 0, 0, 5), "E547", "E547"),
    (Seen(10, 10, 0, 0, 0, 2), None, None),  # two of ten are not a share
    (Seen(10, 10, 0, 0, 0, 3), "E547", "E547"),
    (Seen(59, 50, 0, 0, 0, 3), "E547", "E547"),  # 4 % of fifty is two
    (Seen(100, 60, 31, 0, 0, 0), "E424", "E424"),
    (Seen(100, 20, 20, 0, 0, 0), None, "E424"),
    (Seen(100, 30, 25, 0, 0, 0), None, "E424"),  # a third of what is known
    (Seen(3, 0, 3, 0, 0, 0), None, None),
    (Seen(100, 99, 1, 1, 0, 0), "E514", "E514"),
    (Seen(100, 99, 1, 0, 1, 0), "E425", "E425"),
    (Seen(0, 0, 0, 0, 0, 0), "E426", "E426"),  # refused, expired or opted out
]


@pytest.mark.parametrize(("what", "before", "after"), CASES)
def test_what_speaks_against_going_on(
    what: Seen, before: str | None, after: str | None
) -> None:
    """A spam verdict and a missing registration at once; missing receipts at the end."""
    found = [against(what, BOUNDS, is_over=is_over) for is_over in (False, True)]
    assert [one and one.code for one in found] == [before, after]


@pytest.mark.parametrize(
    ("texted", "opted_out", "code"),
    [
        (100, 1, None),  # one of a hundred is no share
        (300, 5, None),
        (300, 6, "E428"),
        (1_000, 5, None),
        (1_000, 6, "E428"),
        (10_000, 50, None),
        (10_000, 51, "E428"),
        (10_000, 401, "E547"),  # over 4 %: that is worse, and said
    ],
)
def test_more_opt_outs_than_bandwidth_audits_halt_the_rest(
    texted: int, opted_out: int, code: str | None
) -> None:
    """Over 0.5 % of the first few, and more than five of them; 100 % never halts."""
    what = Seen(texted, texted, 0, 0, 0, opted_out)
    found = against(what, Bounds(0.3, 0.04, 0.005), is_over=False)
    assert (found and found.code) == code
    free = against(what, Bounds(0.3, 0.04, 1.0), is_over=False)
    assert (free and free.code) == (code if code == "E547" else None)


def test_failures_never_stop_where_the_campaign_says_so() -> None:
    """A share of 100 % is no bound."""
    what = Seen(100, 0, 100, 0, 0, 0)
    assert against(what, Bounds(1.0, 0.04), is_over=True) is None


def test_what_became_of_the_first_few_is_counted_by_status_and_code() -> None:
    """Refused and left-out rows were not texted; an unknown one may have been."""
    fates = [
        Fate("accepted", None, 5),
        Fate("delivered", None, 7),
        Fate("failed", "4770", 2),
        Fate("failed", "4476", 1),
        Fate("failed", "4720", 3),
        Fate("failed", "x", 1),
        Fate("unknown", "no_answer", 2),
        Fate("refused", "400", 9),
        Fate("excluded", "opted_out", 9),
    ]
    assert seen(fates, 4) == Seen(21, 7, 7, 2, 1, 4)


class Scene:
    """A run of which ten messages are accepted, and a vigil over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = VirtualLoop()
        self.clocks = VirtualClocks(self.loop, START)
        with Journal.open(path) as journal:
            self.run = journal.runs.add(RUN)
            self.epoch = journal.leases.take("c", Owner.me(), now=START)
            rows = [Candidate(row, None) for row in range(2, 12)]
            journal.claim(self.run, self.epoch, rows, now=START)
            accepted = [Outcome(one.row, Event.ACCEPT, START) for one in rows]
            journal.record(self.run.id, self.epoch, accepted)
            journal.canaries.begin(self.run.id, 10)

    def tell(self, event: Event, *rows: int, code: str | None = None) -> None:
        said = [
            Outcome(row, event, START, error_code=code, error=code and "It failed.")
            for row in rows
        ]
        with Journal.open(self.path) as journal:
            journal.record(self.run.id, self.epoch, said)

    def play(
        self, at: Mapping[float, Callable[[Vigil], None]], *, others: bool = False
    ) -> Seen | None:
        """Wait for fifteen minutes, or for another sender's canary."""

        async def wait() -> Seen | None:
            async with InlineWriter(self.path, self.run) as writer:
                vigil = Vigil(writer, self.clocks, BOUNDS)
                for seconds, action in at.items():
                    self.loop.call_at(seconds, action, vigil)
                if others:
                    await vigil.until_passed()
                    return None
                return await vigil.judge(START + 900_000)

        try:
            return self.loop.run_until_complete(asyncio.wait_for(wait(), 10_000))
        finally:
            self.now = self.loop.time()
            self.loop.close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "journal.sqlite")


def test_it_goes_on_when_the_time_is_over_and_receipts_came(scene: Scene) -> None:
    """Not before: opt-outs need their time."""
    told = {5.0: lambda _: scene.tell(Event.DELIVER, *range(2, 12))}
    assert scene.play(told) == Seen(10, 10, 0, 0, 0, 0)
    assert 900 <= scene.now < 902


def test_a_spam_verdict_ends_the_waiting_at_once_and_is_kept(scene: Scene) -> None:
    """The journal says what stopped the run, and that its first few did."""
    told = {60.0: lambda _: scene.tell(Event.FAIL, 3, code="4770")}
    with pytest.raises(GateRefused, match="E514"):
        scene.play(told)
    assert scene.now < 62
    with Journal.open(scene.path) as journal:
        halt = journal.canaries.standing(scene.run.id)
    assert halt is not None
    assert (halt.code, halt.is_canary) == ("E514", True)


def test_no_receipts_at_all_is_no_good_sign(scene: Scene) -> None:
    """Nobody listens, or nothing arrives: nothing more is sent."""
    with pytest.raises(GateRefused, match=r"E426.*0 of 10 receipts came"):
        scene.play({})


def test_a_stop_ends_the_waiting(scene: Scene) -> None:
    """It is no verdict: the next sender goes on waiting."""
    stop = Stopped(Problem("E631", "it was asked to stop"))
    with pytest.raises(Stopped):
        scene.play({100.0: lambda vigil: vigil.stop(stop)})
    with Journal.open(scene.path) as journal:
        assert journal.canaries.standing(scene.run.id) is None


def test_a_paused_run_does_not_go_on_by_itself(scene: Scene) -> None:
    """The time passes; it goes on when it is resumed."""
    scene.tell(Event.DELIVER, *range(2, 12))
    told = {10.0: Vigil.pause, 2_000.0: Vigil.resume}
    assert scene.play(told) == Seen(10, 10, 0, 0, 0, 0)
    assert 2_000 <= scene.now < 2_002


def test_other_shards_wait_for_the_verdict(scene: Scene) -> None:
    """They begin when the first few passed, and never where they were halted."""

    def passes(_: Vigil) -> None:
        with Journal.open(scene.path) as journal:
            journal.canaries.passed(scene.run.id, by="", now=START)

    scene.play({50.0: passes}, others=True)
    assert 50 <= scene.now < 52


def test_other_shards_do_not_begin_where_the_first_few_were_halted(
    scene: Scene,
) -> None:
    """They say which verdict it was."""

    def halts(_: Vigil) -> None:
        why = Problem("E514", "spam")
        with Journal.open(scene.path) as journal:
            journal.canaries.halt(scene.run.id, why, is_canary=True, now=START)

    with pytest.raises(GateRefused, match=r"E427.*E514"):
        scene.play({50.0: halts}, others=True)

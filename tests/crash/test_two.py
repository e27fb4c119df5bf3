"""Two senders, frozen senders, wrong clocks: nobody is texted twice by any of them."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.crash.ground import FAULTS, Ground, Hung, Nursery, Verdict, until
from tests.suites.arrivals import densest, watched
from tests.suites.postgres_server import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.crash]

SHORT_LEASE = {
    "bulksend__journal__leases__LEASE_MS": 4_000,
    "bulksend__send__hold__LEASE_MS": 4_000,
    "bulksend__send__hold__MARGIN_MS": 800,
    "bulksend__send__hold__RENEW_SECONDS": 0.4,
}
"""Of a lease of 30 s nobody can see the end in a test; the rules are the same."""


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Nursery, Nursery]]:
    with Nursery() as one, Nursery() as other:
        yield one, other


@pytest.fixture(autouse=True)
def _nobody_left(two: tuple[Nursery, Nursery]) -> Iterator[None]:
    """A test that fails leaves no sender to the next."""
    yield
    for nursery in two:
        if nursery.pid:
            nursery.kill()
            nursery.wait()


def freeze(nursery: Nursery, ground: Ground) -> None:
    """Stop the sender where it is, but for a commit: then the journal would be locked."""
    for _ in range(1_000):
        nursery.signal(signal.SIGSTOP)
        until(lambda: _is_stopped(nursery.pid), "a sender that stands still")
        path = ground.home / "journal.sqlite"
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as journal:
            try:
                journal.execute("begin immediate")
                journal.execute("rollback")
            except sqlite3.OperationalError:
                nursery.signal(signal.SIGCONT)
                continue
            return
    raise AssertionError("it does nothing but commit")


def _is_stopped(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return stat.rpartition(")")[2].split()[0] == "T"


def finish(ground: Ground, nursery: Nursery, **patches: Any) -> Verdict:
    """Run it again until it is done."""
    for _ in range(30):
        ground.begin(nursery, "--wait", **patches)
        if nursery.wait() in {0, 5}:
            return ground.judge()
    raise AssertionError(ground.said())


def promised(verdict: Verdict) -> bool:
    return not (verdict.doubled or verdict.lost or verdict.wrong)


def test_a_sender_that_hangs_fails_its_test_and_says_where(
    tmp_path: Path, two: tuple[Nursery, Nursery]
) -> None:
    """No test waits for ever, also where a thread of its own does."""
    nursery, ground = two[0], Ground(tmp_path, 80, rate="20/s")
    with ground.served(random.Random(0)):
        ground.begin(nursery)
        until(lambda: ground.accepted, "a text")
        freeze(nursery, ground)
        with pytest.raises(Hung, match="hung for"):
            nursery.wait(patience=0.2)
    assert "most recent call first" in ground.printed()
    assert not nursery.pid


@pytest.mark.parametrize("seed", range(4))
def test_two_runs_at_once(
    tmp_path: Path, two: tuple[Nursery, Nursery], seed: int
) -> None:
    """Begun in the same moment, again and again, and killed at random: one of them sends."""
    rng, ground = random.Random(seed), Ground(tmp_path, 80, rate="200/s")
    with ground.served(rng, **FAULTS, slow_seconds=0.2):
        for _ in range(4):
            for nursery in two:
                ground.begin(nursery, *rng.choice([(), ("--wait",)]))
            time.sleep(rng.uniform(0, 0.6))
            for nursery in two:
                if rng.random() < 0.7:
                    nursery.kill()
            for nursery in two:
                assert nursery.wait() in {0, 3, 4, 5, -9}, ground.printed()
        verdict = finish(ground, two[0])

    assert promised(verdict), verdict


@pytest.mark.parametrize("frozen_seconds", [0.7, 6.0])
def test_a_sender_that_stood_still_beside_a_second_one(
    tmp_path: Path, two: tuple[Nursery, Nursery], frozen_seconds: float
) -> None:
    """Longer than its lease: the second has taken over, and the first posts nothing more."""
    one, other = two
    ground = Ground(tmp_path, 300, rate="100/s")
    with ground.served(random.Random(1), latency=(0.0, 0.3)):
        ground.begin(one, **SHORT_LEASE)
        until(lambda: len(ground.accepted) > 30, "thirty texts")
        freeze(one, ground)
        began = time.monotonic()
        ground.begin(other, "--wait", **SHORT_LEASE)
        if frozen_seconds > 2:  # it takes over, and sends
            before = len(ground.accepted)
            until(lambda: len(ground.accepted) > before + 30, "a second sender")
        time.sleep(max(0.0, frozen_seconds - (time.monotonic() - began)))
        one.signal(signal.SIGCONT)
        codes = [one.wait(), other.wait()]
        verdict = finish(ground, one)

    assert promised(verdict), verdict
    if frozen_seconds > 2:
        assert codes[0] == 4, codes
    assert codes[1] in {0, 4, 5}, codes


def test_frozen_for_ten_seconds_within_its_lease(
    tmp_path: Path, two: tuple[Nursery, Nursery]
) -> None:
    """With the lease as it is: the second is refused, and the first goes on after it."""
    one, other = two
    ground = Ground(tmp_path, 300, rate="60/s")
    with ground.served(random.Random(1)):
        ground.begin(one, bulksend__send__bandwidth__ANSWER_SECONDS=30.0)
        until(lambda: len(ground.accepted) > 30, "thirty texts")
        pid = one.pid
        one.signal(signal.SIGSTOP)
        ground.begin(other)
        # It may have to wait: who stands still in a commit has the journal locked.
        time.sleep(10)
        one.signal(signal.SIGCONT)
        assert other.wait() == 3, ground.printed()
        (problem,) = ground.said()["problems"]
        assert problem["code"] == "E610"
        assert f"process {pid} " in problem["found"]
        went_on = one.wait()
        verdict = ground.judge() if went_on == 0 else finish(ground, one)

    assert promised(verdict), verdict
    assert verdict.accepted + verdict.unknown == 300
    # On a machine that is busy too it may have been away for more than its lease.
    assert went_on in {0, 4}
    if went_on == 0:
        assert verdict.unexplained == 0


@pytest.mark.parametrize("jump", [-3_600_000, -2_000, 2_000, 3_600_000])
@pytest.mark.parametrize("second", [False, True])
def test_a_clock_that_is_set(
    tmp_path: Path, two: tuple[Nursery, Nursery], jump: int, second: bool
) -> None:
    """Back or forth, by seconds or an hour, beside a sender whose clock was not."""
    one, other = two
    rng, ground = random.Random(jump), Ground(tmp_path, 150, rate="150/s")
    with ground.served(rng, **FAULTS, slow_seconds=0.2):
        at = time.monotonic() + rng.uniform(0.3, 1.5)
        ground.begin(one, clock=(at, jump), **SHORT_LEASE)
        if second:
            time.sleep(0.4)  # about when the clock jumps: before it or after
            ground.begin(other, "--wait", **SHORT_LEASE)
        codes = [one.wait(), *([other.wait()] if second else [])]
        verdict = finish(ground, one, **SHORT_LEASE)

    assert promised(verdict), verdict
    assert set(codes) <= {0, 3, 4, 5}, codes


@pytest.mark.parametrize("jump", [-3_600_000, 3_600_000])
@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_a_clock_that_is_set_under_two_campaigns_that_share_a_pace(
    tmp_path: Path,
    two: tuple[Nursery, Nursery],
    request: pytest.FixtureRequest,
    where: str,
    jump: int,
) -> None:
    """By an hour, for both at once: neither stands still, and no second holds too much."""
    grounds = [
        Ground(tmp_path / name, 150, rate="100/s", name=name, first=first)
        for name, first in (("c", 0), ("d", 150))
    ]
    (tmp_path / "home").mkdir()
    journal = {"BULKSEND_HOME": str(tmp_path / "home")}
    if where == "postgres":
        journal["BULKSEND_JOURNAL"] = request.getfixturevalue("postgres").schema()
    with grounds[0].served(random.Random(1)), watched(grounds[0].origin) as arrivals:
        environment = grounds[0].environment | journal
        environment["BW_MESSAGING_URL"] = f"{arrivals.origin}/api/v2"
        for ground in grounds:
            ground.environment = environment
        jumps_at = time.monotonic() + 1.8
        both = list(zip(grounds, two, strict=True))
        for ground, nursery in both:
            ground.begin(nursery, clock=(jumps_at, jump))
        codes = [nursery.wait() for _, nursery in both]
        took = time.monotonic() - jumps_at
        for ground, nursery in both:  # whose lease is over by its clock was told so
            while codes[two.index(nursery)] == 4:
                ground.begin(nursery, "--wait", clock=(0.0, jump))
                codes[two.index(nursery)] = nursery.wait()
        texted = Counter(number for one in grounds[0].accepted for number in one.to)

    assert codes == [0, 0], [ground.printed() for ground in grounds]
    assert len(texted) == 300
    assert max(texted.values()) == 1
    assert densest(arrivals.moments) <= 100 * 1.01 + 1
    assert took < 30

"""What Bandwidth's search tells: how the unknown ended, and what became of the accepted.

    settle_runs    look the unknown up, believe what is proven, say what is not
    poll_runs      delivered or failed, for those who have no callbacks

Nothing is sent by any of these.  What people say themselves is in `deciding`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bulksend import aside
from bulksend.errors import InputError, Problem, Stopped
from bulksend.logs import log
from bulksend.pipeline import write_run
from bulksend.send.clocks import wall_ms
from bulksend.send.signin import Credentials
from bulksend.settle.evidence import WAIT_MS, Proof
from bulksend.settle.finding import find_run
from bulksend.settle.ground import Ground
from bulksend.settle.looking import look, look_at_accepted, reach
from bulksend.settle.search import MessageSearch
from bulksend.unsettled import Cases, cases_of, is_real

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterable,
        Mapping,
    )

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal

OVER = (Proof.ACCEPTED, Proof.ABSENT)
TIME_TELLS = (Proof.WAITING, Proof.HIDDEN, Proof.ALONE)

AWAY = ("E502", "E546")
"""What ends by itself: no answer from where a token comes from, or from the search."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How to look.

    Args:
        wait_ms: How long a message must be gone before its absence is believed.

        again_seconds: Look again after so long, until nothing waits; None: once.

        calls_a_second: How fast to ask; None is what Bandwidth allows.

        tell: Called with the counts after each look.
    """

    wait_ms: int = WAIT_MS
    again_seconds: float | None = None
    calls_a_second: float | None = None
    tell: Callable[[dict[str, int]], None] = lambda _: None


@dataclass(slots=True)
class Settled:
    """What became of the unknown.

    Args:
        counts: Messages by what is proven (`Proof`).

        skipped: Unknown rows of runs on the simulator, which no search knows.

        left_out: Unknown rows of runs whose plan is gone, or that are another account's.

        doubled: Rows of which two messages are known: somebody was texted twice.

        calls: How often the search was asked.

        problems: What kept anything from being settled, run by run.
    """

    counts: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    left_out: int = 0
    doubled: int = 0
    calls: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Messages that are still unknown."""
        over = sum(self.counts[one] for one in OVER)
        return self.counts.total() - over + self.skipped + self.left_out

    def as_dict(self) -> dict[str, int]:
        shown = {proof.value: self.counts[proof] for proof in Proof}
        others = {"skipped": self.skipped, "left_out": self.left_out}
        return shown | others | {"doubled": self.doubled, "calls": self.calls}


def settle_runs(
    home: Home,
    environment: Mapping[str, str],
    *,
    run: str = "",
    how: Manner | None = None,
) -> Settled:
    """End the unknown of *run*, or of every run, by what the message search proves.

    A run whose plan is gone stays as it is, and is named among the problems; its unknown
    still compete for records with those of others.

    Raises:
        InputError: E630, where there is no such run; E500 without credentials.
        GateRefused: E545, where Bandwidth refuses the search.
        Stopped: E546, where it does not answer; who looks again and again goes on.
    """
    how = how or Manner()
    settled = Settled()
    looked_at: dict[int, Run] = {}
    with find_run(run, home) as (journal, known):
        name = known.run if run else ""

        def cases() -> Cases:
            found = cases_of(home, journal, environment, run=name)
            settled.skipped, settled.left_out = found.skipped, found.left_out
            looked_at.update({one.id: one for one in found.real})
            return found

        first = cases()
        settled.problems = [*first.problems]
        if first.may_be_looked_up:
            credentials = Credentials.from_environment(environment)
            aside.run(_settle(journal, credentials, how, settled, cases))
        everyone = {*looked_at, *([known.id] if run else [])}
        settled.doubled = sum(journal.receipts.doubled(one) for one in everyone)
        rewrite(home, journal, looked_at.values())
    return settled


def poll_runs(
    home: Home,
    environment: Mapping[str, str],
    *,
    run: str = "",
    how: Manner | None = None,
) -> dict[str, int]:
    """Ask the search what became of accepted messages; rows by what they are now.

    Those that are older than the search goes, and have no end yet, are ``too_old``.

    Raises:
        As `settle_runs`.
    """
    how = how or Manner()
    with find_run(run, home) as (journal, known):

        def asked() -> list[Run]:
            everyone = [known] if run else journal.runs.all()
            return [one for one in everyone if is_real(one)]

        found: Counter[str] = Counter()
        if _waiting(journal, asked()):
            credentials = Credentials.from_environment(environment)
            aside.run(_poll(journal, asked, credentials, how, found))
        real = asked()
        before = reach(wall_ms())
        old = (journal.decisions.accepted_before(one.id, before) for one in real)
        if count := sum(old):
            found["too_old"] = count
        rewrite(home, journal, real)
    return dict(found)


def rewrite(home: Home, journal: Journal, runs: Iterable[Run]) -> None:
    """Results as they are now; a run that is being sent writes its own at its end."""
    for run in runs:
        if journal.leases.holder(run.campaign, now=wall_ms()) is None:
            with suppress(InputError):  # its plan, or its results' folder, is gone
                write_run(run.run, home=home)


# -- looking ----------------------------------------------------------------------------


async def _settle(
    journal: Journal,
    credentials: Credentials,
    how: Manner,
    settled: Settled,
    cases: Callable[[], Cases],
) -> None:
    """Look until nothing waits any more that time may prove, or once."""
    async with search_by(credentials, how) as search:
        while True:
            found = cases()
            counts: Counter[str] = Counter()
            ground = Ground(
                journal, found.plans, search, how.wait_ms, wall_ms, found.asked
            )
            if await _unless_away(how, look(ground, counts)) is None:
                settled.counts.update({one: counts[one] for one in OVER})
                continue
            off = search.problem() if search.calls else None
            clocks = [] if off is None else [off]
            settled.problems = [*found.problems, *clocks]
            done = Counter({one: settled.counts[one] for one in OVER})
            settled.counts = done + counts
            settled.calls = search.calls
            how.tell(settled.as_dict())
            # What was found accounts for records, and so may clear up another message.
            if counts[Proof.ACCEPTED] and counts[Proof.AMBIGUOUS]:
                continue
            waits = sum(counts[one] for one in TIME_TELLS)
            # By clocks that are apart nothing more is proven, however long it waits.
            if how.again_seconds is None or clocks or not waits:
                return
            await asyncio.sleep(how.again_seconds)


async def _poll(
    journal: Journal,
    asked: Callable[[], list[Run]],
    credentials: Credentials,
    how: Manner,
    found: Counter[str],
) -> None:
    """Look until everything has its end that the search can show, or once."""
    async with search_by(credentials, how) as search:
        while True:
            waiting = _waiting(journal, asked())
            if not waiting:
                return
            looking = look_at_accepted(journal, search, min(waiting), now=wall_ms)
            seen = await _unless_away(how, looking)
            if seen is None:
                continue
            found.clear()
            found.update(seen)
            how.tell(dict(found))
            if how.again_seconds is None:
                return
            await asyncio.sleep(how.again_seconds)


async def _unless_away(how: Manner, looking: Awaitable[T]) -> T | None:
    """What a look has found; None, a turn later, where the search or sign-in was away.

    Who watches over night is not left by an outage, and is told of it.

    Raises:
        GateRefused: As it did, where it is refused.
        Stopped: As it did, where it is looked only once.
    """
    try:
        return await looking
    except Stopped as error:
        problem = error.problems[0]
        if how.again_seconds is None or problem.code not in AWAY:
            raise
        told = {"code": problem.code, "why": problem.found}
        log.warning("search is away", **told, looks_again_in=how.again_seconds)
        await asyncio.sleep(how.again_seconds)
        return None


def _waiting(journal: Journal, runs: Iterable[Run]) -> list[int]:
    """When the first message of each run was accepted whose end a search may show yet."""
    since = reach(wall_ms())
    firsts = (journal.decisions.first_accepted(one.id, since=since) for one in runs)
    return [one for one in firsts if one is not None]


def search_by(credentials: Credentials, how: Manner) -> MessageSearch:
    """The search, asked as fast as is said."""
    pace = {} if how.calls_a_second is None else {"calls_a_second": how.calls_a_second}
    return MessageSearch(
        credentials,
        clock=time.monotonic,
        now=wall_ms,
        rng=random.Random(),  # noqa: S311  (jitter, not a secret)
        **pace,
    )

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bulksend import aside
from bulksend.assignment import other_account
from bulksend.errors import BulksendError, GateRefused, InputError, Problem, Stopped
from bulksend.journal.owner import Owner
from bulksend.logs import log
from bulksend.pipeline import write_run
from bulksend.send.clocks import wall_ms
from bulksend.send.signin import Credentials
from bulksend.settle.evidence import WAIT_MS, Proof
from bulksend.settle.finding import find_run, plan_of
from bulksend.settle.ground import Ground
from bulksend.settle.looking import look, look_at_accepted, reach
from bulksend.settle.search import MessageSearch

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

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
    with _runs(home, run) as (journal, runs):
        everyone = journal.runs.all()
        orphan(journal, everyone)
        unknown = {one.id: journal.decisions.unknown(one.id) for one in everyone}
        rivals = [one for one in everyone if is_real(one) and unknown[one.id]]
        ours = {one.id for one in runs}
        real = [one for one in rivals if one.id in ours]
        settled.skipped = sum(len(unknown[one.id]) for one in runs if not is_real(one))
        account = environment.get("BW_ACCOUNT_ID", "").strip()
        plans, without = _plans(home, rivals, account)
        for one in without.keys() & set(real):
            settled.left_out += len(unknown[one.id])
            settled.problems.append(without[one])
        if plans.keys() & set(real):
            credentials = Credentials.from_environment(environment)
            ground = partial(
                Ground, journal, plans, wait_ms=how.wait_ms, now=wall_ms, asked=ours
            )
            aside.run(_settle(ground, credentials, how, settled))
        looked_at = {*real, *(runs if run else ())}
        settled.doubled = sum(journal.receipts.doubled(one.id) for one in looked_at)
        rewrite(home, journal, real)
    return settled


def _plans(
    home: Home, runs: Iterable[Run], account: str
) -> tuple[dict[Run, Plan], dict[Run, Problem]]:
    """The plans of runs that can be looked up, and why others cannot."""
    plans: dict[Run, Plan] = {}
    without: dict[Run, Problem] = {}
    for one in runs:
        if account and one.account not in ("", account):
            without[one] = other_account(one, account)
            continue
        try:
            plans[one] = plan_of(one, home)
        except BulksendError as error:
            why = error.problems[0]
            found = f"{one.run}: {why.code} {why.found}"
            without[one] = Problem("E550", found, file=why.file)
    return plans, without


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
    with _runs(home, run) as (journal, runs):
        real = [one for one in runs if is_real(one)]
        found: Counter[str] = Counter()
        if _waiting(journal, real):
            credentials = Credentials.from_environment(environment)
            aside.run(_poll(journal, real, credentials, how, found))
        before = reach(wall_ms())
        old = (journal.decisions.accepted_before(one.id, before) for one in real)
        if count := sum(old):
            found["too_old"] = count
        rewrite(home, journal, real)
    return dict(found)


# -- the runs ---------------------------------------------------------------------------


@contextmanager
def _runs(home: Home, run: str) -> Iterator[tuple[Journal, list[Run]]]:
    """The journal, open, and the run asked for, or all of them."""
    with find_run(run, home) as (journal, known):
        yield journal, [known] if run else journal.runs.all()


def is_real(run: Run) -> bool:
    """Whether a search may know its messages: nobody else knows the stand-in's."""
    return run.provider == "bandwidth"


def orphan(journal: Journal, runs: Iterable[Run]) -> None:
    """Claims whose sender is gone become unknown, as the next sender would have it."""
    for campaign in {one.campaign for one in runs}:
        with suppress(GateRefused):  # somebody is at work: then nothing is orphaned
            epoch = journal.leases.take(campaign, Owner.me(), now=wall_ms())
            journal.leases.end(campaign, epoch)


def rewrite(home: Home, journal: Journal, runs: Iterable[Run]) -> None:
    """Results as they are now; a run that is being sent writes its own at its end."""
    for run in runs:
        if journal.leases.holder(run.campaign, now=wall_ms()) is None:
            with suppress(InputError):  # its plan, or its results' folder, is gone
                write_run(run.run, home=home)


# -- looking ----------------------------------------------------------------------------


async def _settle(
    ground: Callable[..., Ground],
    credentials: Credentials,
    how: Manner,
    settled: Settled,
) -> None:
    """Look until nothing waits any more that time may prove, or once."""
    left_out = settled.problems
    async with search_by(credentials, how) as search:
        while True:
            counts: Counter[str] = Counter()
            looking = look(ground(search=search), counts)
            if await _unless_away(how, looking) is None:
                settled.counts.update({one: counts[one] for one in OVER})
                continue
            off = search.problem() if search.calls else None
            clocks = [] if off is None else [off]
            settled.problems = [*left_out, *clocks]
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
    runs: Sequence[Run],
    credentials: Credentials,
    how: Manner,
    found: Counter[str],
) -> None:
    """Look until everything has its end that the search can show, or once."""
    async with search_by(credentials, how) as search:
        while True:
            waiting = _waiting(journal, runs)
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

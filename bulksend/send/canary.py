"""The first few of a run: sent, waited for, and judged before the rest goes.

What a filter, a missing registration or a bad list would do to everybody, it does to the
first few.  Their receipts come into the journal elsewhere (`bulksend listen`, or `poll`),
so this looks there.  It waits the whole time that the campaign says, since people who
opt out need it; what speaks against going on ends the waiting at once.

No receipts at all is no good sign: then nobody knows anything, and nothing more is sent.
Where none of the first few was taken there is nothing to wait for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bulksend.codes import SPAM, UNREGISTERED
from bulksend.errors import BulksendError, GateRefused, Problem
from bulksend.journal.states import Status
from bulksend.logs import log
from bulksend.send.breakers import FEWEST_OPT_OUTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.journal.canaries import Fate
    from bulksend.journal.store import Journal
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks

LOOK_SECONDS = 1.0
FEWEST_RECEIPTS = 10
FEWEST_PEOPLE = 50
"""A share is one of at least so many."""

RECEIPTS_NEEDED = 0.5
"""The share of the messages that must have come to an end by then."""


class Seen(NamedTuple):
    """What is known of the first few."""

    texted: int
    delivered: int
    failed: int
    spam: int
    unregistered: int
    opted_out: int

    @property
    def receipts(self) -> int:
        return self.delivered + self.failed


def seen(fates: Iterable[Fate], opted_out: int) -> Seen:
    """Count what became of them."""
    statuses: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    for one in fates:
        statuses[one.status] += one.messages
        if one.status == Status.FAILED and (one.error_code or "").isdecimal():
            codes[int(one.error_code or 0)] += one.messages
    texted = (Status.ACCEPTED, Status.DELIVERED, Status.FAILED, Status.UNKNOWN)
    return Seen(
        texted=sum(statuses[status] for status in texted),
        delivered=statuses[Status.DELIVERED],
        failed=statuses[Status.FAILED],
        spam=sum(codes[code] for code in SPAM),
        unregistered=sum(codes[code] for code in UNREGISTERED),
        opted_out=opted_out,
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the first few may do: shares, as `send.stop_at` has them.

    Args:
        audited: `send.canary.opt_outs`: more than that, and more than a few.
    """

    failed: float
    opt_outs: float
    audited: float = 1.0


def against(what: Seen, bounds: Bounds, *, is_over: bool) -> Problem | None:
    """What speaks against going on.

    Args:
        is_over: Whether the waiting is.
    """
    if what.unregistered:
        return Problem("E425", f"{what.unregistered:,} of {what.texted:,} messages")
    if what.spam:
        return Problem(
            "E514", f"{what.spam:,} of the first {what.texted:,} were stopped as spam"
        )
    if code := _too_many_opt_outs(what, bounds):
        found = f"{what.opted_out:,} of the first {what.texted:,} people opted out"
        return Problem(code, found)
    if bounds.failed < 1.0 and what.failed > bounds.failed * max(
        what.receipts if is_over else what.texted, FEWEST_RECEIPTS
    ):
        found = f"{what.failed:,} of the first {what.texted:,} were not delivered"
        return Problem("E424", found)
    is_unheard = is_over and what.receipts < RECEIPTS_NEEDED * what.texted
    if is_unheard or not what.texted:
        found = f"{what.receipts:,} of {what.texted:,} receipts came"
        none = "none of the first few messages was taken"
        return Problem("E426", found if what.texted else none)
    return None


def _too_many_opt_outs(what: Seen, bounds: Bounds) -> str:
    if what.opted_out > bounds.opt_outs * max(what.texted, FEWEST_PEOPLE):
        return "E547"
    audited = max(bounds.audited * what.texted, FEWEST_OPT_OUTS)
    return "E428" if bounds.audited < 1.0 and what.opted_out > audited else ""


class Vigil:
    """The waiting; `watch` and a signal may end it, as they end an engine."""

    is_quiet = True

    def __init__(self, writer: Writer, clocks: Clocks, bounds: Bounds) -> None:
        self._writer = writer
        self._clocks = clocks
        self._bounds = bounds
        self._paused = False
        self._stopped = asyncio.Event()
        self._problem: BulksendError | None = None

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def stop(self, problem: BulksendError | None = None) -> None:
        self._problem = self._problem or problem
        self._stopped.set()

    async def judge(self, until: int) -> Seen:
        """Wait until then, in milliseconds since 1970; what was seen.

        Raises:
            GateRefused: What speaks against going on; it is in the journal.
            BulksendError: What stopped the waiting.
        """
        run_id = self._writer.run.id
        while True:
            now = self._clocks.wall_ms()
            what = await self._writer.call(lambda journal: _look(journal, run_id))
            why = against(what, self._bounds, is_over=now >= until)
            if why is not None:
                await self._halt(why, now)
                raise GateRefused(why)
            if now >= until and not self._paused:
                return what
            await self._sleep()

    async def _halt(self, why: Problem, now: int) -> None:
        run_id = self._writer.run.id
        await self._writer.call(
            lambda journal: journal.canaries.halt(run_id, why, is_canary=True, now=now)
        )

    async def until_passed(self) -> None:
        """Wait for another sender's canary.

        Raises:
            GateRefused: E427, where it was halted.
            BulksendError: What stopped the waiting.
        """
        run_id, told = self._writer.run.id, False
        while True:
            canary, halt = await self._writer.call(
                lambda journal: (
                    journal.canaries.of(run_id),
                    journal.canaries.standing(run_id),
                )
            )
            if canary is not None and canary.passed_at is not None:
                return
            if halt is not None and halt.is_canary:
                raise GateRefused(Problem("E427", f"{halt.code}, {halt.found}"))
            if not told:
                log.info("waiting for shard 0", why="it sends the first few")
            told = True
            await self._sleep()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._stopped.wait()
        except TimeoutError:
            return
        if self._problem is not None:
            raise self._problem


def _look(journal: Journal, run_id: int) -> Seen:
    run_began = journal.canaries.first_claim(run_id)
    opted_out = journal.suppressions.opted_out_of(run_id, since=run_began)
    return seen(journal.canaries.fates(run_id), opted_out)

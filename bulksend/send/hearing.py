"""What is heard while a run goes on, counted for its breakers: spam verdicts, opt-outs.

Callbacks come in elsewhere, into the journal (`bulksend listen`); here they are looked
for every other second.  Bandwidth audits who has more opt-outs than 0.5 % of the people
texted in 24 hours, and may suspend a campaign over 4 %.

A share is one of the same people above and below the line: those of this sender's part of
the run, from its first message on, however often it was killed and resumed.  What a
breaker once stopped, and somebody sent on, counts anew from there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bulksend.codes import DAY_IS_FULL
from bulksend.journal.records import WHOLE
from bulksend.journal.states import Event
from bulksend.logs import log
from bulksend.rules.carriers import pacific_day
from bulksend.send.breakers import FAILED, OPT_OUTS

if TYPE_CHECKING:
    from bulksend.journal.canaries import Texted
    from bulksend.journal.records import Part
    from bulksend.journal.store import Journal
    from bulksend.journal.writer import Writer
    from bulksend.send.aftermath import Tally
    from bulksend.send.caps import CarrierCap
    from bulksend.send.clocks import Clocks

LOOK_SECONDS = 2.0
OVERLAP_MS = 10_000
"""Several listeners may commit a little out of order."""

PAUSE_PER_LOOK = 50
"""Between two looks at all rows, a pause of so many times what one takes."""

AUDIT_SHARE = 0.005
"""Over this share of opt-outs Bandwidth asks for proof of consent."""

_OVER_AUDIT = "opt-outs: over 0.5 % in a day Bandwidth asks for proof of consent"


class Ear(Protocol):
    """Who is told; `engine.Engine` is one."""

    @property
    def tally(self) -> Tally: ...

    def texted_before(self, people: int, failed: int) -> None: ...

    def receipt_failed(self, error_code: str) -> None: ...

    def opted_out(self, count: int, people: int) -> None: ...


class _OptOuts:
    """Those of a run's people, among all who opt out while it goes on.

    Others do too, from the campaigns before.  To tell them apart all rows of the run are
    read; so that is done only where all together would be too many, and not too often.
    """

    def __init__(self, writer: Writer, clocks: Clocks, part: Part, since: int) -> None:
        self._writer = writer
        self._clocks = clocks
        self._part = part
        self._since = since
        self._others = self._ours = 0
        self._again_at = 0.0

    async def among(self, everyone: int, people: int) -> int:
        """How many of *everyone* who opted out, as it was at the last look.

        Args:
            people: How many people have the run's text.
        """
        most = max(everyone - self._others, 0)
        if most <= AUDIT_SHARE * people:
            return most
        began = self._clocks.monotonic()
        if began >= self._again_at:
            run_id, part, since = self._writer.run.id, self._part, self._since
            self._ours = await self._writer.call(
                lambda j: j.suppressions.opted_out_of(run_id, part, since=since)
            )
            self._others = everyone - self._ours
            now = self._clocks.monotonic()
            self._again_at = now + PAUSE_PER_LOOK * (now - began)
        return self._ours


class _Before(NamedTuple):
    """What was there when this sender began: of an earlier attempt at the run.

    Args:
        opt_outs_since: From when on opt-outs count.

        known: Failures of which was heard since this sender began, and which are among
            those of *texted*.
    """

    texted: Texted
    opt_outs_since: int
    known: frozenset[str]


async def hear(
    ear: Ear,
    writer: Writer,
    clocks: Clocks,
    *,
    part: Part = WHOLE,
    day: CarrierCap | None = None,
) -> None:
    """Listen until cancelled.

    Args:
        part: The rows that this sender has.

        day: T-Mobile's cap, where it is kept: it closes when T-Mobile says so.
    """
    began = since = clocks.wall_ms()
    run_id = writer.run.id
    before = await writer.read(lambda journal: _before(journal, run_id, part, began))
    known, opt_outs_since, is_told = before.known, before.opt_outs_since, False
    opt_outs = _OptOuts(writer, clocks, part, opt_outs_since)
    ear.texted_before(before.texted.people, before.texted.failed)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        failed, everyone = await writer.call(
            lambda journal, since=since: (  # type: ignore[misc]
                journal.receipts.failures_since(run_id, part, since=since),
                journal.suppressions.opted_out_since(opt_outs_since),
            )
        )
        if day is not None and str(DAY_IS_FULL) in failed.values():
            await close_day_if_told(writer, day, clocks.wall_ms())
        for message_id, code in failed.items():
            if message_id not in known:
                ear.receipt_failed(code)
        known, since = frozenset(failed), max(began, clocks.wall_ms() - OVERLAP_MS)
        people = before.texted.people + ear.tally.events[Event.ACCEPT]
        opted_out = await opt_outs.among(everyone, people)
        if not is_told and people and opted_out > AUDIT_SHARE * people:
            is_told = True
            log.warning(_OVER_AUDIT, count=opted_out, people=people)
        ear.opted_out(opted_out, people)


def _before(journal: Journal, run_id: int, part: Part, began: int) -> _Before:
    halted = {one.code: one.at for one in reversed(journal.canaries.halts(run_id))}
    since = halted.get(FAILED, 0)
    texted = journal.canaries.texted(run_id, part, since=since, until=began)
    first = journal.canaries.first_claim(run_id) or began
    heard = journal.receipts.failures_since(run_id, part, since=began)
    return _Before(texted, halted.get(OPT_OUTS, first), frozenset(heard))


async def close_day_if_told(writer: Writer, day: CarrierCap, now: int) -> None:
    """Where it is about a message of today: what is told may be of yesterday's."""
    since, _ = pacific_day(now)
    provider, run_id = writer.run.provider, writer.run.id
    told = await writer.call(
        lambda j: j.receipts.failed_with(provider, DAY_IS_FULL, since=since)
    )
    if run_id in told:
        await close_day(writer, day, now)


async def close_day(writer: Writer, day: CarrierCap, now: int) -> None:
    """T-Mobile said today that it takes no more: believe it rather than our count.

    Others may send for the brand too, or its tier be a lower one.  The cap is the brand's,
    so all campaigns that share it wait for the next day.
    """
    since, _ = pacific_day(now)
    if await writer.call(lambda journal: journal.limits.close(day.name, at=since)):
        log.warning("T-Mobile takes no more today", cap=day.most)

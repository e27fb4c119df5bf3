"""What is heard while a run goes on, counted for its breakers: spam verdicts, opt-outs.

Callbacks come in elsewhere, into the journal (`bulksend listen`); here they are looked
for every other second.  Bandwidth audits who has more opt-outs than 0.5 % of the people
texted in 24 hours, and may suspend a campaign over 4 % (bandwidth.md §4).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from bulksend.codes import DAY_IS_FULL
from bulksend.journal.states import Event
from bulksend.logs import log
from bulksend.rules.carriers import pacific_day
from bulksend.send.caps import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Awaitable

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

    def texted_before(self, people: int) -> None: ...

    def receipt_failed(self, error_code: str) -> None: ...

    def opted_out(self, count: int, people: int) -> None: ...


class _OptOuts:
    """Those of a run's people, among all who opt out while it goes on.

    Others do too, from the campaigns before.  To tell them apart all rows of the run are
    read; so that is done only where all together would be too many, and not too often.
    """

    def __init__(self, writer: Writer, clocks: Clocks) -> None:
        self._writer = writer
        self._clocks = clocks
        self._others = self._ours = self._since = 0
        self._again_at = 0.0

    async def among(self, everyone: int, people: int, *, since: int) -> int:
        """How many of *everyone* who opted out, as it was at the last look.

        Args:
            people: How many people have the run's text.
        """
        if since != self._since:  # *everyone* are others than at the last look
            self._since, self._others = since, 0
        most = max(everyone - self._others, 0)
        if most <= AUDIT_SHARE * people:
            return most
        began = self._clocks.monotonic()
        if began >= self._again_at:
            run_id = self._writer.run.id
            self._ours = await self._writer.call(
                lambda journal: journal.suppressions.opted_out_of(run_id, since=since)
            )
            self._others = everyone - self._ours
            now = self._clocks.monotonic()
            self._again_at = now + PAUSE_PER_LOOK * (now - began)
        return self._ours


async def hear(
    ear: Ear,
    writer: Writer,
    clocks: Clocks,
    *,
    counted: Awaitable[int],
    day: CarrierCap | None = None,
) -> None:
    """Listen until cancelled.

    Args:
        counted: How many people had this run's text before it went on.

        day: T-Mobile's cap, where it is kept: it closes when T-Mobile says so.
    """
    began = clocks.wall_ms()
    since, known = began, frozenset[str]()
    is_told, before = False, await counted
    opt_outs = _OptOuts(writer, clocks)
    ear.texted_before(before)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        a_day = max(began, clocks.wall_ms() - DAY_MS)
        failed, everyone = await writer.call(
            lambda journal, since=since, a_day=a_day: (  # type: ignore[misc]
                journal.receipts.failures_since(writer.run.id, since),
                journal.suppressions.opted_out_since(a_day),
            )
        )
        if day is not None and str(DAY_IS_FULL) in failed.values():
            await close_day(writer, day, clocks.wall_ms())
        for message_id, code in failed.items():
            if message_id not in known:
                ear.receipt_failed(code)
        known, since = frozenset(failed), max(began, clocks.wall_ms() - OVERLAP_MS)
        people = before + ear.tally.events[Event.ACCEPT]
        opted_out = await opt_outs.among(everyone, people, since=a_day)
        if not is_told and people and opted_out > AUDIT_SHARE * people:
            is_told = True
            log.warning(_OVER_AUDIT, count=opted_out, people=people)
        ear.opted_out(opted_out, people)


async def close_day(writer: Writer, day: CarrierCap, now: int) -> None:
    """Where T-Mobile said today that it takes no more, believe it rather than our count.

    Others may send for the brand too, or its tier be a lower one.  The cap is the brand's,
    so all campaigns that share it wait for the next day.
    """
    campaign, (since, _) = writer.run.campaign, pacific_day(now)

    def close(journal: Journal) -> bool:
        if not journal.receipts.has_failed(campaign, DAY_IS_FULL, since=since):
            return False
        return journal.limits.empty(day.name, at=since, most=day.most)

    if await writer.call(close):
        log.warning("T-Mobile takes no more today", cap=day.most)

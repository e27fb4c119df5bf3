"""Everything that an engine needs, put together for one assignment."""

from __future__ import annotations

import asyncio
import random
from array import array
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.journal.records import WHOLE
from bulksend.prepare.outlook import end_of
from bulksend.prepare.timing import plan_hours
from bulksend.runs import ended_in_doubt, envelope, scope
from bulksend.send.account import Account
from bulksend.send.breakers import Breakers
from bulksend.send.caps import Cap
from bulksend.send.engine import Engine
from bulksend.send.intake import Intake
from bulksend.send.pacing import BySender, Pace, Pacer
from bulksend.send.source import PlanSource
from bulksend.send.timed import Manner, TimedSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.assignment import Assignment
    from bulksend.journal.mark import Mark
    from bulksend.journal.store import Journal
    from bulksend.journal.writer import Writer
    from bulksend.send.bandwidth import Client
    from bulksend.send.clocks import SystemClocks

DAY_MS = 86_400_000


class Assembled(NamedTuple):
    """An engine, where its messages come from, and how far the run was before it.

    Args:
        total: Messages that are this sender's.

        before: Those of them that had a fate already.
    """

    engine: Engine
    source: PlanSource | TimedSource
    total: int
    before: int


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the parts of an engine are made from."""

    assignment: Assignment
    client: Client
    writer: Writer
    clocks: SystemClocks

    async def engine(self, mark: Mark) -> Assembled:
        """An engine for what is left of the run whose lease the writer holds."""
        writer, asked, clocks = self.writer, self.assignment, self.clocks
        run, campaign, part = writer.run, asked.campaign, asked.part
        await self._begin_mark(mark)
        chosen = await self._reopened() if asked.only else None
        closed = await writer.call(lambda journal: journal.closed_rows(run.id, part))
        source = await asyncio.to_thread(self._read, closed, chosen)
        in_doubt = await writer.call(
            lambda journal: ended_in_doubt(journal, run, closed)
        )
        intake = Intake(
            source,
            envelope(asked.plan, campaign),
            writer=writer,
            clocks=clocks,
            ledger=await self._ledger(),
            caps=await self._caps(source.limits),
            paced=asked.per_sender,
        )
        engine = Engine(
            intake=intake,
            client=self.client,
            writer=writer,
            pacer=self._pace(),
            clocks=clocks,
            rng=random.Random(),  # noqa: S311  (jitter, not a secret)
            breakers=Breakers(
                **campaign.send.stop_at.model_dump(),
                in_doubt=in_doubt,
            ),
            not_after=asked.deadline(clocks.wall_ms()),
        )
        return Assembled(engine, source, asked.own(run).sendable, len(closed))

    async def _begin_mark(self, mark: Mark) -> None:
        """Compare the journal with the mark; a worker's disk knows nothing of the others."""
        writer = self.writer
        if self.assignment.shard is None:
            claims = await writer.call(lambda journal: journal.claims(writer.run.id))
            runs = await writer.call(lambda journal: journal.runs())
            mark.begin(claims, {each.run for each in runs})

    async def _reopened(self) -> Sequence[int] | None:
        """The rows that `only` stands for, planned anew."""
        writer, only, now = self.writer, self.assignment.only, self.clocks.wall_ms()
        return await writer.call(
            lambda journal: journal.selections.reopen(
                writer.run, writer.epoch, only, now=now
            )
        )

    def _pace(self) -> Pace:
        """Its own, or the account's, where others may send with it; and the senders'."""
        asked = self.assignment
        send, clocks = asked.campaign.send, self.clocks
        rate, ramp = send.rate.per_second, send.ramp.total_seconds() if send.ramp else 0
        pace: Pace
        if not asked.shares_its_rate:
            pace = Pacer(rate, clocks.monotonic(), ramp=ramp)
        else:
            name = scope(asked.plan)
            if asked.campaign.provider == "bandwidth":
                name = f"bandwidth/{self.client.account}"
            account = Account(name, rate, writer=self.writer, clocks=clocks)
            urgent = asked.campaign.message.priority == "high"
            pace = account.pace(urgent=urgent, ramp=ramp)
        own = asked.per_sender
        return BySender(pace, own) if own else pace

    def _read(
        self, closed: Sequence[int], chosen: Sequence[int] | None
    ) -> PlanSource | TimedSource:
        """What is left of the plan: by its windows, or where none are kept in order."""
        asked = self.assignment
        plan, campaign, part = asked.plan, asked.campaign, asked.part
        between = None if part is WHOLE else (part.first, part.last)
        hours = plan_hours(plan) if campaign.keeps_hours else None
        if hours is None:
            return PlanSource(plan, closed, chosen=chosen, between=between)
        only = None if chosen is None else pl.Series(chosen, dtype=pl.Int64)
        left_out = pl.Series(closed, dtype=pl.Int64)
        return TimedSource(
            plan.places(left_out, only, between=between),
            hours,
            self._messages_of,
            clocks=self.clocks,
            manner=Manner(
                campaign.send.rate.per_second, end_of(campaign), not asked.until_closed
            ),
        )

    async def _messages_of(self, rows: pl.Series) -> pl.DataFrame:
        plan = self.assignment.plan
        return await asyncio.to_thread(plan.messages_of, rows, with_place=True)

    async def _caps(self, limits: dict[int, frozenset[int]]) -> list[Cap]:
        """Who has had enough: by the campaign's caps, and by the laws of their places."""
        campaign, now = self.assignment.campaign, self.clocks.wall_ms()
        wanted: list[tuple[int, int, frozenset[int] | None]] = [
            (one.count, round(one.span.total_seconds() * 1000), None)
            for one in campaign.send.per_person or ()
        ]
        wanted += [(most, DAY_MS, places) for most, places in limits.items()]
        found = []
        for count, span, places in wanted:
            ask = partial(
                _often, provider=campaign.provider, count=count, since=now - span
            )
            found.append(Cap(await self.writer.call(ask), places))
        return [cap for cap in found if cap.people]

    async def _ledger(self) -> array[int]:
        if self.assignment.campaign.send.repeat == "allow":
            return array("q")
        return await self.writer.call(lambda journal: journal.ledger(self.writer.run))


def _often(journal: Journal, *, provider: str, count: int, since: int) -> array[int]:
    return journal.often(provider, count, since=since)

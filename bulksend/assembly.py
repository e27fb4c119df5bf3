"""Everything that an engine needs, put together for one assignment."""

from __future__ import annotations

import asyncio
import random
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.prepare.outlook import end_of
from bulksend.prepare.timing import plan_hours
from bulksend.rules.carriers import ATT, T_MOBILE
from bulksend.rules.place import Place
from bulksend.runs import ended_in_doubt, envelope, scope
from bulksend.send.account import Account
from bulksend.send.agenda import LEAST_LIFE_MS
from bulksend.send.breakers import Breakers
from bulksend.send.caps import DAY_MS, Caps, CarrierCap, PersonCap, purse
from bulksend.send.company import Company
from bulksend.send.engine import Engine
from bulksend.send.intake import Intake
from bulksend.send.pacing import BySender, Pace, Pacer
from bulksend.send.source import PlanSource
from bulksend.send.timed import UNKNOWN, Manner, TimedSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.assignment import Assignment
    from bulksend.journal.columns import Closed
    from bulksend.journal.mark import Mark
    from bulksend.journal.store import Journal
    from bulksend.journal.writer import Writer
    from bulksend.send.bandwidth import Client
    from bulksend.send.clocks import SystemClocks


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

    async def engine(
        self, known: Closed | None = None, *, first: int = 0
    ) -> Assembled | None:
        """An engine for what is left of the run whose lease the writer holds.

        Args:
            known: What is over of it, where that has just been read.

            first: Only so many messages of the run, with those that were sent before;
                then there may be nothing left, and no engine.
        """
        writer, asked, clocks = self.writer, self.assignment, self.clocks
        run, campaign = writer.run, asked.campaign
        chosen = await self._reopened() if asked.only else None
        if known is None or asked.only:
            known = await self._known()
        closed = await asyncio.to_thread(_numbers, known.rows)
        if first:
            wanted = first - len(closed)
            if wanted <= 0:
                return None
            chosen = await asyncio.to_thread(self._first, wanted, closed)
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
            caps=await self._caps(by_law=source.has_laws),
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
                before=len(closed),
                in_doubt=in_doubt,
            ),
            not_after=asked.deadline(clocks.wall_ms()),
        )
        return Assembled(engine, source, asked.own(run).sendable, len(closed))

    async def begin(self, mark: Mark) -> Closed:
        """Compare the journal with the mark; a worker's disk knows nothing of the others.

        What stopped the run before does so no more, but for its first few.

        Returns:
            What is over of the run: nobody else changes that now.
        """
        writer, known = self.writer, await self._known()
        if self.assignment.shard is None:
            runs = await self.writer.call(lambda journal: journal.runs())
            mark.begin(known.claims, {each.run for each in runs})
        now = self.clocks.wall_ms()
        await writer.call(lambda journal: _lift(journal, writer.run.id, now))
        return known

    async def _known(self) -> Closed:
        run, part = self.writer.run, self.assignment.part
        return await self.writer.call(
            lambda journal: journal.columns.closed(run.id, part)
        )

    def _first(self, wanted: int, closed: pl.Series) -> list[int]:
        """So many rows, chosen by a hash of the number; of who may be texted now, first.

        Where that are too few, some of the others: their windows are waited for.
        """
        asked, now = self.assignment, self.clocks.wall_ms()
        hours = plan_hours(asked.plan)
        drawn = asked.plan.drawn(closed, between=asked.between)
        if hours is not None and asked.campaign.keeps_hours:
            words = drawn["place"].cast(pl.String).fill_null(UNKNOWN)
            opens = {
                word: hours.next(Place.parse(word), now, least=LEAST_LIFE_MS)
                for word in words.unique()
            }
            is_open = {
                word: one is not None and one.start <= now
                for word, one in opens.items()
            }
            here = words.replace_strict(is_open, return_dtype=pl.Boolean)
            drawn = drawn.with_columns(here=here).sort(
                pl.col("here").not_(), "score", "row"
            )
        else:
            drawn = drawn.sort("score", "row")
        return drawn["row"].head(wanted).sort().to_list()

    async def _reopened(self) -> Sequence[int] | None:
        """The rows that `only` stands for, planned anew."""
        writer, only, now = self.writer, self.assignment.only, self.clocks.wall_ms()
        return await writer.call(
            lambda journal: journal.selections.reopen(
                writer.run, writer.epoch, only, now=now
            )
        )

    def _pace(self) -> Pace:
        """Its own; or the account's, where others send with it, or are to be looked for."""
        asked = self.assignment
        send, clocks = asked.campaign.send, self.clocks
        rate, ramp = send.rate.per_second, send.ramp.total_seconds() if send.ramp else 0
        rates, is_real = asked.per_sender, asked.campaign.provider == "bandwidth"
        name = f"bandwidth/{self.client.account}" if is_real else scope(asked.plan)
        account = Account(name, rate, writer=self.writer, clocks=clocks)
        urgent = asked.campaign.message.priority == "high"
        shared = account.pace(rates, urgent=urgent, ramp=ramp)
        if asked.shares_its_rate:
            return shared
        pacer = Pacer(rate, clocks.monotonic(), ramp=ramp)
        own = BySender(pacer, rates) if rates else pacer
        if not is_real:  # each run on the simulator has one of its own
            return own
        return Company(own, shared, look=self._has_others, clock=clocks.monotonic)

    async def _has_others(self) -> bool:
        campaign, now = self.writer.run.campaign, self.clocks.wall_ms()
        return await self.writer.call(
            lambda journal: journal.leases.has_others(campaign, now=now)
        )

    def _read(
        self, closed: pl.Series, chosen: Sequence[int] | None
    ) -> PlanSource | TimedSource:
        """What is left of the plan: by windows and caps, or where none are kept in order."""
        asked = self.assignment
        plan, campaign = asked.plan, asked.campaign
        hours = plan_hours(plan) if campaign.keeps_hours else None
        by_carrier = campaign.send.carriers is not None
        only = None if chosen is None else pl.Series(chosen, dtype=pl.Int64)
        if hours is None and not by_carrier:
            return PlanSource(plan, closed, only=only, between=asked.between)
        columns = ("row", "place", "carrier") if by_carrier else ("row", "place")
        return TimedSource(
            plan.left(*columns, closed=closed, only=only, between=asked.between),
            hours,
            self._messages_of,
            clocks=self.clocks,
            manner=Manner(
                campaign.send.rate.per_second, end_of(campaign), not asked.until_closed
            ),
        )

    async def _messages_of(self, rows: pl.Series) -> pl.DataFrame:
        plan = self.assignment.plan
        found = await asyncio.to_thread(plan.messages_of, rows, with_place=True)
        return (
            found if self.assignment.campaign.send.carriers else found.drop("carrier")
        )

    async def _caps(self, *, by_law: bool) -> Caps | None:
        """What it is held to: by the campaign, by laws, by carriers."""
        campaign = self.assignment.campaign
        carriers = campaign.send.carriers
        name, t_mobile, att = campaign.provider, None, None
        if carriers is not None and carriers.t_mobile_per_day:
            cap = carriers.t_mobile_per_day
            t_mobile = CarrierCap(purse(name, T_MOBILE, carriers.brand), cap)
        if carriers is not None and carriers.att_per_minute:
            att = CarrierCap(
                purse(name, ATT, carriers.campaign), carriers.att_per_minute
            )
        people = [
            PersonCap(one.count, round(one.span.total_seconds() * 1000))
            for one in campaign.send.per_person or ()
        ]
        caps = Caps(name, tuple(people), by_law, t_mobile, att)
        if caps.counts_people:
            await self.writer.call(lambda journal: journal.limits.prepare())
        if caps.counts_carriers:
            old = self.clocks.wall_ms() - 7 * DAY_MS
            await self.writer.call(lambda journal: journal.limits.forget(before=old))
        return caps if caps.counts_people or caps.counts_carriers else None

    async def _ledger(self) -> array[int]:
        if self.assignment.campaign.send.repeat == "allow":
            return array("q")
        return await self.writer.call(lambda journal: journal.ledger(self.writer.run))


def _lift(journal: Journal, run_id: int, now: int) -> None:
    halt = journal.canaries.standing(run_id)
    if halt is not None and not halt.is_canary:
        journal.canaries.lift(run_id, now=now)


def _numbers(lines: str) -> pl.Series:
    """A number a line, in order; a million of them never become Python's objects."""
    schema = {"row": pl.Int64}
    if not lines:
        return pl.Series(dtype=pl.Int64)
    read = pl.read_csv(lines.encode(), has_header=False, schema=schema)
    return read["row"].sort()

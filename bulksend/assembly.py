"""Everything that an engine needs, put together for one assignment."""

from __future__ import annotations

import asyncio
import random
from array import array
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.aside import abandonable
from bulksend.journal.mark import read_marks, refuse_lost
from bulksend.journal.records import ALREADY_SENT, CAPPED, LISTED
from bulksend.journal.selections import SELECTIONS
from bulksend.logs import log
from bulksend.prepare.ends import expires_at
from bulksend.prepare.timing import plan_hours
from bulksend.rules.carriers import ATT, T_MOBILE, pacific_day
from bulksend.runs import envelope, scope
from bulksend.send.account import Account
from bulksend.send.breakers import Breakers
from bulksend.send.caps import (
    DAY_MS,
    Caps,
    CarrierCap,
    limits_by_law,
    person_caps,
    purse,
)
from bulksend.send.choosing import first_new, soonest
from bulksend.send.company import Company
from bulksend.send.engine import Engine
from bulksend.send.hearing import close_day
from bulksend.send.intake import Intake
from bulksend.send.pacing import BySender, Pace, Pacer
from bulksend.send.remainder import Remainder, numbers
from bulksend.send.source import PlanSource
from bulksend.send.timed import Manner, TimedSource, places_of, words_of
from bulksend.settle.finding import is_day_over

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from pathlib import Path

    from bulksend.assignment import Assignment
    from bulksend.journal.mark import Mark
    from bulksend.journal.records import Closing
    from bulksend.journal.store import Journal
    from bulksend.journal.writer import Writer
    from bulksend.prepare.plan import Plan
    from bulksend.rules.hours import Hours
    from bulksend.send.bandwidth import Client
    from bulksend.send.clocks import SystemClocks
    from bulksend.send.hold import Hold
    from bulksend.send.source import Read


UNTEXTED = (LISTED, ALREADY_SENT, CAPPED)
"""Who is closed for these is none of a run's first few: it was nobody's affair but theirs."""


class Assembled(NamedTuple):
    """An engine, where its messages come from, and how far the run was before it.

    Args:
        total: Messages that are this sender's.

        day: T-Mobile's cap, where it is kept.
    """

    engine: Engine
    source: PlanSource | TimedSource
    remainder: Remainder
    total: int
    day: CarrierCap | None = None


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the parts of an engine are made from.

    Args:
        rows: As `rows_of` reads them; they are there before an engine is asked for.

        late: Rows whose people have been put on a suppression list since the plan.

        words: What its rows wait for (`timed.words_of`).

        by_law: Whether a law says how often some of its people may be texted.
    """

    assignment: Assignment
    client: Client
    writer: Writer
    clocks: SystemClocks
    rows: Awaitable[pl.DataFrame]
    late: Sequence[int] = ()
    words: Sequence[str] = ()
    by_law: bool = False

    async def before_lease(self) -> Assembly:
        """Do what takes long and needs no lease; it, with `words` and `by_law` known.

        To count people the journal may need an index, and nobody writes while a great
        one is made: no lease either.
        """
        rows, hours, words = await self.rows, self._hours(), list[str]()
        if "place" in rows.columns:
            words = await asyncio.to_thread(words_of, rows)
        by_law = False
        if hours is not None:
            now = self.clocks.wall_ms()
            by_law = bool(limits_by_law(hours, places_of(words), now))
        if by_law or self.assignment.campaign.send.per_person:
            await self.writer.call(lambda journal: journal.limits.prepare())
        return replace(self, words=words, by_law=by_law)

    def _hours(self) -> Hours | None:
        """The hours that it keeps."""
        keeps = self.assignment.campaign.keeps_hours
        return plan_hours(self.assignment.plan) if keeps else None

    async def engine(self, lease: Hold, *, first: int = 0) -> Assembled | None:
        """An engine for what is left of the run whose lease the writer holds.

        Args:
            lease: It asks before each message whether it stands.

            first: Only so many messages of the run, with those that were sent before;
                then there may be nothing left, and no engine.
        """
        writer, asked, clocks = self.writer, self.assignment, self.clocks
        run, campaign, part = writer.run, asked.campaign, asked.part
        chosen = await self._reopened()
        await self._keep_out()
        if first:
            closed = await self._closed()
            wanted = first - len(closed) + await self._left_out()
            if wanted <= 0:
                return None  # before the ledger is read, which may be long
        ledger = await self._ledger()
        if first:
            chosen = await self._few(wanted, closed, ledger)
            if chosen.is_empty():
                return None
        rows, caps = await self.rows, await self._caps()
        in_doubt = await writer.call(lambda j: j.latest.is_in_doubt(run.id, part))
        # Last, since it goes on: whoever is stopped before has left nothing behind.
        remainder = await Remainder.find(rows, writer, part=part, only=chosen)
        source = self._source(rows, remainder)
        intake = Intake(
            source,
            envelope(asked.plan, campaign),
            writer=writer,
            clocks=clocks,
            ledger=ledger,
            caps=caps,
            paced=asked.per_sender,
            theirs=self.client.theirs.moment,
        )
        engine = Engine(
            intake=intake,
            client=self.client,
            writer=writer,
            lease=lease,
            pacer=self._pace(),
            clocks=clocks,
            rng=random.Random(),  # noqa: S311  (jitter, not a secret)
            breakers=Breakers(**campaign.send.stop_at.model_dump(), in_doubt=in_doubt),
            not_after=asked.deadline(run, clocks.wall_ms()),
        )
        day = caps.t_mobile if caps is not None else None
        return Assembled(engine, source, remainder, asked.own(run).sendable, day)

    async def begin(self, mark: Mark, marks: Path) -> None:
        """Compare the journal with the campaign's *marks*, now that nobody else sends.

        What stopped the run before does so no more, but for its first few.
        """
        writer, now = self.writer, self.clocks.wall_ms()
        noted = await asyncio.to_thread(read_marks, marks)
        known = await writer.call(lambda journal: journal.latest.claims(noted))
        refuse_lost(marks, noted, known)
        mark.begin()
        await writer.call(lambda journal: _lift(journal, writer.run.id, now))

    async def without_late(self) -> Assembly:
        """It, with `late` read: the lists as they are now, under the lease.

        Raises:
            InputError, Stopped: As `Assignment.late_opt_outs`.
        """
        late = await abandonable(self.assignment.late_opt_outs)
        return replace(self, late=late)

    async def _keep_out(self) -> None:
        """Close `late`, where they are not closed; what was just reopened, too."""
        if self.late and (many := await self._close(self.late, LISTED)):
            run = self.writer.run.run
            log.info("suppressed since the plan", run=run, rows=many)

    async def _close(self, rows: Sequence[int], why: Closing) -> int:
        writer, now = self.writer, self.clocks.wall_ms()
        return await writer.each(
            rows,
            lambda journal, some: journal.close_unsent(
                writer.run.id, writer.epoch, some, why, now=now
            ),
        )

    async def _left_out(self) -> int:
        """Of the closed: who is on a list, has the text already, or has had enough."""
        run, part = self.writer.run, self.assignment.part
        return await self.writer.call(
            lambda j: sum(j.closed_as(run.id, why, part) for why in UNTEXTED)
        )

    async def _few(
        self, wanted: int, closed: pl.Series, ledger: array[int]
    ) -> pl.Series:
        """So many rows of the first few that are still to be sent.

        Who has the text from an earlier run gets none, and would say nothing of the rest:
        of a list that grows day by day these are nearly all.
        """
        asked = self.assignment
        drawn = await asyncio.to_thread(asked.plan.drawn, closed, between=asked.between)
        now = self.clocks.wall_ms()
        order = await asyncio.to_thread(soonest, drawn, self._hours(), now)
        chosen, had = await asyncio.to_thread(
            first_new,
            order,
            wanted,
            asked.plan.messages_of,
            envelope=envelope(asked.plan, asked.campaign),
            ledger=ledger,
        )
        await self._close(had, ALREADY_SENT)
        return chosen.sort().cast(pl.UInt32)

    async def _closed(self) -> pl.Series:
        run, part = self.writer.run, self.assignment.part
        return await self.writer.read(
            lambda j: numbers(j.columns.closed(run.id, part)).cast(pl.Int64)
        )

    async def _reopened(self) -> pl.Series | None:
        """The rows that `only` stands for, planned anew; None for all that are left."""
        writer, only, now = self.writer, self.assignment.only, self.clocks.wall_ms()
        if SELECTIONS.get(only) is None:
            return None
        run, epoch = writer.run, writer.epoch
        groups = await asyncio.to_thread(self.assignment.groups)
        rows = await writer.read(lambda j: j.selections.rows(run.id, only, groups))
        await writer.each(
            rows, lambda j, rows: j.selections.reopen(run, epoch, rows, now=now)
        )
        return await asyncio.to_thread(pl.Series, values=rows, dtype=pl.UInt32)

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

    def _source(
        self, rows: pl.DataFrame, remainder: Remainder
    ) -> PlanSource | TimedSource:
        """What is left of the plan: by windows and caps, or where none are kept in order."""
        plan, campaign = self.assignment.plan, self.assignment.campaign
        if "place" not in rows.columns:
            return PlanSource(remainder.first, _reader(plan), remainder)
        return TimedSource(
            remainder.first,
            self._hours(),
            _reader(plan, *rows.columns),
            clocks=self.clocks,
            manner=Manner(
                campaign.send.rate.per_second,
                expires_at(campaign),
                not self.assignment.until_closed,
            ),
            more=remainder,
            everywhere=self.words,
            theirs=self.client.theirs.moment,
        )

    async def _caps(self) -> Caps | None:
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
        people = person_caps(campaign.send.per_person or ())
        caps = Caps(name, people, self.by_law, t_mobile, att)
        if caps.counts_carriers:
            old = self.clocks.wall_ms() - 7 * DAY_MS
            await self.writer.call(lambda journal: journal.limits.forget(before=old))
        if t_mobile is not None and carriers is not None:
            now, home = self.clocks.wall_ms(), self.assignment.home
            is_over = partial(
                is_day_over, home=home, provider=name, brand=carriers.brand,
                since=pacific_day(now)[0],
            )  # fmt: skip
            if await self.writer.read(is_over):
                await close_day(self.writer, t_mobile, now)
        return caps if caps.counts_people or caps.counts_carriers else None

    async def _ledger(self) -> array[int]:
        if self.assignment.campaign.send.repeat == "allow":
            return array("q")
        return await self.writer.read(lambda journal: journal.ledger(self.writer.run))


def _lift(journal: Journal, run_id: int, now: int) -> None:
    halt = journal.canaries.standing(run_id)
    if halt is not None and not halt.is_canary:
        journal.canaries.lift(run_id, now=now)


def rows_of(asked: Assignment) -> pl.DataFrame:
    """All rows of its part that get a message, and what each has to wait for."""
    campaign, columns = asked.campaign, ["row"]
    by_carrier = campaign.send.carriers is not None
    by_hours = campaign.keeps_hours and asked.plan.about.get("hours") is not None
    if by_hours or by_carrier:
        columns.append("place")
    if by_carrier:
        columns.append("carrier")
    rows = asked.plan.left(*columns, between=asked.between)
    if by_carrier:
        rows = rows.with_columns(pl.col("carrier").cast(pl.Categorical))
    return rows.with_columns(pl.col("row").cast(pl.UInt32))


def _reader(plan: Plan, *columns: str) -> Read:
    """Reads messages, and the columns of `rows_of` beside them."""

    async def read(rows: pl.Series) -> pl.DataFrame:
        with_place = "place" in columns
        found = await asyncio.to_thread(plan.messages_of, rows, with_place=with_place)
        return found if "carrier" in columns else found.drop("carrier", strict=False)

    return read

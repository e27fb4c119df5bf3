"""One plan on its way: everything that sending needs, put together."""

from __future__ import annotations

import asyncio
import random
from array import array
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.errors import GateRefused, InputError, Problem, Stopped
from bulksend.journal.mark import Mark
from bulksend.journal.owner import Owner
from bulksend.journal.records import WHOLE, Part, Run
from bulksend.journal.selections import SELECTIONS
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.writer import Writer
from bulksend.logs import log
from bulksend.prepare.outlook import end_of
from bulksend.prepare.summary import summarise
from bulksend.prepare.timing import plan_hours
from bulksend.runs import ended_in_doubt, envelope, new_run, refuse_other_input, scope
from bulksend.send import collector
from bulksend.send.bandwidth import Client
from bulksend.send.breakers import Breakers
from bulksend.send.caps import Cap
from bulksend.send.clocks import SystemClocks
from bulksend.send.engine import Engine
from bulksend.send.hearing import hear
from bulksend.send.intake import Intake
from bulksend.send.pacing import BySender, Pace, Pacer
from bulksend.send.shared import GIVEN_OUT, Line, SharedPace
from bulksend.send.signin import Credentials
from bulksend.send.source import PlanSource
from bulksend.send.timed import Manner, TimedSource
from bulksend.send.watch import refused, watch
from bulksend.settle.files import check_output
from bulksend.settle.finding import purged
from bulksend.settle.standing import standing

if TYPE_CHECKING:
    from collections.abc import (
        Mapping,
        Sequence,
    )

    from bulksend.define.campaign import Campaign
    from bulksend.home import Home
    from bulksend.journal.paces import Stretch
    from bulksend.prepare.plan import Plan

WAIT_SECONDS = 1.0
DAY_MS = 86_400_000


class Progress(NamedTuple):
    """How far a run is: messages, and the pace in segments per second."""

    total: int
    done: int
    refused: int
    unknown: int
    rate: float


@dataclass(slots=True)
class Sending:
    """One plan on its way: what could refuse it first, then the sending itself.

    Args:
        output: Where its results go.

        only: Which rows of a run that is there: a key of `SELECTIONS`; empty is all that
            are left.

        wait: Wait for another sender of this campaign instead of refusing.

        until_closed: Stop when nobody's window is open, instead of waiting for the next.

        parent: The process whose end ends this run.

        shard: Which part of the plan; None is all of it.

        patience: Seconds that an answer may take; None is the client's own.
    """

    plan: Plan
    campaign: Campaign
    home: Home
    environment: Mapping[str, str]
    output: Path
    only: str = ""
    wait: bool = False
    until_closed: bool = False
    parent: int | None = None
    shard: int | None = None
    patience: float | None = None
    engine: Engine | None = field(default=None, init=False)
    _source: PlanSource | TimedSource | None = field(default=None, init=False)
    _total: int = field(default=0, init=False)
    _before: int = field(default=0, init=False)
    _asked_to_stop: bool = field(default=False, init=False)
    _signing_in: asyncio.Future[None] | None = field(default=None, init=False)

    @property
    def part(self) -> Part:
        """The rows that are this sender's.

        Raises:
            InputError: E565, where the plan has no such shard.
        """
        if self.shard is None:
            return WHOLE
        return Part(self.shard, *self.plan.shard(self.shard))

    def _deadline(self, now: int) -> datetime | None:
        until = self.campaign.send.not_after
        return until.on(datetime.fromtimestamp(now / 1000, UTC)) if until else None

    def own(self, run: Run) -> Run:
        """*run* with the numbers of this sender's part."""
        if self.shard is None:
            return run
        rows, sendable = self.plan.size(self.plan.shard(self.shard))
        return replace(run, rows=rows, sendable=sendable)

    def known_run(self, *, replan: bool) -> Run | None:
        """The plan's run, where it was begun before.

        Raises:
            GateRefused: E622, where another plan of this campaign is half sent, unless
                *replan* says that this is meant; E612 or E613, where somebody paused or
                aborted the run.
            InputError: E623, the plan is not the one that was begun; E624 or E625, the
                results cannot go where they should; E566, workers share one rate, and
                it has a ramp.
        """
        _ = self.part  # first of all: is there such a shard
        if self._shares_its_rate and self.campaign.send.ramp:
            raise InputError(Problem("E566", "send.ramp is set"))
        known = None
        if self.home.journal.exists():
            with Journal.open(self.home.journal) as journal:
                known = journal.run(self.plan.run)
                if known is None and not replan:
                    refuse_other_input(journal, scope(self.plan), self.plan)
                if known is not None and (order := journal.orders.of(known.id)):
                    raise refused(order)
        if known is not None and known.purged_at is not None:
            raise purged(known)
        if known is not None and known.plan_digest != self.plan.digest():
            raise InputError(
                Problem("E623", "its bytes changed", file=str(self.plan.path))
            )
        is_ours = known is not None and known.results == str(self.output)
        if self.shard is None:
            check_output(self.output, is_ours=is_ours)
        return known

    def chosen(self, run: Run | None) -> int:
        """How many messages `only` stands for.

        Raises:
            InputError: E412, where there is no run to choose from.
        """
        if run is None:
            raise InputError(Problem("E412", f"{self.plan.run} was never begun"))
        with Journal.open(self.home.journal) as journal:
            if SELECTIONS[self.only] is None:
                return standing(journal, run).left
            return len(journal.selections.rows(run.id, self.only))

    def begin_run(self, *, now: int) -> Run:
        """A run for this plan."""
        with Journal.open(self.home.journal) as journal:
            summary = summarise(self.plan, self.campaign)
            run = new_run(self.plan, self.campaign, summary)
            return journal.add_run(
                replace(
                    run,
                    plan_digest=self.plan.digest(),
                    results=str(self.output),
                    created_at=now,
                )
            )

    def check_deadline(self, *, now: int) -> None:
        """Raises GateRefused (E515) where the campaign's time is over."""
        deadline = self._deadline(now)
        if deadline is not None and deadline.timestamp() * 1000 <= now:
            what = f"it may be sent until {self.campaign.send.not_after}"
            raise GateRefused(Problem("E515", what))

    def check_credentials(self) -> None:
        """Raises InputError (E500) where the environment lacks them."""
        if self.campaign.provider == "bandwidth":
            Credentials.from_environment(self.environment)

    async def send(self, run: Run) -> None:
        """Send every row that is still planned.

        Raises:
            BulksendError: What stopped it; every row is in a true state by then.
        """
        clocks = SystemClocks()
        async with AsyncExitStack() as stack:
            credentials = self._credentials(stack)
            client = await stack.enter_async_context(
                Client(credentials, clock=clocks.monotonic, patience=self.patience)
            )
            await self._sign_in(client)
            mark = Mark(self.home.mark_path(run.campaign, run.run))
            writer = await stack.enter_async_context(
                Writer(self.home.journal, run, mark)
            )
            writer.epoch = await self._take_lease(writer, clocks)
            try:
                self.engine = await self._engine(client, writer, mark, clocks)
                if self._asked_to_stop:
                    self.stop()
                log.info(
                    "sending",
                    run=run.run,
                    provider=run.provider,
                    left=self._total - self._before,
                    rate=self.campaign.send.rate.text,
                )
                with collector.seldom():
                    await self._run(self.engine, writer, clocks)
                if self._source is not None and self._source.comes_back_at is not None:
                    raise _closed(self._source.comes_back_at)
            finally:
                if self.engine is not None:
                    log.info("ended", run=run.run, **_counted(self.engine))
                await writer.give_up(now=clocks.wall_ms())

    async def _take_lease(self, writer: Writer, clocks: SystemClocks) -> int:
        """The campaign is ours from here on; its epoch.

        Raises:
            GateRefused: E610, where another sender has it, and nobody said to wait.
        """
        run, part, waited = writer.run, self.part, False
        owner = Owner.me(run.run)

        def take(journal: Journal) -> int:
            now = clocks.wall_ms()
            if self.shard is None:
                return journal.leases.take(run.campaign, owner, now=now)
            return journal.leases.take_shard(run, part, owner, now=now)

        while True:
            try:
                return await writer.call(take)
            except GateRefused as held:
                writer.failure = None  # nothing is wrong with the journal
                if not self.wait:
                    raise
                if not waited:
                    log.info("waiting", run=run.run, why=held.problems[0].found)
                waited = True
            await asyncio.sleep(WAIT_SECONDS)
            if self._asked_to_stop:
                raise _asked()

    async def _engine(
        self, client: Client, writer: Writer, mark: Mark, clocks: SystemClocks
    ) -> Engine:
        run = writer.run
        if self.shard is None:  # a worker's disk knows nothing of the other workers
            claims = await writer.call(lambda journal: journal.claims(run.id))
            runs = await writer.call(lambda journal: journal.runs())
            mark.begin(claims, {each.run for each in runs})
        chosen = None
        if self.only:
            chosen = await writer.call(
                lambda journal: journal.selections.reopen(
                    run, writer.epoch, self.only, now=clocks.wall_ms()
                )
            )
        part = self.part
        closed = await writer.call(lambda journal: journal.closed_rows(run.id, part))
        self._total, self._before = self.own(run).sendable, len(closed)
        self._source = await asyncio.to_thread(self._read, clocks, closed, chosen)
        in_doubt = await writer.call(
            lambda journal: ended_in_doubt(journal, run, closed)
        )
        intake = Intake(
            self._source,
            envelope(self.plan, self.campaign),
            writer=writer,
            clocks=clocks,
            ledger=await self._ledger(writer),
            caps=await self._caps(writer, clocks),
            paced=self._per_sender,
        )
        return Engine(
            intake=intake,
            client=client,
            writer=writer,
            pacer=self._pace(client, writer, clocks),
            clocks=clocks,
            rng=random.Random(),  # noqa: S311  (jitter, not a secret)
            breakers=Breakers(
                **self.campaign.send.stop_at.model_dump(),
                in_doubt=in_doubt,
            ),
            not_after=self._deadline(clocks.wall_ms()),
        )

    def _pace(self, client: Client, writer: Writer, clocks: SystemClocks) -> Pace:
        """Its own, or the account's, where others may send with it; and the senders'."""
        send = self.campaign.send
        pace: Pace
        if not self._shares_its_rate:
            ramp = send.ramp.total_seconds() if send.ramp else 0.0
            pace = Pacer(send.rate.per_second, clocks.monotonic(), ramp=ramp)
        else:
            name = scope(self.plan)
            if self.campaign.provider == "bandwidth":
                name = f"bandwidth/{client.account}"
            line = _line(name, send.rate.per_second, writer, clocks)
            pace = SharedPace(line, clocks.monotonic)
        own = self._per_sender
        return BySender(pace, own) if own else pace

    @property
    def _shares_its_rate(self) -> bool:
        return self.shard is not None or not isinstance(self.home.journal, Path)

    @property
    def _per_sender(self) -> dict[str, float]:
        """The rates of senders that have one of their own; shards part them."""
        shards = 1 if self.shard is None else self.plan.shards
        rates = self.campaign.send.rates(self.campaign.senders)
        return {sender: rate / shards for sender, rate in rates.items()}

    def _read(
        self, clocks: SystemClocks, closed: Sequence[int], chosen: Sequence[int] | None
    ) -> PlanSource | TimedSource:
        """What is left of the plan: by its windows, or where none are kept in order."""
        part = self.part
        between = None if part is WHOLE else (part.first, part.last)
        hours = plan_hours(self.plan) if self.campaign.keeps_hours else None
        if hours is None:
            return PlanSource(self.plan, closed, chosen=chosen, between=between)
        only = None if chosen is None else pl.Series(chosen, dtype=pl.Int64)
        left_out = pl.Series(closed, dtype=pl.Int64)
        return TimedSource(
            self.plan.places(left_out, only, between=between),
            hours,
            self._messages_of,
            clocks=clocks,
            manner=Manner(
                self.campaign.send.rate.per_second,
                end_of(self.campaign),
                not self.until_closed,
            ),
        )

    async def _caps(self, writer: Writer, clocks: SystemClocks) -> list[Cap]:
        """Who has had enough: by the campaign's caps, and by the laws of their places."""
        now, provider = clocks.wall_ms(), self.campaign.provider
        wanted: list[tuple[int, int, frozenset[int] | None]] = [
            (one.count, round(one.span.total_seconds() * 1000), None)
            for one in self.campaign.send.per_person or ()
        ]
        limits = self._source.limits if self._source else {}
        wanted += [(most, DAY_MS, places) for most, places in limits.items()]
        found = []
        for count, span, places in wanted:
            ask = partial(_often, provider=provider, count=count, since=now - span)
            found.append(Cap(await writer.call(ask), places))
        return [cap for cap in found if cap.people]

    async def _messages_of(self, rows: pl.Series) -> pl.DataFrame:
        return await asyncio.to_thread(self.plan.messages_of, rows, with_place=True)

    async def _ledger(self, writer: Writer) -> array[int]:
        if self.campaign.send.repeat == "allow":
            return array("q")
        return await writer.call(lambda journal: journal.ledger(writer.run))

    async def _run(self, engine: Engine, writer: Writer, clocks: SystemClocks) -> None:
        beside = [
            asyncio.ensure_future(watch(engine, writer, clocks, parent=self.parent)),
            asyncio.ensure_future(hear(engine, writer, clocks, before=self._before)),
        ]
        try:
            await engine.run()
        finally:
            for one in beside:
                one.cancel()
            await asyncio.wait(beside)
            # What one may have failed with is the journal's, and the engine has met it.
            for one in beside:
                if not one.cancelled() and (error := one.exception()):
                    log.warning("watch ended", error=type(error).__name__)

    def progress(self) -> Progress | None:
        """How far it is; None before it begins."""
        if self.engine is None:
            return None
        events = self.engine.tally.events
        return Progress(
            total=self._total,
            done=self._before + self.engine.done,
            refused=events[Event.REFUSE],
            unknown=events[Event.LOSE],
            rate=self.engine.rate,
        )

    def stop(self) -> None:
        """Drain: nothing new goes out.  For a signal handler in the loop's thread."""
        self._asked_to_stop = True
        if self.engine is not None:
            self.engine.stop(_asked())
        elif self._signing_in is not None:
            self._signing_in.cancel()

    async def _sign_in(self, client: Client) -> None:
        """Fail early; and do not wait for a silent token address when asked to stop."""
        self._signing_in = asyncio.ensure_future(client.sign_in())
        try:
            await self._signing_in
        except asyncio.CancelledError:
            if not self._asked_to_stop:
                raise
            raise _asked() from None

    def _credentials(self, stack: AsyncExitStack) -> Credentials:
        if self.campaign.provider == "bandwidth":
            return Credentials.from_environment(self.environment)
        from bulksend.simulator.lifetime import in_thread
        from bulksend.simulator.scenario import Scenario

        rehearsal = stack.enter_context(
            in_thread(Scenario(rate=None), rng=random.Random())  # noqa: S311
        )
        return Credentials(
            account_id="1",
            url=rehearsal.url,
            token_url=rehearsal.token_url,
            client_id="simulator",
            client_secret="simulator",  # noqa: S106  (the stand-in takes anything)
        )


def _line(name: str, rate: float, writer: Writer, clocks: SystemClocks) -> Line:
    """A rate that all who send by this journal share."""

    async def reserve(segments: int) -> Stretch:
        now, given = clocks.wall_ms() * 1000, rate * GIVEN_OUT
        return await writer.call(
            lambda journal: journal.paces.reserve(name, segments, given, now=now)
        )

    async def slow_down() -> bool:
        now = clocks.wall_ms() * 1000
        return await writer.call(lambda journal: journal.paces.slow_down(name, now=now))

    return Line(rate, reserve=reserve, slow_down=slow_down)


def _often(journal: Journal, *, provider: str, count: int, since: int) -> array[int]:
    return journal.often(provider, count, since=since)


def _closed(opens: int) -> Stopped:
    then = datetime.fromtimestamp(opens / 1000, UTC)
    return Stopped(Problem("E430", f"the next one opens at {then:%Y-%m-%d %H:%M} UTC"))


def _asked() -> Stopped:
    return Stopped(Problem("E631", "it was asked to stop"))


def _counted(engine: Engine) -> dict[str, int]:
    return {event.value: count for event, count in engine.tally.events.items()}

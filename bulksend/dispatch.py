"""One plan on its way: everything that sending needs, put together."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from bulksend.errors import BulksendError, GateRefused, InputError, Problem, Stopped
from bulksend.journal.owner import Owner
from bulksend.journal.records import Run
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.writer import Writer
from bulksend.logs import log
from bulksend.prepare.summary import summarise
from bulksend.send import collector
from bulksend.send.bandwidth import Client
from bulksend.send.clocks import SystemClocks
from bulksend.send.engine import Engine
from bulksend.send.intake import Intake
from bulksend.send.message import Envelope, Message
from bulksend.send.pacing import Pacer
from bulksend.send.signin import Credentials
from bulksend.settle.results import check_output
from bulksend.settle.standing import standing

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Coroutine,
        Mapping,
        Sequence,
    )
    from pathlib import Path

    from bulksend.define.campaign import Campaign
    from bulksend.home import Home
    from bulksend.prepare.plan import Plan

HANDED_OVER_AT_ONCE = 500


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
    """

    plan: Plan
    campaign: Campaign
    home: Home
    environment: Mapping[str, str]
    output: Path
    engine: Engine | None = field(default=None, init=False)
    _total: int = field(default=0, init=False)
    _before: int = field(default=0, init=False)
    _asked_to_stop: bool = field(default=False, init=False)
    _signing_in: asyncio.Future[None] | None = field(default=None, init=False)

    def known_run(self, *, replan: bool) -> Run | None:
        """The plan's run, where it was begun before.

        Raises:
            GateRefused: E622, where another plan of this campaign is half sent, unless
                *replan* says that this is meant.
            InputError: E623, the plan is not the one that was begun; E624 or E625, the
                results cannot go where they should.
        """
        known = None
        if self.home.journal.exists():
            with Journal.open(self.home.journal) as journal:
                known = journal.run(self.plan.run)
                if known is None and not replan:
                    _refuse_other_input(journal, self._scope, self.plan)
        if known is not None and known.plan_digest != self.plan.digest():
            raise InputError(
                Problem("E623", "its bytes changed", file=str(self.plan.path))
            )
        is_ours = known is not None and known.results == str(self.output)
        check_output(self.output, is_ours=is_ours)
        return known

    def begin_run(self, *, now: int) -> Run:
        """A run for this plan."""
        with Journal.open(self.home.journal) as journal:
            return journal.add_run(self._new_run(self.plan.digest(), now))

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
                Client(credentials, clock=clocks.monotonic)
            )
            await self._sign_in(client)
            writer = await stack.enter_async_context(Writer(self.home.journal, run))
            writer.epoch = await writer.call(
                lambda journal: journal.leases.take(
                    run.campaign, Owner.me(), now=clocks.wall_ms()
                )
            )
            try:
                closed = await writer.call(lambda j: j.closed_rows(run.id))
                self._total, self._before = run.sendable, len(closed)
                intake = Intake(
                    _messages(self.plan, closed),
                    self._envelope(),
                    writer=writer,
                    clocks=clocks,
                    ledger=await writer.call(lambda journal: journal.ledger(run)),
                )
                self.engine = Engine(
                    intake=intake,
                    client=client,
                    writer=writer,
                    pacer=Pacer(self.campaign.send.rate.per_second, clocks.monotonic),
                    clocks=clocks,
                    rng=random.Random(),  # noqa: S311  (jitter, not a secret)
                )
                if self._asked_to_stop:
                    self.stop()
                log.info(
                    "sending",
                    run=run.run,
                    provider=run.provider,
                    left=run.sendable - len(closed),
                    rate=self.campaign.send.rate.text,
                )
                with collector.seldom():
                    await self.engine.run()
            finally:
                if self.engine is not None:
                    log.info("ended", run=run.run, **_counted(self.engine))
                writer.failure = None
                await writer.call(lambda j: j.leases.end(run.campaign, writer.epoch))

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

    @property
    def _scope(self) -> str:
        """What the journal calls the campaign: a rehearsal is never the real thing."""
        return f"{self.campaign.provider}/{self.campaign.name}"

    def _new_run(self, digest: str, now: int) -> Run:
        summary = summarise(self.plan, self.campaign)
        return Run(
            run=self.plan.run,
            campaign=self._scope,
            plan=str(self.plan.path.absolute()),
            plan_hash=self.plan.hash,
            plan_digest=digest,
            input_digest=self.plan.about["input_digest"],
            content_digest=self.plan.about["content_digest"],
            provider=self.campaign.provider,
            rows=summary.rows,
            sendable=summary.sendable,
            results=str(self.output),
            created_at=now,
        )

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

    def _envelope(self) -> Envelope:
        message = self.campaign.message
        return Envelope(
            campaign=self._scope,
            application_id=self.campaign.application_id or "simulator",
            priority=message.priority,
            expiration=message.expiration,
            repeat=self.campaign.recipients.duplicates == "keep",
        )


def _asked() -> Stopped:
    return Stopped(Problem("E631", "it was asked to stop"))


def _counted(engine: Engine) -> dict[str, int]:
    return {event.value: count for event, count in engine.tally.events.items()}


def _refuse_other_input(journal: Journal, scope: str, plan: Plan) -> None:
    for run in journal.runs():
        if run.campaign != scope or run.finished_at is not None or run.run == plan.run:
            continue
        left = standing(journal, run).counts["not_sent"]
        if 0 < left < run.sendable:
            same_lists = run.input_digest == plan.about["input_digest"]
            what = "the campaign" if same_lists else "a list"
            done = run.sendable - left
            raise GateRefused(
                Problem(
                    "E622",
                    f"{what} changed since run {run.run} was planned, "
                    f"and {done:,} of its {run.sendable:,} messages are done",
                )
            )


async def _messages(
    plan: Plan, closed: Sequence[int]
) -> AsyncIterator[Sequence[Message]]:
    """The plan's messages in small pieces; the reading happens in another thread."""
    chunks = plan.sendable(pl.Series(closed, dtype=pl.Int64))
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        said = chunk.with_columns(pl.col(pl.String).fill_null(""))  # a picture alone
        for piece in said.iter_slices(HANDED_OVER_AT_ONCE):
            yield [Message(*row) for row in piece.iter_rows()]


def run_sending(
    sending: Sending,
    run: Run,
    *,
    beside: Callable[[Sending], Awaitable[None]] | None = None,
) -> BulksendError | None:
    """Run an event loop until everything is sent, or something stops it.

    SIGINT and SIGTERM drain.  *beside* runs in the same loop: a progress display.

    Returns:
        What stopped it, or None.
    """
    try:
        _run_loop(_send_with_signals(sending, run, beside))
    except BulksendError as error:
        return error
    return None


async def _send_with_signals(
    sending: Sending,
    run: Run,
    beside: Callable[[Sending], Awaitable[None]] | None,
) -> None:
    loop = asyncio.get_running_loop()
    if threading.current_thread() is threading.main_thread():
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, sending.stop)
    companion = asyncio.ensure_future(beside(sending)) if beside else None
    try:
        await sending.send(run)
    finally:
        if companion is not None:
            companion.cancel()
            await asyncio.wait([companion])
            if not companion.cancelled() and (error := companion.exception()):
                log.warning("display failed", error=type(error).__name__)


def _run_loop(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # Windows has none
        asyncio.run(work)
    else:
        uvloop.run(work)

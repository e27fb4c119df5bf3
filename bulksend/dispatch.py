"""One assignment on its way: signed in, the lease taken, the engine run, all given back."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bulksend.assembly import Assembled, Assembly, rows_of
from bulksend.assignment import other_account
from bulksend.errors import GateRefused, InputError, Problem, Stopped
from bulksend.first_few import FirstFew, stand_in
from bulksend.journal.mark import Mark
from bulksend.journal.owner import Owner
from bulksend.journal.records import LeaseLost
from bulksend.journal.writer import Writer
from bulksend.logs import log
from bulksend.send import collector
from bulksend.send.bandwidth import Client
from bulksend.send.clocks import SystemClocks
from bulksend.send.hearing import hear
from bulksend.send.hold import Hold
from bulksend.send.signin import Credentials
from bulksend.send.watch import watch
from bulksend.underway import STOP_SECONDS, progress_of

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    import polars as pl

    from bulksend.assignment import Assignment
    from bulksend.errors import BulksendError
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.send.engine import Engine
    from bulksend.underway import Progress

T = TypeVar("T")

WAIT_SECONDS = 1.0


@dataclass(slots=True)
class Sending:
    """An assignment on its way; `stop` drains it, `progress` says how far it is."""

    assignment: Assignment
    _assembled: Assembled | None = field(default=None, init=False)
    _stopped_at: float | None = field(default=None, init=False)
    _why: BulksendError | None = field(default=None, init=False)
    _step: asyncio.Future[Any] | None = field(default=None, init=False)
    _is_ours: bool = field(default=False, init=False)
    _first_few: FirstFew | None = field(default=None, init=False)

    @property
    def has_begun(self) -> bool:
        """Whether the lease was taken, and it is known who may be texted.

        From then on messages may have gone out; who stops it before has results, too.
        """
        return self._first_few is not None or (self._is_ours and self.is_stopping)

    async def send(self, run: Run) -> None:
        """Send every row that is still planned.

        Raises:
            BulksendError: What stopped it; every row is in a true state by then.
        """
        asked, clocks = self.assignment, SystemClocks()
        async with AsyncExitStack() as stack:
            credentials = await self._credentials(stack)
            client = await stack.enter_async_context(
                Client(credentials, clock=clocks.monotonic, patience=asked.patience)
            )
            ready = asyncio.ensure_future(self._get_ready(client, run))
            stack.push_async_callback(_let_go, ready)
            marks = asked.home.marks(run.campaign)
            mark = Mark(marks / run.run)
            writer = await stack.enter_async_context(
                Writer(asked.home.journal, run, mark)
            )
            assembly = Assembly(asked, client, writer, clocks, ready)
            assembly = await self._unless_ended(assembly.before_lease())
            writer.epoch = await self._take_lease(writer, clocks)
            try:
                async with Hold(writer, clocks, self._end) as lease:
                    await self._send_under(lease, assembly, mark, marks)
            finally:
                seen = client.theirs.seen()
                await writer.give_up(now=clocks.wall_ms(), seen=seen)

    async def _send_under(
        self, lease: Hold, assembly: Assembly, mark: Mark, marks: Path
    ) -> None:
        """What the lease is kept for, from its taking to the run's end."""
        try:
            await self._take_account(assembly.writer)
            await assembly.begin(mark, marks)
            self._is_ours = True
            assembly = await self._unless_ended(assembly.without_late())
            send = partial(self._work_off, lease, assembly)
            self._first_few = FirstFew(assembly, send)
            if self._why is not None:
                self._first_few.stop(self._why)
            await self._first_few.go()
            await send(0)
        except LeaseLost:
            raise lease.lost() from None

    async def _unless_ended(self, step: Coroutine[Any, Any, T]) -> T:
        """What *step* gives; a stop ends it at once, and so does the loss of the lease.

        A plan may be long, a journal great, and the storage of a list or a token's address
        slow.
        """
        self._step = asyncio.ensure_future(step)
        if self._why is not None:
            self._step.cancel()
        try:
            return cast("T", await self._step)
        except asyncio.CancelledError:
            if self._why is None:
                raise
            raise self._why from None
        finally:
            await _let_go(self._step)
            self._step = None

    async def _work_off(self, lease: Hold, assembly: Assembly, first: int) -> bool:
        """Send what is left of the run; or of its first few, where that is how many.

        False where nobody of these is left.
        """
        assembled = await self._unless_ended(assembly.engine(lease, first=first))
        if assembled is None:
            return False
        self._assembled, writer, run = assembled, assembly.writer, assembly.writer.run
        clocks = assembly.clocks
        if self._why is not None:
            assembled.engine.stop(self._why)
        log.info(
            "sending",
            run=run.run,
            provider=run.provider,
            rate=self.assignment.campaign.send.rate.text,
        )
        try:
            with collector.seldom():
                await _run(assembled, writer, clocks, self.assignment)
        except GateRefused as why:
            await _note(writer, why, now=clocks.wall_ms())
            raise
        finally:
            await assembled.remainder.close()
            opens = assembled.source.comes_back_at
            is_whole = opens is None and self._why is None
            what = "ended" if is_whole else "stopped"
            log.info(what, run=run.run, **_counted(assembled.engine))
        if opens is not None:
            raise _closed(opens, self.assignment.deadline(run, clocks.wall_ms()))
        return True

    async def _take_lease(self, writer: Writer, clocks: SystemClocks) -> int:
        """The campaign is ours from here on; its epoch.

        Raises:
            GateRefused: E610, where another sender has it, and nobody said to wait.
        """
        asked, run, waited = self.assignment, writer.run, False
        owner = Owner.me(run.run)

        def take(journal: Journal) -> int:
            now = clocks.wall_ms()
            if asked.shard is None:
                return journal.leases.take(run.campaign, owner, now=now)
            return journal.leases.take_shard(run, asked.part, owner, now=now)

        while True:
            try:
                return await writer.call(take)
            except GateRefused as held:
                writer.failure = None  # nothing is wrong with the journal
                if not asked.wait:
                    raise
                if not waited:
                    log.info("waiting", run=run.run, why=held.problems[0].found)
                waited = True
            await asyncio.sleep(WAIT_SECONDS)
            if self.is_stopping:
                raise _asked()

    async def _take_account(self, writer: Writer) -> None:
        """Under the lease: another account may have sent since it was asked for.

        Raises:
            InputError: E551, where messages may have left by another.
        """
        run, account = writer.run, self.assignment.account
        if not account or await writer.call(
            lambda journal: journal.runs.take_account(run.id, account)
        ):
            return
        now = await writer.call(lambda journal: journal.runs.named(run.run))
        raise InputError(other_account(now or run, account))

    def progress(self) -> Progress | None:
        """How far it is; None before that is known."""
        if self._assembled is None:
            return None
        first = self._first_few
        return progress_of(self._assembled, first.waits_until if first else None)

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped_at is not None

    @property
    def seconds_left(self) -> float:
        """For what may take long, once it was asked to stop; endless before."""
        if self._stopped_at is None:
            return math.inf
        return STOP_SECONDS - (time.monotonic() - self._stopped_at)

    def stop(self) -> None:
        """Drain: nothing new goes out.  For a signal handler in the loop's thread."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        self._end(_asked())

    def _end(self, why: BulksendError) -> None:
        """Begin nothing new; the first call decides why."""
        self._why = why = self._why or why
        if self._step is not None:
            self._step.cancel()
        if self._first_few is not None:
            self._first_few.stop(why)
        if self._assembled is not None:
            self._assembled.engine.stop(why)

    async def _get_ready(self, client: Client, run: Run) -> pl.DataFrame:
        """Sign in, check the plan and find its rows, all in one wait.

        The check says what is wrong with a plan, whatever the reader made of it.
        """
        check = asyncio.to_thread(self.assignment.check_plan, run)
        reading = asyncio.ensure_future(asyncio.to_thread(rows_of, self.assignment))
        try:
            await asyncio.gather(client.sign_in(), check)
            return await reading
        finally:
            await _let_go(reading)

    async def _credentials(self, stack: AsyncExitStack) -> Credentials:
        if self.assignment.campaign.provider == "bandwidth":
            return Credentials.from_environment(self.assignment.environment)
        rehearsal = await stand_in(self.assignment, stack)
        return Credentials(
            account_id="1",
            url=rehearsal.url,
            token_url=rehearsal.token_url,
            client_id="simulator",
            client_secret="simulator",  # noqa: S106  (the stand-in takes anything)
        )


async def _note(writer: Writer, why: GateRefused, *, now: int) -> None:
    """What stopped the run, for whoever looks at it later."""
    if writer.failure is None:
        run_id, problem = writer.run.id, why.problems[0]
        await writer.call(
            lambda journal: journal.canaries.halt(run_id, problem, now=now)
        )


async def _let_go(waiting: asyncio.Future[Any]) -> None:
    """What came first has been said."""
    waiting.cancel()
    await asyncio.wait([waiting])
    if not waiting.cancelled():
        waiting.exception()


async def _run(
    assembled: Assembled, writer: Writer, clocks: SystemClocks, asked: Assignment
) -> None:
    engine = assembled.engine
    beside = [
        asyncio.ensure_future(watch(engine, writer, clocks, parent=asked.parent)),
        asyncio.ensure_future(
            hear(engine, writer, clocks, part=asked.part, day=assembled.day)
        ),
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


def _closed(opens: int, ends: datetime | None) -> Stopped:
    """When to come back; nobody is told to after the campaign's end."""
    then = datetime.fromtimestamp(opens / 1000, UTC)
    if ends is not None and then >= ends:
        found = f"the next window opens at {then:%Y-%m-%d %H:%M} UTC"
        return Stopped(Problem("E516", f"{found}, after the campaign's `not_after`"))
    stopped = Stopped(
        Problem("E430", f"the next one opens at {then:%Y-%m-%d %H:%M} UTC")
    )
    stopped.resumes_at = opens
    return stopped


def _asked() -> Stopped:
    return Stopped(Problem("E631", "it was asked to stop"))


def _counted(engine: Engine) -> dict[str, int]:
    return {event.value: count for event, count in engine.tally.events.items()}

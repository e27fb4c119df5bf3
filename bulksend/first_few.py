"""The first few of a run, before the rest: who sends them, and who waits for them."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bulksend.journal.canaries import AGAIN
from bulksend.journal.selections import SELECTIONS
from bulksend.logs import log
from bulksend.send.canary import Bounds, Vigil
from bulksend.send.clocks import wall_ms
from bulksend.send.watch import watch
from bulksend.settle.keeping import Keeping
from bulksend.settle.listener import Listener
from bulksend.settle.taking import Taking
from bulksend.simulator.lifetime import in_thread
from bulksend.simulator.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bulksend.assembly import Assembly
    from bulksend.assignment import Assignment
    from bulksend.errors import BulksendError
    from bulksend.journal.canaries import Canary
    from bulksend.journal.records import Run
    from bulksend.simulator.server import Simulator


REMEMBERED = 1_000
"""Messages that the stand-in keeps in memory: a run ends with it, and nobody asks later."""


ROUNDS = 20
"""So often others are drawn for those who turn out to have had enough (`send.per_person`):
where nearly all have, a plan is not read for each of them."""


def wanted(asked: Assignment, run: Run) -> int:
    """How many messages go first; 0 where all may go at once."""
    canary, plan = asked.campaign.send.canary, asked.plan
    if canary is None or plan.kind != "send" or SELECTIONS.get(asked.only) is not None:
        return 0
    return canary.size(run.sendable)


@dataclass(slots=True)
class FirstFew:
    """Sends them, waits, and lets the rest go or raises why not.

    Args:
        send: Sends so many messages of the run, with those that were sent before; False
            where none was left to send.

        waits_until: While receipts are waited for, until when: in milliseconds since 1970.
    """

    assembly: Assembly
    send: Callable[[int], Awaitable[bool]]
    _vigil: Vigil | None = field(default=None, init=False)
    _stopped: BulksendError | None = field(default=None, init=False)
    waits_until: int | None = field(default=None, init=False)

    def stop(self, problem: BulksendError) -> None:
        """Wait no longer."""
        self._stopped = problem
        if self._vigil is not None:
            self._vigil.stop(problem)

    async def go(self) -> None:
        """Return when the rest may go.

        Raises:
            GateRefused: What speaks against it (`send.canary`).
            BulksendError: What stopped the sending or the waiting.
        """
        assembly, asked = self.assembly, self.assembly.assignment
        writer, run = assembly.writer, assembly.writer.run
        size = wanted(asked, run)
        if not size:
            return
        canary = await writer.call(lambda journal: journal.canaries.begin(run.id, size))
        if canary.passed_at is not None:
            return
        if asked.shard:  # its rows wait for those of shard 0
            async with self._watched() as vigil:
                await vigil.until_passed()
            return
        sent_at = await self._send(canary)
        if await self._is_over():
            return
        wait = asked.campaign.send.canary
        assert wait is not None
        until = sent_at + round(wait.wait.total_seconds() * 1000)
        left = max(0, until - assembly.clocks.wall_ms()) // 1000
        log.info("waiting for receipts", run=run.run, seconds=left)
        self.waits_until = until
        async with self._watched() as vigil:
            found = await vigil.judge(until)
        self.waits_until = None
        now = assembly.clocks.wall_ms()
        await writer.call(lambda j: j.canaries.passed(run.id, by="", now=now))
        log.info("the first few passed", run=run.run, **found._asdict())

    async def _is_over(self) -> bool:
        """Whether no message is left that might wait for their verdict."""
        assembly = self.assembly
        run = assembly.writer.run
        many = await assembly.writer.call(lambda journal: journal.closed_count(run.id))
        return many >= run.sendable

    async def _send(self, canary: Canary) -> int:
        """Send what is lacking of them; since when their receipts are waited for."""
        assembly = self.assembly
        writer, run = assembly.writer, assembly.writer.run
        halt = await writer.call(lambda journal: journal.canaries.standing(run.id))
        waits_again = halt is not None and halt.is_canary and halt.code == AGAIN
        if canary.sent_at is not None and not waits_again:
            return canary.sent_at
        if canary.sent_at is None:
            for _ in range(ROUNDS):
                if not await self.send(canary.size):
                    break
        now = assembly.clocks.wall_ms()
        await writer.call(lambda journal: journal.canaries.sent(run.id, now=now))
        await writer.call(lambda journal: journal.canaries.lift(run.id, now=now))
        return now

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[Vigil]:
        """The waiting, with orders from other terminals heard."""
        assembly = self.assembly
        writer, clocks = assembly.writer, assembly.clocks
        send = assembly.assignment.campaign.send
        audited = 1.0 if send.canary is None else send.canary.opt_outs
        bounds = Bounds(send.stop_at.failed, send.stop_at.opt_outs, audited)
        vigil = Vigil(writer, clocks, bounds)
        if self._stopped is not None:
            vigil.stop(self._stopped)
        self._vigil = vigil
        parent = assembly.assignment.parent
        watching = asyncio.ensure_future(watch(vigil, writer, clocks, parent=parent))
        try:
            yield vigil
        finally:
            self._vigil = None
            watching.cancel()
            await asyncio.wait([watching])
            if not watching.cancelled():
                watching.exception()  # the journal's, which the vigil has met


async def stand_in(asked: Assignment, stack: AsyncExitStack) -> Simulator:
    """A Bandwidth on this machine; it calls back where the first few wait for it."""
    url = ""
    if asked.campaign.send.canary is not None:
        taking = Taking(asked.home, wall_ms)
        keeping = Keeping(taking)
        listener = Listener(keeping, None)
        stack.push_async_callback(keeping.close)
        stack.push_async_callback(keeping.run, taking.close)
        await listener.listen("127.0.0.1", 0)
        stack.push_async_callback(listener.close)
        url = f"http://127.0.0.1:{listener.port}/"
    scenario = Scenario(rate=None, callback_url=url, remembers=REMEMBERED)
    rng = random.Random()  # noqa: S311  (faults, no secrets)
    return stack.enter_context(in_thread(scenario, rng=rng))

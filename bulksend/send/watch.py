"""What a sender watches beside its work: orders from another terminal, and its parent.

A process whose parent is gone may have a successor already, which nobody can tell it:
Airflow's supervisor dies, the task goes on as an orphan, and a retry begins elsewhere.
So a run that belongs to its parent ends with it.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Protocol

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.journal.orders import Word
from bulksend.logs import log

if TYPE_CHECKING:
    from bulksend.journal.orders import Order
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks

TICK_SECONDS = 0.25
TICKS_PER_LOOK = 3
"""An order is seen within a second, for one look at a tiny table."""


class Sender(Protocol):
    """What is watched; `engine.Engine` is one."""

    @property
    def is_quiet(self) -> bool: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self, problem: BulksendError | None = None) -> None: ...


async def watch(
    sender: Sender, writer: Writer, clocks: Clocks, *, parent: int | None = None
) -> None:
    """Watch until cancelled, or until there is nothing left to say.

    Args:
        parent: The process whose end ends the run; None where the run is its own.
    """
    tick, noted = 0, None
    while True:
        if parent is not None and os.getppid() != parent:
            sender.stop(Stopped(Problem("E614", f"process {parent} is gone")))
            return
        if tick % TICKS_PER_LOOK == 0:
            order = await writer.call(lambda journal: journal.orders.of(writer.run.id))
            if order is not None and order.word is Word.ABORT:
                sender.stop(refused(order))
                return
            noted = await _pause(order, noted, sender, writer, clocks)
        tick += 1
        await asyncio.sleep(TICK_SECONDS)


async def _pause(
    order: Order | None,
    noted: Order | None,
    sender: Sender,
    writer: Writer,
    clocks: Clocks,
) -> Order | None:
    """Do as *order* says; the order that is being obeyed."""
    if order is None:
        if noted is not None:
            log.info("resumed", run=writer.run.run)
            sender.resume()
        return None
    if noted is None:
        log.info("paused", run=writer.run.run, by=order.giver)
        sender.pause()
    if order.heeded_at is None and sender.is_quiet:
        await writer.durable()
        now = clocks.wall_ms()
        await writer.call(lambda journal: journal.orders.heed(writer.run.id, now=now))
    return order


SAID = {Word.PAUSE: "E612", Word.ABORT: "E613"}


def refused(order: Order) -> GateRefused:
    """What a run says that may not send."""
    return GateRefused(Problem(SAID[order.word], f"{order.giver} asked for it"))

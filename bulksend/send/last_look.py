"""The last look at a message, when its bytes are ready to leave.

Much may have changed since it was claimed: the pace let it wait, a connection took long,
the machine slept.  So all that forbids a message is asked here, last: the lease, a stop, the
deadline, the journal's health, the person's hours, an opt-out, the pace.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.journal.writer import Writer
    from bulksend.send.backlog import Item
    from bulksend.send.brake import Brake
    from bulksend.send.clocks import Clocks
    from bulksend.send.hold import Hold
    from bulksend.send.intake import Intake
    from bulksend.send.pacing import Pace

READY_SECONDS = 0.5
"""So long a connection may stand ready for a message.  It has been idle before, for four
seconds at most (send/bandwidth.py), and servers close theirs after five."""


class LastLook:
    """Lets each message's bytes leave in their turn, or not at all."""

    def __init__(  # noqa: PLR0913  (all that may forbid it)
        self,
        *,
        lease: Hold,
        brake: Brake,
        writer: Writer,
        intake: Intake,
        pacer: Pace,
        clocks: Clocks,
    ) -> None:
        self._lease = lease
        self._brake = brake
        self._writer = writer
        self._intake = intake
        self._pacer = pacer
        self._now = clocks.monotonic

    async def turn(self, item: Item) -> float:
        """Wait until its bytes may leave: an `aftermath.Turn`.

        Returns:
            0 where they may now; seconds, where it must be begun anew after so long, since
            no connection stands ready for as long as it has to wait; endless where they
            may not leave any more.
        """
        pacer, now = self._pacer, self._now
        sender, weight = item.message.sender, item.message.weight
        until = now() + READY_SECONDS
        while self._may_leave(item):
            if self._intake.is_stale(item):
                if not await self._intake.may_still(item):
                    break  # its next claim leaves it out
                if now() > until:
                    return READY_SECONDS  # the connection has grown old meanwhile
                continue
            seconds = pacer.seconds_too_close(sender, weight, now())
            if seconds <= 0.0:
                pacer.left(sender, weight, now())
                return 0.0
            if now() + seconds > until:
                return seconds
            await asyncio.sleep(seconds)
        return math.inf

    def _may_leave(self, item: Item) -> bool:
        brake = self._brake
        if not self._lease.stands():
            brake.stop(self._lease.lost())
        else:
            brake.stop_in_time()
        is_well = self._writer.failure is None
        return brake.lets_go and is_well and not self._intake.is_late(item)

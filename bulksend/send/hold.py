"""This sender's hold on its campaign: the lease, kept and watched.

Asked before every POST whether it still holds, on two clocks: the wall clock, and one
that goes on while the machine sleeps, because the monotonic clock stands still then.
What was ours before a suspend may be another's after it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bulksend.errors import Problem, Stopped
from bulksend.journal.leases import LEASE_MS

if TYPE_CHECKING:
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks

MARGIN_MS = 5_000
"""It counts as ended so much earlier: a POST takes time to leave."""

RENEW_SECONDS = LEASE_MS / 3_000


class Hold:
    """A lease that was taken; `renew` before first use."""

    def __init__(self, writer: Writer, clocks: Clocks) -> None:
        self._writer = writer
        self._clocks = clocks
        self._wall_until = 0
        self._boot_until = 0

    def stands(self) -> bool:
        """Whether this sender may post now."""
        clocks = self._clocks
        return (
            clocks.wall_ms() < self._wall_until and clocks.boot_ms() < self._boot_until
        )

    async def renew(self) -> None:
        """Raises `LeaseLost` where it had ended."""
        wall, boot = self._clocks.wall_ms(), self._clocks.boot_ms()
        writer = self._writer
        await writer.call(
            lambda journal: journal.leases.renew(
                writer.run.campaign, writer.epoch, now=wall
            )
        )
        self._wall_until = wall + LEASE_MS - MARGIN_MS
        self._boot_until = boot + LEASE_MS - MARGIN_MS

    async def keep(self) -> None:
        """Renew until cancelled; raises what a renewal raises."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew()

    def lost(self) -> Stopped:
        """What to say when it no longer stands."""
        if self._clocks.boot_ms() >= self._boot_until:
            found = "this process stood still for too long"
        elif self._clocks.wall_ms() >= self._wall_until:
            found = "this machine's clock was set ahead, beyond its end"
        else:
            found = "another sender has taken it over"
        return Stopped(Problem("E611", found))

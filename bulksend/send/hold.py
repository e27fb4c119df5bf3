"""This sender's hold on its campaign: the lease, kept and watched.

Asked before every POST whether it still holds, on two clocks: the wall clock, and one
that goes on while the machine sleeps, because the monotonic clock stands still then.
What was ours before a suspend may be another's after it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.records import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks

MARGIN_MS = 5_000
"""It counts as ended so much earlier: a POST takes time to leave."""

RENEW_SECONDS = LEASE_MS / 3_000


class Hold:
    """A lease that was taken, kept while one is inside: use with ``async with``.

    From its taking to its end there is one, so that there is no moment in which nobody
    keeps it: also what is read before the first message may take long.

    Args:
        on_loss: Told what to say, once it no longer stands or cannot be kept.
    """

    def __init__(
        self,
        writer: Writer,
        clocks: Clocks,
        on_loss: Callable[[BulksendError], None] = lambda _: None,
    ) -> None:
        self._writer = writer
        self._clocks = clocks
        self._on_loss = on_loss
        self._wall_until = 0
        self._boot_until = 0
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._renew()
        except LeaseLost:
            raise self.lost() from None
        self._keeper = asyncio.create_task(self._keep())
        self._keeper.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._keeper is not None
        self._keeper.cancel()
        await asyncio.wait([self._keeper])

    def stands(self) -> bool:
        """Whether this sender may post now."""
        clocks = self._clocks
        return (
            clocks.wall_ms() < self._wall_until and clocks.boot_ms() < self._boot_until
        )

    async def _renew(self) -> None:
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

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._renew()

    def _ended(self, keeper: asyncio.Task[None]) -> None:
        error = None if keeper.cancelled() else keeper.exception()
        if error is not None:
            self._on_loss(error if isinstance(error, BulksendError) else self.lost())

    def lost(self) -> Stopped:
        """What to say when it no longer stands."""
        if self._clocks.boot_ms() >= self._boot_until:
            found = "this process stood still for too long"
        elif self._clocks.wall_ms() >= self._wall_until:
            found = "this machine's clock was set ahead, beyond its end"
        else:
            found = "another sender has taken it over"
        return Stopped(Problem("E611", found))

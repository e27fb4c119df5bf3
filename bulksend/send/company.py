"""The pace of a sender whose account others may send on too, from the same journal.

Alone it keeps a pace of its own, to the segment.  Beside others it takes its slots from
the account's common line, as all of them do (`shared`).

Theory of operation
-------------------
Who sends is what the leases say.  A sender claims nothing on knowledge that is older than
half a second; so who comes new and sees others waits for a second, in which all of them
have seen it.  Who is alone again waits for a second too before it believes that: what the
others posted last is out of every window then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from bulksend.send.pacing import Pace, Upcoming

LOOK_SECONDS = 0.5
SETTLE_SECONDS = 1.0


class Company:
    """A `pacing.Pace` that is its own, or everybody's.

    Args:
        own: The pace while nobody else sends.

        shared: The pace beside others.

        look: Whether others send on the account now.

        clock: Monotonic seconds.
    """

    def __init__(
        self,
        own: Pace,
        shared: Pace,
        *,
        look: Callable[[], Awaitable[bool]],
        clock: Callable[[], float],
    ) -> None:
        self._own = own
        self._shared = shared
        self._look = look
        self._clock = clock
        self._looked_at: float | None = None
        self._alone_since: float | None = float("-inf")
        self._pace = own

    def __repr__(self) -> str:
        return f"<Company {self._pace!r}>"

    @property
    def rate(self) -> float:
        return self._pace.rate

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        while True:
            if self._looked_at is None or now - self._looked_at >= LOOK_SECONDS:
                await self._look_round()
            with suppress(
                TimeoutError
            ):  # others may have gone: no need to wait for them
                async with asyncio.timeout(LOOK_SECONDS):
                    return await self._pace.tick(self._clock(), upcoming)
            now = self._clock()

    def allows(self, sender: str, weight: int) -> bool:
        return self._pace.allows(sender, weight)

    def spend(self, sender: str, weight: int) -> None:
        self._pace.spend(sender, weight)

    def spare(self, sender: str, weight: int) -> None:
        self._pace.spare(sender, weight)

    def queue(self, sender: str, weight: int) -> Hashable:
        return self._pace.queue(sender, weight)

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        return self._pace.seconds_too_early(sender, weight, now)

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        return self._pace.seconds_of_its_own(sender, weight, now)

    def posted(self, sender: str, weight: int, now: float) -> None:
        """Its own pace remembers all that it posted, for when it is alone again."""
        self._own.posted(sender, weight, now)
        if self._pace is self._shared:
            self._shared.posted(sender, weight, now)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        return self._pace.seconds_too_close(sender, weight, now)

    def left(self, sender: str, weight: int, now: float) -> None:
        self._own.left(sender, weight, now)
        if self._pace is self._shared:
            self._shared.left(sender, weight, now)

    def throttled(self, now: float) -> bool:
        slowed = self._own.throttled(now)
        return self._shared.throttled(now) if self._pace is self._shared else slowed

    async def _look_round(self) -> None:
        is_first = self._looked_at is None
        has_others = await self._look()
        now = self._looked_at = self._clock()
        if has_others:
            self._alone_since = None
            self._pace = self._shared
            if is_first:
                await asyncio.sleep(SETTLE_SECONDS)
            return
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since >= SETTLE_SECONDS:
            self._pace = self._own

"""Whether callbacks can be stored now: found out by storing, whenever somebody asks.

What became of the last callback says too little.  Where one hangs, nothing has failed yet;
and where a load balancer sends none while this is ill, none would ever say that it is well
again.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Protocol

from bulksend.errors import BulksendError
from bulksend.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.settle.receipts import Receipt

FRESH_SECONDS = 3.0
"""So long an answer holds, however often it is asked for."""

PATIENCE_SECONDS = 2.5

LASTING = frozenset({"E602", "E616"})
"""Another version's journal, or one that was copied over this one: a new start helps."""


class Keeper(Protocol):
    """Where callbacks go; `keeping.Keeping` is one."""

    async def keep(self, receipts: Sequence[Receipt]) -> None:
        """Return when they are durable; raise BulksendError where they cannot be."""

    async def try_out(self) -> None:
        """As `keep`, with nothing to keep."""

    @property
    def is_stuck(self) -> bool:
        """Whether what is being stored takes longer than it should."""


class Health:
    """What is known of a keeper.

    Args:
        give_up: Told of what lasts until this program is started again.
    """

    def __init__(
        self, keeper: Keeper, give_up: Callable[[BulksendError], None]
    ) -> None:
        self._keeper = keeper
        self._give_up = give_up
        self._code = ""
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = -math.inf

    def stored(self) -> None:
        self._code = ""

    def failed(self, error: BulksendError) -> None:
        """Nothing could be stored; the first of its kind is told."""
        code = error.problems[0].code
        if self._code != code:
            self._code = code
            log.error("callbacks cannot be stored", code=code)
        if code in LASTING:
            self._give_up(error)

    async def is_well(self) -> bool:
        """Whether a callback that came now would be stored; known within seconds."""
        loop = asyncio.get_running_loop()
        if self._asking is None and loop.time() - self._asked_at >= FRESH_SECONDS:
            self._asking = loop.create_task(self._ask())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)
        return not (self._code or self._keeper.is_stuck)

    async def _ask(self) -> None:
        try:
            await self._keeper.try_out()
        except BulksendError as error:
            self.failed(error)
        except Exception as error:  # noqa: BLE001  (ours: no reason to say that all is well)
            self._code = type(error).__name__
            log.error("callbacks cannot be stored", error=self._code)
        else:
            self.stored()
        finally:
            self._asked_at = asyncio.get_running_loop().time()
            self._asking = None

"""Whether a sender goes on: it may be paused, told to stop, or out of time.

Whoever waits here is woken by all three.  A stop is for good, and the first one says why;
a pause ends.  The deadline is looked at by two clocks: one that is set back moves it by
nothing, and one that stands still while the machine sleeps does not stretch it.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from bulksend.errors import Problem, Stopped
from bulksend.logs import log
from bulksend.send.clocks import AllClocks

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from bulksend.errors import BulksendError
    from bulksend.send.clocks import Clocks

LONGEST_SLEEP = 30.0
"""A machine may be suspended, and sleeps know nothing of it."""

SHORTEST_SECONDS = 0.001
"""The timers' resolution: to wait for less is to turn round and round."""


class Brake:
    """A pause, a stop and a deadline, for one run of an engine.

    Args:
        changed: Set by whoever has more to send, or has nothing any more.

        not_after: From this moment on nothing new is begun.
    """

    def __init__(
        self, clocks: Clocks, changed: asyncio.Event, *, not_after: datetime | None
    ) -> None:
        self._clocks = AllClocks(clocks)
        self._changed = changed
        self._not_after_ms = not_after.timestamp() * 1000 if not_after else math.inf
        self._stopped = asyncio.Event()
        self.room = asyncio.Event()  # set when a message that was under way lands
        self.is_paused = False
        self.problem: BulksendError | None = None  # why it was stopped, if for a reason

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    @property
    def lets_go(self) -> bool:
        """Whether anything new may be begun."""
        return not self._stopped.is_set() and not self.is_paused

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False
        self._changed.set()

    def stop(self, problem: BulksendError | None = None) -> None:
        """For good; the first call decides why."""
        if not self._stopped.is_set():
            log.info("stopping", code=problem.problems[0].code if problem else None)
            self.problem = problem
        self._stopped.set()
        self._changed.set()
        self.room.set()

    def stop_in_time(self) -> None:
        """Stop, where the deadline has come."""
        if self._not_after_ms < math.inf and self._seconds_left <= 0.0:
            self.stop(Stopped(Problem("E516", "the campaign's `not_after` has come")))

    async def keep_deadline(self) -> None:
        """It ends the waiting too: for a window, a pace, whoever resumes a pause."""
        while self._seconds_left < math.inf and not self._stopped.is_set():
            self.stop_in_time()
            await self.wait_for_stop(min(self._seconds_left, LONGEST_SLEEP))

    async def wait_for_change(self, seconds: float) -> None:
        """So long, or until there is more to send, or none, or somebody says stop.

        What changed since the last wait ends this one at once: nothing is missed.
        """
        if not self._stopped.is_set():
            await _within(seconds, self._changed)
            self._changed.clear()

    async def wait_for_room(self, seconds: float) -> None:
        """So long, or until a message lands, or somebody says stop."""
        self.room.clear()
        await _within(seconds, self.room)

    async def wait_for_stop(self, seconds: float) -> None:
        """So long, or until somebody says stop."""
        await _within(seconds, self._stopped)

    async def unless_stopped(self, waiting: Coroutine[None, None, None]) -> None:
        """Wait for it, or until somebody says stop."""
        waits = (
            asyncio.ensure_future(waiting),
            asyncio.ensure_future(self._stopped.wait()),
        )
        done, late = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in late:
            one.cancel()
        for one in done:
            one.result()

    @property
    def _seconds_left(self) -> float:
        return (self._not_after_ms - self._clocks.now().latest) / 1000


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(max(seconds, SHORTEST_SECONDS)):
            await event.wait()
    except TimeoutError:
        return

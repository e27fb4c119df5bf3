"""The messages under way: each from its POST to what follows from its answer.

However one ends, its row is in a true state: recorded, given back since nothing left, or,
after a fault of ours, claimed as it was: then it ends unknown.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError
from bulksend.send.aftermath import Posted
from bulksend.send.verdict import Action, Reached, judge

if TYPE_CHECKING:
    from bulksend.send.aftermath import Aftermath, Poster
    from bulksend.send.backlog import Item
    from bulksend.send.brake import Brake
    from bulksend.send.clocks import Clocks
    from bulksend.send.intake import Intake
    from bulksend.send.last_look import LastLook

MOST_IN_FLIGHT = 1_000

DRAIN_SECONDS = 2.5
"""A stop is over within four seconds: Airflow kills after five."""

HELD = judge(Reached.HELD)
"""The verdict on a message that was not posted, since nothing new is begun any more."""


class Flight:
    """A task for each message that is posted, waited for together."""

    def __init__(  # noqa: PLR0913  (its seams)
        self,
        *,
        intake: Intake,
        client: Poster,
        brake: Brake,
        last_look: LastLook,
        aftermath: Aftermath,
        clocks: Clocks,
    ) -> None:
        self._intake = intake
        self._client = client
        self._brake = brake
        self._last_look = last_look
        self._aftermath = aftermath
        self._clocks = clocks
        self._tasks: set[asyncio.Task[None]] = set()
        self.fault: BaseException | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def is_full(self) -> bool:
        return len(self._tasks) >= MOST_IN_FLIGHT

    def begin(self, item: Item) -> None:
        """Post *item*, which is claimed."""
        task = asyncio.create_task(self._send(item))
        self._tasks.add(task)
        task.add_done_callback(self._landed)

    async def land(self) -> None:
        """Let all of them end; after a stop for a few seconds, and then they are ended."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(
            set(self._tasks),
            timeout=DRAIN_SECONDS if self._brake.is_stopped else None,
        )
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _send(self, item: Item) -> None:
        posted = Posted(self._clocks.wall_ms(), self._client.generation)
        try:
            verdict = HELD
            if self._brake.lets_go:  # the rest is asked when its bytes leave
                turn = partial(self._last_look.turn, item)
                verdict = await self._client.post(item.body, turn)
        except BulksendError as error:  # the sign-in failed before anything left
            self._brake.stop(error)
            self._intake.give_back([item], again=False)
        else:
            if verdict.action is not Action.GIVE_BACK:
                await self._aftermath.follow(item, verdict, posted)
            elif self._brake.lets_go and self._intake.is_late(item):
                self._intake.postpone(item)
            else:
                self._intake.give_back([item], again=not self._brake.is_stopped)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._brake.room.set()
        if not self._tasks:
            self._intake.changed.set()
        if not task.cancelled() and (fault := task.exception()):
            self.fault = self.fault or fault
            self._brake.stop()

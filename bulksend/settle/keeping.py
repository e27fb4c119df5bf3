"""Callbacks onto the disk in groups: many of them, one commit, each awaited.

As `journal/writer.py` does it for outcomes: callbacks gather while a commit is under
way, and go out together in the next.  A commit that fails fails for those in it, which
Bandwidth brings again; the next one tries anew.
"""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.settle.receipts import Receipt

TRY_SECONDS = 2.0
STORE_SECONDS = 5.0
"""What is under way for longer is stuck: twenty thousand are stored in less."""

MOST_WAITING = 20_000
"""Events that wait for a commit before further ones are turned away."""


class Keeping:
    """Group commit for callbacks.

    Args:
        store: Makes a list of callbacks durable; always called in the same thread.  With
            an empty one it tries whether it could.
    """

    def __init__(self, store: Callable[[list[Receipt]], None]) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulksend-callbacks")
        self._waiting: list[Receipt] = []
        self._answer: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._late = math.inf

    @property
    def is_stuck(self) -> bool:
        """Whether what is being stored now takes longer than it should."""
        return time.monotonic() > self._late

    async def try_out(self) -> None:
        """Return when it was seen that callbacks can be stored.

        Raises:
            BulksendError: They cannot; what the disk says.
        """
        await self.run(partial(self._timed, [], TRY_SECONDS))

    async def keep(self, receipts: Sequence[Receipt]) -> None:
        """Return when *receipts* are durable.

        Raises:
            BulksendError: They are not; what the disk says, or E542 where too many wait.
        """
        if not receipts:
            return
        if len(self._waiting) > MOST_WAITING:
            raise BulksendError(Problem("E542", f"{len(self._waiting):,} wait"))
        self._waiting.extend(receipts)
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        answer = self._answer
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(answer)

    async def close(self) -> None:
        """Finish what waits."""
        while self._writing is not None:
            await asyncio.wait({self._writing})
        self._thread.shutdown()

    async def run(self, work: Callable[[], None]) -> None:
        """Run *work* in the thread that stores."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _timed(self, group: list[Receipt], seconds: float) -> None:
        self._late = time.monotonic() + seconds
        try:
            self._store(group)
        finally:
            self._late = math.inf

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                answer, self._answer = self._answer, None
                assert answer is not None
                try:
                    await self.run(partial(self._timed, group, STORE_SECONDS))
                except BaseException as error:  # noqa: BLE001  (each caller raises it)
                    answer.set_exception(error)
                    answer.exception()  # a caller that went away needs no warning
                else:
                    answer.set_result(None)
        finally:
            self._writing = None

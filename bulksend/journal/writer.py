"""Group commit: many events, one transaction, awaited.

Theory of operation
-------------------
A commit costs one flush of the disk however many rows it holds.  So outcomes gather
while the previous commit is under way, and go out together in the next: under load the
groups grow by themselves, and when it is quiet each outcome is durable at once.

All of it runs in one thread that owns the `Journal`.  The first error stops everything:
it is raised from every later call, and the engine posts nothing whose intent could not
be written.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from bulksend.journal.records import LeaseLost
from bulksend.journal.store import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from bulksend.journal.records import Candidate, Outcome, Run

T = TypeVar("T")


class Writer:
    """One run's place in the journal, for the event loop.  Use with ``async with``."""

    def __init__(self, path: Path, run: Run) -> None:
        self._path = path
        self.run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulksend-journal")
        self._journal: Journal | None = None
        self._waiting: list[Outcome] = []
        self._flush: asyncio.Task[None] | None = None
        self.epoch = 0
        self.failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        try:
            self._journal = await self._run(lambda: Journal.open(self._path))
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.durable()
        finally:
            if self._journal is not None:
                await self._run(self._journal.close)
            self._thread.shutdown()

    async def call(self, work: Callable[[Journal], T]) -> T:
        """Run *work* with the journal, in its thread, in order with everything else."""
        if self.failure is not None:
            raise self.failure
        assert self._journal is not None
        journal = self._journal
        try:
            return await self._run(lambda: work(journal))
        except LeaseLost:
            raise  # nothing was written, and what is known can still be recorded
        except Exception as error:
            self.failure = error
            raise

    async def claim(self, candidates: Sequence[Candidate], *, now: int) -> list[int]:
        """The rows that are ours to post, their intent durable."""
        return await self.call(
            lambda journal: journal.claim(self.run, self.epoch, candidates, now=now)
        )

    def record(self, outcome: Outcome) -> None:
        """Store *outcome* with the next commit; `durable` waits for it."""
        self._waiting.append(outcome)
        if self._flush is None:
            self._flush = asyncio.create_task(self._write())

    async def durable(self) -> None:
        """Wait until every recorded outcome is on the disk; raise what went wrong."""
        while self._flush is not None:
            await asyncio.shield(self._flush)
        if self.failure is not None:
            raise self.failure

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self.call(
                    lambda journal, group=group: journal.record(  # type: ignore[misc]
                        self.run.id, self.epoch, group
                    )
                )
        except Exception:  # noqa: BLE001  (kept in `failure`, raised by each later call)
            return
        finally:
            self._flush = None

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

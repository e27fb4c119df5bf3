"""Group commit: many events, one transaction, awaited.

Theory of operation
-------------------
A commit costs one flush of the disk and one trip to the thread that makes it, however
many rows it holds.  So outcomes gather for a fiftieth of a second.  They go out with the
next claim, which goes there anyway, or else by themselves.

Outcomes always go before the claim: a row that was given back is claimed again only
when its release stands.

A database in a server can be lost, and with it the answer to what was last asked.  Then
the thread waits for it, and asks again: each of these calls may be done twice.  Nothing
is claimed meanwhile, so nothing new is posted.

All of it runs in one thread that owns the `Journal`.  The first error stops everything:
it is raised from every later call, and the engine posts nothing whose intent could not
be written.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bulksend.aside import abandonable
from bulksend.journal.faults import ConnectionLost
from bulksend.journal.limits import NO_LIMITS
from bulksend.journal.records import LeaseLost
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from bulksend.home import Address
    from bulksend.journal.limits import Claimed, Limits
    from bulksend.journal.mark import Mark
    from bulksend.journal.records import Candidate, Outcome, Run

T = TypeVar("T")

AT_ONCE = 20_000
"""Rows a transaction: it takes a quarter of a second, and others wait for it."""

GATHER_SECONDS = 0.02
"""How long an outcome waits for others; a crash leaves so much more to be unknown."""


class Writer:
    """One run's place in the journal, for the event loop.  Use with ``async with``."""

    def __init__(
        self, place: Path | Address, run: Run, mark: Mark | None = None
    ) -> None:
        self._place = place
        self._mark = mark
        self.run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bulksend-journal")
        self._journal: Journal | None = None
        self._waiting: list[Outcome] = []
        self._due: asyncio.TimerHandle | None = None
        self._unwritten: list[Outcome] = []
        self._lost: list[int] = []
        self._writing: set[asyncio.Task[None]] = set()
        self.epoch = 0
        self.failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        try:
            self._journal = await self._run(lambda: Journal.open(self._place))
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
            if self._mark is not None:
                self._mark.close()
            if self._journal is not None:
                await self._run(self._journal.close)
            self._thread.shutdown()

    async def call(
        self, work: Callable[[Journal], T], repeat: Callable[[Journal], T] | None = None
    ) -> T:
        """Run *work* with the journal, in its thread, in order with everything else.

        After a lost connection it is run again, or *repeat* in its stead.
        """
        if self.failure is not None:
            raise self.failure
        assert self._journal is not None
        journal = self._journal
        try:
            return await self._run(lambda: _patiently(journal, work, repeat or work))
        except LeaseLost:
            raise  # nothing was written, and what is known can still be recorded
        except Exception as error:
            self.failure = error
            raise

    async def each(
        self, rows: Sequence[int], work: Callable[[Journal, list[int]], int]
    ) -> int:
        """`call` for some of *rows* at a time; the sum.

        There may be millions, and in between the lease is renewed.
        """
        count = 0
        for at in range(0, len(rows), AT_ONCE):
            some = list(rows[at : at + AT_ONCE])
            count += await self.call(partial(_with, work, some))
        return count

    async def read(self, work: Callable[[Journal], T]) -> T:
        """What *work* reads, with a journal of its own, in a thread of its own.

        For what takes long: the lease is renewed meanwhile, and where this is cancelled
        nobody waits for it.
        """

        def reading() -> T:
            with Journal.open(self._place, read_only=True) as journal:
                return _patiently(journal, work, work)

        return await abandonable(reading)

    async def claim(self, candidates: Sequence[Candidate], *, now: int) -> list[int]:
        """The rows that are ours to post, their intent durable; and all outcomes too."""
        return (await self.claim_within(candidates, NO_LIMITS, now=now)).rows

    async def claim_within(
        self, candidates: Sequence[Candidate], limits: Limits, *, now: int
    ) -> Claimed:
        """The same within limits, and what must wait for them."""
        outcomes = self._taken()
        run, epoch = self.run, self.epoch

        def work(journal: Journal) -> Claimed:
            claimed = journal.claim_within(
                run, epoch, candidates, limits, now=now, outcomes=outcomes
            )
            return noted(journal, claimed)

        def repeat(journal: Journal) -> Claimed:
            self._record(journal, outcomes)
            again = journal.claim_repeated(run, epoch, candidates, limits, now=now)
            return noted(journal, again)

        def noted(journal: Journal, claimed: Claimed) -> Claimed:
            if self._mark is not None and claimed.rows:
                latest = journal.latest.claim(run.id, claimed.rows[-1])
                if latest is not None:
                    self._mark.note(latest)
            return claimed

        with self._keeping(outcomes):
            return await self.call(work, repeat)

    @contextmanager
    def _keeping(self, outcomes: list[Outcome]) -> Iterator[None]:
        """Keep what a failed journal did not take: `give_up` tries once more."""
        try:
            yield
        except LeaseLost:
            raise  # they were written before it was noticed
        except Exception:
            self._unwritten += outcomes
            raise

    async def give_up(self, *, now: int, seen: int | None = None) -> None:
        """End the lease, whatever went wrong; what is known is written if it can be.

        Args:
            seen: Now, not earlier, whichever clock is wrong; None where nobody can say.

        Nothing was claimed since the failure, so an outcome that was written although
        its commit was said to have failed meets no later claim of its row.
        """
        has_failed, self.failure = self.failure is not None, None
        outcomes, self._unwritten = self._unwritten + self._taken(), []

        def work(journal: Journal) -> None:
            self._record(journal, outcomes)
            if has_failed:
                journal.leases.leave(self.run, self.epoch, now=now)
            else:
                journal.leases.end(self.run.campaign, self.epoch)
            if seen is not None:
                lost = [(row, 0) for row in self._lost]
                journal.decisions.note_looks(self.run.id, lost, at=seen)

        await self.call(work)

    def record(self, outcome: Outcome) -> None:
        """Store *outcome* with the next commit; `durable` waits for it."""
        if outcome.event is Event.LOSE:
            self._lost.append(outcome.row)
        self._waiting.append(outcome)
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_later(GATHER_SECONDS, self._begin_write)

    async def durable(self) -> None:
        """Wait until every recorded outcome is on the disk; raise what went wrong."""
        self._begin_write()  # an empty one, too, comes after all that is under way
        while self._writing:
            await asyncio.wait(set(self._writing))
            if self.failure is not None:
                raise self.failure
            if self._waiting:
                self._begin_write()

    def _begin_write(self) -> None:
        writing = asyncio.create_task(self._write(self._taken()))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _write(self, outcomes: list[Outcome]) -> None:
        # What goes wrong is kept in `failure`, and raised by each later call.
        with suppress(Exception), self._keeping(outcomes):
            await self.call(lambda journal: self._record(journal, outcomes))

    def _record(self, journal: Journal, outcomes: list[Outcome]) -> None:
        if outcomes:
            journal.record(self.run.id, self.epoch, outcomes)

    def _taken(self) -> list[Outcome]:
        taken, self._waiting = self._waiting, []
        if self._due is not None:
            self._due.cancel()
            self._due = None
        return taken

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _with(
    work: Callable[[Journal, list[int]], int], rows: list[int], journal: Journal
) -> int:
    return work(journal, rows)


def _patiently(
    journal: Journal, work: Callable[[Journal], T], repeat: Callable[[Journal], T]
) -> T:
    """What *work* gives; after each lost connection what *repeat* gives."""
    while True:
        try:
            return work(journal)
        except ConnectionLost as lost:
            log.warning("journal lost", why=lost.problems[0].found)
            journal.database.reconnect()
            log.info("journal found")
            work = repeat

"""The loop: claim, pace, post, record; drain on stop.

Theory of operation
-------------------
One *feeder* takes messages from the backlog, has their intent written (`Writer.claim`),
takes permits for their segments (`Pacer`), and starts one task per message.  The task
posts, and hands the verdict to the writer, which commits outcomes in groups.

    backlog ─► claim (durable) ─► permit ─► POST ─► verdict ─► record (durable)
       ▲                                                  │
       └──────────── proven not sent: again later ◄───────┘

A claim that was not yet posted when the process dies is an *unknown* that was never
sent.  So the feeder claims only what the next hundredth of a second needs, and at low
rates not before the permit is there.

Before each POST it asks whether the lease still holds, on two clocks: the wall clock,
and one that goes on while the machine sleeps.  The monotonic clock stands still then.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.journal.records import (
    ALREADY_SENT,
    PAST_EXPIRATION,
    Candidate,
    LeaseLost,
    Outcome,
)
from bulksend.journal.states import Event
from bulksend.journal.store import LEASE_MS
from bulksend.send import retry
from bulksend.send.backlog import Backlog, Item
from bulksend.send.verdict import Action, Verdict

if TYPE_CHECKING:
    from array import array
    from collections.abc import AsyncIterator, Sequence
    from random import Random

    from bulksend.journal.records import Closing
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks
    from bulksend.send.message import Envelope, Message
    from bulksend.send.pacing import Pacer

CLAIM_SECONDS = 0.02
"""How much is claimed at once: a commit's time, and little to be left unknown."""

SLOW_RATE = 25.0
"""Below this many segments a second, a claim waits for its permit."""

MOST_IN_FLIGHT = 1_000
LOW_WATER = 2_000
DRAIN_SECONDS = 3.0
LEASE_MARGIN_MS = 5_000
FAILURES_TO_HOLD = 8


class Poster(Protocol):
    """What the engine needs of a client; `bandwidth.Client` is one."""

    @property
    def generation(self) -> int: ...

    async def post(self, body: bytes) -> Verdict: ...

    async def renew(self, generation: int) -> bool: ...


@dataclass(slots=True)
class Tally:
    """What happened in this run of the engine; ``weight`` counts segments accepted."""

    events: Counter[Event] = field(default_factory=Counter)
    excluded: int = 0
    expired: int = 0
    weight: int = 0
    throttled: int = 0


class Engine:
    """Sends what the source gives, each message once.

    Args:
        source: Chunks of messages, in the plan's order, none of them closed before.

        ledger: Sorted keys of texts that people already have.
    """

    def __init__(  # noqa: PLR0913  (its seams: all that is I/O, time or chance)
        self,
        *,
        source: AsyncIterator[Sequence[Message]],
        envelope: Envelope,
        client: Poster,
        writer: Writer,
        pacer: Pacer,
        clocks: Clocks,
        rng: Random,
        ledger: array[int],
    ) -> None:
        self._source = source
        self._envelope = envelope
        self._client = client
        self._writer = writer
        self._pacer = pacer
        self._clocks = clocks
        self._rng = rng
        self._ledger = ledger
        self._backlog = Backlog()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._loading: asyncio.Task[None] | None = None
        self._exhausted = False
        self._stopping = False
        self._problem: BulksendError | None = None
        self._lease_until = (0, 0)
        self._failures_in_row = 0
        self._last_success = clocks.monotonic()
        self._token_is_unproven = False
        self.tally = Tally()

    def __repr__(self) -> str:
        events = self.tally.events
        return (
            f"<Engine {events[Event.ACCEPT]:,} accepted · "
            f"{events[Event.REFUSE]:,} refused · {events[Event.LOSE]:,} unknown · "
            f"{len(self._in_flight)} in flight · {self._pacer!r}>"
        )

    @property
    def rate(self) -> float:
        """The pace as it is now, in segments per second."""
        return self._pacer.rate

    def stop(self, problem: BulksendError | None = None) -> None:
        """Send nothing new; let what is under way end.  Safe to call twice."""
        self._stopping = True
        self._problem = self._problem or problem
        self._changed.set()

    async def run(self) -> bool:
        """Send until nothing is left; whether everything was tried.

        Raises:
            BulksendError: What stopped the run.  Every row is in a true state by then.
        """
        await self._renew_lease()
        keeper = asyncio.create_task(self._keep_lease())
        try:
            await self._feed()
        except LeaseLost:
            self.stop(_lease_lost())
        except BulksendError as error:
            self.stop(error)
        finally:
            keeper.cancel()
            await self._drain()
        if self._problem is not None:
            raise self._problem
        return not self._stopping and not self._backlog

    # -- feeding --------------------------------------------------------------------

    async def _feed(self) -> None:
        ahead: asyncio.Task[list[Item]] | None = None
        try:
            while not self._stopping:
                claimed = await ahead if ahead else await self._claim_next()
                ahead = None
                if not claimed:
                    if self._is_done():
                        return
                    await self._wait_for_change()
                    continue
                if self._pacer.rate >= SLOW_RATE:
                    ahead = asyncio.create_task(self._claim_next())
                await self._release_at_pace(claimed)
        finally:
            if ahead is not None:
                self._unclaim(await ahead)

    async def _claim_next(self) -> list[Item]:
        """The next items, their intent durable; few enough to be posted at once."""
        await self._fill()
        weight = max(1, int(self._pacer.rate * CLAIM_SECONDS))
        items = self._backlog.take(
            weight,
            self._clocks.monotonic(),
            retries_only=self._failures_in_row >= FAILURES_TO_HOLD,
        )
        if any(item.attempt > 1 for item in items):
            await self._writer.durable()  # their release must stand before a new claim
        items = await self._without_closed(items)
        if not items:
            return []
        if self._pacer.rate < SLOW_RATE:
            await self._pacer.acquire(sum(item.message.weight for item in items))
        if self._stopping:
            return []
        now = self._clocks.wall_ms()
        mine = set(
            await self._writer.claim(
                [
                    Candidate(
                        item.message.row,
                        self._envelope.once(item.message),
                        again=item.attempt > 1,
                    )
                    for item in items
                ],
                now=now,
            )
        )
        return [
            item if item.body else item._replace(body=self._body(item, now))
            for item in items
            if item.message.row in mine
        ]

    def _body(self, item: Item, now: int) -> bytes:
        return self._envelope.body(item.message, now)

    async def _without_closed(self, items: list[Item]) -> list[Item]:
        """Leave out, and close, what must not be sent any more."""
        if not items:
            return items
        now = self._clocks.wall_ms()
        expires = self._envelope.expires(now)
        if expires is not None and expires.timestamp() * 1000 <= now:
            await self._close(items, PAST_EXPIRATION, now)
            self.tally.expired += len(items)
            return []
        if not self._ledger:
            return items
        repeats = [item for item in items if self._is_in_ledger(item)]
        if repeats:
            await self._close(repeats, ALREADY_SENT, now)
            self.tally.excluded += len(repeats)
        return [item for item in items if item not in repeats]

    def _is_in_ledger(self, item: Item) -> bool:
        key = self._envelope.once(item.message)
        if key is None:
            return False
        place = bisect_left(self._ledger, key)
        return place < len(self._ledger) and self._ledger[place] == key

    async def _close(self, items: list[Item], why: Closing, now: int) -> None:
        writer = self._writer
        rows = [item.message.row for item in items]
        await writer.call(
            lambda journal: journal.close_unsent(
                writer.run.id,
                writer.epoch,
                rows,
                why,
                now=now,
            )
        )

    async def _release_at_pace(self, claimed: list[Item]) -> None:
        """Start the posts of *claimed*, each group when its permits are there."""
        paced = self._pacer.rate < SLOW_RATE
        while claimed:
            group, claimed = _split(claimed, self._pacer.batch)
            if not paced:
                await self._pacer.acquire(sum(item.message.weight for item in group))
            while len(self._in_flight) >= MOST_IN_FLIGHT and not self._stopping:
                await self._wait_for_change()
            if self._stopping or self._writer.failure or not self._lease_holds():
                self._unclaim(group + claimed)
                return
            for item in group:
                self._start(item)

    def _start(self, item: Item) -> None:
        task = asyncio.create_task(self._send(item))
        self._in_flight.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._changed.set()

    def _unclaim(self, items: list[Item]) -> None:
        """Give back what was claimed and not posted."""
        now = self._clocks.wall_ms()
        for item in items:
            self._writer.record(Outcome(item.message.row, Event.RELEASE, now))

    async def _fill(self) -> None:
        """Read ahead while there is enough; wait only where there is nothing."""
        is_low = self._backlog.fresh < LOW_WATER
        if is_low and self._loading is None and not self._exhausted:
            self._loading = asyncio.create_task(self._load())
        if self._loading is not None and (
            self._loading.done() or not self._backlog.fresh
        ):
            await self._loading
            self._loading = None

    async def _load(self) -> None:
        try:
            self._backlog.add(await anext(self._source))
        except StopAsyncIteration:
            self._exhausted = True

    def _is_done(self) -> bool:
        return self._exhausted and not self._backlog and not self._in_flight

    async def _wait_for_change(self) -> None:
        """Until a post ends, a retry is due, or somebody says stop."""
        self._changed.clear()
        ready_at = self._backlog.ready_at()
        patience = 0.5
        if ready_at is not None:
            patience = min(patience, max(0.0, ready_at - self._clocks.monotonic()))
        try:
            async with asyncio.timeout(patience):
                await self._changed.wait()
        except TimeoutError:
            return

    # -- one message ----------------------------------------------------------------

    async def _send(self, item: Item) -> None:
        posted_at = self._clocks.wall_ms()
        generation = self._client.generation
        try:
            verdict = await self._client.post(item.body)
        except BulksendError as error:  # the sign-in failed before anything left
            self._unclaim([item])
            self.stop(error)
            return
        self._settle(item, verdict, posted_at)
        if verdict.action is Action.SIGN_IN:
            await self._sign_in_again(item, verdict, generation)

    def _settle(self, item: Item, verdict: Verdict, posted_at: int) -> None:
        self.tally.events[verdict.event] += 1
        released = verdict.event is Event.RELEASE
        self._writer.record(
            Outcome(
                item.message.row,
                verdict.event,
                self._clocks.wall_ms(),
                None if released else posted_at,
                verdict.message_id,
                None if verdict.event is Event.ACCEPT else verdict.code,
                verdict.error,
            )
        )
        if not released:
            self._failures_in_row = 0
            self._last_success = self._clocks.monotonic()
            self._token_is_unproven = False
        if verdict.event is Event.ACCEPT:
            self.tally.weight += item.message.weight
        if verdict.action is Action.HALT:
            self.stop(_halted(verdict))
        elif verdict.action is Action.SLOW_DOWN:
            self.tally.throttled += 1
            self._pacer.throttled()
            self._again(item._replace(attempt=1), verdict)
        elif verdict.action is Action.RETRY:
            self._failures_in_row += 1
            self._again(item, verdict)

    def _again(self, item: Item, verdict: Verdict) -> None:
        """Queue *item* for its next attempt, or give up: it stays planned."""
        now = self._clocks.monotonic()
        seconds = retry.wait(item.attempt, self._rng)
        if seconds is not None:
            self._backlog.again(item, now + seconds)
        elif now - self._last_success >= retry.OUTAGE_SECONDS:
            self.stop(_unreachable(verdict))

    async def _sign_in_again(self, item: Item, verdict: Verdict, seen: int) -> None:
        """A fresh token, once: a 401 under one that nothing has accepted yet stops."""
        try:
            hopeless = self._token_is_unproven and seen == self._client.generation
            if not hopeless and await self._client.renew(seen):
                self._token_is_unproven = True
                self._backlog.again(item, self._clocks.monotonic())
                self._changed.set()
                return
        except BulksendError as error:
            self.stop(error)
            return
        self.stop(_halted(verdict))

    # -- the lease ------------------------------------------------------------------

    def _lease_holds(self) -> bool:
        wall, awake = self._lease_until
        if self._clocks.wall_ms() < wall and self._clocks.boot_ms() < awake:
            return True
        self.stop(_lease_lost())
        return False

    async def _renew_lease(self) -> None:
        wall, awake = self._clocks.wall_ms(), self._clocks.boot_ms()
        writer = self._writer
        await writer.call(
            lambda journal: journal.renew_lease(
                writer.run.campaign, writer.epoch, now=wall
            )
        )
        lasts = LEASE_MS - LEASE_MARGIN_MS
        self._lease_until = (wall + lasts, awake + lasts)

    async def _keep_lease(self) -> None:
        while not self._stopping:
            await asyncio.sleep(LEASE_MS / 3000)
            try:
                await self._renew_lease()
            except LeaseLost:
                self.stop(_lease_lost())
            except BulksendError as error:
                self.stop(error)

    # -- stopping -------------------------------------------------------------------

    async def _drain(self) -> None:
        """Let what is on the wire end, for a few seconds; then write down what is known."""
        if self._in_flight:
            _, late = await asyncio.wait(
                set(self._in_flight),
                timeout=DRAIN_SECONDS if self._stopping else None,
            )
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        await self._writer.durable()


def _split(items: list[Item], weight: int) -> tuple[list[Item], list[Item]]:
    """The first items, together of about *weight* and at least one; and the rest."""
    for index, item in enumerate(items, 1):
        weight -= item.message.weight
        if weight <= 0:
            return items[:index], items[index:]
    return items, []


def _halted(verdict: Verdict) -> GateRefused:
    return GateRefused(Problem("E503", (verdict.error or verdict.code).rstrip(".")))


def _unreachable(verdict: Verdict) -> BulksendError:
    return Stopped(Problem("E510", (verdict.error or verdict.code).rstrip(".")))


def _lease_lost() -> BulksendError:
    return Stopped(Problem("E611", "this process stood still for too long"))

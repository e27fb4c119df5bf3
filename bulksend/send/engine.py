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
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.journal.records import LeaseLost, Outcome
from bulksend.journal.states import Event
from bulksend.logs import log
from bulksend.send import hold, retry
from bulksend.send.hold import Hold
from bulksend.send.verdict import Action, Verdict

if TYPE_CHECKING:
    from random import Random

    from bulksend.journal.writer import Writer
    from bulksend.send.backlog import Item
    from bulksend.send.clocks import Clocks
    from bulksend.send.intake import Intake
    from bulksend.send.pacing import Pacer

CLAIM_SECONDS = 0.02
"""How much is claimed at once: a commit's time, and little to be left unknown."""

SLOW_RATE = 25.0
"""Below this many segments a second, a claim waits for its permit."""

MOST_IN_FLIGHT = 1_000
DRAIN_SECONDS = 3.0
IDLE_SECONDS = 0.5

UNKNOWN_TO_HALT = 25
"""After so many answers in a row that prove nothing the run stops: a gateway that fails
for everybody would turn the whole plan into unknowns."""

FAILURES_TO_HOLD = 8
"""After so many failures in a row nothing new is begun before the retries are done."""


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
    weight: int = 0
    throttled: int = 0


class Engine:
    """Sends what the intake gives, each message once."""

    def __init__(  # noqa: PLR0913  (its seams: all that is I/O, time or chance)
        self,
        *,
        intake: Intake,
        client: Poster,
        writer: Writer,
        pacer: Pacer,
        clocks: Clocks,
        rng: Random,
    ) -> None:
        self._intake = intake
        self._client = client
        self._writer = writer
        self._pacer = pacer
        self._clocks = clocks
        self._rng = rng
        self._hold = Hold(writer, clocks)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._changed = intake.changed
        self._stopped = asyncio.Event()
        self._stopping = False
        self._paused = False
        self._unposted = 0
        self._problem: BulksendError | None = None
        self._fault: BaseException | None = None
        self._failures_in_row = 0
        self._last_success = clocks.monotonic()
        self._unknown_in_row = 0
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
    def done(self) -> int:
        """Messages that need nothing more, in this run of the engine."""
        sent = sum(self.tally.events.values()) - self.tally.events[Event.RELEASE]
        return sent + self._intake.closed

    @property
    def rate(self) -> float:
        """The pace as it is now, in segments per second."""
        return self._pacer.rate

    @property
    def is_quiet(self) -> bool:
        """Paused, and nothing is under way any more."""
        return self._paused and not self._in_flight and not self._unposted

    def pause(self) -> None:
        """Send nothing new until `resume`; what is under way ends."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._changed.set()

    def stop(self, problem: BulksendError | None = None) -> None:
        """Send nothing new; let what is under way end.  Safe to call twice."""
        was_stopping, self._stopping = self._stopping, True
        self._problem = self._problem or problem
        self._stopped.set()
        self._changed.set()
        if not was_stopping:
            log.info("stopping", code=problem.problems[0].code if problem else None)

    async def run(self) -> None:
        """Send until nothing is left.

        Raises:
            BulksendError: What stopped the run.  Every row is in a true state by then.
        """
        keeper = asyncio.create_task(self._hold.keep())
        keeper.add_done_callback(self._hold_ended)
        try:
            await self._hold.renew()
            await self._feed()
        except LeaseLost:
            self.stop(hold.lost())
        except BulksendError as error:
            self.stop(error)
        finally:
            keeper.cancel()
            await self._intake.close()
            await self._drain()
        if self._fault is not None:
            raise self._fault  # ours: the row it met stays claimed, so it ends unknown
        if self._problem is not None:
            raise self._problem

    def _hold_ended(self, keeper: asyncio.Task[None]) -> None:
        error = None if keeper.cancelled() else keeper.exception()
        if isinstance(error, BulksendError):
            self.stop(error)
        elif error is not None:
            self.stop(hold.lost())

    # -- feeding --------------------------------------------------------------------

    async def _feed(self) -> None:
        ahead: asyncio.Task[Claimed] | None = None
        try:
            while not self._stopping:
                claimed = await ahead if ahead else await self._claim_next()
                ahead = None
                if claimed.items:
                    if self._pacer.rate >= SLOW_RATE:
                        ahead = asyncio.create_task(self._claim_next())
                    await self._release_at_pace(claimed)
                elif self._intake.is_empty and not self._in_flight:
                    return
                else:
                    soon = None if self._paused else self._intake.seconds_to_retry()
                    await self._wait_for_change(IDLE_SECONDS if soon is None else soon)
        finally:
            if ahead is not None:
                self._leave((await ahead).items)

    async def _claim_next(self) -> Claimed:
        """The next items, their intent durable; few enough to be posted at once."""
        if self._paused:
            return NOTHING
        items = await self._intake.take(
            max(1, int(self._pacer.rate * CLAIM_SECONDS)),
            retries_only=self._failures_in_row >= FAILURES_TO_HOLD,
        )
        is_slow = self._pacer.rate < SLOW_RATE
        if items and is_slow:
            await self._permits(items)
        if not items or not self._may_go_on:
            self._intake.put_back(items)
            return NOTHING
        self._unposted += len(items)
        mine = await self._intake.claim(items)
        self._unposted -= len(items) - len(mine)
        return Claimed(mine, is_slow)

    async def _release_at_pace(self, claimed: Claimed) -> None:
        """Start the posts of *claimed*, each group when its permits are there."""
        items = claimed.items
        while items:
            group, items = _split(items, self._pacer.batch)
            if not claimed.has_permits:
                await self._permits(group)
            while len(self._in_flight) >= MOST_IN_FLIGHT and not self._stopping:
                await self._wait_for_change(IDLE_SECONDS)
            if not self._may_post():
                self._leave(group + items)
                return
            for item in group:
                self._start(item)

    async def _permits(self, items: list[Item]) -> None:
        """Wait until the pace lets *items* go, or somebody says stop."""
        waits = (
            asyncio.ensure_future(self._pacer.acquire(_weight(items))),
            asyncio.ensure_future(self._stopped.wait()),
        )
        done, late = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in late:
            one.cancel()
        for one in done:
            one.result()

    @property
    def _may_go_on(self) -> bool:
        return not self._stopping and not self._paused

    def _may_post(self) -> bool:
        if not self._hold.stands():
            self.stop(hold.lost())
        return self._may_go_on and self._writer.failure is None

    def _leave(self, items: list[Item]) -> None:
        """Post none of these claimed items now."""
        self._unposted -= len(items)
        self._give_back(items)

    def _give_back(self, items: list[Item]) -> None:
        """Unclaim what was not posted; in a pause it comes again when that ends."""
        self._intake.unclaim(items)
        if not self._stopping:
            for item in items:
                self._intake.again(item._replace(attempt=1), 0)

    def _start(self, item: Item) -> None:
        self._unposted -= 1
        task = asyncio.create_task(self._send(item))
        self._in_flight.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._changed.set()
        if not task.cancelled() and (fault := task.exception()):
            self._fault = self._fault or fault
            self.stop()

    async def _wait_for_change(self, seconds: float) -> None:
        """Until a post ends, there is more to send, or somebody says stop.

        What changed since the last wait ends this one at once: nothing is missed.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    # -- one message ----------------------------------------------------------------

    async def _send(self, item: Item) -> None:
        if not self._may_post():  # the machine may have slept since it was started
            self._give_back([item])
            return
        posted_at = self._clocks.wall_ms()
        generation = self._client.generation
        try:
            verdict = await self._client.post(item.body)
        except BulksendError as error:  # the sign-in failed before anything left
            self._intake.unclaim([item])
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
        self._note(item, verdict)
        self._follow(item, verdict)

    def _note(self, item: Item, verdict: Verdict) -> None:
        if verdict.event is Event.ACCEPT:
            self.tally.weight += item.message.weight
            self._unknown_in_row = 0
        elif verdict.event is Event.REFUSE:
            log.info("refused", row=item.message.row, code=verdict.code)
        elif verdict.event is Event.LOSE:
            log.warning("outcome unknown", row=item.message.row, code=verdict.code)
            self._unknown_in_row += 1
            if self._unknown_in_row >= UNKNOWN_TO_HALT and not self._stopping:
                self.stop(_blind(self._unknown_in_row))

    def _follow(self, item: Item, verdict: Verdict) -> None:
        if verdict.action is Action.HALT:
            self.stop(_halted(verdict))
        elif verdict.action is Action.SLOW_DOWN:
            self.tally.throttled += 1
            if self._pacer.throttled():
                log.warning("throttled", rate=round(self._pacer.rate, 2))
            self._again(item._replace(attempt=1), verdict)
        elif verdict.action is Action.RETRY:
            self._failures_in_row += 1
            self._again(item, verdict)

    def _again(self, item: Item, verdict: Verdict) -> None:
        """Queue *item* for its next attempt, or give up: it stays planned."""
        seconds = retry.wait(item.attempt, self._rng)
        if seconds is not None:
            self._intake.again(item, seconds)
        elif self._clocks.monotonic() - self._last_success >= retry.OUTAGE_SECONDS:
            self.stop(_unreachable(verdict))

    async def _sign_in_again(self, item: Item, verdict: Verdict, seen: int) -> None:
        """A fresh token, once: a 401 under one that nothing has accepted yet stops."""
        try:
            hopeless = self._token_is_unproven and seen == self._client.generation
            if not hopeless and await self._client.renew(seen):
                self._token_is_unproven = True
                self._intake.again(item, 0)
                return
        except BulksendError as error:
            self.stop(error)
            return
        self.stop(_halted(verdict))

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


class Claimed(NamedTuple):
    """Items that are ours to post, and whether they have their permits already."""

    items: list[Item]
    has_permits: bool


NOTHING = Claimed([], has_permits=False)


def _weight(items: list[Item]) -> int:
    return sum(item.message.weight for item in items)


def _split(items: list[Item], weight: int) -> tuple[list[Item], list[Item]]:
    """The first items, together of about *weight* and at least one; and the rest."""
    for index, item in enumerate(items, 1):
        weight -= item.message.weight
        if weight <= 0:
            return items[:index], items[index:]
    return items, []


def _halted(verdict: Verdict) -> GateRefused:
    return GateRefused(Problem("E503", (verdict.error or verdict.code).rstrip(".")))


def _blind(count: int) -> GateRefused:
    what = f"{count} messages in a row got no answer that proves anything"
    return GateRefused(Problem("E512", what))


def _unreachable(verdict: Verdict) -> BulksendError:
    return Stopped(Problem("E510", (verdict.error or verdict.code).rstrip(".")))

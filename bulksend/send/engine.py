"""The loop: pace, claim, post, record; drain on stop.

Theory of operation
-------------------
One *feeder* goes round about a hundred times a second.  It takes what the pace lets go
(`Backlog.take`), has the intent written (`Writer.claim`), and starts one task per
message.  The task posts, and hands the verdict to `Aftermath`, which records it.

    backlog ─► pace ─► claim (durable) ─► POST ─► verdict ─► record (durable)
       ▲                                             │
       └────────── proven not sent: again later ◄────┘

While one round's messages are posted, the next round's claim is already on its way to
the disk: one commit's time is never lost, and never more than one round lies claimed.
What is claimed and not yet posted when the process dies ends as an *unknown* that was
never sent, so the permits come first, and nothing waits for them claimed.
"""

from __future__ import annotations

import asyncio
import math
from functools import partial
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.journal.records import LeaseLost
from bulksend.journal.states import Event
from bulksend.logs import log
from bulksend.send import hold
from bulksend.send.aftermath import Aftermath, Posted
from bulksend.send.allowance import TICK
from bulksend.send.breakers import Breakers
from bulksend.send.clocks import TwoClocks
from bulksend.send.hold import Hold
from bulksend.send.verdict import Action, Reached, judge

if TYPE_CHECKING:
    from collections.abc import Coroutine, Hashable
    from datetime import datetime
    from random import Random

    from bulksend.journal.writer import Writer
    from bulksend.send.aftermath import Poster, Tally
    from bulksend.send.backlog import Item
    from bulksend.send.clocks import Clocks
    from bulksend.send.intake import Intake
    from bulksend.send.pacing import Pace

MOST_IN_FLIGHT = 1_000
MOST_AT_ONCE = 128
"""In one round: what lies claimed while others are posted is unknown if we die."""

DRAIN_SECONDS = 2.5
"""A stop is over within four seconds: Airflow kills after five (airflow.md §0)."""
IDLE_SECONDS = 0.5

READY_SECONDS = 0.5
"""So long a connection may stand ready for a message.  It has been idle before, for four
seconds at most (send/bandwidth.py), and servers close theirs after five."""

LONGEST_SLEEP = 30.0
"""A machine may be suspended, and sleeps know nothing of it."""

SHORTEST_SECONDS = 0.001
"""The timers' resolution: to wait for less is to turn round and round."""

HELD = judge(Reached.HELD)


class Engine:
    """Sends what the intake gives, each message once.

    Args:
        not_after: From this moment on nothing new is begun.
    """

    def __init__(  # noqa: PLR0913  (its seams: all that is I/O, time or chance)
        self,
        *,
        intake: Intake,
        client: Poster,
        writer: Writer,
        pacer: Pace,
        clocks: Clocks,
        rng: Random,
        breakers: Breakers | None = None,
        not_after: datetime | None = None,
    ) -> None:
        self._intake = intake
        self._client = client
        self._writer = writer
        self._pacer = pacer
        self._clocks = clocks
        self._aftermath = Aftermath(
            intake=intake,
            client=client,
            writer=writer,
            pacer=pacer,
            breakers=breakers or Breakers(),
            clocks=clocks,
            rng=rng,
            stop=self.stop,
        )
        self._not_after_ms = not_after.timestamp() * 1000 if not_after else math.inf
        self._two_clocks = TwoClocks(clocks)
        self._hold = Hold(writer, clocks)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._changed = intake.changed
        self._room = asyncio.Event()
        self._stopped = asyncio.Event()
        self._paused = False
        self._unposted = 0
        self._problem: BulksendError | None = None
        self._fault: BaseException | None = None

    def __repr__(self) -> str:
        events = self.tally.events
        return (
            f"<Engine {events[Event.ACCEPT]:,} accepted · "
            f"{events[Event.REFUSE]:,} refused · {events[Event.LOSE]:,} unknown · "
            f"{len(self._in_flight)} in flight · {self._pacer!r}>"
        )

    @property
    def tally(self) -> Tally:
        return self._aftermath.tally

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

    @property
    def is_idle(self) -> bool:
        """Nothing is under way, and nothing is there to be sent now."""
        at_work = self._in_flight or self._unposted
        return not at_work and self._intake.waits_for_more

    def pause(self) -> None:
        """Send nothing new until `resume`; what is under way ends."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._changed.set()

    def stop(self, problem: BulksendError | None = None) -> None:
        """Send nothing new; let what is under way end.  The first call decides why."""
        if not self._stopped.is_set():
            log.info("stopping", code=problem.problems[0].code if problem else None)
            self._problem = problem
        self._stopped.set()
        self._changed.set()
        self._room.set()

    def texted_before(self, people: int) -> None:
        """So many people have the run's text from an earlier attempt at it."""
        self._aftermath.texted_before(people)

    def receipt_failed(self, error_code: str) -> None:
        """A message of this campaign was not delivered: enough of a kind stop the run."""
        self._aftermath.receipt_failed(error_code)

    def opted_out(self, count: int, people: int) -> None:
        """People heard of elsewhere have opted out, of so many who were texted."""
        self._aftermath.opted_out(count, people)

    async def run(self) -> None:
        """Send until nothing is left.

        Raises:
            BulksendError: What stopped the run.  Every row is in a true state by then.
        """
        keeper = asyncio.create_task(self._hold.keep())
        keeper.add_done_callback(self._hold_ended)
        deadline = asyncio.create_task(self._keep_deadline())
        try:
            await self._hold.renew()
            await self._feed()
        except LeaseLost:
            self.stop(hold.lost())
        except BulksendError as error:
            self.stop(error)
        finally:
            keeper.cancel()
            deadline.cancel()
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
        ahead: asyncio.Task[list[Item]] | None = None
        early: list[Item] = []
        try:
            while not self._stopped.is_set():
                if ahead is None and len(early) < MOST_AT_ONCE:
                    ahead = asyncio.create_task(self._claim_next())
                seconds = self._post_what_may(early)
                if early and len(self._in_flight) >= MOST_IN_FLIGHT:
                    self._room.clear()
                    await _within(IDLE_SECONDS, self._room)
                    continue
                if early and ahead is not None:
                    await asyncio.wait([ahead], timeout=max(seconds, SHORTEST_SECONDS))
                elif early:
                    await _within(seconds, self._stopped)
                if ahead is None or (early and not ahead.done()):
                    continue
                items, ahead = await ahead, None
                early += items
                if not early and self._intake.is_empty and not self._in_flight:
                    return
                if not items:
                    wait = min(seconds, IDLE_SECONDS) if early else IDLE_SECONDS
                    await self._wait_for_change(wait)
        finally:
            self._leave(early)
            if ahead is not None:
                self._leave(await ahead)

    async def _claim_next(self) -> list[Item]:
        """What may be posted next, its intent durable; nothing where nothing waits."""
        while self._may_go_on:
            only = self._aftermath.holds_back
            seconds = self._intake.seconds_to_next(retries_only=only)
            if seconds is None:
                break
            if seconds > 0.0:
                await self._wait_for_change(seconds)
                continue
            probing = self._aftermath.is_probing
            if probing and (self._in_flight or self._unposted):
                await self._wait_for_change(IDLE_SECONDS)
                continue
            ahead = partial(self._intake.upcoming, retries_only=only)
            now = self._clocks.monotonic()
            await self._unless_stopped(self._pacer.tick(now, ahead))
            most = 1 if probing else MOST_AT_ONCE
            items = await self._intake.take(self._pacer, most, retries_only=only)
            if not self._may_go_on:
                self._intake.put_back(items)
            elif items:
                if mine := await self._claim(items):
                    return mine
            else:
                await self._wait_for_change(TICK)  # their senders must wait
        return []

    async def _claim(self, items: list[Item]) -> list[Item]:
        self._unposted += len(items)
        mine = await self._intake.claim(items)
        if len(mine) < len(items):
            self._unposted -= len(items) - len(mine)
            rows = {one.message.row for one in mine}
            for message in (one.message for one in items):
                if message.row not in rows:
                    self._pacer.spare(message.sender, message.weight)
        return mine

    def _post_what_may(self, early: list[Item]) -> float:
        """Start a post for each whose time has come; the others stay, until so soon.

        They go in order, but who waits for a queue's own pace is passed by.  What is begun
        is taken out first: whatever fails here, nothing that is under way is given back.
        """
        if not self._may_go_on or self._writer.failure is not None:
            self._leave(early)
            return 0.0
        slow: set[Hashable] = set()
        soonest, index = IDLE_SECONDS, 0
        while index < len(early):
            if len(self._in_flight) >= MOST_IN_FLIGHT:
                return IDLE_SECONDS
            sender, weight = early[index].message.sender, early[index].message.weight
            asked = sender, weight, self._clocks.monotonic()
            queue = self._pacer.queue(sender, weight)
            own = (
                IDLE_SECONDS
                if queue in slow
                else self._pacer.seconds_of_its_own(*asked)
            )
            if own > 0.0:
                slow.add(queue)
                soonest = min(soonest, own)
                index += 1
            elif (seconds := self._pacer.seconds_too_early(*asked)) > 0.0:
                return min(soonest, seconds)
            else:
                self._start(early.pop(index))
        return soonest

    @property
    def _may_go_on(self) -> bool:
        return not self._stopped.is_set() and not self._paused

    def _may_post(self) -> bool:
        if not self._hold.stands():
            self.stop(hold.lost())
        elif self._not_after_ms < math.inf and self._seconds_left <= 0.0:
            self.stop(_too_late())
        return self._may_go_on and self._writer.failure is None

    def _may_leave(self, item: Item) -> bool:
        return self._may_post() and not self._intake.is_late(item)

    def _leave(self, items: list[Item]) -> None:
        """Post none of these claimed items now; the list is empty then."""
        mine = items.copy()
        items.clear()
        self._unposted -= len(mine)
        self._give_back(mine)

    def _give_back(self, items: list[Item]) -> None:
        """Unclaim what was not posted; in a pause it comes again when that ends."""
        self._intake.unclaim(items)
        if not self._stopped.is_set():
            for item in items:
                item.attempt = max(1, item.attempt - 1)  # this one was none
                self._intake.again(item, 0)

    def _start(self, item: Item) -> None:
        self._unposted -= 1
        message = item.message
        self._pacer.posted(message.sender, message.weight, self._clocks.monotonic())
        task = asyncio.create_task(self._send(item))
        self._in_flight.add(task)
        task.add_done_callback(self._landed)

    async def _send(self, item: Item) -> None:
        posted = Posted(self._clocks.wall_ms(), self._client.generation)
        try:
            verdict = HELD
            if self._may_go_on:  # the rest is asked when its bytes leave
                verdict = await self._client.post(item.body, partial(self._turn, item))
        except BulksendError as error:  # the sign-in failed before anything left
            self._intake.unclaim([item])
            self.stop(error)
        else:
            if verdict.action is not Action.GIVE_BACK:
                await self._aftermath.follow(item, verdict, posted)
            elif self._may_go_on and self._intake.is_late(item):
                self._intake.postpone(item)
            else:
                self._give_back([item])

    async def _turn(self, item: Item) -> float:
        """Wait until its bytes, ready to leave, may; endless where they may no more.

        Much may have changed since it was claimed: the pace let it wait, a connection took
        long, the machine slept.  So all that forbids a message is asked here, last.
        """
        pacer, now = self._pacer, self._clocks.monotonic
        sender, weight = item.message.sender, item.message.weight
        until = now() + READY_SECONDS
        while self._may_leave(item):
            if self._intake.is_stale(item):
                if not await self._intake.may_still(item):
                    break  # its next claim leaves it out
                if now() > until:
                    return READY_SECONDS  # the connection has grown old meanwhile
                continue
            seconds = pacer.seconds_too_close(sender, weight, now())
            if seconds <= 0.0:
                pacer.left(sender, weight, now())
                return 0.0
            if now() + seconds > until:
                return seconds
            await asyncio.sleep(seconds)
        return math.inf

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._room.set()
        if not self._in_flight:
            self._changed.set()
        if not task.cancelled() and (fault := task.exception()):
            self._fault = self._fault or fault
            self.stop()

    # -- waiting and stopping ---------------------------------------------------------

    @property
    def _seconds_left(self) -> float:
        """Until its deadline, by the clock that is ahead: one set back moves no deadline."""
        return (self._not_after_ms - self._two_clocks.now().latest) / 1000

    async def _keep_deadline(self) -> None:
        """It ends the waiting too: for a window, a pace, whoever resumes a pause."""
        while self._seconds_left < math.inf and not self._stopped.is_set():
            if self._seconds_left <= 0.0:
                self.stop(_too_late())
            await _within(min(self._seconds_left, LONGEST_SLEEP), self._stopped)

    async def _wait_for_change(self, seconds: float) -> None:
        """So long, or until there is more to send, or none, or somebody says stop.

        What changed since the last wait ends this one at once: nothing is missed.
        """
        if not self._stopped.is_set():
            await _within(seconds, self._changed)
            self._changed.clear()

    async def _unless_stopped(self, waiting: Coroutine[None, None, None]) -> None:
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

    async def _drain(self) -> None:
        """Let what is on the wire end, for a few seconds; then write down what is known."""
        if self._in_flight:
            _, late = await asyncio.wait(
                set(self._in_flight),
                timeout=DRAIN_SECONDS if self._stopped.is_set() else None,
            )
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        await self._writer.durable()


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(max(seconds, SHORTEST_SECONDS)):
            await event.wait()
    except TimeoutError:
        return


def _too_late() -> Stopped:
    return Stopped(Problem("E516", "the campaign's `not_after` has come"))

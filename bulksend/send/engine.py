"""The loop: pace, claim, post, record; drain on stop.

Theory of operation
-------------------
One *feeder* goes round and round.  It takes what the pace lets go (`Intake.take`), has the
intent written (`Intake.claim`), and lets each message take off (`Flight.begin`): a task
posts it, and hands the verdict to `Aftermath`, which records it.

    backlog ─► pace ─► claim (durable) ─► POST ─► verdict ─► record (durable)
       ▲                                             │
       └────────── proven not sent: again later ◄────┘

While one round's messages are posted, the next round's claim is already on its way to
the disk: one commit's time is never lost, and never more than one round lies claimed.
What is claimed and not yet posted when the process dies ends as an *unknown* that was
never sent, so the permits come first, and nothing waits for them claimed.

Who does what: `Intake` knows what comes next and makes the intent durable, the `Pace` says
when, the `Brake` whether anything new is begun, `Flight` has what is under way, `LastLook`
says whether bytes that are ready to leave may, and `Aftermath` what follows from an answer.
The engine only keeps the order.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError
from bulksend.journal.records import LeaseLost
from bulksend.journal.states import Event
from bulksend.send.aftermath import Aftermath
from bulksend.send.allowance import TICK
from bulksend.send.brake import SHORTEST_SECONDS, Brake
from bulksend.send.breakers import Breakers
from bulksend.send.flight import Flight
from bulksend.send.last_look import LastLook

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime
    from random import Random

    from bulksend.journal.writer import Writer
    from bulksend.send.aftermath import Poster, Tally
    from bulksend.send.backlog import Item
    from bulksend.send.clocks import Clocks
    from bulksend.send.hold import Hold
    from bulksend.send.intake import Intake
    from bulksend.send.pacing import Pace

MOST_AT_ONCE = 128
"""In one round: what lies claimed while others are posted is unknown if we die."""

IDLE_SECONDS = 0.5


class Engine:
    """Sends what the intake gives, each message once.

    Args:
        lease: Whoever keeps it calls `stop` when it is lost.

        not_after: From this moment on nothing new is begun.
    """

    def __init__(  # noqa: PLR0913  (its seams: all that is I/O, time or chance)
        self,
        *,
        intake: Intake,
        client: Poster,
        writer: Writer,
        lease: Hold,
        pacer: Pace,
        clocks: Clocks,
        rng: Random,
        breakers: Breakers | None = None,
        not_after: datetime | None = None,
    ) -> None:
        self._intake = intake
        self._writer = writer
        self._pacer = pacer
        self._clocks = clocks
        self._lease = lease
        self._brake = Brake(clocks, intake.changed, not_after=not_after)
        self._aftermath = Aftermath(
            intake=intake,
            client=client,
            writer=writer,
            pacer=pacer,
            breakers=breakers or Breakers(),
            clocks=clocks,
            rng=rng,
            stop=self._brake.stop,
        )
        self._flight = Flight(
            intake=intake,
            client=client,
            brake=self._brake,
            last_look=LastLook(
                lease=lease,
                brake=self._brake,
                writer=writer,
                intake=intake,
                pacer=pacer,
                clocks=clocks,
            ),
            aftermath=self._aftermath,
            clocks=clocks,
        )
        self._unposted = 0  # claimed, or being claimed

    def __repr__(self) -> str:
        events = self.tally.events
        return (
            f"<Engine {events[Event.ACCEPT]:,} accepted · "
            f"{events[Event.REFUSE]:,} refused · {events[Event.LOSE]:,} unknown · "
            f"{len(self._flight)} in flight · {self._pacer!r}>"
        )

    # -- what others see of it, and tell it -------------------------------------------

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
        return self._brake.is_paused and not self._is_at_work

    @property
    def is_idle(self) -> bool:
        """Nothing is under way, and nothing is there to be sent now."""
        return not self._is_at_work and self._intake.waits_for_more

    @property
    def _is_at_work(self) -> bool:
        return bool(self._flight or self._unposted)

    def pause(self) -> None:
        """Send nothing new until `resume`; what is under way ends."""
        self._brake.pause()

    def resume(self) -> None:
        self._brake.resume()

    def stop(self, problem: BulksendError | None = None) -> None:
        """Send nothing new; let what is under way end.  The first call decides why."""
        self._brake.stop(problem)

    def texted_before(self, people: int, failed: int) -> None:
        """So many people have the run's text from an earlier attempt at it."""
        self._aftermath.texted_before(people, failed)

    def receipt_failed(self, error_code: str) -> None:
        """A message of this campaign was not delivered: enough of a kind stop the run."""
        self._aftermath.receipt_failed(error_code)

    def opted_out(self, count: int, people: int) -> None:
        """People heard of elsewhere have opted out, of so many who were texted."""
        self._aftermath.opted_out(count, people)

    # -- from beginning to end ----------------------------------------------------------

    async def run(self) -> None:
        """Send until nothing is left.

        Raises:
            BulksendError: What stopped the run.  Every row is in a true state by then.
        """
        deadline = asyncio.create_task(self._brake.keep_deadline())
        try:
            await self._feed()
        except LeaseLost:
            self.stop(self._lease.lost())
        except BulksendError as error:
            self.stop(error)
        finally:
            deadline.cancel()
            await self._intake.close()
            await self._flight.land()
            await self._writer.durable()
        if self._flight.fault is not None:
            raise self._flight.fault  # ours: the row it met stays claimed, so it ends unknown
        if self._brake.problem is not None:
            raise self._brake.problem

    # -- the feeder: claim the next ones while these are posted ---------------------------

    async def _feed(self) -> None:
        """Post what may go while the next are claimed, until nothing is left."""
        claimed: list[Item] = []
        claiming: asyncio.Task[list[Item]] | None = None
        try:
            while not self._brake.is_stopped:
                if claiming is None and len(claimed) < MOST_AT_ONCE:
                    claiming = asyncio.create_task(self._claim_next())
                seconds = self._post_what_may(claimed)
                # What is left of them waits: for room, for its moment, or for more.
                if claimed and self._flight.is_full:
                    await self._brake.wait_for_room(IDLE_SECONDS)
                    continue
                if claimed and claiming is not None:
                    least = max(seconds, SHORTEST_SECONDS)
                    await asyncio.wait([claiming], timeout=least)
                elif claimed:
                    await self._brake.wait_for_stop(seconds)
                if claiming is None or (claimed and not claiming.done()):
                    continue
                items, claiming = await claiming, None
                claimed += items
                if not claimed and self._intake.is_empty and not self._flight:
                    return
                if not items:  # nothing was there to be claimed
                    wait = min(seconds, IDLE_SECONDS) if claimed else IDLE_SECONDS
                    await self._brake.wait_for_change(wait)
        finally:
            self._post_none(claimed)
            if claiming is not None:
                self._post_none(await claiming)

    async def _claim_next(self) -> list[Item]:
        """What may be posted next, its intent durable; nothing where nothing waits."""
        brake, intake = self._brake, self._intake
        while brake.lets_go:
            retries_only = self._aftermath.holds_back  # nothing gets through
            seconds = intake.seconds_to_next(retries_only=retries_only)
            if seconds is None:
                break
            if seconds > 0.0:
                await brake.wait_for_change(seconds)
                continue
            probing = self._aftermath.is_probing
            if probing and self._is_at_work:
                await brake.wait_for_change(IDLE_SECONDS)
                continue
            upcoming = partial(intake.upcoming, retries_only=retries_only)
            now = self._clocks.monotonic()
            await brake.unless_stopped(self._pacer.tick(now, upcoming))
            most = 1 if probing else MOST_AT_ONCE
            items = await intake.take(self._pacer, most, retries_only=retries_only)
            if not brake.lets_go:
                intake.put_back(items)
            elif items:
                if mine := await self._claim(items):
                    return mine
            else:
                await brake.wait_for_change(TICK)  # their senders must wait
        return []

    async def _claim(self, items: list[Item]) -> list[Item]:
        """Those of them that are ours to post; others may have the permits of the rest."""
        self._unposted += len(items)
        mine = await self._intake.claim(items)
        if len(mine) < len(items):
            self._unposted -= len(items) - len(mine)
            rows = {one.message.row for one in mine}
            for message in (one.message for one in items):
                if message.row not in rows:
                    self._pacer.spare(message.sender, message.weight)
        return mine

    def _post_what_may(self, claimed: list[Item]) -> float:
        """Start a post for each whose time has come; the others stay, until so soon.

        They go in order, but who waits for a queue's own pace is passed by.  What is begun
        is taken out first: whatever fails here, nothing that is under way is given back.
        """
        if not self._brake.lets_go or self._writer.failure is not None:
            self._post_none(claimed)
            return 0.0
        pacer, soonest, index = self._pacer, IDLE_SECONDS, 0
        waiting: set[Hashable] = set()
        while index < len(claimed):
            if self._flight.is_full:
                return IDLE_SECONDS
            message, now = claimed[index].message, self._clocks.monotonic()
            asked = message.sender, message.weight, now
            queue = pacer.queue(message.sender, message.weight)
            own = IDLE_SECONDS if queue in waiting else pacer.seconds_of_its_own(*asked)
            if own > 0.0:
                waiting.add(queue)
                soonest = min(soonest, own)
                index += 1
            elif (seconds := pacer.seconds_too_early(*asked)) > 0.0:
                return min(soonest, seconds)
            else:
                pacer.posted(*asked)
                self._unposted -= 1
                self._flight.begin(claimed.pop(index))
        return soonest

    def _post_none(self, claimed: list[Item]) -> None:
        """Give all of these back; in a pause they come again when that ends."""
        items = claimed.copy()
        claimed.clear()
        self._unposted -= len(items)
        self._intake.give_back(items, again=not self._brake.is_stopped)

"""What follows from a verdict: it is recorded, and the message or the run goes on.

    go on      the message has its fate
    retry      it did not leave: again later, or it stays planned
    slow down  Bandwidth's queue is full: again later, and the pace goes down
    sign in    the token is too old: a fresh one, once, then again
    halt       every other message would meet the same

What stops a run leaves every row in a true state: the same command resumes it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.journal.records import Outcome
from bulksend.journal.states import Event
from bulksend.logs import log
from bulksend.send import retry
from bulksend.send.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from bulksend.journal.writer import Writer
    from bulksend.send.backlog import Item
    from bulksend.send.breakers import Breakers
    from bulksend.send.clocks import Clocks
    from bulksend.send.intake import Intake
    from bulksend.send.pacing import Pace
    from bulksend.send.verdict import Verdict

NOT_TAKEN = frozenset({Event.RELEASE, Event.REFUSE})
"""It did not get as far as a carrier, and does not count against its caps."""

FAILURES_TO_HOLD = 8
"""After so many failures in a row nothing new is begun before the retries are done."""


Turn: TypeAlias = "Callable[[], Awaitable[float]]"
"""Waits until the bytes, ready to leave, may: 0.  Or seconds that are too long for a
connection to stand ready; endless where they may not leave any more."""


class Poster(Protocol):
    """What the engine needs of a client; `bandwidth.Client` is one."""

    @property
    def generation(self) -> int: ...

    @property
    def knows_no_time(self) -> bool:
        """Whether the first answer is still to tell Bandwidth's time."""

    async def post(self, body: bytes, turn: Turn) -> Verdict: ...

    async def renew(self, generation: int) -> bool: ...


@dataclass(slots=True)
class Tally:
    """What happened in this run of the engine; ``weight`` counts segments accepted."""

    events: Counter[Event] = field(default_factory=Counter)
    weight: int = 0
    throttled: int = 0


class Aftermath:
    """Follows up each verdict; *stop* ends the run with a problem."""

    def __init__(  # noqa: PLR0913  (its seams)
        self,
        *,
        intake: Intake,
        client: Poster,
        writer: Writer,
        pacer: Pace,
        breakers: Breakers,
        clocks: Clocks,
        rng: Random,
        stop: Callable[[BulksendError], None],
    ) -> None:
        self._intake = intake
        self._client = client
        self._writer = writer
        self._pacer = pacer
        self._breakers = breakers
        self._clocks = clocks
        self._rng = rng
        self._stop = stop
        self._failures_in_row = 0
        self._last_success = clocks.monotonic()
        self._token_is_unproven = False
        self.tally = Tally()

    @property
    def holds_back(self) -> bool:
        """Whether it looks as if nothing gets through: then nothing new is begun."""
        return self._failures_in_row >= FAILURES_TO_HOLD

    @property
    def is_probing(self) -> bool:
        """Whether only one message may be under way, until an answer tells something."""
        return self._breakers.is_probing or self._client.knows_no_time

    async def follow(self, item: Item, verdict: Verdict, posted: Posted) -> None:
        """Record *verdict*, and do what it asks for."""
        self._record(item, verdict, posted.at)
        self._count(item, verdict)
        if verdict.action is Action.RETRY:
            self._failures_in_row += 1
            self._again(item, verdict)
        elif verdict.action is Action.SLOW_DOWN:
            self._slow_down(item, verdict)
        elif verdict.action is Action.SIGN_IN:
            await self._sign_in(item, verdict, posted.generation)
        elif verdict.action is Action.HALT:
            self._stop(_halted(verdict))

    def texted_before(self, people: int, failed: int) -> None:
        self._breakers.texted_before(people, failed)

    def receipt_failed(self, error_code: str) -> None:
        """A receipt of this campaign says so: enough of a kind stop the run."""
        if problem := self._breakers.failed(error_code):
            self._stop(GateRefused(problem))

    def opted_out(self, count: int, people: int) -> None:
        """So many opted out, of so many texted: too large a share stops the run."""
        if problem := self._breakers.opted_out(count, people):
            self._stop(GateRefused(problem))

    # -- inside -----------------------------------------------------------------------

    def _record(self, item: Item, verdict: Verdict, posted_at: int) -> None:
        is_released = verdict.event is Event.RELEASE
        self._writer.record(
            Outcome(
                item.message.row,
                verdict.event,
                self._clocks.wall_ms(),
                None if is_released else posted_at,
                verdict.message_id,
                None if verdict.event is Event.ACCEPT else verdict.code,
                verdict.error,
                item.uses if verdict.event in NOT_TAKEN else (),
            )
        )
        if not is_released:
            self._failures_in_row = 0
            self._last_success = self._clocks.monotonic()
            self._token_is_unproven = False

    def _count(self, item: Item, verdict: Verdict) -> None:
        event = verdict.event
        self.tally.events[event] += 1
        if event is Event.ACCEPT:
            self.tally.weight += item.message.weight
        elif event is Event.REFUSE:
            log.info("refused", row=item.message.row, code=verdict.code)
        elif event is Event.LOSE:
            log.warning("outcome unknown", row=item.message.row, code=verdict.code)
        if problem := self._breakers.answered(event, verdict.error or ""):
            self._stop(GateRefused(problem))

    def _slow_down(self, item: Item, verdict: Verdict) -> None:
        self.tally.throttled += 1
        if self._pacer.throttled(self._clocks.monotonic()):
            log.warning("throttled", rate=round(self._pacer.rate, 2))
        item.attempt = 1  # a full queue is nobody's failure: it is waited for
        self._again(item, verdict)

    def _again(self, item: Item, verdict: Verdict) -> None:
        """Queue *item* for its next attempt, or give up: it stays planned."""
        seconds = retry.wait(item.attempt, self._rng)
        if seconds is not None:
            self._intake.again(item, seconds)
        elif self._clocks.monotonic() - self._last_success >= retry.OUTAGE_SECONDS:
            self._stop(_unreachable(verdict))

    async def _sign_in(self, item: Item, verdict: Verdict, seen: int) -> None:
        """A fresh token, once: a 401 under one that nothing has accepted yet stops."""
        try:
            hopeless = self._token_is_unproven and seen == self._client.generation
            if not hopeless and await self._client.renew(seen):
                self._token_is_unproven = True
                self._intake.again(item, 0)
                return
        except BulksendError as error:
            self._stop(error)
            return
        self._stop(_halted(verdict))


@dataclass(slots=True)
class Posted:
    """When (wall clock, ms), and under which token."""

    at: int
    generation: int


def _halted(verdict: Verdict) -> GateRefused:
    return GateRefused(Problem("E503", (verdict.error or verdict.code).rstrip(".")))


def _unreachable(verdict: Verdict) -> BulksendError:
    return Stopped(Problem("E510", (verdict.error or verdict.code).rstrip(".")))

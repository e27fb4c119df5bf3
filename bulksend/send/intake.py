"""What may be sent next, and its intent made durable.

Reads the plan ahead, leaves out and closes what must not be sent (texts that people
have from an earlier run, messages whose time has passed), and claims the rest.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bulksend.journal.limits import NO_LIMITS
from bulksend.journal.records import (
    ALREADY_SENT,
    CAPPED,
    MISSED_WINDOW,
    PAST_EXPIRATION,
    Candidate,
    Outcome,
)
from bulksend.journal.states import Event
from bulksend.rules.hours import LEAST_LIFE_MS
from bulksend.send.backlog import Backlog
from bulksend.send.clocks import AllClocks
from bulksend.send.ledger import is_repeat

if TYPE_CHECKING:
    from array import array
    from collections.abc import (
        Callable,
        Collection,
        Coroutine,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from bulksend.journal.limits import Limits
    from bulksend.journal.records import Closing
    from bulksend.journal.writer import Writer
    from bulksend.send.backlog import Item
    from bulksend.send.caps import Caps
    from bulksend.send.clocks import Clocks, Moment, Now
    from bulksend.send.message import Envelope, Message
    from bulksend.send.pacing import Pace
    from bulksend.send.source import Source

SOON_MS = 120_000

FRESH_SECONDS = 0.5
"""So long a claim vouches for it that the person may be texted: it has read who has opted
out, and who does later must get nothing a second after.  As a rule a message leaves some
milliseconds after its claim; where a server or a connection is slow, it is asked again."""


class Intake:
    """The backlog, filled from the plan and emptied by claims.

    Args:
        ledger: Sorted keys of texts that people already have.

        paced: The senders that have a pace of their own.

        caps: How often people may be texted, and what carriers take.

        theirs: What Bandwidth's clock makes of now: it judges what has expired.
    """

    def __init__(  # noqa: PLR0913  (its seams)
        self,
        source: Source,
        envelope: Envelope,
        *,
        writer: Writer,
        clocks: Clocks,
        ledger: array[int],
        paced: Collection[str] = (),
        caps: Caps | None = None,
        theirs: Callable[[], Moment | None] = lambda: None,
    ) -> None:
        self._source = source
        self._envelope = envelope
        self._writer = writer
        self._clocks = clocks
        self._all_clocks = AllClocks(clocks, theirs)
        self._ledger = ledger
        self._caps = caps
        self._backlog = Backlog(paced)
        self._loading: asyncio.Task[None] | None = None
        self._exhausted = False
        self.changed = asyncio.Event()
        self.closed = 0

    @property
    def waits_for_more(self) -> bool:
        """Whether no message is here to be sent; more may come."""
        return not self._backlog

    @property
    def is_empty(self) -> bool:
        """Nothing is left, now or later, but what is under way."""
        return self._exhausted and self._loading is None and not self._backlog

    def seconds_to_next(self, *, retries_only: bool) -> float | None:
        """How long until something waits for the pace; None where `changed` will tell.

        Reads the plan ahead by the way.
        """
        self._fill()
        now = self._clocks.monotonic()
        return self._backlog.seconds_to_next(now, retries_only=retries_only)

    def again(self, item: Item, seconds: float) -> None:
        """Take *item* back for another attempt, not before *seconds* from now."""
        self._backlog.again(item, self._clocks.monotonic() + seconds)
        self.changed.set()

    async def take(self, pace: Pace, most: int, *, retries_only: bool) -> list[Item]:
        """What the pace lets go now, at most so many; none of it claimed yet.

        Never waits for the plan, the pace or a retry.
        """
        if self._has_expired():
            await self._close(self._backlog.give_up(), PAST_EXPIRATION)
            self.changed.set()  # there may be more of them in the plan
            return []
        now = self._clocks.monotonic()
        return self._backlog.take(pace, now, most=most, retries_only=retries_only)

    def upcoming(self, *, retries_only: bool) -> dict[str, Iterator[int]]:
        """The weights of what `take` would give next, of each sender that has a pace."""
        return self._backlog.upcoming(retries_only=retries_only)

    async def claim(self, items: Sequence[Item]) -> list[Item]:
        """Make the intent to send *items* durable; those that are ours to post.

        Raises:
            LeaseLost: Another sender has the campaign; nothing was claimed.
        """
        items = self._in_time(items)
        if not items:
            return []
        now, asked = self._clocks.wall_ms(), self._all_clocks.now()
        limits = self._caps.at(asked) if self._caps else NO_LIMITS
        candidates = [self._candidate(one.message, one.attempt > 1) for one in items]
        rows, held = await self._writer.claim_within(candidates, limits, now=now)
        mine, known_at = set(rows), self._clocks.monotonic()
        latest = self._all_clocks.now().latest
        self.closed += len(items) - len(mine) - len(held)
        for item, candidate in zip(items, candidates, strict=True):
            item.body = self._envelope.body(item.message, latest)
            item.uses = limits.uses(candidate) if limits.purses else ()
            item.known_at = known_at
        if held:
            waiting = [one for one in items if one.message.row in held]
            self._hold(waiting, held, limits=limits, asked=asked)
        return [item for item in items if item.message.row in mine]

    def is_late(self, item: Item) -> bool:
        """Asked again just before a POST: a claim may have waited, a machine slept."""
        return self._source.is_late(item.message)

    def is_stale(self, item: Item) -> bool:
        """Whether somebody may have opted out since it was known that nobody had."""
        return self._clocks.monotonic() > item.known_at + FRESH_SECONDS

    async def may_still(self, item: Item) -> bool:
        """Whether its person may be texted, as the list is now."""
        asked = [self._candidate(item.message)]
        left_out = await self._writer.call(
            lambda journal: journal.suppressions.among(asked)
        )
        item.known_at = self._clocks.monotonic()
        return not left_out

    def postpone(self, item: Item) -> None:
        """A claimed message whose window has closed comes again with its next one."""
        self._unclaim([item])
        self._put_back_late([item])

    def put_back(self, items: Sequence[Item]) -> None:
        """Take back what `take` gave and nobody claimed."""
        self._backlog.put_back(items)

    def give_back(self, items: Sequence[Item], *, again: bool) -> None:
        """Unclaim what was not posted; where it comes *again*, that was no attempt."""
        self._unclaim(items)
        for item in items if again else ():
            item.attempt = max(1, item.attempt - 1)
            self.again(item, 0)

    async def close(self) -> None:
        """Read no more of the plan."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait({self._loading})

    # -- inside ---------------------------------------------------------------------

    def _candidate(self, message: Message, again: bool = False) -> Candidate:
        return Candidate(
            message.row,
            self._envelope.once(message),
            again,
            *message.people(),
            message.weight,
            self._source.carrier(message),
            self._source.per_day(message),
        )

    def _unclaim(self, items: Iterable[Item]) -> None:
        now = self._clocks.wall_ms()
        for item in items:
            row, event = item.message.row, Event.RELEASE
            self._writer.record(Outcome(row, event, now, returns=item.uses))

    def _in_time(self, items: Sequence[Item]) -> Sequence[Item]:
        late = [item for item in items if self._source.is_late(item.message)]
        if not late:
            return items
        self._put_back_late(late)
        rows = {item.message.row for item in late}
        return [item for item in items if item.message.row not in rows]

    def _hold(
        self,
        items: Sequence[Item],
        held: Mapping[int, int],
        *,
        limits: Limits,
        asked: Now,
    ) -> None:
        """These, and all else for their carriers, wait for a cap.

        What waits for less than two minutes waits here: to read the plan each minute for
        a few rows would cost more.  Meanwhile no more of it is read than is soon sent.

        Args:
            held: For how many milliseconds from *asked*; the source counts them as it
                does for a window, by the earliest of the clocks.
        """
        source, passed = self._source, self._all_clocks.now().boot - asked.boot
        longest: dict[str, int] = {}
        for item in items:
            carrier = source.carrier(item.message)
            longest[carrier] = max(longest.get(carrier, 0), held[item.message.row])
        for carrier, wait in longest.items():
            mine = [one for one in items if source.carrier(one.message) == carrier]
            mine += self._backlog.withdraw(lambda m, c=carrier: source.carrier(m) == c)  # type: ignore[misc]
            until, left = asked.earliest + wait, wait - passed
            if left > SOON_MS:
                source.hold(carrier, until)
                self._put_back_late(mine)
                continue
            ready_at = self._clocks.monotonic() + left / 1000
            for item in mine:
                self._backlog.wait(item, ready_at)
            segments = sum(one.message.weight for one in mine)
            source.hold(carrier, until + limits.needed_ms(carrier, segments))
        self.changed.set()

    def _put_back_late(self, late: Sequence[Item]) -> None:
        self._source.put_back([item.message for item in late])
        self._exhausted = False
        self.changed.set()

    def _fill(self) -> None:
        """Read ahead; raises what the last reading raised."""
        if self._loading is not None:
            if not self._loading.done():
                return
            loading, self._loading = self._loading, None
            loading.result()
        if rows := self._backlog.to_read():
            self._load(self._restore(rows))
        elif self._backlog.is_low and not self._exhausted:
            self._load(self._read_on())

    def _load(self, reading: Coroutine[None, None, None]) -> None:
        self._loading = asyncio.create_task(reading)
        self._loading.add_done_callback(lambda _: self.changed.set())

    async def _restore(self, rows: Sequence[int]) -> None:
        self._backlog.restore(await self._source.of(rows))

    async def _read_on(self) -> None:
        messages = await self._source.ahead()
        await self._close(self._source.missed(), MISSED_WINDOW)
        if messages is None:
            self._exhausted = True
            return
        if self._ledger:
            repeats = {
                one.row
                for one in messages
                if is_repeat(one, self._envelope, self._ledger)
            }
            await self._close([*repeats], ALREADY_SENT)
            messages = [one for one in messages if one.row not in repeats]
        if self._caps and self._caps.counts_people:
            over = await self._over(messages, self._caps)
            await self._close([*over], CAPPED)
            messages = [one for one in messages if one.row not in over]
        self._backlog.add(messages)

    async def _over(self, messages: Sequence[Message], caps: Caps) -> set[int]:
        """Who has had enough by now: a claim would find out too, and spend permits."""
        asked = [self._candidate(one) for one in messages]
        limits = caps.at(self._all_clocks.now())
        return await self._writer.call(
            lambda journal: journal.limits.over(asked, limits)
        )

    def _has_expired(self) -> bool:
        if self._envelope.expiration is None:
            return False
        now = self._all_clocks.now().latest
        expires = self._envelope.expires(now)
        return expires is not None and expires.timestamp() * 1000 - now < LEAST_LIFE_MS

    async def _close(self, rows: Sequence[int], why: Closing) -> None:
        writer, now = self._writer, self._clocks.wall_ms()
        self.closed += len(rows)
        await writer.each(
            rows,
            lambda journal, rows: journal.close_unsent(
                writer.run.id, writer.epoch, rows, why, now=now
            ),
        )

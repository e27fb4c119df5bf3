"""What may be sent next, and its intent made durable.

Reads the plan ahead, leaves out and closes what must not be sent (texts that people
have from an earlier run, messages whose time has passed), and claims the rest.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from bulksend.journal.records import (
    ALREADY_SENT,
    CAPPED,
    MISSED_WINDOW,
    PAST_EXPIRATION,
    Candidate,
    Outcome,
)
from bulksend.journal.states import Event
from bulksend.send.backlog import Backlog
from bulksend.send.caps import is_over
from bulksend.send.ledger import is_repeat

if TYPE_CHECKING:
    from array import array
    from collections.abc import Collection, Coroutine, Iterable, Sequence

    from bulksend.journal.records import Closing
    from bulksend.journal.writer import Writer
    from bulksend.send.backlog import Item
    from bulksend.send.caps import Cap
    from bulksend.send.clocks import Clocks
    from bulksend.send.message import Envelope, Message
    from bulksend.send.pacing import Pace


class Source(Protocol):
    """The plan's messages that are still to be sent."""

    async def ahead(self) -> Sequence[Message] | None:
        """The next of them, in the plan's order; None when it is through."""

    async def of(self, rows: Sequence[int]) -> Sequence[Message]:
        """These rows, which it gave out before."""

    def missed(self) -> Sequence[int]:
        """Rows whose window cannot be met any more; each is given once."""

    def is_late(self, message: Message) -> bool:
        """Whether the person's window has closed, or will before it can arrive."""

    def put_back(self, some: Iterable[Message]) -> None:
        """Late messages: they come again when their windows open, or are missed."""


class Intake:
    """The backlog, filled from the plan and emptied by claims.

    Args:
        ledger: Sorted keys of texts that people already have.

        paced: The senders that have a pace of their own.

        caps: Who has had enough.
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
        caps: Sequence[Cap] = (),
    ) -> None:
        self._source = source
        self._envelope = envelope
        self._writer = writer
        self._clocks = clocks
        self._ledger = ledger
        self._caps = caps
        self._backlog = Backlog(paced)
        self._loading: asyncio.Task[None] | None = None
        self._exhausted = False
        self.changed = asyncio.Event()
        self.closed = 0

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

    async def claim(self, items: Sequence[Item]) -> list[Item]:
        """Make the intent to send *items* durable; those that are ours to post.

        Raises:
            LeaseLost: Another sender has the campaign; nothing was claimed.
        """
        items = self._in_time(items)
        if not items:
            return []
        now = self._clocks.wall_ms()
        envelope = self._envelope
        candidates = [
            Candidate(
                item.message.row,
                envelope.once(item.message),
                item.attempt > 1,
                *item.message.people(),
            )
            for item in items
        ]
        mine = set(await self._writer.claim(candidates, now=now))
        self.closed += len(items) - len(mine)
        ours = [item for item in items if item.message.row in mine]
        for item in ours:
            item.body = envelope.body(item.message, now)
        return ours

    def is_late(self, item: Item) -> bool:
        """Asked again just before a POST: a claim may have waited, a machine slept."""
        return self._source.is_late(item.message)

    def postpone(self, item: Item) -> None:
        """A claimed message whose window has closed comes again with its next one."""
        self.unclaim([item])
        self._put_back_late([item])

    def put_back(self, items: Sequence[Item]) -> None:
        """Take back what `take` gave and nobody claimed."""
        self._backlog.put_back(items)

    def unclaim(self, items: Iterable[Item]) -> None:
        """Give back what was claimed and not posted."""
        now = self._clocks.wall_ms()
        for item in items:
            self._writer.record(Outcome(item.message.row, Event.RELEASE, now))

    async def close(self) -> None:
        """Read no more of the plan."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait({self._loading})

    # -- inside ---------------------------------------------------------------------

    def _in_time(self, items: Sequence[Item]) -> Sequence[Item]:
        late = [item for item in items if self._source.is_late(item.message)]
        if not late:
            return items
        self._put_back_late(late)
        return [item for item in items if item not in late]

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
            await self._close(repeats, ALREADY_SENT)
            messages = [one for one in messages if one.row not in repeats]
        if self._caps:
            over = {one.row for one in messages if is_over(one, self._caps)}
            await self._close(over, CAPPED)
            messages = [one for one in messages if one.row not in over]
        self._backlog.add(messages)

    def _has_expired(self) -> bool:
        now = self._clocks.wall_ms()
        expires = self._envelope.expires(now)
        return expires is not None and expires.timestamp() * 1000 <= now

    async def _close(self, rows: Collection[int], why: Closing) -> None:
        if not rows:
            return
        writer, now = self._writer, self._clocks.wall_ms()
        self.closed += len(rows)
        await writer.call(
            lambda journal: journal.close_unsent(
                writer.run.id, writer.epoch, list(rows), why, now=now
            )
        )

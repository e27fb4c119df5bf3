"""What may be sent next, and its intent made durable.

Reads the plan ahead, leaves out and closes what must not be sent (texts that people
have from an earlier run, messages whose time has passed), and claims the rest.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bulksend.journal.records import ALREADY_SENT, PAST_EXPIRATION, Candidate, Outcome
from bulksend.journal.states import Event
from bulksend.send.backlog import Backlog, Item
from bulksend.send.ledger import is_repeat

if TYPE_CHECKING:
    from array import array
    from collections.abc import AsyncIterator, Iterable, Sequence

    from bulksend.journal.records import Closing
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks
    from bulksend.send.message import Envelope, Message

LOW_WATER = 2_000


class Intake:
    """The backlog, filled from the plan and emptied by claims.

    Args:
        source: Chunks of messages, in the plan's order, none of them closed before.

        ledger: Sorted keys of texts that people already have.
    """

    def __init__(
        self,
        source: AsyncIterator[Sequence[Message]],
        envelope: Envelope,
        *,
        writer: Writer,
        clocks: Clocks,
        ledger: array[int],
    ) -> None:
        self._source = source
        self._envelope = envelope
        self._writer = writer
        self._clocks = clocks
        self._ledger = ledger
        self._backlog = Backlog()
        self._loading: asyncio.Task[None] | None = None
        self._exhausted = False
        self.changed = asyncio.Event()
        self.closed = 0

    @property
    def is_empty(self) -> bool:
        """Nothing is left, now or later, but what is under way."""
        return self._exhausted and not self._backlog

    def seconds_to_retry(self) -> float | None:
        """How long until the next retry is due; None where there is none."""
        ready_at = self._backlog.ready_at()
        if ready_at is None:
            return None
        return max(0.0, ready_at - self._clocks.monotonic())

    def again(self, item: Item, seconds: float) -> None:
        """Take *item* back for another attempt, not before *seconds* from now."""
        self._backlog.again(item, self._clocks.monotonic() + seconds)
        self.changed.set()

    async def take(self, weight: int, *, retries_only: bool) -> list[Item]:
        """The next items, together of *weight*; none of them claimed yet.

        Never waits for the plan or a retry: `changed` says when to ask again.
        """
        self._fill()
        now = self._clocks.monotonic()
        if not self._has_expired():
            return self._backlog.take(weight, now, retries_only=retries_only)
        late = self._backlog.take(LOW_WATER, now)
        if late:
            await self._close([item.message for item in late], PAST_EXPIRATION)
            self.changed.set()  # there may be more of them
        return []

    async def claim(self, items: list[Item]) -> list[Item]:
        """Make the intent to send *items* durable; those that are ours to post.

        Raises:
            LeaseLost: Another sender has the campaign; nothing was claimed.
        """
        now = self._clocks.wall_ms()
        candidates = [
            Candidate(
                item.message.row,
                self._envelope.once(item.message),
                item.attempt > 1,
                *item.message.people(),
            )
            for item in items
        ]
        mine = set(await self._writer.claim(candidates, now=now))
        self.closed += len(items) - len(mine)
        return [
            item._replace(body=self._envelope.body(item.message, now))
            for item in items
            if item.message.row in mine
        ]

    def put_back(self, items: list[Item]) -> None:
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

    def _fill(self) -> None:
        """Read ahead; raises what the last reading raised."""
        if self._loading is not None and self._loading.done():
            loading, self._loading = self._loading, None
            loading.result()
        is_low = self._backlog.fresh < LOW_WATER
        if is_low and self._loading is None and not self._exhausted:
            self._loading = asyncio.create_task(self._load())
            self._loading.add_done_callback(lambda _: self.changed.set())

    async def _load(self) -> None:
        try:
            messages = await anext(self._source)
        except StopAsyncIteration:
            self._exhausted = True
            return
        if self._ledger:
            repeats = [
                one for one in messages if is_repeat(one, self._envelope, self._ledger)
            ]
            if repeats:
                await self._close(repeats, ALREADY_SENT)
                rows = {one.row for one in repeats}
                messages = [one for one in messages if one.row not in rows]
        self._backlog.add(messages)

    def _has_expired(self) -> bool:
        now = self._clocks.wall_ms()
        expires = self._envelope.expires(now)
        return expires is not None and expires.timestamp() * 1000 <= now

    async def _close(self, messages: Iterable[Message], why: Closing) -> None:
        writer, now = self._writer, self._clocks.wall_ms()
        rows = [message.row for message in messages]
        self.closed += len(rows)
        await writer.call(
            lambda journal: journal.close_unsent(
                writer.run.id, writer.epoch, rows, why, now=now
            )
        )

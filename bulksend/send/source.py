"""A plan's rows as messages, read in another thread while others are sent."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import polars as pl

from bulksend.send.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.prepare.plan import Plan

HANDED_OVER_AT_ONCE = 500
READ_AT_ONCE = 20_000


class PlanSource:
    """The rows of *plan* that get a message, without those that are *closed*.

    Which rows they are is read first, 4 bytes each; the messages when their turn comes,
    and of those the first few by themselves, so that a run that is resumed begins at once.

    Args:
        only: The rows to choose from; None is all.

        between: The first and the last row to choose from; None is all.
    """

    def __init__(
        self,
        plan: Plan,
        closed: pl.Series | None = None,
        *,
        only: pl.Series | None = None,
        between: tuple[int, int] | None = None,
    ) -> None:
        self._plan = plan
        left = plan.left("row", closed=closed, only=only, between=between)
        self._rows = left["row"].cast(pl.UInt32)
        self._at, self._most = 0, HANDED_OVER_AT_ONCE
        self._pieces: deque[pl.DataFrame] = deque()

    async def ahead(self) -> Sequence[Message] | None:
        """The next of them, in the plan's order; None when it is through."""
        if not self._pieces:
            wanted = self._rows.slice(self._at, self._most).cast(pl.Int64)
            if not len(wanted):
                return None
            self._at, self._most = self._at + len(wanted), READ_AT_ONCE
            found = await asyncio.to_thread(self._plan.messages_of, wanted)
            self._pieces.extend(found.iter_slices(HANDED_OVER_AT_ONCE))
        return messages(self._pieces.popleft())

    async def of(self, rows: Sequence[int]) -> Sequence[Message]:
        """These rows, in the plan's order."""
        wanted = pl.Series(rows, dtype=pl.Int64)
        found = await asyncio.to_thread(self._plan.messages_of, wanted)
        return messages(found)

    comes_back_at: int | None = None
    """It never waits for anything."""

    has_laws = False
    """Where no hours are kept, no law is asked."""

    def per_day(self, message: Message) -> int:  # noqa: ARG002
        return 0

    def carrier(self, message: Message) -> str:  # noqa: ARG002
        """It is not used where carriers' caps are kept."""
        return ""

    def hold(self, carrier: str, until: int) -> None:
        """Never asked, as `put_back`."""
        raise NotImplementedError

    def missed(self) -> Sequence[int]:
        """Nothing is missed where no hours are kept."""
        return ()

    def is_late(self, message: Message) -> bool:  # noqa: ARG002
        return False

    def put_back(self, some: Iterable[Message]) -> None:
        """Never asked: nothing is late."""
        raise NotImplementedError


def messages(rows: pl.DataFrame) -> list[Message]:
    """A piece of `Plan.sendable` as messages."""
    said = rows.with_columns(pl.col(pl.String).fill_null(""))  # a picture alone
    return [Message(*row) for row in said.iter_rows()]

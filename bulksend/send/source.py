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


class PlanSource:
    """The rows of *plan* that get a message, without those that are *closed*.

    Args:
        chosen: The rows to choose from; None is all.

        between: The first and the last row to choose from; None is all.
    """

    def __init__(
        self,
        plan: Plan,
        closed: Sequence[int],
        *,
        chosen: Sequence[int] | None = None,
        between: tuple[int, int] | None = None,
    ) -> None:
        self._plan = plan
        only = None if chosen is None else pl.Series(chosen, dtype=pl.Int64)
        left_out = pl.Series(closed, dtype=pl.Int64)
        self._chunks = plan.sendable(left_out, only, between=between)
        self._pieces: deque[pl.DataFrame] = deque()

    async def ahead(self) -> Sequence[Message] | None:
        """The next of them, in the plan's order; None when it is through."""
        if not self._pieces:
            chunk = await asyncio.to_thread(next, self._chunks, None)
            if chunk is None:
                return None
            self._pieces.extend(chunk.iter_slices(HANDED_OVER_AT_ONCE))
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

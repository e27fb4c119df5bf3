"""Where messages come from: a plan's rows, read in another thread while others are sent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeAlias

import polars as pl

from bulksend.send.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

HANDED_OVER_AT_ONCE = 500
READ_AT_ONCE = 20_000

Read: TypeAlias = "Callable[[pl.Series], Awaitable[pl.DataFrame]]"
"""These rows of the plan, in another thread."""


class Source(Protocol):
    """A plan's messages that are still to be sent: by `PlanSource`, or by `TimedSource`."""

    async def ahead(self) -> Sequence[Message] | None:
        """The next of them, in the plan's order; None when it is through."""

    async def of(self, rows: Sequence[int]) -> Sequence[Message]:
        """These rows, which it gave out before."""

    def missed(self) -> Sequence[int]:
        """Rows whose window cannot be met any more; each is given once."""

    def is_late(self, message: Message) -> bool:
        """Whether the person's window is not open, or closes before it can arrive."""

    def put_back(self, some: Iterable[Message]) -> None:
        """Late messages: they come again when their windows open, or are missed."""

    def per_day(self, message: Message) -> int:
        """How many messages a law allows its person in 24 hours; 0: no law says."""

    def carrier(self, message: Message) -> str:
        """Whose caps it counts against."""

    def hold(self, carrier: str, until: int) -> None:
        """Give nothing more for *carrier* until then."""


class More(Protocol):
    """The other rows, once they are known; `Remainder` is one."""

    @property
    def is_known(self) -> bool: ...

    async def rest(self) -> pl.DataFrame: ...


class PlanSource:
    """The plan's messages in its order; waits for nothing.

    The messages are read when their turn comes, and of those the first few by themselves,
    so that a run that is resumed begins at once.

    Args:
        rows: Which there are, as column ``row``.

        read: These rows as `Plan.messages_of` has them.

        more: The rows that come after those.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        read: Read,
        more: More | None = None,
    ) -> None:
        self._rows = rows["row"].cast(pl.UInt32)
        self._read = read
        self._more = more
        self._at, self._most = 0, HANDED_OVER_AT_ONCE
        self._pieces: deque[pl.DataFrame] = deque()

    async def ahead(self) -> Sequence[Message] | None:
        """The next of them; None when it is through."""
        if not self._pieces:
            if self._at >= len(self._rows) and self._more is not None:
                self._rows, self._at = (
                    (await self._more.rest())["row"].cast(pl.UInt32),
                    0,
                )
                self._more = None
            wanted = self._rows.slice(self._at, self._most).cast(pl.Int64)
            if not len(wanted):
                return None
            found = await self._read(wanted)
            self._at, self._most = self._at + len(wanted), READ_AT_ONCE
            self._pieces.extend(found.iter_slices(HANDED_OVER_AT_ONCE))
        return messages(self._pieces.popleft())

    async def of(self, rows: Sequence[int]) -> Sequence[Message]:
        """These rows, in the plan's order."""
        return messages(await self._read(pl.Series(rows, dtype=pl.Int64)))

    comes_back_at: int | None = None
    waits_until: int | None = None
    """It never waits for anything."""

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

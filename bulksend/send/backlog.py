"""What is still to be sent, in order: messages to try again first, then the plan."""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.send.message import Message


class Item(NamedTuple):
    """A message on its way to its *attempt*-th attempt (1 = the first)."""

    message: Message
    attempt: int = 1
    body: bytes = b""


class Backlog:
    """Pure bookkeeping: nothing here waits or asks for the time."""

    def __init__(self) -> None:
        self._fresh: deque[Item] = deque()
        self._again: list[tuple[float, int, Item]] = []
        self._counter = 0

    def __len__(self) -> int:
        return len(self._fresh) + len(self._again)

    @property
    def fresh(self) -> int:
        return len(self._fresh)

    def add(self, messages: Iterable[Message]) -> None:
        self._fresh.extend(map(Item, messages))

    def again(self, item: Item, ready_at: float) -> None:
        """Take *item* back; it is ready for its next attempt at *ready_at*."""
        self._counter += 1  # keeps the order, and messages out of the comparison
        entry = (ready_at, self._counter, item._replace(attempt=item.attempt + 1))
        heapq.heappush(self._again, entry)

    def put_back(self, items: Iterable[Item]) -> None:
        """Undo a `take`."""
        for item in reversed(list(items)):
            if item.attempt > 1:
                self.again(item._replace(attempt=item.attempt - 1), -math.inf)
            else:
                self._fresh.appendleft(item)

    def ready_at(self) -> float | None:
        """When the next retry is due."""
        return self._again[0][0] if self._again else None

    def take(
        self, weight: int, now: float, *, retries_only: bool = False
    ) -> list[Item]:
        """The next items, together of *weight*, and at least one if any is ready.

        With *retries_only* nothing fresh is taken while there are retries to wait for.
        """
        taken: list[Item] = []
        while weight > 0:
            if self._again and self._again[0][0] <= now:
                item = heapq.heappop(self._again)[2]
            elif self._fresh and not (retries_only and self._again):
                item = self._fresh.popleft()
            else:
                break
            taken.append(item)
            weight -= item.message.weight
        return taken

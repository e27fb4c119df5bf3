"""What is still to be sent, in order; the only place that decides who is next.

Theory of operation
-------------------
Messages of senders that have a pace of their own stand in *lanes*, one for each of those
senders; all others stand in one lane.  Lanes take turns, and one that must wait for its
pace is passed by: a slow sender holds up nobody.  Within a lane messages to try again
come first, then the plan's order.

A slow lane would grow while the plan is read on for the others.  So a lane that is full
keeps only the rows of what follows (8 bytes each), and has them read again in time.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from bulksend.journal.records import Use
    from bulksend.send.message import Message
    from bulksend.send.pacing import Pace

LOW_WATER = 2_000
"""More is read when a lane has fewer; of many lanes each has its share of it."""

LOWEST_WATER = 20
READ_AT_ONCE = 500


@dataclass(slots=True)
class Item:
    """A message on its way to its *attempt*-th attempt (1 = the first).

    Args:
        uses: What its claim took from carriers' caps.

        known_at: When its claim, or a look since, said that its person may be texted; in
            seconds of the engine's monotonic clock.
    """

    message: Message
    attempt: int = 1
    body: bytes = b""
    uses: tuple[Use, ...] = ()
    known_at: float = 0.0


class _Lane:
    """Messages that share a pace; *name* is their sender's, or empty."""

    __slots__ = ("again", "fresh", "later", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.again: deque[Item] = deque()
        self.fresh: deque[Item] = deque()
        self.later = array("q")

    def __len__(self) -> int:
        return len(self.again) + len(self.fresh) + len(self.later)


class Backlog:
    """Pure bookkeeping: nothing here waits or asks for the time.

    Args:
        paced: The senders that have a pace of their own.
    """

    def __init__(self, paced: Collection[str] = ()) -> None:
        self._lanes = {name: _Lane(name) for name in ("", *paced)}
        self._turns = deque(self._lanes.values())
        self._is_shared = not paced  # whether anything stands in the lane of all others
        self._low = max(LOWEST_WATER, LOW_WATER // len(self._turns))
        self._waiting: list[tuple[float, int, Item]] = []
        self._counter = 0

    def __len__(self) -> int:
        return sum(map(len, self._turns)) + len(self._waiting)

    # -- what comes in ----------------------------------------------------------------

    def add(self, messages: Iterable[Message]) -> None:
        """The plan's next messages."""
        for message in messages:
            lane = self._lane(message)
            self._is_shared = self._is_shared or not lane.name
            if lane.later or len(lane.fresh) >= 2 * self._low + READ_AT_ONCE:
                lane.later.append(message.row)
            else:
                lane.fresh.append(Item(message))

    def restore(self, messages: Iterable[Message]) -> None:
        """Messages of rows that `to_read` gave out."""
        for message in messages:
            self._lane(message).fresh.append(Item(message))

    def again(self, item: Item, ready_at: float) -> None:
        """Take *item* back; it is ready for its next attempt at *ready_at*."""
        item.attempt += 1
        self.wait(item, ready_at)

    def wait(self, item: Item, ready_at: float) -> None:
        """Take *item* back until *ready_at*; it was not tried."""
        self._counter += 1  # keeps the order, and messages out of the comparison
        heapq.heappush(self._waiting, (ready_at, self._counter, item))

    def withdraw(self, is_meant: Callable[[Message], bool]) -> list[Item]:
        """Take these out of the lanes, in order; what waits for a moment stays."""
        found: list[Item] = []
        for lane in self._turns:
            for name in ("again", "fresh"):
                items: deque[Item] = getattr(lane, name)
                out = [item for item in items if is_meant(item.message)]
                if out:
                    found += out
                    kept = (item for item in items if not is_meant(item.message))
                    setattr(lane, name, deque(kept))
        return found

    # -- what goes out ----------------------------------------------------------------

    def take(
        self, pace: Pace, now: float, *, most: int = 1_000, retries_only: bool = False
    ) -> list[Item]:
        """What the pace lets go now, at most so many, each with its permits spent.

        With *retries_only* nothing fresh is taken while there are retries to wait for.
        """
        self._wake(now)
        taken: list[Item] = []
        while len(taken) < most:
            held = retries_only and self._has_retries
            lane = self._next_lane(pace, held=held)
            if lane is None:
                break
            item = (lane.again or lane.fresh).popleft()
            pace.spend(lane.name, item.message.weight)
            taken.append(item)
        return taken

    def upcoming(self, *, retries_only: bool = False) -> dict[str, Iterator[int]]:
        """The weights of what `take` would give next, of each lane that has something."""
        held = retries_only and self._has_retries
        lanes = {
            lane.name: chain(lane.again, () if held else lane.fresh)
            for lane in self._turns
            if lane.again or (lane.fresh and not held)
        }
        return {
            name: (item.message.weight for item in items)
            for name, items in lanes.items()
        }

    def put_back(self, items: Sequence[Item]) -> None:
        """Undo a `take`."""
        for item in reversed(items):
            lane = self._lane(item.message)
            (lane.again if item.attempt > 1 else lane.fresh).appendleft(item)

    def seconds_to_next(
        self, now: float, *, retries_only: bool = False
    ) -> float | None:
        """Until there is something to take, if the pace allows; None where nothing is."""
        self._wake(now)
        held = retries_only and self._has_retries
        if any(lane.again or (lane.fresh and not held) for lane in self._turns):
            return 0.0
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None

    def give_up(self) -> array[int]:
        """The rows of all that is here; it is empty then."""
        rows = array("q", (item.message.row for _, _, item in self._waiting))
        self._waiting.clear()
        for lane in self._turns:
            rows.extend(item.message.row for item in (*lane.again, *lane.fresh))
            rows += lane.later
            lane.again.clear()
            lane.fresh.clear()
            del lane.later[:]
        return rows

    # -- what should be read ----------------------------------------------------------

    @property
    def is_low(self) -> bool:
        """Whether a lane could do with more of the plan."""
        return any(
            len(lane.fresh) < self._low and not lane.later
            for lane in self._turns
            if lane.name or self._is_shared
        )

    def to_read(self) -> Sequence[int]:
        """Rows to be read again now; they are the caller's to `restore`."""
        for lane in self._turns:
            if lane.later and len(lane.fresh) < self._low:
                rows = lane.later[:READ_AT_ONCE]
                del lane.later[:READ_AT_ONCE]
                return rows
        return ()

    # -- inside -----------------------------------------------------------------------

    def _lane(self, message: Message) -> _Lane:
        return self._lanes.get(message.sender, self._lanes[""])

    def _wake(self, now: float) -> None:
        """Retries that are due go to their lanes."""
        while self._waiting and self._waiting[0][0] <= now:
            item = heapq.heappop(self._waiting)[2]
            self._lane(item.message).again.append(item)

    @property
    def _has_retries(self) -> bool:
        return bool(self._waiting) or any(lane.again for lane in self._turns)

    def _next_lane(self, pace: Pace, *, held: bool) -> _Lane | None:
        for _ in range(len(self._turns)):
            lane = self._turns[0]
            self._turns.rotate(-1)
            items = lane.again or (() if held else lane.fresh)
            if items and pace.allows(lane.name, items[0].message.weight):
                return lane
        return None

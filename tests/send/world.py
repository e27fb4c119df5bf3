"""Several senders with one pace: a journal, and a clock that moves when somebody waits."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bulksend.journal.sqlite import Sqlite
from bulksend.journal.turns import Wanted
from bulksend.send.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from bulksend.journal.store import Journal
    from bulksend.send.shared import SharedPace


T = TypeVar("T")


ONE = Wanted("", 1)


class Here(NamedTuple):
    """The run that a ramp is of."""

    id: int


class Desk:
    """What an account asks of the writer and the clocks: answers take their time."""

    def __init__(self, world: World, run_id: int, slow: Callable[[], float]) -> None:
        self.run = Here(run_id)
        self._world = world
        self._slow = slow
        self._aside = cycle([0.0])

    async def call(self, work: Callable[[Journal], T]) -> T:
        """A statement that takes as long to be heard as its answer does."""
        way = self._slow()
        await self._world.sleep(way)
        self._aside = cycle([-way, way])
        found = work(self._world.journal)
        self._aside = cycle([0.0])
        await self._world.sleep(way)
        return found

    def monotonic(self) -> float:
        """Within a call: first when it was asked, then when it is answered."""
        return self._world.now + next(self._aside)


class Elsewhere(Account):
    """Its journal has the clock of another machine."""

    world: World

    def _now(self) -> int:
        return round((self.world.now + self.world.ahead) * 1e6)


class World:
    """A journal, and a clock that moves when somebody waits."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        assert isinstance(journal.database, Sqlite)
        journal.database.connection.execute("pragma synchronous = off")
        self.now = 100.0
        self.ahead = 0.0  # the journal's clock
        self._wakes: list[float] = []
        self._waiting: dict[int, deque[tuple[str, int]]] = defaultdict(deque)

    def clock(self) -> float:
        return self.now

    def pace(
        self,
        rate: float,
        *,
        urgent: bool = False,
        ramp: float = 0.0,
        run_id: int = 1,
        own: Mapping[str, float] | None = None,
        slow: Callable[[], float] = lambda: 0.0,
    ) -> SharedPace:
        desk = Desk(self, run_id, slow)
        account = Elsewhere("55", rate, writer=desk, clocks=desk)  # type: ignore[arg-type]
        account.world = self
        return account.pace(own or {}, urgent=urgent, ramp=ramp)

    async def sleep(self, seconds: float) -> None:
        wake = self.now + max(0.0, seconds)
        self._wakes.append(wake)
        while self.now < wake:
            await REAL_SLEEP(0)
        self._wakes.remove(wake)

    async def together(self, *work: Coroutine[Any, Any, T]) -> list[T]:
        """All of them at once; time moves on when each of them waits for it."""
        whole = asyncio.gather(*work)
        while not whole.done():
            for _ in range(6):
                await REAL_SLEEP(0)
            if self._wakes:
                self.now = max(self.now, min(self._wakes))
        return await whole

    async def posts(
        self,
        pace: SharedPace,
        count: int,
        sender: str = "",
        weights: Sequence[int] = (1,),
        until: float = math.inf,
    ) -> list[float]:
        """When so many went, one after the other, with *weights* again and again."""
        waiting, found = self._waiting[id(pace)], list[float]()
        queue = deque(
            (sender, one) for _, one in zip(range(count), cycle(weights), strict=False)
        )
        waiting += queue
        while queue and self.now < until:
            waiting.remove(queue[0])
            found.append(await self.post(pace, queue.popleft()[1], sender=sender))
        return found

    async def post(
        self,
        pace: SharedPace,
        weight: int = 1,
        *,
        sender: str = "",
        claim: float = 0.0,
        turn: float = 0.0,
        until: float = 0.0,
    ) -> float:
        """One message as the engine sends it; when it went.

        Args:
            claim: How long its claim takes.

            turn: How long until its bytes are ready to leave.

            until: They are ready at this moment at the soonest.
        """
        waiting = self._waiting[id(pace)]
        waiting.appendleft((sender, weight))

        def upcoming() -> dict[str, Iterator[int]]:
            lanes: dict[str, list[int]] = defaultdict(list)
            for one, segments in waiting:
                lanes[one].append(segments)
            return {one: iter(segments) for one, segments in lanes.items()}

        await pace.tick(self.now, upcoming)
        while not pace.allows(sender, weight):
            await self.sleep(0.01)
            await pace.tick(self.now, upcoming)
        pace.spend(sender, weight)
        waiting.remove((sender, weight))
        await self.sleep(claim)
        while early := pace.seconds_too_early(sender, weight, self.now):
            await self.sleep(early)
        pace.posted(sender, weight, self.now)
        await self.sleep(max(turn, until - self.now))
        while close := pace.seconds_too_close(sender, weight, self.now):
            await self.sleep(close)
        pace.left(sender, weight, self.now)
        return self.now


REAL_SLEEP = asyncio.sleep


class Sent(NamedTuple):
    """A message that left."""

    at: float
    weight: int
    sender: str = ""


async def sent(
    world: World, pace: SharedPace, weights: Sequence[int], sender: str = ""
) -> list[Sent]:
    """All that a sender with enough to send lets go in nine seconds."""
    moments = await world.posts(pace, 9_999, sender, weights, until=109.0)
    return [Sent(*one, sender) for one in zip(moments, cycle(weights), strict=False)]


def used(found: Sequence[Sent], rate: float) -> float:
    """The share of the rate that was used from the second second to the ninth."""
    return sum(one.weight for one in found if 101 <= one.at < 109) / (8 * rate)

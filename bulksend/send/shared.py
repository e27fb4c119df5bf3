"""The pace of several senders: moments that the journal gives out, kept.

A sender reserves for the messages that it will send next (`line`), and only for what waits.
Each message has a moment of its own, from which on all of its segments are its own on the
line of all senders; it is claimed shortly before, and leaves when that comes.  A moment that
was not used in time is lost, not caught up: whoever caught up would send in another's time.
That is asked last when the bytes leave: who is late then waits for another moment.  Three
thousandths of the rate are never given out, and a moment may be used eight milliseconds
late: so in any second there is at most a hundredth more than the rate, or what is left of
one message, however many senders there are and however long their messages.

An urgent run reserves on two lines, the common one and the one that is kept for its like,
and takes of both what comes first (`journal.paces`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from bulksend.journal.turns import ALL_OTHERS, Wanted
from bulksend.send.line import FORGETTING, MOST_LEAD, first_of, look_at
from bulksend.send.slots import LATE_SECONDS, Slots

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Collection,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from bulksend.send.line import Held, Line
    from bulksend.send.pacing import Upcoming

CLAIM_SECONDS = 0.02
"""So long before its moment a message is claimed, at least: a commit's time."""

SOON = LATE_SECONDS


class SharedPace:
    """A `pacing.Pace` whose rate is everybody's.

    Args:
        lines: The common one first.

        clock: Monotonic seconds.

        paced: The senders that have a rate of their own.

        slow_down: Tells the journal of a 429.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        clock: Callable[[], float],
        *,
        paced: Collection[str] = (),
        slow_down: Callable[[], Awaitable[bool]],
    ) -> None:
        self._lines = lines
        self._paced = paced
        self._ahead, self._taken_at = CLAIM_SECONDS, clock()
        self._free, self._claimed, self._leaving = Slots(), Slots(), Slots()
        self._lacking: Counter[Wanted] = Counter()
        self._later: dict[str, float] = {}
        self._upcoming: Upcoming = dict
        self._clock = clock
        self._slow_down = slow_down
        self._full_rate = lines[0].whole
        self._telling: asyncio.Future[bool] | None = None
        self._slowed_at = float("-inf")

    def __repr__(self) -> str:
        return f"<SharedPace {self.rate:g}/s of {self._full_rate:g}/s>"

    @property
    def rate(self) -> float:
        """Segments per second of all senders together, as it is now."""
        return self._lines[0].whole

    async def tick(self, now: float, upcoming: Upcoming) -> None:
        self._upcoming = upcoming
        while (seconds := self._seconds_to_claim(now)) != 0.0:
            asking = [line.asking for line in self._lines if line.asking is not None]
            if asking and seconds is None:
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                for one in asking:
                    if one.done():
                        one.result()
            elif seconds is None:  # their senders' own rates let nothing go yet
                if not upcoming():
                    return
                await asyncio.sleep(SOON)
            else:  # who is asked may know of an earlier one
                await asyncio.sleep(min(seconds, SOON) if asking else seconds)
            now = self._clock()

    def allows(self, sender: str, weight: int) -> bool:
        first = self._free.first(self._kind(sender, weight))
        return first is not None and first - self._ahead <= self._clock()

    def spend(self, sender: str, weight: int) -> None:
        self._free.give(self._kind(sender, weight), self._claimed)
        self._taken_at = self._clock()

    def spare(self, sender: str, weight: int) -> None:
        self._claimed.give(self._kind(sender, weight), self._free)

    def queue(self, sender: str, weight: int) -> Wanted:
        return self._kind(sender, weight)

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        kind = self._kind(sender, weight)
        had = self._claimed.count(kind)
        self._claimed.drop_late(now)
        is_late = had and not self._claimed.count(kind)
        wanted = CLAIM_SECONDS + (now - self._taken_at if is_late else 0.0)
        self._ahead = min(MOST_LEAD, max(wanted, self._ahead * FORGETTING))
        return self._seconds_to(self._claimed, kind, now)

    def seconds_of_its_own(self, sender: str, weight: int, now: float) -> float:
        return self.seconds_too_early(sender, weight, now)

    def posted(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._claimed.give(self._kind(sender, weight), self._leaving)

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        self._leaving.drop_late(now)
        return self._seconds_to(self._leaving, self._kind(sender, weight), now)

    def left(self, sender: str, weight: int, now: float) -> None:  # noqa: ARG002
        self._leaving.take(self._kind(sender, weight))

    def throttled(self, now: float) -> bool:
        """All senders halve the pace; once a second is enough to say so."""
        if now - self._slowed_at < 1.0:
            return False
        self._slowed_at = now
        self._telling = asyncio.ensure_future(self._slow_down())
        self._telling.add_done_callback(look_at)
        return True

    def _kind(self, sender: str, weight: int) -> Wanted:
        return Wanted(sender if sender in self._paced else ALL_OTHERS, weight)

    def _seconds_to(self, slots: Slots, kind: Wanted, now: float) -> float:
        """Until a message's moment; where it is over, the message needs another one."""
        if slots.first(kind) is None:
            self._free.drop_late(now)
            if not self._free.give(kind, slots):
                self._lacking[kind] += 1
            self._fill(now)
        first = slots.first(kind)
        return SOON if first is None else max(0.0, first - now)

    def _seconds_to_claim(self, now: float) -> float | None:
        """Until the next message may be claimed; None until more is reserved."""
        self._fill(now)
        first = self._free.first_of_all
        return None if first is None else max(0.0, first - self._ahead - now)

    def _fill(self, now: float) -> None:
        """Let go what is late, and ask for more in time."""
        self._free.drop_late(now)
        for line in self._lines:
            if line.is_due(now, self._ahead):
                wanted = self._wanted(line.at_once, now)
                if wanted:
                    self._lacking.clear()  # who has nothing then says so again
                    line.ask(wanted, self._ahead, clock=self._clock, give=self._take)

    def _take(self, held: Held) -> None:
        now = self._clock()
        self._later = {one: now + seconds for one, seconds in held.later.items()}
        for kind, at in held.moments:
            self._free.add(kind, at)
        self._lacking.clear()

    def _wanted(self, most: int, now: float) -> list[Wanted]:
        """The next messages that no moment is reserved for, of each sender's line."""
        asked = Counter(one for line in self._lines for one in line.wanted)
        lacking = [
            one for one in self._lacking.elements() if not self._waits(one.sender, now)
        ]
        wanted = first_of(lacking, most)
        for sender, weights in self._upcoming().items():
            if not self._waits(sender, now):
                kinds = (self._kind(sender, weight) for weight in weights)
                wanted += first_of(self._uncovered(kinds, asked), most)
        return wanted

    def _waits(self, sender: str, now: float) -> bool:
        """Whether it is no use to ask for it, since its own line is ahead."""
        return self._later.get(sender, now) > now

    def _uncovered(
        self, kinds: Iterable[Wanted], asked: Mapping[Wanted, int]
    ) -> Iterator[Wanted]:
        """Those that neither have a moment nor are asked for."""
        have: dict[Wanted, int] = {}
        for kind in kinds:
            if kind not in have:
                have[kind] = self._free.count(kind) + asked[kind]
            if have[kind] > 0:
                have[kind] -= 1
            else:
                yield kind

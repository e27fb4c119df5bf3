"""What really happened, for tests that doubt the client's own account of it.

Two logs grow and never change: every POST as it arrived, and every message accepted.
Where nobody will ask for the old ones, they are forgotten: millions would fill a memory.
The counts are made from them on demand, so posting pays for two appends only.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from typing import NamedTuple, TypeVar

import orjson

T = TypeVar("T")


class Log(list[T]):
    """What happened, in order; it may forget what is old.

    Args:
        most: So many of the latest are kept, and no more than twice as many; None is all.

        reached: How many are of no more use to whoever works them off: not more than
            these are forgotten.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self._most = most
        self._gone = 0
        self.reached = sys.maxsize

    @property
    def total(self) -> int:
        """How many there ever were."""
        return self._gone + len(self)

    def add(self, one: T) -> None:
        self.append(one)
        if self._most is not None and len(self) >= 2 * self._most:
            gone = min(len(self) - self._most, self.reached - self._gone)
            del self[:gone]
            self._gone += gone

    def since(self, number: int) -> list[T]:
        """Those that came after so many, as far as they are kept."""
        return self[max(0, number - self._gone) :]


class Attempt(NamedTuple):
    """One POST to the messages resource, whatever came of it.

    ``fault`` names the scenario's fault that struck, or is empty; ``status`` is what was
    or would have been answered, 0 for none; ``message_id`` says that it was accepted;
    ``to`` and ``tag`` are empty when the body was not read or not valid.
    """

    seq: int
    wall: float
    mono: float
    account: str
    status: int
    fault: str
    message_id: str | None
    to: tuple[str, ...]
    tag: str | None

    def as_line(self) -> bytes:
        line = {"kind": "attempt", **self._asdict()}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


class Accepted(NamedTuple):
    """One message that Bandwidth would now send and bill.

    ``seq`` is its attempt's; ``segments`` is the 202's ``segmentCount``; ``units`` is
    what counts against the rate (a group MMS: one per recipient).
    """

    seq: int
    id: str
    wall: float
    mono: float
    account: str
    application_id: str
    to: tuple[str, ...]
    sender: str
    text: str | None
    media: tuple[str, ...]
    tag: str | None
    priority: str | None
    expiration: str | None
    segments: int
    units: int

    def as_line(self) -> bytes:
        line = {"kind": "accepted", **self._asdict()}
        line["from"] = line.pop("sender")
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


class Stats(NamedTuple):
    """The counts; ``doubled`` is how many (to, from, text) were accepted again.

    ``throttled`` is the 429s; ``segments`` and ``busiest_second`` are in rate units.
    """

    attempts: int
    accepted: int
    numbers: int
    doubled: int
    segments: int
    throttled: int
    busiest_second: int
    statuses: dict[str, int]
    faults: dict[str, int]


class Witness:
    def __init__(self, most: int | None = None) -> None:
        self.attempts: Log[Attempt] = Log(most)
        self.accepted: Log[Accepted] = Log(most)
        self.answered: set[str] = set()  # ids of which a callback got its 2xx

    def stats(self) -> Stats:
        """Reads both logs from end to end: about a second per million messages."""
        attempts, accepted = list(self.attempts), list(self.accepted)
        contents = Counter((one.to, one.sender, one.text) for one in accepted)
        statuses = Counter(str(one.status) for one in attempts)
        return Stats(
            attempts=len(attempts),
            accepted=len(accepted),
            numbers=len({number for one in accepted for number in one.to}),
            doubled=sum(times > 1 for times in contents.values()),
            segments=sum(one.units for one in accepted),
            throttled=statuses["429"],
            busiest_second=_busiest_second(accepted),
            statuses=dict(statuses),
            faults=dict(Counter(one.fault for one in attempts if one.fault)),
        )


def _busiest_second(accepted: list[Accepted]) -> int:
    """The most units accepted in any half-open second, wherever it begins."""
    window: deque[tuple[float, int]] = deque()
    units = most = 0
    for one in accepted:
        window.append((one.mono, one.units))
        units += one.units
        while one.mono - window[0][0] >= 1.0:
            units -= window.popleft()[1]
        most = max(most, units)
    return most

"""What each sender with a rate of its own may send, of what the account lets go.

Theory of operation
-------------------
A message needs a slot of the account and one of its sender, at the same moment.  Slots that
were reserved apart would seldom meet.  So a sender's are given out within a stretch of the
account's: as many as its own rate lets go until that stretch ends, by a line of time that
all workers share, too (`journal.paces`).  Only those senders are asked for that have
something to send.

A sender's slot may be used until the next one, since a message cannot be cut: in any second
go at most its rate and one message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.send.slots import LATE_SECONDS, Slots

if TYPE_CHECKING:
    from collections.abc import Mapping

LATEST_SECONDS = 4 * LATE_SECONDS


class Granted(NamedTuple):
    """A sender's slots, from *begin* (monotonic seconds) on."""

    begin: float
    slots: int


class Senders:
    """The slots of the senders that have a rate of their own.

    Args:
        rates: Segments per second of each, of all workers together.
    """

    def __init__(self, rates: Mapping[str, float] | None = None) -> None:
        self.rates = rates or {}
        self._one = {name: _Sender(rate) for name, rate in self.rates.items()}
        self._wanted = set(self._one)

    def take_wanted(self) -> dict[str, float]:
        """The rates of those that wait for more; asked for now, so no more wanted."""
        wanted, self._wanted = self._wanted, set()
        return {name: self.rates[name] for name in wanted}

    def add(self, granted: Mapping[str, Granted]) -> None:
        for name, (begin, slots) in granted.items():
            self._one[name].add(begin, slots)

    def forget(self) -> None:
        """Use none of the slots that there are."""
        self._one = {name: _Sender(rate) for name, rate in self.rates.items()}
        self._wanted = set(self._one)

    def allows(self, name: str, *, at: float, now: float) -> bool:
        """Whether one may go with the account's slot *at* that moment."""
        one = self._one.get(name)
        if one is None:
            return True
        one.free.drop_late(max(now, at))
        if one.free.first is not None and one.free.first <= at + LATE_SECONDS:
            return True
        self._wanted.add(name)
        return False

    def has_slots(self, name: str) -> bool:
        """Whether it may go later, with what was granted."""
        one = self._one.get(name)
        return one is None or one.free.first is not None

    def spend(self, name: str, weight: int) -> None:
        if one := self._one.get(name):
            one.debt += weight - one.free.move(weight, one.claimed)
            self._wanted.add(name)

    def seconds_too_early(self, name: str, now: float) -> float | None:
        """None where it must wait for more."""
        one = self._one.get(name)
        if one is None:
            return 0.0
        one.claimed.drop_late(now)
        if one.claimed.first is None:  # its moment is over, so it needs another one
            one.free.drop_late(now)
            one.free.move(1, one.claimed)
        if one.claimed.first is None:
            self._wanted.add(name)
            return None
        return max(0.0, one.claimed.first - now)

    def posted(self, name: str, weight: int) -> None:
        if one := self._one.get(name):
            one.claimed.drop(weight)


class _Sender:
    def __init__(self, rate: float) -> None:
        late = max(1.0 / rate, LATEST_SECONDS)
        self._rate = rate
        self.free, self.claimed = Slots(late), Slots(late)
        self.debt = 0

    def add(self, begin: float, slots: int) -> None:
        self.free.add(begin, slots, self._rate)
        self.debt -= self.free.drop(self.debt)

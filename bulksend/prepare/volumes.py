"""A run as a forecast sees it: volumes, what holds them up, and who of them goes first.

Pure: moments are milliseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from bulksend.rules.carriers import BY_DAY, BY_MINUTE
from bulksend.rules.hours import LEAST_LIFE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.prepare.ends import Ends
    from bulksend.prepare.outflow import Queue, Rates
    from bulksend.rules.hours import Opening

DAY = 24 * 60 * 60_000
HORIZON_DAYS = 60
"""So far ahead a forecast looks."""


class Volume(NamedTuple):
    """What is to be sent to one place: segments, and the messages they are in.

    Args:
        carrier: Whose caps they count against; empty for nobody's.

        lane: Which pace of senders' own holds them up (`outflow.Rates.lanes`); empty for
            none.

        saved: Segments that a shorter text would save.
    """

    place: str
    weight: int
    rows: int
    carrier: str = ""
    lane: str = ""
    saved: int = 0


class Caps(NamedTuple):
    """What carriers take, in segments; 0: they take all.

    Args:
        used: What T-Mobile's day has taken already.
    """

    per_day: int = 0
    per_minute: int = 0
    used: int = 0

    def holding(self, carrier: str) -> tuple[bool, bool]:
        """Whether a carrier's messages count by the day, and by the minute."""
        by_day = bool(self.per_day) and carrier in BY_DAY
        return by_day, bool(self.per_minute) and carrier in BY_MINUTE


UNCAPPED = Caps()


def last_of(start: int, ends: Ends, ahead: int = HORIZON_DAYS * DAY) -> float:
    """Whose window opens then, or later, is left: after an end, or beyond what is looked at."""
    return min(ends.last, start + ahead - LEAST_LIFE_MS)


class FirstFew(NamedTuple):
    """Messages that go first, and how long their receipts are waited for."""

    messages: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Load:
    """All of a run.

    Args:
        start: When it begins.

        ends: When it is over, with whoever is left.

        opening: The first opening of a place's word with some life left after a moment.

        queue: None where Bandwidth is as fast as the rate.

        first: None where all may go at once.

        life: Seconds after which a message expires, wherever it waits.

        ahead: How far it is looked.
    """

    volumes: tuple[Volume, ...]
    start: int
    ends: Ends
    rates: Rates
    opening: Callable[[str, int], Opening | None]
    caps: Caps = UNCAPPED
    queue: Queue | None = None
    first: FirstFew | None = None
    life: float = inf
    ahead: int = HORIZON_DAYS * DAY

    @property
    def last(self) -> float:
        """Whose window opens then, or later, is left."""
        return last_of(self.start, self.ends, self.ahead)

    def first_rows(self) -> list[int]:
        """How many go first of each volume: of those whose windows open first."""
        found = [0] * len(self.volumes)
        if self.first is None:
            return found
        messages = self.first.messages
        together: dict[float, list[int]] = {}
        for at, one in enumerate(self.volumes):
            opens = self.opening(one.place, self.start)
            when = inf if opens is None else max(opens.start, self.start)
            together.setdefault(when, []).append(at)
        for _, some in sorted(together.items()):
            rows = [self.volumes[at].rows for at in some]
            for at, few in zip(some, shared_out(messages, rows), strict=True):
                found[at] = few
                messages -= few
        return found


def shared_out(messages: int, among: Sequence[int]) -> list[int]:
    """So many of all of these, each part of them giving its share; all where they lack."""
    total, upto, found = sum(among), 0, []
    for rows in among:
        before, upto = upto, upto + rows
        few = min(messages, total)
        found.append(round(few * upto / total) - round(few * before / total))
    return found

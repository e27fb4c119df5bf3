"""The three clocks a sender needs, as one argument; and what all that it knows make of now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


def wall_ms() -> int:
    """Milliseconds since 1970, as this machine has it; for who has no `Clocks` to ask."""
    return time.time_ns() // 1_000_000


class Clocks(Protocol):
    """What the engine asks about time."""

    def monotonic(self) -> float:
        """Seconds, for pace and waiting."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970, for what is written down."""

    def boot_ms(self) -> int:
        """Milliseconds that go on while the machine sleeps, for the lease."""


class SystemClocks:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return wall_ms()

    def boot_ms(self) -> int:
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux has it
        return time.clock_gettime_ns(clock) // 1_000_000


class Moment(NamedTuple):
    """Now, not better known: it is between these, in milliseconds since 1970."""

    earliest: int
    latest: int


class Now(NamedTuple):
    """The time by clocks that should agree, in milliseconds since 1970.

    Args:
        theirs: By Bandwidth's; None while nobody has heard it.
    """

    wall: int
    boot: int
    theirs: Moment | None = None

    @classmethod
    def known(cls, moment: int) -> Now:
        """All clocks show this."""
        return cls(moment, moment)

    @property
    def earliest(self) -> int:
        ours = min(self.wall, self.boot)
        return ours if self.theirs is None else min(ours, self.theirs.earliest)

    @property
    def latest(self) -> int:
        ours = max(self.wall, self.boot)
        return ours if self.theirs is None else max(ours, self.theirs.latest)


class AllClocks:
    """The wall clock, and what it would show had nobody set it since the run began.

    Args:
        theirs: What Bandwidth's makes of now.
    """

    def __init__(
        self, clocks: Clocks, theirs: Callable[[], Moment | None] = lambda: None
    ) -> None:
        self._clocks = clocks
        self._theirs = theirs
        self._ahead = clocks.wall_ms() - clocks.boot_ms()

    def now(self) -> Now:
        clocks = self._clocks
        return Now(clocks.wall_ms(), clocks.boot_ms() + self._ahead, self._theirs())

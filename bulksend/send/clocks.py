"""The three clocks a sender needs, as one argument; and what two of them make of now."""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol


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
        return time.time_ns() // 1_000_000

    def boot_ms(self) -> int:
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux has it
        return time.clock_gettime_ns(clock) // 1_000_000


class Now(NamedTuple):
    """The time by two clocks that should agree, in milliseconds since 1970."""

    wall: int
    boot: int

    @classmethod
    def known(cls, moment: int) -> Now:
        """Both clocks show this."""
        return cls(moment, moment)

    @property
    def earliest(self) -> int:
        return min(self)

    @property
    def latest(self) -> int:
        return max(self)


class TwoClocks:
    """The wall clock, and what it would show had nobody set it since the run began."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._ahead = clocks.wall_ms() - clocks.boot_ms()

    def now(self) -> Now:
        return Now(self._clocks.wall_ms(), self._clocks.boot_ms() + self._ahead)

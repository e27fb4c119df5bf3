"""The three clocks a sender needs, as one argument."""

from __future__ import annotations

import time
from typing import Protocol


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

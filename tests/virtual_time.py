"""An event loop whose time jumps: a minute of waiting takes no time at all."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Where others would sleep, it moves the clock."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        # Each pass takes a microsecond, as it would: a timer that comes a rounding
        # error too early would otherwise be set again for ever.
        self.now += max(timeout or 0.0, 1e-6)
        return super().select(0 if timeout is not None else None)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time` starts at 0 and moves only when everything waits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def advance(self, seconds: float) -> None:
        """Let time pass at once, as if the machine had stood still."""
        self._jumping.now += seconds


class VirtualClocks:
    """The engine's clocks, driven by the loop's time; the wall starts at a date."""

    def __init__(self, loop: VirtualLoop, wall_ms: int = 1_790_000_000_000) -> None:
        self._loop = loop
        self.wall_offset = wall_ms
        self.boot_offset = 0

    def monotonic(self) -> float:
        return self._loop.time()

    def wall_ms(self) -> int:
        return self.wall_offset + round(self._loop.time() * 1000)

    def boot_ms(self) -> int:
        return self.boot_offset + round(self._loop.time() * 1000)


def run(work: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run *work* to its end in virtual time."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()

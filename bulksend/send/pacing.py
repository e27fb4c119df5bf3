"""At most the rate, in segments, in any second: the first one included.

Theory of operation
-------------------
`aiolimiter.AsyncLimiter(rate, 1)` lets a whole second's worth go at once, and so twice
the rate in the first second, which earns a 429.  One permit at a time (`(1, 1/rate)`) is
exact, but each late wake-up of the event loop is lost for good, and at thousands a
second most of them are late.

Between the two: a bucket of one *tick*, and one feeder that takes permits from it.  In
any second at most ``rate + bucket`` goes out.  The bucket holds a hundredth of a second,
so that is 1.01 times the rate; or, at low rates, one and a half permits: one message
more than the rate, and half an interval for being late without losing it.
(Measured: sending.md §2, benchmarks/README.md.)

A 429 says that Bandwidth's queue is full.  It halves the pace, at most once a second;
every second without one adds a twentieth of the full rate back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

TICK = 0.01
SMALLEST_BUCKET = 1.5
SLOWEST_SHARE = 0.01
RECOVERY_PER_SECOND = 0.05


class Pacer:
    """Hands out permits for segments.

    Args:
        rate: Segments per second.

        clock: Monotonic seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.full_rate = rate
        self.rate = rate
        self._clock = clock
        self._changed_at = clock()
        self._slowed_at = float("-inf")
        self._limiter = _limiter(rate)
        self._is_unspent = False

    def __repr__(self) -> str:
        return f"<Pacer {self.rate:g}/s of {self.full_rate:g}/s>"

    @property
    def batch(self) -> int:
        """Segments that go out together: half a bucket; the other half is for lateness."""
        return max(1, int(self.rate * TICK / 2))

    async def acquire(self, segments: int) -> None:
        """Wait until *segments* may go out.  For one feeder only."""
        self._recover(self._clock())
        while segments > 0:
            limiter = self._limiter  # a 429 may bring a smaller one between two pieces
            if self._is_unspent:
                self._is_unspent = False
                await limiter.acquire(limiter.max_rate)  # at once: it is empty
            piece = min(segments, max(1, int(limiter.max_rate)))
            await limiter.acquire(piece)
            segments -= piece

    def throttled(self) -> bool:
        """Bandwidth answered 429: halve the pace, once for all that were in flight.

        Returns:
            Whether this one changed it.
        """
        now = self._clock()
        if now - self._slowed_at < 1.0:
            return False
        self._slowed_at = now
        self._set(max(self.full_rate * SLOWEST_SHARE, self.rate / 2), now)
        return True

    def _recover(self, now: float) -> None:
        elapsed = now - max(self._changed_at, self._slowed_at)
        if self.rate < self.full_rate and elapsed >= 1.0:
            gain = self.full_rate * RECOVERY_PER_SECOND * elapsed
            self._set(min(self.full_rate, self.rate + gain), now)

    def _set(self, rate: float, now: float) -> None:
        self.rate = rate
        self._changed_at = now
        self._limiter = _limiter(rate)
        self._is_unspent = True  # a new pace begins with a spent bucket, not a burst


def _limiter(rate: float) -> AsyncLimiter:
    bucket = max(SMALLEST_BUCKET, rate * TICK)
    return AsyncLimiter(bucket, bucket / rate)

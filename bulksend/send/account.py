"""An account's rate, shared by the journal with all who send on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.journal.paces import KEPT_SHARE
from bulksend.send.shared import GIVEN_OUT, Line, Ramp, SharedPace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bulksend.journal.paces import Stretch
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks


class Account:
    """One account in the journal, as one sender sees it.

    Args:
        name: What the journal calls it.

        rate: Its segments per second.
    """

    def __init__(
        self, name: str, rate: float, *, writer: Writer, clocks: Clocks
    ) -> None:
        self._name = name
        self._rate = rate
        self._writer = writer
        self._clocks = clocks

    def pace(self, *, urgent: bool = False, ramp: float = 0.0) -> SharedPace:
        """The pace of this sender.

        Args:
            urgent: Whether it has a part in what is kept for such runs.

            ramp: Seconds in which its run rises to the whole rate; 0 is at once.
        """
        rate, rising = self._rate, self._ramp(ramp) if ramp else None
        lines = [Line(rate, reserve=self._reserve(kept=False), ramp=rising)]
        if urgent:
            reserve = self._reserve(kept=True)
            lines.append(Line(rate * KEPT_SHARE, reserve=reserve, ramp=rising))
        return SharedPace(lines, self._clocks.monotonic, slow_down=self._slow_down)

    def _reserve(self, *, kept: bool) -> Callable[[int], Awaitable[Stretch]]:
        name, given_out = self._name, self._rate * GIVEN_OUT

        async def reserve(segments: int) -> Stretch:
            now = self._now()
            return await self._writer.call(
                lambda journal: journal.paces.reserve(
                    name, segments, given_out, now=now, kept=kept
                )
            )

        return reserve

    def _ramp(self, seconds: float) -> Ramp:
        run_id, rate = self._writer.run.id, self._rate

        async def climb(segments: int) -> Stretch:
            now = self._now()
            return await self._writer.call(
                lambda journal: journal.paces.climb(
                    run_id, segments, rate, seconds=seconds, now=now
                )
            )

        return Ramp(rate, climb=climb)

    async def _slow_down(self) -> bool:
        now = self._now()
        return await self._writer.call(
            lambda journal: journal.paces.slow_down(self._name, now=now)
        )

    def _now(self) -> int:
        return self._clocks.wall_ms() * 1000

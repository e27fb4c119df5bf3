"""An account's rate, shared by the journal with all who send on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bulksend.journal.paces import KEPT_SHARE, MICROSECONDS
from bulksend.send.reckoning import Reckoning
from bulksend.send.senders import Granted, Senders
from bulksend.send.shared import GIVEN_OUT, Held, Line, Ramp, SharedPace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.paces import Stretch
    from bulksend.journal.store import Journal
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
        self._reckoning = Reckoning()

    def pace(
        self,
        rates: Mapping[str, float],
        *,
        urgent: bool = False,
        ramp: float = 0.0,
    ) -> SharedPace:
        """The pace of this sender.

        Args:
            rates: Segments per second of senders that have a rate of their own.

            urgent: Whether it has a part in what is kept for such runs.

            ramp: Seconds in which its run rises to the whole rate; 0 is at once.
        """
        rising = self._ramp(ramp) if ramp else None
        senders = Senders(rates)

        def line(rate: float, *, kept: bool) -> Line:
            reserve = partial(self._reserve, kept=kept)
            return Line(rate, reserve=reserve, senders=senders, ramp=rising)

        lines = [line(self._rate, kept=False)]
        if urgent:
            lines.append(line(self._rate * KEPT_SHARE, kept=True))
        return SharedPace(lines, self._clocks.monotonic, slow_down=self._slow_down)

    async def _reserve(
        self, segments: int, senders: Mapping[str, float], lead: float, *, kept: bool
    ) -> Held:
        """Asked and answered in the journal's own thread: how long it waited is no time."""

        def work(journal: Journal) -> Held:
            asked, paces = self._clocks.monotonic(), journal.paces
            given_out = self._rate * GIVEN_OUT
            stretch = paces.reserve(
                self._name,
                segments,
                given_out,
                now=self._now(),
                lead=lead,
                kept=kept,
            )
            answered = self._clocks.monotonic()
            was_set = self._reckoning.hear(asked, stretch.now / MICROSECONDS, answered)
            given = {name: rate * GIVEN_OUT for name, rate in senders.items()}
            spans = paces.grant(self._name, given, stretch)
            return self._held(stretch, spans)._replace(was_set=was_set)

        return await self._writer.call(work)

    def _held(self, stretch: Stretch, spans: Mapping[str, tuple[int, int]]) -> Held:
        ours = self._reckoning.ours
        granted = {
            name: Granted(ours(begins / MICROSECONDS), slots)
            for name, (begins, slots) in spans.items()
        }
        begin = ours(stretch.begins / MICROSECONDS)
        return Held(begin, stretch.segments, stretch.rate, stretch.whole, granted)

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
        """By a clock that nobody sets, and that stands still when the machine does."""
        return round(self._clocks.monotonic() * MICROSECONDS)

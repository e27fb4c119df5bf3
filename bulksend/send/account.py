"""An account's rate, shared by the journal with all who send on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bulksend.define.pace import RAMP_FROM, RAMP_RESTS_SECONDS
from bulksend.journal.paces import KEPT_SHARE, Rise
from bulksend.journal.turns import MICROSECONDS
from bulksend.send.line import Held, Line, Ramp
from bulksend.send.reckoning import Reckoning
from bulksend.send.senders import GIVEN_OUT, lines
from bulksend.send.shared import SharedPace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.store import Journal
    from bulksend.journal.stretches import Allotment, Stretch
    from bulksend.journal.turns import Own
    from bulksend.journal.writer import Writer
    from bulksend.send.clocks import Clocks
    from bulksend.send.line import Asked


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
        own = lines(rates)

        def line(rate: float, *, kept: bool) -> Line:
            return Line(
                rate, reserve=partial(self._reserve, own, kept=kept), ramp=rising
            )

        both = [line(self._rate, kept=False)]
        if urgent:
            both.append(line(self._rate * KEPT_SHARE, kept=True))
        return SharedPace(
            both, self._clocks.monotonic, paced=own, slow_down=self._slow_down
        )

    async def _reserve(
        self, own: Mapping[str, Own], asked: Asked, *, kept: bool
    ) -> Held:
        """Asked and answered in the journal's own thread: how long it waited is no time."""

        def work(journal: Journal) -> Held:
            given, was_set = self._allot(journal, own, asked, kept=kept)
            if was_set:  # forward: what lies reserved comes before what is given now
                journal.paces.put_off(self._name, given.queued, now=self._now())
                given, _ = self._allot(journal, own, asked, kept=kept)
            return self._held(given)

        return await self._writer.call(work)

    def _allot(
        self, journal: Journal, own: Mapping[str, Own], ask: Asked, *, kept: bool
    ) -> tuple[Allotment, bool]:
        """What the journal gives; and whether its clock was set forward meanwhile."""
        asked = self._clocks.monotonic()
        given = journal.paces.allot(
            self._name,
            ask.wanted,
            self._rate * GIVEN_OUT,
            own=own if any(one.sender for one in ask.wanted) else {},
            most=ask.most,
            now=self._now(),
            lead=ask.lead,
            kept=kept,
        )
        answered = self._clocks.monotonic()
        told = given.now / MICROSECONDS
        return given, self._reckoning.hear(asked, told, answered)

    def _held(self, given: Allotment) -> Held:
        ours = self._reckoning.ours
        moments = [(one.wanted, ours(one.at / MICROSECONDS)) for one in given.turns]
        return Held(moments, given.rate, given.whole, given.later)

    def _ramp(self, seconds: float) -> Ramp:
        run_id, rate = self._writer.run.id, self._rate
        rise = Rise(seconds, RAMP_FROM, RAMP_RESTS_SECONDS)

        async def climb(segments: int) -> Stretch:
            now = self._now()
            return await self._writer.call(
                lambda journal: journal.paces.climb(
                    run_id, segments, rate, rise=rise, now=now
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

"""How often people may be texted and how much carriers take, as limits at a moment.

T-Mobile takes so many segments a day from a brand, until midnight in Seattle; AT&T so
many a minute from a campaign; both count an MMS as one (docs/hours.md, "What carriers
take").  A minute is any sixty seconds, counted second by second.  Where nobody knows
whose the number is, it may be either's, and counts against both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.limits import Limits, Often, Purse
from bulksend.rules.carriers import (
    BY_DAY,
    BY_MINUTE,
    MINUTE_LASTS_MS,
    MINUTE_MS,
    pacific_day,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from bulksend.define import amounts as define
    from bulksend.rules.hours import Hours
    from bulksend.rules.place import Place
    from bulksend.send.clocks import Now

DAY_MS = 86_400_000
SECOND_MS = 1_000


class PersonCap(NamedTuple):
    """At most so many messages for a person in a while.

    Args:
        purpose: From campaigns with this purpose; empty is all of them.

        word: As the campaign says it.
    """

    most: int
    span_ms: int
    purpose: str = ""
    word: str = ""


class CarrierCap(NamedTuple):
    """At most so many segments for all who share *name* in the journal."""

    name: str
    most: int


def person_caps(said: Iterable[define.Often]) -> tuple[PersonCap, ...]:
    """The campaign's own (`send.per_person`)."""
    return tuple(
        PersonCap(
            one.count, round(one.span.total_seconds() * 1000), one.purpose, one.text
        )
        for one in said
    )


def per_day(hours: Hours, place: Place, today: date) -> list[int]:
    """Caps of laws in force today or later: a run may last beyond a change."""
    versions = (one for rule in hours.rules(place) for one in rule.versions)
    return [
        one.per_day
        for one in versions
        if one.per_day is not None and (one.until is None or one.until > today)
    ]


def limits_by_law(hours: Hours, places: Iterable[Place], now: int) -> dict[int, int]:
    """The least of `per_day` for those of *places* that have any, by their numbers.

    A day before *now*: where somebody is, it may still be yesterday.
    """
    today = datetime.fromtimestamp((now - DAY_MS) / 1000, UTC).date()
    found = ((number, per_day(hours, one, today)) for number, one in enumerate(places))
    return {number: min(limits) for number, limits in found if limits}


def purse(provider: str, carrier: str, who: str) -> str:
    """What the journal calls the cap of a brand or a 10DLC campaign at a carrier."""
    return f"{provider}/{carrier}/{who}"


@dataclass(frozen=True, slots=True)
class Caps:
    """All that a run is held to.

    Args:
        provider: Messages of other providers do not count.

        by_law: Whether a law has a number for some of its people.

        t_mobile: Segments a day.

        att: Segments in any minute.
    """

    provider: str
    people: tuple[PersonCap, ...] = ()
    by_law: bool = False
    t_mobile: CarrierCap | None = None
    att: CarrierCap | None = None

    @property
    def counts_people(self) -> bool:
        return bool(self.people) or self.by_law

    @property
    def counts_carriers(self) -> bool:
        return self.t_mobile is not None or self.att is not None

    def at(self, now: Now) -> Limits:
        """What holds for a claim at *now*.

        Where its clocks differ, hours and days count from the earlier, so that no clock
        that jumps makes a while shorter, and what is taken is the later one's day's: a
        day is over when both say so.  A minute goes by the clock that nobody sets.
        """
        people = [
            Often(cap.most, now.earliest - cap.span_ms, cap.purpose)
            for cap in self.people
        ]
        if self.by_law:
            people.append(Often(None, now.earliest - DAY_MS))
        purses = []
        if self.t_mobile is not None:
            purses.append(_day(self.t_mobile, now))
        if self.att is not None:
            purses.append(_minute(self.att, now))
        return Limits(self.provider, tuple(people), tuple(purses))


def _day(cap: CarrierCap, now: Now) -> Purse:
    since, over = pacific_day(now.earliest)
    begin, _ = pacific_day(now.latest)
    lasts = over - since
    return Purse(cap.name, BY_DAY, cap.most, since, begin, lasts, now.earliest)


def _minute(cap: CarrierCap, now: Now) -> Purse:
    second = now.boot - now.boot % SECOND_MS
    since = second - MINUTE_MS  # that second still reaches into this minute
    return Purse(
        cap.name, BY_MINUTE, cap.most, since, second, MINUTE_LASTS_MS, now.boot
    )

"""Forty campaigns of a year, each played and judged."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import phonenumbers

from tests.year.judge import STATE_OF, faults, possible
from tests.year.people import people
from tests.year.played import play

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from tests.year.judge import Possible
    from tests.year.played import Played

RUNS = 40
AMERICAN = {"US", "PR", "GU", "VI", "AS", "MP"}
CHANGES = (
    "2026-03-07", "2026-11-01", "2026-03-08", "2026-10-31", "2026-03-29", "2026-10-25",
    "2026-03-28", "2026-10-24", "2026-04-04", "2026-04-05", "2026-10-03", "2026-07-03",
    "2026-11-25", "2026-12-24", "2026-12-31", "2026-02-28", "2026-09-26", "2026-09-27",
)  # fmt: skip
"""Days on which clocks change somewhere, or shops are closed, and those before them."""

CLOSED = (
    "2026-01-08", "2026-02-17", "2026-04-03", "2026-04-27", "2026-06-14", "2026-06-15",
    "2026-07-24", "2026-08-10", "2026-08-30", "2026-11-03",
)  # fmt: skip
"""Days on which some state is closed and others are not, begun before America wakes."""

RATES = (2.0, 5.0, 1.0, 50.0, 20.0)
"""Segments a second, in turn: a campaign lasts from a few hours to days."""


@dataclass
class Sums:
    """What was seen, of one campaign or of all."""

    people: int = 0
    posts: int = 0
    accepted: int = 0
    expired: int = 0
    lost: int = 0
    twice: int = 0
    wrong: list[str] = field(default_factory=list)
    states: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.people:,} people, {self.posts:,} POSTs, {len(self.wrong):,} wrong; "
            f"{self.accepted:,} accepted, {self.expired:,} expired, "
            f"{self.lost:,} without a fate, {self.twice:,} taken twice"
        )

    @property
    def holds(self) -> bool:
        """Of any number of people."""
        return not self.wrong and not self.lost and not self.twice

    @property
    def is_everywhere(self) -> bool:
        """All states and the capital, and twenty countries beside the American ones."""
        return len(self.states) == 51 and len(self.countries - {"", *AMERICAN}) >= 20

    def add(self, other: Sums) -> None:
        for name in ("people", "posts", "accepted", "expired", "lost", "twice"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong
        self.states |= other.states
        self.countries |= other.countries


def starts(runs: int) -> list[datetime]:
    """The days of `CHANGES` and `CLOSED` first; the rest is spread over the year."""
    rng = random.Random(11)
    hours = [(day, rng.randrange(24)) for day in CHANGES] + [(day, 5) for day in CLOSED]
    found = [
        datetime.combine(date.fromisoformat(day), time(hour, 7), UTC)
        for day, hour in hours[:runs]
    ]
    apart = timedelta(days=365) / max(1, runs - len(found))
    first = datetime(2026, 1, 2, 0, 7, tzinfo=UTC)
    return found + [
        first + n * apart + timedelta(hours=rng.randrange(24))
        for n in range(runs - len(found))
    ]


def campaigns(size: int, runs: int) -> Iterator[tuple[str, Sums]]:
    """Play each and judge it; *size* people in each of them."""
    memory = Path("/dev/shm")  # these ask nothing of the disk
    for number, start in enumerate(starts(runs)):
        listed, rate = people(size, number), RATES[number % len(RATES)]
        with TemporaryDirectory(dir=memory if memory.exists() else None) as folder:
            played = play(Path(folder), listed, start, rate)
        yield f"{start:%Y-%m-%d %H:%M} at {rate:g}/s", judged(listed, played)


def judged(listed: pl.DataFrame, played: Played) -> Sums:
    """What the judge says of each POST, by what the list says of its person."""
    said = {phone: (code, zone) for phone, code, zone in reversed(listed.rows())}
    accepted, expired = (played.fates.get(name, 0) for name in ("accepted", "expired"))
    sums = Sums(played.sendable, len(played.posts), accepted, expired)
    sums.lost = played.sendable - accepted - expired
    sums.lost += abs(accepted - len(played.taken))
    sums.twice = sum(times - 1 for times in played.taken.values())
    places: dict[str, Possible] = {}
    for to, at, expires in played.posts:
        who = places.get(to)
        if who is None:
            who = places[to] = possible(to, *said[to])
            country = phonenumbers.region_code_for_number(phonenumbers.parse(to))
            sums.countries.add(country or "")
            sums.states |= {STATE_OF.get(to[2:5], "") if country == "US" else ""} - {""}
        for fault in faults(who, at, expires):
            sums.wrong.append(f"{to[:5]}… {said[to]} at {at}: {fault}")
    return sums

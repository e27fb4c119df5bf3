"""What a claim must stay within: how often a person is texted, how much a carrier takes.

Looked at in the transaction that claims, so that campaigns which send at the same time
share each limit and none goes beyond it.  A carrier's cap is a purse of segments for a
while (a day, a second): what is claimed is taken out of it, and what proved not to have
left is put back.  Whatever nobody knows stays taken.
"""

from __future__ import annotations

from array import array
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.database import atomically
from bulksend.journal.records import Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.journal.database import Database
    from bulksend.journal.records import Candidate

INDEX = "index_people"
LIMITS = "limits"
"""Who claims within a limit does so alone: what it counts is what is there."""

DAY_MS = 86_400_000

CLOSED = 1 << 50
"""Segments that nobody ever sends: what is put back leaves a purse closed."""


class Often(NamedTuple):
    """At most so many messages for a person since a moment.

    Args:
        most: None where each candidate brings its own (`Candidate.per_day`).

        purpose: The campaigns that count; empty is all of them.
    """

    most: int | None
    since: int
    purpose: str = ""


class Purse(NamedTuple):
    """At most so many segments in a while for all who share *name*.

    Args:
        carriers: The words of `Candidate.carrier` that count against it.

        since: When the first purse began that still counts.

        at: When the purse began that is open now.

        lasts: How long what was taken from one counts, in milliseconds.

        now: By the clock that these purses go by.
    """

    name: str
    carriers: frozenset[str]
    most: int
    since: int
    at: int
    lasts: int
    now: int


class Limits(NamedTuple):
    """What holds for one claim."""

    provider: str = ""
    people: tuple[Often, ...] = ()
    purses: tuple[Purse, ...] = ()

    def needed_ms(self, carrier: str, segments: int) -> int:
        """How long so many segments take by the slowest purse of *carrier*, about."""
        return max(
            (
                round(segments / purse.most * purse.lasts)
                for purse in self.purses
                if carrier in purse.carriers and purse.lasts < DAY_MS / 2
            ),
            default=0,
        )

    def uses(self, one: Candidate) -> tuple[Use, ...]:
        """What *one* takes from each purse."""
        return tuple(
            Use(purse.name, purse.at, one.weight)
            for purse in self.purses
            if one.carrier in purse.carriers
        )


NO_LIMITS = Limits()


class Claimed(NamedTuple):
    """The rows that are ours to post, in order.

    Args:
        held: Rows that must wait for a carrier's cap, and for how many milliseconds.
    """

    rows: list[int]
    held: dict[int, int]


class LimitBook:
    """`Journal.limits`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def prepare(self) -> None:
        """Once before people are counted: nobody else pays for that index."""
        atomically(self._db, partial(self._db.execute, INDEX), alone=LIMITS)

    def over(self, candidates: Sequence[Candidate], limits: Limits) -> set[int]:
        """The rows of *candidates* that would be one too many for somebody."""
        found: set[int] = set()
        for often in limits.people:
            asked = [one for one in candidates if one.row not in found]
            if not any(often.most or one.per_day for one in asked):
                continue
            had = self._had(asked, limits.provider, often)
            for one in asked:
                people, most = _people(one), often.most or one.per_day
                if most and any(had[person] >= most for person in people):
                    found.add(one.row)
                else:
                    had.update(people)
        return found

    def had_enough(self, provider: str, often: Often) -> array[int]:
        """Keys of all people who have had `often.most`; read all at once.

        What another program does meanwhile is seen or not: a claim finds out anew.
        """
        found = self._db.stream("had_enough", provider=provider, **often._asdict())
        return array("q", (person for (person,) in found))

    def held(self, candidates: Iterable[Candidate], limits: Limits) -> dict[int, int]:
        """The rows of *candidates* for which a purse is too empty, and for how long.

        In milliseconds from now: each purse has its own clock, and a row may wait for two.
        """
        left, waits = {}, {}
        for purse in limits.purses:
            used = self.used(purse.name, since=purse.since)
            left[purse.name] = purse.most - sum(used.values())
            over = min(used, default=purse.at) + purse.lasts
            waits[purse.name] = over - purse.now
        held: dict[int, int] = {}
        for one in candidates:
            mine = [each for each in limits.purses if one.carrier in each.carriers]
            # What is heavier than a whole purse goes when that is full.
            short = [
                each.name
                for each in mine
                if left[each.name] < min(one.weight, each.most)
            ]
            for name in short:
                left[name] = 0  # in order: nobody lighter overtakes
            if short:
                held[one.row] = max(waits[name] for name in short)
                continue
            for each in mine:
                left[each.name] -= one.weight
        return held

    def used(self, name: str, *, since: int) -> dict[int, int]:
        """Segments taken from the purses of *name* that began since then."""
        return dict(self._db.fetch("used_of_purses", name=name, since=since))

    def take(self, uses: Iterable[Use]) -> None:
        """Take so much out of each purse."""
        for (name, at), weight in _sums(uses):
            self._db.execute("take_from_purse", name=name, at=at, used=weight)

    def put_back(self, uses: Iterable[Use]) -> None:
        """What was taken for messages that proved not to have left."""
        for (name, at), weight in _sums(uses):
            self._db.execute("put_into_purse", name=name, at=at, used=weight)

    def close(self, purse: str, *, at: int) -> bool:
        """A purse that began *at* is closed, however large; whether it was open.

        What is put back opens it no more, nor does somebody to whom it is a larger one.
        """

        def take() -> bool:
            is_open = self.used(purse, since=at).get(at, 0) < CLOSED / 2
            if is_open:
                self._db.execute("take_from_purse", name=purse, at=at, used=CLOSED)
            return is_open

        return atomically(self._db, take, alone=LIMITS)

    def forget(self, *, before: int) -> None:
        """Remove the purses that nothing counts any more."""
        self._db.execute("forget_purses", before=before)

    def _had(
        self, candidates: Sequence[Candidate], provider: str, often: Often
    ) -> Counter[int]:
        people = {str(person) for one in candidates for person in _people(one)}
        if not people:
            return Counter()
        found = self._db.fetch(
            "texted_among",
            people=f"[{','.join(sorted(people))}]",
            provider=provider,
            since=often.since,
            purpose=often.purpose,
        )
        return Counter(dict(found))


def _people(one: Candidate) -> list[int]:
    first = [] if one.person is None else [one.person]
    return [*first, *map(int, one.others.split())]


def _sums(uses: Iterable[Use]) -> list[tuple[tuple[str, int], int]]:
    """By name and time: who writes several purses writes them in everybody's order."""
    sums: Counter[tuple[str, int]] = Counter()
    for use in uses:
        sums[use.name, use.at] += use.weight
    return sorted(sums.items())

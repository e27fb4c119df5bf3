"""Who must not be texted: by their own word, a carrier's, a list's or an operator's.

Read again by every claim, in its own transaction: who opts out while a run is under way
gets nothing more.  A person's own words and those of others stand beside each other: an
operator's entry swallows no STOP, and START lifts what the person's own STOP began, and
nothing else; an operator lifts anything that is known.  Callbacks come in any order, so
every STOP is kept beside the others, and the last word by its own time wins; STOP, where
both are of one moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.records import WHOLE, Closing, person_key
from bulksend.journal.states import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bulksend.journal.database import Database
    from bulksend.journal.records import Candidate, Part

OPTED_OUT = "opted_out"
SUPPRESSED = "suppressed"
EVERY_SENDER = ""
OPERATOR = "operator"
AT_ONCE = 50_000
"""Rows a transaction: an import must not keep a sender waiting."""


class Suppression(NamedTuple):
    """Somebody who must not be texted.

    Args:
        sender: The number of ours that it is about; "" for all.

        number: E.164 without its plus.

        reason: `OPTED_OUT`, or `SUPPRESSED`.

        source: Who said so: ``reply STOP``, ``receipt 4775``, ``import FILE``.

        lifted_at: Until when; None where it still stands.  Where it is when it began,
            this is a START, which outweighs older words that come later.

        lifted_by: Who lifted it, as in *source*.
    """

    person: int
    sender: str
    number: int
    reason: str
    source: str
    since: int
    lifted_at: int | None = None
    lifted_by: str | None = None


class Cause(NamedTuple):
    """Why somebody must not be texted, as in `Suppression`."""

    reason: str
    source: str
    since: int
    sender: str = EVERY_SENDER


class _New(NamedTuple):
    """A suppression, as the statements take it."""

    person: int
    sender: str
    number: int
    reason: str
    source: str
    since: int


class _Person(NamedTuple):
    person: int
    number: int


def suppression(number: str, why: Cause) -> Suppression:
    """One for an E.164 *number*."""
    digits = int(number.removeprefix("+"))
    reason, source, since, sender = why
    return Suppression(person_key(number), sender, digits, reason, source, since)


class Suppressions:
    """`Journal.suppressions`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, people: Sequence[Suppression]) -> int:
        """Suppress *people*; how many words are new.

        Who asked for messages again after a STOP stays lifted; an operator's lifting ends
        only the words that are known by then.
        """
        added = 0
        for start in range(0, len(people), AT_ONCE):
            some = [_New(*one[:6]) for one in people[start : start + AT_ONCE]]
            added += self._db.execute_each("suppress", some)
        return added

    def add_numbers(self, numbers: Iterable[int], why: Cause) -> int:
        """Suppress many at once, by E.164 without its plus; how many were not before."""
        # Plain tuples: they are sorted four times as fast, and in order the table grows
        # page by page.
        people = sorted({(person_key(f"+{one}"), one) for one in numbers})
        return sum(
            self._db.execute_each(
                "suppress_numbers",
                [_Person(*one) for one in people[start : start + AT_ONCE]],
                **why._asdict(),
            )
            for start in range(0, len(people), AT_ONCE)
        )

    def lift_own(self, people: Sequence[Suppression]) -> None:
        """They asked for messages again, at the time that each says."""
        words = [_New(*one[:6]) for one in people]
        self._db.execute_each("lift_own", words)
        self._db.execute_each("keep_start", words)

    def lift(self, number: str, *, now: int, sender: str = EVERY_SENDER) -> int:
        """Lift everything about a number, or about a number and one of ours."""
        return self._db.execute(
            "lift", person=person_key(number), sender=sender, now=now, by=OPERATOR
        )

    def of(self, number: str) -> list[Suppression]:
        """All there is about an E.164 number, lifted or not."""
        found = self._db.fetch("suppressions_of", person=person_key(number))
        return [Suppression(*row) for row in found]

    def standing(self, people: Sequence[int]) -> set[tuple[int, str]]:
        """The words that stand about *people*: each by its person and its sender."""
        asked = f"[{','.join(map(str, people))}]"
        found = self._db.fetch("suppressed_among", people=asked)
        return {(person, sender) for person, sender, _, _ in found}

    def among(self, candidates: Sequence[Candidate]) -> dict[int, Closing]:
        """The rows that must not be sent, each with the reason.

        One look-up for all: the claim that asks has no time to lose.
        """
        keys = ",".join(str(one.person) for one in candidates if one.person is not None)
        others = "".join(f",{one.others}" for one in candidates if one.others)
        people = f"[{keys}{others.replace(' ', ',')}]".replace("[,", "[")
        found = self._db.fetch("suppressed_among", people=people)
        if not found:
            return {}
        closings: dict[int, Closing] = {}
        for one in candidates:
            members = {one.person, *map(int, one.others.split())}
            about = (EVERY_SENDER, one.sender.casefold())
            for person, sender, reason, source in found:
                if person in members and sender.casefold() in about:
                    words = _WORDS[reason].format(source)
                    closings[one.row] = Closing(Status.EXCLUDED, reason, words)
                    break
        return closings

    def numbers(self) -> list[tuple[int, str]]:
        """Everyone who is suppressed now: E.164 without its plus, and by which sender."""
        return [(number, sender) for number, sender in self._db.stream("barred")]

    def all(self) -> Iterator[Suppression]:
        """Everyone who is suppressed now."""
        return (Suppression(*row) for row in self._db.stream("suppressions"))

    def counts(self) -> dict[str, int]:
        """How many are suppressed, by reason."""
        return dict(self._db.fetch("suppressions_count"))

    def opt_out_rate(self, *, since: int) -> tuple[int, int]:
        """Who opted out since then, and how many people were texted since then."""
        ((people,),) = self._db.fetch("people_since", since=since)
        return self.opted_out_since(since), int(people)

    def opted_out_since(self, since: int) -> int:
        """How many opted out since then, and still stand so."""
        ((count,),) = self._db.fetch("opt_outs_since", since=since)
        return int(count)

    def opted_out_of(self, run_id: int, part: Part = WHOLE, *, since: int) -> int:
        """How many of those who were texted by a run; it reads all of the part's rows."""
        said = {"first": part.first, "last": part.last, "since": since}
        ((count,),) = self._db.fetch("opt_outs_of_run", run_id=run_id, **said)
        return int(count)

    def opt_out_rows(self, run_id: int, *, since: int) -> list[int]:
        """The rows of a run whose person opted out since then; in order."""
        found = self._db.fetch("opt_out_rows", run_id=run_id, since=since)
        return [row for (row,) in found]


_WORDS = {
    OPTED_OUT: "This person has opted out ({}); nothing was sent.",
    SUPPRESSED: "This number is on the suppression list ({}); nothing was sent.",
}

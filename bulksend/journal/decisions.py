"""How the unknown ended: what evidence says, applied by the state table, and kept."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import orjson

from bulksend.codes import is_certain
from bulksend.journal.database import atomically
from bulksend.journal.states import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.journal.database import Database


CLAIM_TO_POST_MS = 300_000
"""No claim is posted later than this: what is claimed waits for a place among the posts
under way, and each of those ends within 70 seconds."""


CLOCKS_APART_MS = 60_000
"""What Bandwidth took by so much before a claim was an earlier message of the row: between
two of them lies a proof, or a person's word, that the first was not taken."""


WITNESSES_WITHIN = 2_000
"""Rows, before and after: they are sent about when it was."""


class Source(StrEnum):
    """What a decision rests on; the words the journal stores."""

    RECEIPT = "receipt"
    SEARCH = "search"
    OPERATOR = "operator"


class Evidence(NamedTuple):
    """What is known to have become of a row, whoever sent it.

    Args:
        at: When it became so; None where nobody says.

        accepted_at: When Bandwidth took it, where it did.

        evidence: JSON without numbers or texts.

        attempt: Which one it is about, where it says that one was not taken: of the next
            nobody knows.  0 is the latest.
    """

    run_id: int
    row: int
    event: Event
    at: int | None
    source: Source
    evidence: str
    accepted_at: int | None = None
    message_id: str | None = None
    error_code: str | None = None
    error: str | None = None
    attempt: int = 0


class Unknown(NamedTuple):
    """A row that nobody knows the fate of.

    Args:
        since: When it may have left at the earliest.

        until: When it was given up: it did not leave later.

        seen: When it was first found unknown (`Decisions.note_looks`); None: not yet.
    """

    row: int
    since: int
    until: int
    attempt: int = 1
    seen: int | None = None


class Rival(NamedTuple):
    """A message that may be behind a record whose id no row has.

    Args:
        person: Whom it is for (`records.person_key`); None where nobody knows any more.

        since, until: When it left at the earliest and at the latest.
    """

    row: int
    person: int | None
    since: int
    until: int


class Seen(NamedTuple):
    """When an attempt was first found unknown, by the later of two clocks."""

    attempt: int
    at: int


class Decision(NamedTuple):
    """How an unknown ended."""

    row: int
    decided_at: int
    event: str
    source: str
    evidence: str


class _Deciding(NamedTuple):
    run_id: int
    row: int
    event: str
    source: str
    evidence: str
    message_id: str | None
    accepted_at: int | None
    attempt: int


class _Proof(NamedTuple):
    run_id: int
    row: int
    event: str
    at: int | None
    accepted_at: int | None
    message_id: str | None
    error_code: str | None
    error: str | None


class _Named(NamedTuple):
    run_id: int
    row: int
    event: str
    message_id: str
    accepted_at: int | None


class _Looked(NamedTuple):
    run_id: int
    row: int
    attempt: int


class _Absence(NamedTuple):
    run_id: int
    row: int
    at: int | None
    error_code: str | None
    error: str | None
    attempt: int


class Decisions:
    """`Journal.decisions`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def unknown(self, run_id: int) -> list[Unknown]:
        """The unknown rows of a run, in order."""
        found = self._db.stream("unknown", run_id=run_id, longest=CLAIM_TO_POST_MS)
        return [Unknown(*one) for one in found]

    def rivals(self, run_id: int, *, now: int) -> list[Rival]:
        """Rows that may have a message whose id is not known.

        The unknown, those that are being posted at this moment, and those that were
        accepted with an answer that could not be read.
        """
        found = self._db.stream("rivals", run_id=run_id, now=now)
        return [Rival(*one) for one in found]

    def note_looks(
        self, run_id: int, rows: Iterable[tuple[int, int]], *, at: int
    ) -> None:
        """That these were found unknown *at* a moment, where no earlier one is kept.

        Args:
            rows: Each with the attempt that is unknown; 0 is the latest.

            at: Not earlier than when they were found so, whichever clock was wrong.
        """
        looked = [_Looked(run_id, row, attempt) for row, attempt in rows]
        self._db.execute_each("note_look", looked, at=at)

    def witnesses(
        self, run_id: int, row: int, *, between: tuple[int, int], most: int
    ) -> list[tuple[int, str]]:
        """Rows about *row* that were accepted *between* two moments, and their messages' ids.

        Those without a receipt come first.  What only the search told of is left out.
        """
        found = self._db.fetch(
            "witnesses",
            run_id=run_id,
            row=row,
            first=row - WITNESSES_WITHIN,
            last=row + WITNESSES_WITHIN,
            since=between[0],
            until=between[1],
            most=most,
        )
        return [(int(row), str(message_id)) for row, message_id in found]

    def believe(self, evidence: Sequence[Evidence], *, now: int) -> int:
        """`apply`, in a transaction of its own."""
        return atomically(self._db, partial(self.apply, evidence, now=now))

    def apply(self, evidence: Sequence[Evidence], *, now: int) -> int:
        """Believe *evidence*, as far as the state table goes.

        Where it ends an unknown (or contradicts a *not_sent*, or a person's word that it is
        planned again), it is kept as a decision.
        `Event.DISPROVE` counts for unknown rows only.  To be called in a transaction.

        Returns:
            How many are *not_sent* by it.
        """
        if not evidence:
            return 0
        apart = CLOCKS_APART_MS
        said = [_deciding(one) for one in evidence]
        self._db.execute_each("decide", said, now=now, apart=apart)
        taken = [one for one in evidence if one.event is not Event.DISPROVE]
        proofs = [_proof(one) for one in taken]
        over = [one for one in proofs if one.event != Event.ACCEPT.value]
        named = [
            _Named(
                one.run_id, one.row, one.event.value, one.message_id, one.accepted_at
            )
            for one in taken
            if one.message_id is not None
        ]
        doubtful = [
            one._replace(event=Event.ACCEPT.value, error_code=None, error=None)
            for one in proofs
            if one.event == Event.FAIL.value and not is_certain(one.error_code)
        ]  # of an earlier message it fails nothing, and the person may have that one
        self._db.execute_each("prove_open", [*proofs, *doubtful], apart=apart)
        self._db.execute_each("prove_accepted", over, apart=apart)
        self._db.execute_each("prove_id", named, apart=apart)
        self._db.execute_each("prove_unseen", proofs)
        absent = [
            _Absence(
                one.run_id, one.row, one.at, one.error_code, one.error, one.attempt
            )
            for one in evidence
            if one.event is Event.DISPROVE
        ]
        return self._db.execute_each("disprove", absent)

    def take_back(self, one: Evidence, *, now: int) -> bool:
        """What a person called accepted is *not_sent* now; whether it could be.

        Not where anything but their word stands behind it.  To be called in a transaction.
        """
        said = {"at": one.at, "error_code": one.error_code, "error": one.error}
        place = {"run_id": one.run_id, "row": one.row}
        if not self._db.execute("take_back", **place, **said):
            return False
        self._db.execute("decide_back", **place, now=now, evidence=one.evidence)
        return True

    def disproved(self, run_id: int, source: Source) -> list[Unknown]:
        """The rows that are *not_sent* by the last word of *source*, and when they left."""
        found = self._db.fetch("disproved", run_id=run_id, source=source)
        said = [(*one, orjson.loads(text)) for *one, text in found]
        return [
            Unknown(row, one["since"], one.get("until", at), attempt, one.get("seen"))
            for row, attempt, at, one in said
            if "since" in one
        ]

    def resend(
        self, run_id: int, rows: Iterable[tuple[int, int]], *, now: int, evidence: str
    ) -> int:
        """Plan again what was proven not to be sent; how many rows.

        Args:
            rows: Each with its attempt.

            evidence: Who decided so, as JSON.
        """
        some = [_Looked(run_id, row, attempt) for row, attempt in rows]

        def plan_again() -> int:
            said = {"now": now, "evidence": evidence}
            self._db.execute_each("decide_again", some, **said)
            count = self._db.execute_each("resend", some)
            if count:
                self._db.execute("reopen_run", run_id=run_id)
            return count

        return atomically(self._db, plan_again)

    def earlier_ids(self) -> set[str]:
        """Of the messages that a row had before it was sent again, in all runs.

        Those of which a callback came are not in it where a version before 2026-11-27
        planned the row again: `Receipts.place_of` knows them.
        """
        kept = (orjson.loads(one) for (one,) in self._db.stream("earlier_ids"))
        return {one["message_id"] for one in kept}

    def known_rows(self, run_id: int, rows: Iterable[int]) -> set[int]:
        """Those of *rows* that something has happened to."""
        wanted = f"[{','.join(map(str, rows))}]"
        found = self._db.fetch("known_rows", run_id=run_id, rows=wanted)
        return {int(row) for (row,) in found}

    def rows_of_person(self, run_id: int, person: int) -> list[int]:
        """The rows of a run that something happened to, for this `records.person_key`."""
        found = self._db.fetch("rows_of_person", run_id=run_id, person=person)
        return [int(row) for (row,) in found]

    def first_accepted(self, run_id: int, *, since: int) -> int | None:
        """When, from *since* on, the first was accepted of which no receipt has come."""
        ((at,),) = self._db.fetch("first_accepted", run_id=run_id, since=since)
        return None if at is None else int(at)

    def accepted_before(self, run_id: int, before: int) -> int:
        """How many were accepted before then, and have no receipt."""
        ((count,),) = self._db.fetch("accepted_before", run_id=run_id, before=before)
        return int(count)

    def waiting_from(self, run_id: int, row: int) -> int | None:
        """The first row, from *row* on, that was accepted and has no receipt."""
        found = self._db.fetch("waiting_from", run_id=run_id, row=row)
        return int(found[0][0]) if found else None

    def looks_at(self, run_id: int, row: int) -> list[Seen]:
        """When each attempt at a row was first found unknown."""
        return [
            Seen(*one) for one in self._db.fetch("looks_at", run_id=run_id, row=row)
        ]

    def of_rows(self, run_id: int, first: int, last: int) -> list[Decision]:
        """How the unknown among the rows *first* to *last* ended, in order."""
        found = self._db.fetch("decisions_of", run_id=run_id, first=first, last=last)
        return [Decision(*one) for one in found]


def _deciding(one: Evidence) -> _Deciding:
    run_id, row, event, _, source, evidence, accepted_at, message_id, *_ = one
    attempt = one.attempt if event is Event.DISPROVE else 0
    said = (event.value, source, evidence, message_id, accepted_at)
    return _Deciding(run_id, row, *said, attempt)


def _proof(one: Evidence) -> _Proof:
    """An accepted message has a time, whoever forgot to say it."""
    accepted_at = one.accepted_at
    if accepted_at is None and one.event is Event.ACCEPT:
        accepted_at = one.at
    return _Proof(
        one.run_id,
        one.row,
        one.event.value,
        one.at,
        accepted_at,
        one.message_id,
        one.error_code,
        one.error,
    )

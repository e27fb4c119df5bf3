"""Callbacks, each kept as it came, and joined to the rows that they speak of."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from bulksend.codes import is_certain
from bulksend.journal.records import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.journal.database import Database, Row
    from bulksend.journal.records import Part


class Kept(NamedTuple):
    """A callback, as the journal has it.

    Args:
        digest: 64 bits over the whole event: a repeated one is the same.

        at: When it happened; ``received_at`` when it came.

        person: `records.person_key` of the number at the other end.

        run_id, row: The row it speaks of; both None where it is none of ours.

        said: The whole event as JSON, where the columns do not hold it all.
    """

    message_id: str
    digest: int
    type: str
    at: int
    received_at: int
    person: int | None = None
    error_code: int | None = None
    carrier: str | None = None
    run_id: int | None = None
    row: int | None = None
    said: str | None = None


class Told(NamedTuple):
    """One callback about a row, for people."""

    type: str
    at: int
    received_at: int
    message_id: str
    error_code: int | None
    carrier: str | None


class Receipts:
    """`Journal.receipts`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def keep(self, receipts: Sequence[Kept]) -> int:
        """Keep them; how many had not come before."""
        return self._db.execute_each("keep_receipt", receipts)

    def place_of(self, message_id: str) -> tuple[int, int] | None:
        """Run and row of the message that has this id."""
        found = self._db.fetch("row_of_message", message_id=message_id)
        return (int(found[0][0]), int(found[0][1])) if found else None

    def is_heard(self, message_id: str) -> bool:
        """Whether any callback about this message has come."""
        return bool(self._db.fetch("is_heard", message_id=message_id))

    def of_row(self, run_id: int, row: int) -> list[Told]:
        """What was told about a row, in the order in which it happened."""
        found = self._db.fetch("receipts_of_row", run_id=run_id, row=row)
        return [Told(*one) for one in found]

    def failures_since(
        self, run_id: int, part: Part = WHOLE, *, since: int
    ) -> dict[str, str]:
        """Messages of a run of whose failure was heard since then, and their codes."""
        said = {"first": part.first, "last": part.last, "since": since}
        found = self._db.fetch("failures_since", run_id=run_id, **said)
        return {message_id: str(code) for message_id, code in found}

    def failed_with(self, provider: str, code: int, *, since: int) -> set[int]:
        """The runs of which a message that was posted since then failed with *code*.

        One that is to be sent again does not say when it was; then it was since.
        """
        found = self._db.fetch("failed_with", provider=provider, code=code, since=since)
        return {int(run_id) for (run_id,) in found}

    def counts(self) -> dict[str, tuple[int, int]]:
        """By type: callbacks about rows of this journal, and about none of them."""
        counts: dict[str, tuple[int, int]] = {}
        for kind, is_ours, count in self._db.fetch("receipts_count"):
            ours, others = counts.get(kind, (0, 0))
            counts[kind] = (ours + count, others) if is_ours else (ours, others + count)
        return counts

    def doubled(self, run_id: int) -> int:
        """Rows of which two messages arrived, or may have.

        One that failed for certain, and was sent again, is no second one.
        """
        told = self._db.stream("told_of_several", run_id=run_id)
        return sum(
            sum(
                may_have_arrived(of_message)
                for _, of_message in groupby(of_row, key=itemgetter(1))
            )
            > 1
            for _, of_row in groupby(told, key=itemgetter(0))
        )


def may_have_arrived(told: Iterable[Row]) -> bool:
    """By all that is told of one message: row, id, type and code."""
    said = [(kind, code) for _, _, kind, code, *_ in told]
    codes = (
        None if code is None else str(code) for kind, code in said if kind == FAILED
    )
    return any(kind in (DELIVERED, READ) for kind, _ in said) or not any(
        map(is_certain, codes)
    )


DELIVERED, READ, FAILED = "message-delivered", "message-read", "message-failed"

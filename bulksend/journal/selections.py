"""Which rows of a run may be sent again, by the word that a person says; and which were."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import orjson

from bulksend.codes import is_certain, is_retryable, may_fare_better
from bulksend.journal.database import atomically
from bulksend.journal.receipts import DELIVERED, FAILED, READ, may_have_arrived
from bulksend.journal.records import LeaseLost, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bulksend.journal.database import Database
    from bulksend.journal.records import Run


class Over(NamedTuple):
    """A row that is over and was not delivered, as far as anybody knows.

    Or one that was: it was planned again, and its sender ended before its turn.

    Args:
        by_carrier: How many earlier messages of it a carrier had failed.
    """

    row: int
    status: str
    error_code: str | None
    by_carrier: int


class Try(NamedTuple):
    """A message that was posted at a moment, ended so, and was planned again."""

    row: int
    posted: int
    status: str
    code: str | None


def _has_failed(one: Over) -> bool:
    """Refused, or failed in a way that may be another one now; none is on its way."""
    return one.status != "failed" or may_fare_better(
        one.error_code, by_carrier=one.by_carrier
    )


def _may_be_retried(one: Over) -> bool:
    """Bandwidth's own rule, by the code of the failure: docs/delivery-codes.md."""
    if one.status != "failed":
        return one.status == "planned"  # it was chosen before
    return is_retryable(one.error_code, by_carrier=one.by_carrier)


SELECTIONS: Mapping[str, Callable[[Over], bool] | None] = {
    "not_sent": None,
    "failed": _has_failed,
    "retryable": _may_be_retried,
}
"""What `run --only` takes.  None: nothing needs to be reopened for it."""


class Selections:
    """`Journal.selections`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rows(
        self, run_id: int, which: str, groups: Mapping[int, int] | None = None
    ) -> array[int]:
        """The rows that *which* would send again, in order; 8 bytes each.

        Args:
            groups: How many people a row's message is for, where that is more than one.
        """
        fits = SELECTIONS[which]
        if fits is None:
            return array("q")
        kept = self.reached(run_id, groups or {}) | self._have_another(run_id)
        chosen = (one.row for one in self._over(run_id) if fits(one))
        return array("q", (row for row in chosen if row not in kept))

    def reached(self, run_id: int, groups: Mapping[int, int]) -> set[int]:
        """Groups whose message has failed, and may have reached some of its people.

        One receipt tells of one person.  Only where each of them has one that is certain
        has nobody the message.
        """
        if not groups:
            return set()
        without: defaultdict[int, set[int]] = defaultdict(set)
        may_have: defaultdict[int, set[int]] = defaultdict(set)
        for row, person, kind, code in self._db.stream("told_of_failed", run_id=run_id):
            has_failed = kind == FAILED and is_certain(
                None if code is None else str(code)
            )
            (without if has_failed else may_have)[row].add(person)
        return {
            row
            for row in groups.keys() & (without.keys() | may_have.keys())
            if len(without[row] - may_have[row] - {None}) < groups[row]
        }

    def _have_another(self, run_id: int) -> set[int]:
        """Rows whose last message failed, and one before it may have arrived.

        That one was called not sent, and then receipts told of it.  What had failed when
        the row was planned again counts where it was delivered after all.
        """
        have: set[int] = set()
        told = self._db.stream("told_beside", run_id=run_id)
        for (row, _), of_message in groupby(told, key=itemgetter(0, 1)):
            said = list(of_message)
            had_failed = any(one[4] for one in said)
            is_delivered = any(one[2] in (DELIVERED, READ) for one in said)
            if is_delivered or (not had_failed and may_have_arrived(said)):
                have.add(row)
        return have

    def left_out(self, run_id: int) -> Counter[str]:
        """What has failed and ``failed`` does not send again, by code."""
        return Counter(
            one.error_code
            for one in self._over(run_id)
            if one.error_code is not None and not _has_failed(one)
        )

    def reopen(self, run: Run, epoch: int, rows: Sequence[int], *, now: int) -> int:
        """Plan these of `rows` again, as far as they still may be; how many.

        A run that was done is not any more: who is killed on the way is resumed as ever,
        and what was planned again by then is among `rows` still.

        Raises:
            LeaseLost: Another sender has the campaign; nothing was changed.
        """

        def plan_again() -> int:
            held = {"campaign": run.campaign, "epoch": epoch, "now": now}
            if not self._db.fetch("holds_lease", **held):
                raise LeaseLost
            places = list(map(Place, rows))
            self._db.execute_each("keep_try", places, run_id=run.id, now=now)
            count = self._db.execute_each("reopen_row", places, run_id=run.id)
            if rows:
                self._db.execute("reopen_run", run_id=run.id)
            return count

        return atomically(self._db, plan_again, alone=run.campaign)

    def earlier(self, run_id: int) -> Iterator[Try]:
        """What was planned again, in order of the rows; no message of it twice.

        The last of a row may be what the row tells of: then nothing was posted since.
        """
        found = self._db.stream("earlier_tries", run_id=run_id)
        for row, kept in groupby(found, key=itemgetter(0)):
            said = [orjson.loads(evidence) for _, evidence in kept]
            yield from dict.fromkeys(
                Try(row, one["since"], one["status"], one.get("code"))
                for one in said
                if one["since"] is not None
            )

    def _over(self, run_id: int) -> Iterator[Over]:
        return (Over(*one) for one in self._db.stream("over", run_id=run_id))

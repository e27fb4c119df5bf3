"""The journal: what has happened, durably.

Every public method is one transaction, durable when it returns.  Nothing here reads the
clock: `now` (milliseconds since 1970) is an argument.  What belongs together stands in a
class of its own over the same database: `journal.leases.take(...)`.

A `Journal` is used by one thread at a time; `writer.py` gives it one of its own.
"""

from __future__ import annotations

from array import array
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Self

from bulksend.errors import BulksendError, InputError, Problem
from bulksend.journal.canaries import Canaries
from bulksend.journal.columns import Columns
from bulksend.journal.database import atomically
from bulksend.journal.decisions import Decisions
from bulksend.journal.faults import undamaged
from bulksend.journal.inbox import Inbox
from bulksend.journal.latest import Latest
from bulksend.journal.leases import Leases
from bulksend.journal.limits import LIMITS, NO_LIMITS, Claimed, LimitBook, Limits
from bulksend.journal.orders import Orders
from bulksend.journal.paces import Paces
from bulksend.journal.purges import Purges
from bulksend.journal.receipts import Receipts
from bulksend.journal.records import (
    CAPPED,
    WHOLE,
    Entry,
    LeaseLost,
    Member,
    Part,
    Place,
    Run,
)
from bulksend.journal.runs import Runs
from bulksend.journal.selections import Selections
from bulksend.journal.sqlite import Sqlite
from bulksend.journal.states import Status
from bulksend.journal.suppressions import Suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.home import Address
    from bulksend.journal.database import Database
    from bulksend.journal.records import Candidate, Closing, Outcome, Use


class Journal:
    """An open journal; use `Journal.open`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.runs = Runs(database)
        self.leases = Leases(database)
        self.columns = Columns(database)
        self.purges = Purges(database)
        self.orders = Orders(database)
        self.selections = Selections(database)
        self.paces = Paces(database)
        self.limits = LimitBook(database)
        self.canaries = Canaries(database)
        self.suppressions = Suppressions(database)
        self.receipts = Receipts(database)
        self.decisions = Decisions(database)
        self.latest = Latest(database)
        self.inbox = Inbox(database, self.receipts, self.decisions, self.suppressions)

    @classmethod
    def open(
        cls,
        place: Path | Address,
        *,
        read_only: bool = False,
        may_create: bool = True,
    ) -> Self:
        """Open, and create where there is none.

        Args:
            may_create: Whether a file that is not there is made; never to read only.

        Raises:
            BulksendError: E601 or E602, where the file cannot be opened, is not a
                journal, or is of another version; E560 to E563, for a server.
        """
        return cls(_database(place, read_only=read_only, may_create=may_create))

    @classmethod
    def open_as_it_is(cls, place: Path | Address) -> Self:
        """To read it; an older one is brought up first, and where there is none, made.

        Raises:
            BulksendError: As `open` does.
        """
        try:
            return cls.open(place, read_only=True)
        except BulksendError as error:
            if error.problems[0].code not in {"E601", "E602"}:
                raise
            return cls.open(place)

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Journal {self.database.name}>"

    # -- itself ---------------------------------------------------------------------

    def introduce(self) -> str:
        """Its identity, made where it has none: one address may lead to several."""
        self.database.execute("introduce", identity=token_hex(16))
        return self.known_as()

    def known_as(self) -> str:
        """Its identity; empty where nobody has asked for one."""
        said: dict[str, str] = dict(self.database.fetch("said"))
        return said.get("identity", "")

    # -- messages -------------------------------------------------------------------

    def claim(
        self,
        run: Run,
        epoch: int,
        candidates: Sequence[Candidate],
        *,
        now: int,
        outcomes: Sequence[Outcome] = (),
    ) -> list[int]:
        """Make the intent to send durable; the rows that are now ours to post, in order.

        A row left out was closed before, by whomever, or is closed now, because its
        person must not be texted any more.

        Args:
            outcomes: Recorded before, as `record` does.

        Raises:
            LeaseLost: Another sender has the campaign; nothing was claimed.
        """
        if any(one.returns for one in outcomes):  # a transaction of their own
            self.record(run.id, epoch, outcomes)
            outcomes = ()
        with self.database.together():
            if outcomes:
                self.record(run.id, epoch, outcomes)
            claimed = self._claim(run, epoch, candidates, now)
        if claimed is None:
            raise LeaseLost
        return claimed

    def _claim(
        self, run: Run, epoch: int, candidates: Sequence[Candidate], now: int
    ) -> list[int] | None:
        held = {"campaign": run.campaign, "epoch": epoch, "now": now}
        closings = self.suppressions.among(candidates)
        wanted = [one for one in candidates if one.row not in closings]
        members = [
            Member(int(person), run.id, one.row)
            for one in wanted
            for person in one.others.split()
        ]
        if members:
            self.database.execute_each("keep_member", members)
        claimed: set[int] = set()
        for how in ("claim_new", "claim_again"):
            left = [one for one in wanted if one.row not in claimed]
            if how == "claim_new":
                left = [one for one in left if not one.again]
            if not left:
                continue
            rows = self.database.change_each(
                how, left, given="holds_lease", run_id=run.id, **held
            )
            if rows is None and not claimed:
                return None
            claimed.update(rows or ())
        for row, why in closings.items():
            self.close_unsent(run.id, epoch, [row], why, now=now)
        return list(dict.fromkeys(one.row for one in wanted if one.row in claimed))

    def claim_repeated(
        self,
        run: Run,
        epoch: int,
        candidates: Sequence[Candidate],
        limits: Limits = NO_LIMITS,
        *,
        now: int,
    ) -> Claimed:
        """`claim_within` once more with the same *now*, after its answer was lost.

        What it had claimed then is ours as well: nobody else has this epoch, and none of
        it was posted.
        """
        rows = [one.row for one in candidates]
        had = self.database.fetch(
            "claimed_at",
            run_id=run.id,
            first=min(rows),
            last=max(rows),
            epoch=epoch,
            now=now,
        )
        mine = {row for (row,) in had}
        left = [one for one in candidates if one.row not in mine]
        held: dict[int, int] = {}
        if left:
            more, held = self.claim_within(run, epoch, left, limits, now=now)
            mine.update(more)
        return Claimed([row for row in dict.fromkeys(rows) if row in mine], held)

    def claim_within(  # noqa: PLR0913  (a claim, and its limits)
        self,
        run: Run,
        epoch: int,
        candidates: Sequence[Candidate],
        limits: Limits,
        *,
        now: int,
        outcomes: Sequence[Outcome] = (),
    ) -> Claimed:
        """`claim`, within *limits*.

        Who has had enough is closed; what a carrier does not take yet stays planned.
        """
        if not (limits.people or limits.purses):
            rows = self.claim(run, epoch, candidates, now=now, outcomes=outcomes)
            return Claimed(rows, {})
        if outcomes:
            self.record(run.id, epoch, outcomes)

        def claim() -> Claimed:
            over = self.limits.over(candidates, limits)
            allowed = [one for one in candidates if one.row not in over]
            held = self.limits.held(allowed, limits)
            free = [one for one in allowed if one.row not in held]
            rows = self.claim(run, epoch, free, now=now)
            mine = set(rows)
            self.close_unsent(run.id, epoch, sorted(over), CAPPED, now=now)
            self.limits.take(
                use for one in free if one.row in mine for use in limits.uses(one)
            )
            return Claimed(rows, held)

        return atomically(self.database, claim, alone=LIMITS)

    def close_unsent(
        self, run_id: int, epoch: int, rows: Sequence[int], why: Closing, *, now: int
    ) -> int:
        """Close planned rows that will not be sent, and count them; closed rows stay.

        What had failed, and was to be sent again, is *failed* again.
        """
        if not rows:
            return 0
        places, count = [Place(row) for row in rows], 0
        around = {"run_id": run_id, "first": min(rows), "last": max(rows)}
        with self.database.together():
            if self.database.fetch("is_any_again", **around):
                said = why.error.replace("nothing was sent", "nothing more was sent")
                count = self.database.execute_each(
                    "fall_back", places, run_id=run_id, error=said
                )
            return count + self.database.execute_each(
                "close_unsent",
                places,
                run_id=run_id,
                epoch=epoch,
                now=now,
                **why._asdict(),
            )

    def ledger(self, run: Run) -> array[int]:
        """Keys of what people have, or may have, from the slot's other runs.

        Sorted; 8 bytes each.
        """
        found = self.database.stream(
            "ledger", campaign=run.campaign, slot=run.slot, run_id=run.id
        )
        return array("q", (once for (once,) in found))

    def record(self, run_id: int, epoch: int, outcomes: Sequence[Outcome]) -> int:
        """Store what became of claimed rows; how many the state table let through.

        Only rows claimed under *epoch* are touched, so a sender that was thought dead
        can still bring the truth about its own messages.
        """
        back = [one for one in outcomes if one.returns]
        if not back:
            return self.database.execute_each(
                "record", outcomes, run_id=run_id, epoch=epoch
            )
        plain = [one for one in outcomes if not one.returns]
        held = {"run_id": run_id, "epoch": epoch}

        def both() -> int:
            count = self.database.execute_each("record", plain, **held)
            uses: list[Use] = []
            for one in back:  # what is recorded twice gives back once
                changed = self.database.execute_each("record", [one], **held)
                uses += one.returns if changed else ()
                count += changed
            self.limits.put_back(uses)
            return count

        return atomically(self.database, both)

    def counts(self, run_id: int, part: Part = WHOLE) -> dict[Status, int]:
        found = self.database.fetch(
            "counts", run_id=run_id, first=part.first, last=part.last
        )
        with undamaged(self.database.name):
            return {Status(status): count for status, count in found}

    def closed_count(self, run_id: int) -> int:
        """How many rows of a run are not *planned* any more."""
        ((count,),) = self.database.fetch("closed_count", run_id=run_id)
        return int(count)

    def closed_as(self, run_id: int, why: Closing, part: Part = WHOLE) -> int:
        """How many rows of a run are closed for this reason."""
        ((count,),) = self.database.fetch(
            "closed_as",
            run_id=run_id,
            first=part.first,
            last=part.last,
            status=why.status,
            error_code=why.error_code,
        )
        return int(count)

    # -- reading --------------------------------------------------------------------

    def entries(self, run_id: int, first: int, last: int) -> list[Entry]:
        """What the journal knows of the rows *first* to *last*, in order."""
        found = self.database.fetch(
            "rows_between", run_id=run_id, first=first, last=last
        )
        return [Entry(*row) for row in found]


def _database(place: Path | Address, *, read_only: bool, may_create: bool) -> Database:
    if isinstance(place, Path):
        return Sqlite.open(place, read_only=read_only, may_create=may_create)
    try:
        from bulksend.journal.postgres import Postgres
    except ImportError as error:  # psycopg, or the libpq that it needs
        raise InputError(Problem("E560", str(error), file=str(place))) from error
    return Postgres.open(place, read_only=read_only)

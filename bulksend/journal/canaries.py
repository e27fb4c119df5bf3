"""The first few of a run, and what stopped a run: kept until somebody says to go on.

While a run's canary is not over nothing else of it is sent.  So the canary is whatever
was sent so far, and a sender that begins anew needs to know no more than its size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.database import atomically

if TYPE_CHECKING:
    from bulksend.errors import Problem
    from bulksend.journal.database import Database
    from bulksend.journal.records import Part

HALTS_SHOWN = 20
AGAIN = "E426"
"""Receipts that did not come may come yet: a sender that begins anew waits once more."""


class Canary(NamedTuple):
    """How a run's canary stands.

    Args:
        sent_at: When the last of it was sent; None before.

        passed_at: When the run went on; None before.

        passed_by: Who said so: empty where the receipts did.
    """

    size: int
    sent_at: int | None
    passed_at: int | None
    passed_by: str


class Halt(NamedTuple):
    """What stopped a run.

    Args:
        is_canary: Whether its canary did, so that the run may not just go on.

        lifted_at: When somebody said that it may go on, or it went on by itself.
    """

    at: int
    code: str
    found: str
    is_canary: bool
    lifted_at: int | None


class Fate(NamedTuple):
    """How many messages of a run have one status and code."""

    status: str
    error_code: str | None
    messages: int


class Texted(NamedTuple):
    """How many messages were taken, and how many of them failed."""

    people: int
    failed: int


class Canaries:
    """`Journal.canaries`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(self, run_id: int, size: int) -> Canary:
        """The run's canary; the first size that is said stays."""
        self._db.execute("begin_canary", run_id=run_id, size=size)
        found = self.of(run_id)
        assert found is not None
        return found

    def of(self, run_id: int) -> Canary | None:
        rows = self._db.fetch("canary", run_id=run_id)
        return Canary(*rows[0]) if rows else None

    def sent(self, run_id: int, *, now: int) -> None:
        """All of it is sent: the waiting begins; once, or anew after a halt."""
        self._db.execute("canary_sent", run_id=run_id, now=now)

    def passed(self, run_id: int, *, by: str, now: int) -> bool:
        """The run goes on, and nothing holds it any more; whether this changed anything."""

        def go_on() -> bool:
            passed = self._db.execute("canary_passed", run_id=run_id, by=by, now=now)
            lifted = self.lift(run_id, now=now)
            return bool(passed or lifted)

        return atomically(self._db, go_on)

    def fates(self, run_id: int) -> list[Fate]:
        """What became of all that was sent of a run so far."""
        return [Fate(*row) for row in self._db.fetch("fates", run_id=run_id)]

    def texted(self, run_id: int, part: Part, *, since: int, until: int) -> Texted:
        """Of those that were posted between; it reads all of the part's rows."""
        said = {"first": part.first, "last": part.last, "since": since, "until": until}
        ((people, failed),) = self._db.fetch("texted_of_run", run_id=run_id, **said)
        return Texted(int(people), int(failed or 0))

    def first_claim(self, run_id: int) -> int:
        """When the first message of a run was claimed; 0 where none was."""
        ((moment,),) = self._db.fetch("first_claim", run_id=run_id)
        return int(moment or 0)

    # -- what stopped it --------------------------------------------------------------

    def halt(
        self, run_id: int, why: Problem, *, is_canary: bool = False, now: int
    ) -> None:
        """Note what stopped a run."""
        self._db.execute(
            "halt",
            run_id=run_id,
            code=why.code,
            found=why.found,
            is_canary=int(is_canary),
            now=now,
        )

    def halts(self, run_id: int) -> list[Halt]:
        """What stopped a run, the latest first."""
        found = self._db.fetch("halts", run_id=run_id, most=HALTS_SHOWN)
        return [Halt(at, code, said, bool(c), end) for at, code, said, c, end in found]

    def standing(self, run_id: int) -> Halt | None:
        """What stopped it last, where nothing was lifted since."""
        latest = next(iter(self.halts(run_id)), None)
        return latest if latest is not None and latest.lifted_at is None else None

    def lift(self, run_id: int, *, now: int) -> int:
        """It goes on: what stopped it stands no more."""
        return self._db.execute("lift_halts", run_id=run_id, now=now)

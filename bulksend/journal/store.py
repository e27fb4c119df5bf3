"""The journal: what has happened, durably.  The only user of sqlite3.

Every public method is one transaction, committed with ``synchronous=FULL`` when it
returns: what it says is true after a power cut.  Nothing here reads the clock: `now`
(milliseconds since 1970) is an argument.

A `Journal` is used by one thread at a time; `writer.py` gives it one of its own.
"""

from __future__ import annotations

import sqlite3
from array import array
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from bulksend.errors import BulksendError, GateRefused, Problem
from bulksend.journal.faults import BUSY_SECONDS, explained
from bulksend.journal.owner import Owner
from bulksend.journal.records import Entry, Lease, LeaseLost, Run
from bulksend.journal.sql import queries, schema
from bulksend.journal.states import TRANSITIONS, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bulksend.journal.records import Candidate, Closing, Outcome

SCHEMA_VERSION = "1"
LEASE_MS = 30_000
"""A sender that has not renewed for this long counts as gone (airflow.md §3.4)."""


class Journal:
    """An open journal; use `Journal.open`."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._sql = connection
        self._name = name
        self._q = queries()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open, and create where there is none.

        Raises:
            BulksendError: E601 or E602, where the file cannot be opened, is not a
                journal, or is of another version.
        """
        with explained(str(path)):
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            mode = "ro" if read_only else "rwc"
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # one at a time, but not always the same
            )
            journal = cls(connection, str(path))
            try:
                journal._prepare(read_only=read_only)
            except BaseException:
                journal.close()
                raise
            return journal

    def close(self) -> None:
        self._sql.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Journal {self._name}>"

    # -- runs -----------------------------------------------------------------------

    def add_run(self, run: Run) -> Run:
        """The run as stored; an existing run of that name stays as it is."""
        with self._transaction():
            self._sql.execute(self._q["add_run"], asdict(run))
        found = self.run(run.run)
        assert found is not None
        return found

    def run(self, name: str) -> Run | None:
        rows = self._runs("run", {"run": name})
        return rows[0] if rows else None

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        return self._runs("runs", {})

    def finish_run(self, run_id: int, *, now: int) -> None:
        with self._transaction():
            self._sql.execute(self._q["finish_run"], {"run_id": run_id, "now": now})

    def reopen_run(self, run_id: int) -> None:
        with self._transaction():
            self._sql.execute(self._q["reopen_run"], {"run_id": run_id})

    def set_results(self, run_id: int, results: str) -> None:
        with self._transaction():
            self._sql.execute(
                self._q["set_results"], {"run_id": run_id, "results": results}
            )

    # -- the lease ------------------------------------------------------------------

    def take_lease(self, campaign: str, owner: Owner, *, now: int) -> int:
        """The new epoch.  Rows that an earlier owner left claimed become unknown.

        Raises:
            GateRefused: E610, where another sender is at work on this campaign.
        """
        with self._transaction():
            held = self._lease(campaign)
            row = self._sql.execute(
                self._q["take_lease"],
                {
                    "campaign": campaign,
                    "owner": str(owner),
                    "now": now,
                    "expires": now + LEASE_MS,
                    "seen": str(held.owner) if held else "",
                    "free": bool(held and held.owner.is_surely_dead()),
                },
            ).fetchone()
            if row is None:
                assert held is not None
                raise GateRefused(_held(held, now=now))
            epoch = int(row[0])
            self._sql.execute(
                self._q["orphan"], {"campaign": campaign, "epoch": epoch, "now": now}
            )
            return epoch

    def renew_lease(self, campaign: str, epoch: int, *, now: int) -> None:
        """Raises `LeaseLost` where it had already ended."""
        named = {"campaign": campaign, "epoch": epoch, "now": now}
        with self._transaction():
            changed = self._sql.execute(
                self._q["renew_lease"], named | {"expires": now + LEASE_MS}
            ).rowcount
            if changed != 1:
                raise LeaseLost

    def end_lease(self, campaign: str, epoch: int) -> None:
        with self._transaction():
            self._sql.execute(
                self._q["end_lease"], {"campaign": campaign, "epoch": epoch}
            )

    def held_by(self, campaign: str, *, now: int) -> Owner | None:
        """The sender that is at work on this campaign."""
        held = self._lease(campaign)
        if held is None or held.expires < now or held.owner.is_surely_dead():
            return None
        return held.owner

    # -- messages -------------------------------------------------------------------

    def claim(
        self, run: Run, epoch: int, candidates: Sequence[Candidate], *, now: int
    ) -> list[int]:
        """Make the intent to send durable; the rows that are now ours to post.

        A row left out was closed before, by whomever.

        Raises:
            LeaseLost: Another sender has the campaign; nothing was claimed.
        """
        with self._transaction():
            holds = self._sql.execute(
                self._q["holds_lease"],
                {"campaign": run.campaign, "epoch": epoch, "now": now},
            ).fetchone()
            if holds is None:
                raise LeaseLost
            return [
                one.row
                for one in candidates
                if self._claim_one(run.id, epoch, one, now)
            ]

    def _claim_one(self, run_id: int, epoch: int, wanted: Candidate, now: int) -> bool:
        row, once, again = wanted
        if not again:
            first = (run_id, row, epoch, once, now)
            if self._sql.execute(self._q["claim_new"], first).rowcount == 1:
                return True
        named = {"run_id": run_id, "row": row, "epoch": epoch, "once": once, "now": now}
        return self._sql.execute(self._q["claim_again"], named).rowcount == 1

    def close_unsent(
        self, run_id: int, epoch: int, rows: Sequence[int], why: Closing, *, now: int
    ) -> None:
        """Close planned rows that will not be sent; rows already closed stay."""
        with self._transaction():
            self._sql.executemany(
                self._q["close_unsent"],
                [
                    {"run_id": run_id, "row": row, "epoch": epoch, "now": now}
                    | why._asdict()
                    for row in rows
                ],
            )

    def ledger(self, run: Run) -> array[int]:
        """Keys of what people have, or may have, from the campaign's other runs.

        Sorted; 8 bytes each.
        """
        with explained(self._name):
            found = self._sql.execute(
                self._q["ledger"], {"campaign": run.campaign, "run_id": run.id}
            )
            return array("q", sorted(once for (once,) in found))

    def record(self, run_id: int, epoch: int, outcomes: Sequence[Outcome]) -> int:
        """Store what became of claimed rows; how many the state table let through.

        Only rows claimed under *epoch* are touched, so a sender that was thought dead
        can still bring the truth about its own messages.
        """
        with self._transaction():
            changed = self._sql.executemany(
                self._q["record"],
                [
                    (
                        one.event.value,
                        one.posted_at,
                        one.at,
                        one.message_id,
                        one.error_code,
                        one.error,
                        run_id,
                        one.row,
                        epoch,
                    )
                    for one in outcomes
                ],
            ).rowcount
        return int(changed)

    def counts(self, run_id: int) -> dict[Status, int]:
        with explained(self._name):
            found = self._sql.execute(self._q["counts"], {"run_id": run_id})
            return {Status(status): count for status, count in found}

    def closed_rows(self, run_id: int) -> list[int]:
        """Rows that are not *planned* any more, in order."""
        with explained(self._name):
            found = self._sql.execute(self._q["closed_rows"], {"run_id": run_id})
            return [row for (row,) in found]

    def entries(self, run_id: int, first: int, last: int) -> list[Entry]:
        """What the journal knows of the rows *first* to *last*, in order."""
        wanted = {"run_id": run_id, "first": first, "last": last}
        with explained(self._name):
            found = self._sql.execute(self._q["rows_between"], wanted)
            return [Entry(*row) for row in found]

    # -- inside ---------------------------------------------------------------------

    def _prepare(self, *, read_only: bool) -> None:
        tables = self._sql.execute("select name from sqlite_master").fetchall()
        if ("meta",) not in tables and (tables or read_only):
            raise sqlite3.DatabaseError("the file is not a database of bulksend")
        if not read_only:
            self._sql.execute("pragma journal_mode = wal")
            self._sql.execute("pragma synchronous = full")
            if not tables:
                self._create()
        self._check_version()

    def _create(self) -> None:
        # executescript commits by itself, so the script brings its own transaction, and
        # all of it: nobody may ever see, or be left with, a part of the schema.
        arrows = ", ".join(
            f"('{status}', '{event}', '{then}')"
            for status, events in TRANSITIONS.items()
            for event, then in events.items()
        )
        self._sql.executescript(
            f"""begin immediate;
            {schema()}
            insert or ignore into transitions values {arrows};
            insert or ignore into meta values ('schema', '{SCHEMA_VERSION}');
            commit;"""  # noqa: S608  (all of it our own words)
        )

    def _check_version(self) -> None:
        found = self._sql.execute(
            "select value from meta where name = 'schema'"
        ).fetchone()
        if found is None or found[0] != SCHEMA_VERSION:
            there = "no version" if found is None else f"version {found[0]}"
            raise BulksendError(
                Problem(
                    "E602",
                    f"it has {there}",
                    f"version {SCHEMA_VERSION}",
                    file=self._name,
                )
            )

    def _runs(self, query: str, values: dict[str, object]) -> list[Run]:
        with explained(self._name):
            found = self._sql.execute(self._q[query], values)
            names = [column[0] for column in found.description]
            return [Run(**dict(zip(names, row, strict=True))) for row in found]

    def _lease(self, campaign: str) -> Lease | None:
        with explained(self._name):
            found = self._sql.execute(
                self._q["lease"], {"campaign": campaign}
            ).fetchone()
            if found is None:
                return None
            epoch, owner, since, expires = found
            return Lease(epoch, Owner.parse(owner), since, expires)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with explained(self._name):
            self._sql.execute("begin immediate")
            try:
                yield
                self._sql.execute("commit")
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute("rollback")
                raise


def _held(lease: Lease, *, now: int) -> Problem:
    seconds = max(0, now - lease.since) // 1000
    return Problem(
        "E610",
        f"process {lease.owner.pid} on {lease.owner.host} has been sending this "
        f"campaign for {seconds:,} s",
    )

"""From the journal that is there to the one that this program needs, step by step.

Theory of operation
-------------------
A journal says its version, and the oldest version whose programs may go on using it.  Each
step is a file: `migration_N.sql` leads from N-1 to N, in words that both databases take;
`migration_N_postgres.sql`, where there is one, comes after it in PostgreSQL.

All steps that are lacking, the arrows of `states.py` and the new version are one
transaction under the journal's lock, and the version is read again in it: of two programs
that begin together one takes the steps, and one that is killed has changed nothing.

While a program of an older version sends, no step is taken that it must not see.
"""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol

from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.journal.database import Database
from bulksend.journal.sql import OLDEST_PROGRAM, SCHEMA_VERSION
from bulksend.journal.states import arrows
from bulksend.logs import log

TABLES = "the tables"
"""What is changed by one program at a time."""


class Found(NamedTuple):
    """What a journal says of itself.

    Args:
        oldest: The oldest version whose programs may use it.
    """

    version: int
    oldest: int


class _Arrow(NamedTuple):
    status: str
    event: str
    next: str


class _Said(NamedTuple):
    name: str
    value: str


class Stepping(Database, Protocol):
    """A database whose tables can be changed."""

    def take_step(self, number: int) -> None:
        """Run what leads to this version; in a transaction."""


def bring_up(database: Stepping, *, read_only: bool) -> None:
    """Take the steps that are lacking.

    Raises:
        BulksendError: E602, where this program must not use the journal, or only reads
            one that is older.
        Stopped: E600, where a program of an older version sends by it.
    """
    there = _found(database)
    if not _lacking(there, database.name):
        return
    if read_only:
        fix = "Run `bulksend status` once: it upgrades it. A backup first is wise."
        raise _refused(there, database.name, fix=fix)
    with database.transaction(alone=TABLES):
        database.execute("hold_leases")
        there = _found(database)
        _refuse_beside(there, database)
        steps = _lacking(there, database.name)
        for number in steps:
            database.take_step(number)
        database.execute("forget_arrows")
        database.execute_each("add_arrow", [_Arrow(*arrow) for arrow in arrows()])
        said = ("schema", SCHEMA_VERSION), ("oldest_program", OLDEST_PROGRAM)
        database.execute_each("say", [_Said(name, str(value)) for name, value in said])
    if steps:
        log.warning(
            "journal upgraded",
            was=there.version,
            to=SCHEMA_VERSION,
            next="start each `bulksend listen` again, with this version",
        )


def check(database: Database) -> None:
    """In a transaction that writes, before it is committed.

    Another program may have upgraded the journal since it was opened.

    Raises:
        BulksendError: E602.
    """
    _lacking(_found(database), database.name)


def _found(database: Database) -> Found:
    said: dict[str, str] = dict(database.fetch("said"))
    version = said.get("schema", "")
    oldest = said.get("oldest_program", version)
    if not (version.isdecimal() and oldest.isdecimal()):
        raise _refused(None, database.name)
    return Found(int(version), int(oldest))


def _lacking(there: Found, name: str) -> range:
    """The numbers of the steps to take."""
    if there.oldest > SCHEMA_VERSION:
        raise _refused(there, name)
    return range(there.version + 1, SCHEMA_VERSION + 1)


def _refuse_beside(there: Found, database: Database) -> None:
    """Where a program sends that does not know what would be changed."""
    if there.version >= OLDEST_PROGRAM:
        return
    ((senders,),) = database.fetch("senders", now=time.time_ns() // 1_000_000)
    if senders:
        what = f"it has version {there.version}, and {senders} at work"
        raise Stopped(Problem("E600", what, _expected(), file=database.name))


def _refused(there: Found | None, name: str, *, fix: str = "") -> BulksendError:
    what = f"version {there.version}" if there else "no version"
    return BulksendError(
        Problem("E602", f"it has {what}", _expected(), fix=fix, file=name)
    )


def _expected() -> str:
    return f"version {SCHEMA_VERSION}"

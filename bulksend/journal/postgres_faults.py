"""What PostgreSQL and libpq say, as problems with a way out; never with the password."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

from bulksend.errors import BulksendError, InputError, Problem, Stopped
from bulksend.journal.faults import BUSY_SECONDS, InTheWay

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAY_NOT = (
    "its user may not do this",
    "Grant the user the right to create and use the schema `bulksend`.",
)
_CAUSES: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (
        errors.DiskFull,
        "the database's disk is full",
        "Free some space, then run again.",
    ),
    (errors.InsufficientPrivilege, *_MAY_NOT),
    (errors.InvalidSchemaName, *_MAY_NOT),
    (
        errors.ReadOnlySqlTransaction,
        "the server only reads",
        "Name the primary server in the URL.",
    ),
    (
        errors.LockNotAvailable,
        f"another process kept it locked for {BUSY_SECONDS:g} s",
        "Wait for that process, or stop it, then run it again.",
    ),
)

_MAY_PASS = (errors.DiskFull, errors.ReadOnlySqlTransaction, errors.LockNotAvailable)
"""What somebody mends while a scheduler tries again; a failover is over by itself."""

_UNDONE = (errors.DeadlockDetected, errors.SerializationFailure, errors.QueryCanceled)
"""What was undone as a whole, and may be done again; the last by whoever runs the server."""

_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "invalid",
    "permission denied for",
    "is not permitted to log in",
    "server does not support SSL",
    "certificate verify failed",
    "does not match host name",
)
"""In what is said when no later try can help."""


def explanation(error: psycopg.Error, name: str) -> BulksendError:
    """What a statement failed with."""
    if isinstance(error, _UNDONE):
        found, fix = "another process was in the way", "Run it again: it resumes."
        return InTheWay(Problem("E601", found, fix=fix, file=name))
    for kind, found, fix in _CAUSES:
        if isinstance(error, kind):
            raised = Stopped if kind in _MAY_PASS else BulksendError
            return raised(Problem("E601", found, fix=fix, file=name))
    said = error.diag.message_primary or type(error).__name__
    return BulksendError(Problem("E601", said, file=name))


@contextmanager
def refusals_explained(name: str) -> Iterator[None]:
    """What keeps a connection from being made."""
    try:
        yield
    except psycopg.ProgrammingError as error:  # what libpq cannot read
        raise InputError(
            Problem("E561", "the URL cannot be read", file=name)
        ) from error
    except psycopg.OperationalError as error:
        said = _first_reason(str(error))
        if any(sign in said for sign in _REFUSALS):
            raise InputError(Problem("E561", said, file=name)) from error
        raise Stopped(Problem("E563", said, file=name)) from error


def _first_reason(text: str) -> str:
    """Of all that libpq says about all it tried."""
    for line in text.splitlines():
        if "failed: " in line:
            return line.rpartition("failed: ")[2].strip()
    return text.strip().partition("\n")[0]

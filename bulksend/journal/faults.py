"""What SQLite and the disk say, as problems with a way out."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 30.0
"""How long a process waits for another one's transaction."""

_DAMAGED = (
    "Keep the file. Restore a backup, or ask for help before you send again: "
    "without it nobody knows who has been texted."
)
_CAUSES = (
    ("disk is full", "the disk is full", "Free some space, then run it again."),
    (
        "readonly",
        "it cannot be written",
        "Make the folder writable, or set BULKSEND_HOME to one that is.",
    ),
    (
        "unable to open",
        "it cannot be opened",
        "Check the folder, or set BULKSEND_HOME to another one.",
    ),
    (
        "locked",
        f"another process kept it locked for {BUSY_SECONDS:g} s",
        "Wait for that process, or stop it, then run it again.",
    ),
    ("malformed", "it is damaged", _DAMAGED),
    (
        "not a database",
        "it is not a bulksend journal",
        "Check the path; move the file away if it is not yours.",
    ),
)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what SQLite and the disk say into a problem with a way out."""
    try:
        with undamaged(name):
            yield
    except (sqlite3.Error, OSError) as error:
        for sign, found, fix in _CAUSES:
            if sign in str(error):
                raise BulksendError(
                    Problem("E601", found, fix=fix, file=name)
                ) from error
        raise BulksendError(Problem("E601", str(error), file=name)) from error


@contextmanager
def undamaged(name: str) -> Iterator[None]:
    """Turn what cannot be read (bytes that are no text, no status) into a problem."""
    try:
        yield
    except ValueError as error:
        problem = Problem("E601", "it is damaged", fix=_DAMAGED, file=name)
        raise BulksendError(problem) from error

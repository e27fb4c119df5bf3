"""What SQLite and the disk say, as problems with a way out; and which of them cannot do."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, InputError, Problem
from bulksend.journal.faults import BUSY_SECONDS, DAMAGED, undamaged
from bulksend.journal.mounts import network_file_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLDEST_SQLITE = (3, 33)

_CAUSES = (
    ("disk is full", "the disk is full", "Free some space, then run it again."),
    (
        "readonly",
        "it cannot be written",
        "Make its folder and its files writable, or set BULKSEND_HOME to one that is.",
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
    ("malformed", "it is damaged", DAMAGED),
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
        said = getattr(error, "strerror", None) or str(error)
        raise BulksendError(Problem("E601", said.lower(), file=name)) from error


def refuse_old(name: str) -> None:
    """Raises InputError (E607), where it is too old.

    What the statements need: ``update … from``, and JSON, which may be left out.
    """
    found = f"it is SQLite {sqlite3.sqlite_version}"
    expected = f"{'.'.join(map(str, OLDEST_SQLITE))} or newer"
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise InputError(Problem("E607", found, expected, file=name))
    with closing(sqlite3.connect(":memory:")) as sql:
        try:
            sql.execute("select json_array()")
        except sqlite3.OperationalError as error:
            found = f"{found} without JSON"
            expected = "one with its JSON functions"
            raise InputError(Problem("E607", found, expected, file=name)) from error


def refuse_network(path: Path) -> None:
    """Raises InputError (E564), where its locks would prove nothing."""
    kind = network_file_system(path.parent)
    if kind is not None:
        expected = "a local disk, or a journal at postgresql://"
        raise InputError(Problem("E564", f"it is on {kind}", expected, file=str(path)))

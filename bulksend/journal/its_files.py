"""Whether a journal's files are those that were opened: people put backups in their place.

A file that was moved away, removed or replaced stays open, and would take what nobody
ever reads again.  The same goes for its log, ``-wal``, where all is until SQLite copies it
over.  Where only the log is gone, somebody has copied another journal over the file
itself: to close ours then would write the log's pages into theirs, so it is never closed,
nor is that file opened again by this process.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import Problem, Stopped

if TYPE_CHECKING:
    import sqlite3

    Identity = tuple[int, int]

_abandoned: set[Identity | None] = set()


class ItsFiles:
    """The file of an open journal, and its log once it is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _identity(path)
        self._log_path = Path(
            f"{os.path.realpath(path)}-wal"
        )  # beside what a link means
        self._log: Identity | None = None
        if self._file in _abandoned:
            raise self._overwritten()

    def note_log(self) -> None:
        """It was read from: from now on its log stays, if it has one."""
        self._log = _identity(self._log_path)

    def refuse_others(self) -> None:
        """Raises Stopped, where one of them is another by now, or gone: E608, E616."""
        there = _identity(self._path)
        if there != self._file:
            found = "it was replaced" if there else "it was moved away or removed"
            found += " while it was open"
            raise Stopped(Problem("E608", found, file=str(self._path)))
        if self._has_lost_log():
            raise self._overwritten()

    def close(self, connection: sqlite3.Connection) -> None:
        """Close it, where that does no harm."""
        if self._file == _identity(self._path) and self._has_lost_log():
            _abandoned.add(self._file)
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        else:
            connection.close()

    def _has_lost_log(self) -> bool:
        return self._log is not None and _identity(self._log_path) != self._log

    def _overwritten(self) -> Stopped:
        found = "its -wal file is gone or another one"
        return Stopped(Problem("E616", found, file=str(self._path)))


def _identity(path: Path) -> Identity | None:
    """What tells a file from any other that is there, or was; None where none is."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino

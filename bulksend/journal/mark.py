"""How many claims a run has made, beside the journal: so that a loss is noticed.

A journal can lose what it said: its ``-wal`` file is left behind in a copy, an old backup
is put back, somebody deletes it, or another one is named by mistake.  A sender would not
see it, and would text again whom the lost part knew.  So after each commit the count of
the run's claims is noted in a small file in the home, and a journal that knows of fewer
is refused.

The note comes after the commit and is not flushed: it may be behind the journal, after a
power cut by some seconds, but never before it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, Problem

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

WIDTH = 20


class Mark:
    """One run's mark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._claims = 0

    def begin(self, claims: int, runs: Container[str]) -> None:
        """Compare with what the journal knows, and go on from there.

        Args:
            claims: How many of this run the journal knows.

            runs: The names of the runs that it knows.

        Raises:
            GateRefused: E604, where the journal knows of fewer claims than were made, or
                of fewer runs of the campaign.
        """
        noted = self._read()
        if noted > claims:
            found = f"{noted:,} messages were handed over, and it knows of {claims:,}"
            raise _lost(found, self._path)
        for path in sorted(self._path.parent.glob("*")):
            if path.name not in runs and path != self._path:
                raise _lost(f"it does not know of run {path.name}", path)
        self._claims = claims
        with suppress(OSError):  # a guard more: the journal itself needs no mark
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)

    def add(self, claims: int) -> None:
        """Note more claims; they are durable in the journal."""
        self._claims += claims
        if self._file is not None:
            with suppress(OSError):
                os.pwrite(self._file, b"%0*d\n" % (WIDTH, self._claims), 0)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> int:
        try:
            noted = self._path.read_bytes()[:WIDTH]
        except OSError:  # none yet
            return 0
        is_whole = len(noted) == WIDTH and noted.isdigit()
        return int(noted) if is_whole else 0  # torn by a power cut


def _lost(found: str, path: Path) -> GateRefused:
    fix = (
        "Put the newest journal back, with its -wal file. Without it people may get a "
        f"second text; who accepts that removes {path}."
    )
    return GateRefused(Problem("E604", found, fix=fix))

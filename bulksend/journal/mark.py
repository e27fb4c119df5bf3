"""The latest claim of a run, beside the journal: so that a loss is noticed.

A journal can lose what it said: its ``-wal`` file is left behind in a copy, an old backup
is put back, somebody deletes it, or another one is named by mistake.  A sender would not
see it, and would text again whom the lost part knew.  So after each commit one of the rows
that it claimed is noted in a small file in the home, and a journal that does not know of
that claim is refused.  One that does knows of all before it: a journal loses its end, and
never a part in between.

The note comes after the commit and is not flushed: it may be behind the journal, after a
power cut by some seconds, but never before it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, Problem
from bulksend.journal.records import Claim

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

LINE = b"%020d %020d %020d\n"
WHOLE = re.compile(rb"(\d{20}) (\d{20}) (\d{20})\n")


class Mark:
    """One run's mark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def noted(self) -> Claim | None:
        """The claim that the journal must know of; None where none was noted."""
        try:
            said = self._path.read_bytes()
        except OSError:  # none yet
            return None
        whole = WHOLE.fullmatch(said)  # or torn by a power cut
        return Claim(*map(int, whole.groups())) if whole else None

    def begin(self, known: Claim | None, runs: Collection[str]) -> None:
        """Compare with what the journal knows, and go on from there.

        Args:
            known: The latest claim of the row that is noted, by the journal.

            runs: The names of the runs that it knows.

        Raises:
            GateRefused: E604, where the journal does not know of the claim that is noted,
                or of a run of the campaign.
        """
        noted = self.noted()
        if noted is not None and (known is None or known.is_before(noted)):
            found = f"row {noted.row:,} was handed over, and it does not know of that"
            raise _lost(found, self._path)
        refuse_lost(self._path.parent, {*runs, self._path.name})
        with suppress(OSError):  # a guard more: the journal itself needs no mark
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)

    def note(self, claim: Claim) -> None:
        """It is durable in the journal."""
        if self._file is not None:
            with suppress(OSError):
                os.pwrite(self._file, LINE % claim, 0)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def refuse_lost(folder: Path, runs: Collection[str]) -> None:
    """Whether the journal knows of the campaign's runs that were sent from this home.

    Args:
        folder: Where their marks are.

        runs: The names of the runs that it knows.

    Raises:
        GateRefused: E604, where it does not.
    """
    for path in sorted(folder.glob("*")):
        if path.name not in runs:
            raise _lost(f"it does not know of run {path.name}", path)


def _lost(found: str, path: Path) -> GateRefused:
    fix = (
        "Put the newest journal back, with its -wal file. Without it people may get a "
        f"second text; who accepts that removes {path}."
    )
    return GateRefused(Problem("E604", found, fix=fix))

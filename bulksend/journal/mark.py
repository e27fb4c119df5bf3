"""The latest claim of a run, beside the journal: so that a loss is noticed.

A journal can lose what it said: its ``-wal`` file is left behind in a copy, an old backup
is put back, somebody deletes it, or another one is named by mistake.  A sender would not
see it, and would text again whom the lost part knew.  So after each commit one of the rows
that it claimed is noted in a small file in the home, and a journal that does not know of
that claim is refused.  One that does knows of all before it: a journal loses its end, and
never a part in between.

All runs of the campaign are asked for, not only the one that begins: the ledger keeps
its people from what the others sent, as far as the journal knows of it.

The note comes after the commit and is not flushed: it may be behind the journal, after a
power cut by some seconds, but never before it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from heapq import nlargest
from typing import TYPE_CHECKING

from bulksend.errors import GateRefused, Problem, counted
from bulksend.journal.records import Claim

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMPARED = 100
"""Marks of a campaign: one look-up each, in a journal that may be far away."""

LINE = b"%020d %020d #%019d\n"
WHOLE = re.compile(rb"(\d{20}) (\d{20}) #(\d{19})\n")
"""Row, epoch, attempt.  Before 2026-11-27 the time stood last: such a mark counts as none."""


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

    def begin(self) -> None:
        """Go on from what is noted, once `refuse_lost` has compared it."""
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


def read_marks(folder: Path) -> dict[str, Claim | None]:
    """What is noted of each run of a campaign; read it before the journal.

    Only of those whose claims are the newest: epochs grow from run to run of a campaign,
    so a journal that knows of these knows of all before them.

    Args:
        folder: Where its marks are.
    """
    paths = [one for one in sorted(folder.glob("*")) if not one.name.startswith(".")]
    noted = {one.name: Mark(one).noted() for one in paths}
    claims = {run: claim for run, claim in noted.items() if claim is not None}
    newest = nlargest(COMPARED, claims, key=lambda run: claims[run][1:])
    return dict.fromkeys(noted) | {run: claims[run] for run in newest}


def refuse_lost(
    folder: Path,
    noted: Mapping[str, Claim | None],
    known: Mapping[str, Claim | None] | None,
    *,
    journal: object = "",
) -> None:
    """Whether the journal knows of all that was sent of a campaign from this home.

    Every run counts, not only the one that begins: what another plan of the campaign has
    sent is looked up in the ledger, and a journal that lost it would send it again.

    Args:
        noted: As `read_marks` gives it.

        known: For each run that the journal knows its latest claim of the noted row; None
            where there is no journal.

        journal: What it is called.

    Raises:
        GateRefused: E604, where it does not.
    """
    lost = {
        run: said
        for run, one in noted.items()
        if (said := _missed(run, one, known or {}))
    }
    if not lost:
        return
    (run, found), *others = lost.items()
    if known is None:
        found = f"there is no journal here, and one knew of run {run}"
    elif others:
        found += f"; nor all of {counted(len(others), 'another run', 'other runs')}"
    lies = folder if others else folder / run
    fix = (
        "Put the newest journal back, with its -wal file, or name it with --journal. "
        f"Without it people may get a second text; who accepts that removes {lies}."
    )
    raise GateRefused(Problem("E604", found, fix=fix, file=str(journal)))


def _missed(
    run: str, noted: Claim | None, known: Mapping[str, Claim | None]
) -> str | None:
    if run not in known:
        return f"it does not know of run {run}"
    claim = known[run]
    if noted is not None and (claim is None or claim.is_before(noted)):
        return (
            f"row {noted.row:,} of {run} was handed over, and it does not know of that"
        )
    return None

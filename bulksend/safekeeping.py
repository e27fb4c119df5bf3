"""A copy of what must not be lost: the journal and the plans, also while a run sends."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.journal.sqlite import Sqlite
from bulksend.journal.store import Journal
from bulksend.whole import whole

if TYPE_CHECKING:
    from bulksend.home import Home


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied, and where to."""

    journal: Path
    runs: int
    plans: int


def back_up(home: Home, folder: Path) -> Backup:
    """Copy journal and plans into *folder*, which may hold an earlier copy.

    The journal's copy is of one moment and appears whole; it replaces the earlier one.
    Plans never change: those that are there already are left alone.

    Raises:
        InputError: E606, where there is nothing to copy, or *folder* cannot be written.
    """
    journal = home.journal
    if not isinstance(journal, Path):
        raise InputError(Problem("E605", str(journal)))
    if not journal.exists():
        raise InputError(Problem("E606", "there is no journal", file=str(journal)))
    target = folder / journal.name
    try:
        if target.exists() and target.samefile(journal):
            found = "it is the journal's own"
            raise InputError(Problem("E606", found, file=str(folder)))
        with closing(Sqlite.open(journal, read_only=True)) as database:
            with whole(target) as unfinished:
                database.copy(unfinished)
            runs = len(Journal(database).runs.all())
        plans = _copy_plans(home.folder / "plans", folder / "plans")
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise InputError(Problem("E606", found, file=str(folder))) from error
    return Backup(target, runs, plans)


def _copy_plans(source: Path, target: Path) -> int:
    """How many were copied anew."""
    target.mkdir(exist_ok=True)
    new = [one for one in source.glob("*.parquet") if not (target / one.name).exists()]
    for plan in new:
        with whole(target / plan.name) as unfinished:
            shutil.copy2(plan, unfinished)
    return len(new)

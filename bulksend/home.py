"""Where bulksend keeps what it must remember: journal, plans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Home:
    """A folder, and the journal that is usually in it."""

    folder: Path
    journal: Path

    @classmethod
    def find(
        cls, beside: Path, environment: Mapping[str, str], journal: str = ""
    ) -> Home:
        """``BULKSEND_HOME``, else ``.bulksend`` in *beside*.

        The journal is in it, or where *journal* or ``BULKSEND_JOURNAL`` says.
        """
        folder = Path(environment.get("BULKSEND_HOME") or beside / ".bulksend")
        elsewhere = journal or environment.get("BULKSEND_JOURNAL", "")
        if "://" in elsewhere:
            raise InputError(
                Problem("E601", "this version keeps its journal in a file", "a path")
            )
        return cls(folder, Path(elsewhere) if elsewhere else folder / "journal.sqlite")

    def plan_path(self, name: str) -> Path:
        return self.folder / "plans" / f"{name}.parquet"

"""Where bulksend keeps what it must remember: journal, plans."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.storage.objects import Objects
from bulksend.storage.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Address:
    """A journal in a PostgreSQL server; as text it has no password."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        plain = re.sub(r"(//[^/?#@:]*):[^/?#@]*@", r"\1@", self.url)
        return re.sub(r"(?i)([?&]\w*password)=[^&#]*", r"\1=***", plain)

    def exists(self) -> bool:
        """Always: its tables are made when it is opened."""
        return True


@dataclass(frozen=True, slots=True)
class Home:
    """A folder, and the journal that is usually in it.

    Args:
        objects: Object storage, with the credentials of the environment.
    """

    folder: Path
    journal: Path | Address
    objects: Objects = field(
        default_factory=lambda: Objects(os.environ), repr=False, compare=False
    )

    @classmethod
    def find(
        cls, beside: Path, environment: Mapping[str, str], journal: str = ""
    ) -> Home:
        """``BULKSEND_HOME``, else ``.bulksend`` in *beside*.

        The journal is in it, or where *journal* or ``BULKSEND_JOURNAL`` says.
        """
        folder = Path(environment.get("BULKSEND_HOME") or beside / ".bulksend")
        elsewhere = journal or environment.get("BULKSEND_JOURNAL", "")
        journal_at = _journal(elsewhere) or folder / "journal.sqlite"
        return cls(folder, journal_at, Objects(environment))

    def spool(self) -> Spool:
        """Where objects are copied to, before anything reads them."""
        return Spool(self.folder / "objects", self.objects)

    def mark_path(self, campaign: str, run: str) -> Path:
        return self.folder / "claims" / campaign.replace("/", "+") / run

    def plan_path(self, name: str) -> Path:
        return self.folder / "plans" / f"{name}.parquet"


def _journal(named: str) -> Path | Address | None:
    if not named:
        return None
    scheme, mark, _ = named.partition("://")
    if not mark:
        return Path(named)
    if scheme in ("postgresql", "postgres"):
        return Address(named)
    expected = "a path, or postgresql://USER@HOST/DATABASE"
    raise InputError(Problem("E601", f"a journal at {scheme}://", expected))

"""Where a row stands: in which of a list's files, and what a spreadsheet calls it there.

Rows are numbered through all files, as if they were one sheet under one header.  Only
that number is kept; the file's own follows from how many rows are above the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import polars as pl

from bulksend.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Sheets:
    """The files of a list, one below the other; none where there is only one.

    Args:
        files: Each file's name, and how many rows are above it: those of the files
            before, without their headers.
    """

    files: tuple[tuple[str, int], ...] = ()

    def place(self, row: int) -> tuple[str, int]:
        """The file, and the row in it; of a list of one file no name."""
        holding = [(name, row - above) for name, above in self.files if row > above + 1]
        return holding[-1] if holding else ("", row)

    def named(self, row: int) -> str:
        """``7``, or ``7 of east.csv``: what is said behind the word *row*."""
        name, own = self.place(row)
        return f"{own} of {name}" if name else str(own)

    def naming(self, row: pl.Expr) -> pl.Expr:
        """The same for a column."""
        said = row.cast(pl.String)
        for name, above in self.files:
            own = (row - above).cast(pl.String) + pl.lit(f" of {name}")
            said = pl.when(row > above + 1).then(own).otherwise(said)
        return said

    def row(self, written: str) -> int:
        """The row that somebody names: ``7``, or ``east.csv:7``.

        Raises:
            InputError: E640, where it is neither.
        """
        name, colon, own = written.rpartition(":")
        known = dict(self.files)
        by_last = [one for one in known if PurePath(one).name == name]
        if name not in known and len(by_last) == 1:
            name = by_last[0]
        if not own.strip().lstrip("-").isdecimal() or (colon and name not in known):
            expected = "a number" if not known else f"a number, or {self.files[0][0]}:7"
            raise InputError(Problem("E640", f"`{written}`", expected))
        row = int(own)
        if not colon:
            return row
        row += known[name]
        if self.place(row) != (name, int(own)):
            raise InputError(Problem("E640", f"there is no row {own}", file=name))
        return row

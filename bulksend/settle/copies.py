"""Whose results a file holds, by what stands in it: a copy that we wrote may be rewritten.

The journal knows where a run's own results are, and of no copy.  But every tag ends in the
key of its run and row (`Plan.mark`), so a file with our columns, in our order, and a tag of
this run in it was written by us.  What somebody has made of one, with a column more or
saved as a workbook by a spreadsheet, is theirs.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import polars as pl

from bulksend.prepare.plan import MARK_LENGTH
from bulksend.settle.workbook import has_header, has_text, holds
from bulksend.storage.location import where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.storage.location import Where

UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    csv.Error,
    BadZipFile,
    pl.exceptions.PolarsError,
)


def is_at(place: Where, recorded: str) -> bool:
    """Whether that is where the journal says that results are, however it is named."""
    known = where(recorded)
    if isinstance(place, Path) and isinstance(known, Path):
        return place.resolve() == known.resolve()
    return place == known


def is_copy(place: Where, names: Sequence[str], mark: str) -> bool:
    """Whether *place* is a file with results of the run whose tags have this *mark*.

    Where nobody was to get a message there is no tag, and it cannot be told.

    Args:
        names: The columns that its results have now.
    """
    look = _LOOKS.get(place.suffix)
    if look is None or not isinstance(place, Path):  # an object says itself whose it is
        return False
    try:
        return place.is_file() and look(place, names, mark)
    except UNREADABLE:  # what cannot be read as one is none
        return False


def mark_of(plan_hash: str) -> str:
    """What stands before the row in the key that ends each tag (`Plan.mark`)."""
    return f"#{plan_hash[:MARK_LENGTH]}-"


def is_of(place: Path, mark: str) -> bool:
    """Whether any tag with this *mark* stands in a file of results, whatever it has become.

    Somebody may have put columns beside ours, or saved it by a spreadsheet: whom it names
    it still names.
    """
    try:
        if place.suffix == ".parquet":
            frame = pl.scan_parquet(place)
            if "tag" not in frame.collect_schema():
                return False
            has_mark = pl.col("tag").cast(pl.String).str.contains(mark, literal=True)
            return bool(frame.select(has_mark.any()).collect().item())
        if place.suffix == ".xlsx":
            with ZipFile(place) as book:
                return any(has_text(book, mark, one) for one in book.namelist())
        with place.open("rb") as file:
            return holds(file, mark)
    except UNREADABLE:  # what cannot be read as one is none
        return False


def _is_csv(path: Path, names: Sequence[str], mark: str) -> bool:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        if _bare(next(lines, ())) != _bare(names):
            return False
        row, tag = names.index("row"), names.index("tag")
        tagged = (line for line in lines if len(line) == len(names) and line[tag])
        first = next(tagged, None)
        return first is not None and first[tag].endswith(f"{mark}{first[row]}")


def _bare(header: Iterable[str]) -> list[str]:
    """Without the apostrophes by which a header is made safe to open in a spreadsheet."""
    return [name.replace("'", "") for name in header]


def _is_parquet(path: Path, names: Sequence[str], mark: str) -> bool:
    frame = pl.scan_parquet(path)
    if frame.collect_schema().names() != list(names):
        return False
    tagged = frame.select("row", "tag").drop_nulls().head(1).collect().rows()
    return any(tag.endswith(f"{mark}{row}") for row, tag in tagged)


def _is_workbook(path: Path, names: Sequence[str], mark: str) -> bool:
    with ZipFile(path) as book:
        return has_header(book, names) and has_text(book, mark)


_LOOKS = {".csv": _is_csv, ".parquet": _is_parquet, ".xlsx": _is_workbook}

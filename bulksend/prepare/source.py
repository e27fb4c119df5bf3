"""The recipient files as one lazy frame, with every file-level problem found first.

The only reader of recipient files.  `scan` goes through each file once (hash, encoding,
field counts, damage) and gives a `Source`, whose frame streams.  Rows are numbered as a
spreadsheet shows them, and no row is lost but the wholly empty ones, which are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare import sniff
from bulksend.prepare.blocks import Scratch
from bulksend.prepare.columns import as_text
from bulksend.prepare.delimited import ROW, Part, read_delimited
from bulksend.prepare.files import find_files
from bulksend.prepare.sheets import Sheets
from bulksend.prepare.sniff import Wish
from bulksend.prepare.together import differences, matched
from bulksend.prepare.typed import read_ndjson, read_parquet
from bulksend.prepare.workbooks import read_workbook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from bulksend.storage.spool import Spool

OURS = ("row", "source_file", "source_row")


@dataclass(frozen=True, slots=True)
class Source:
    """Keep it (or use ``with``) while its frame is in use: it owns converted files.

    Args:
        frames: One for each file: ``row`` (Int64) first, then the input's columns.  With
            several files also ``source_file`` and ``source_row``, and ``row`` counts on
            over all of them as if they were one sheet.

        names: The files as messages call them: as they were written, or their addresses.

        sheets: Where ``row`` stands in which of several files.

        rows: How many rows they give.

        digest: SHA-256 over the files' bytes, whatever their names.

        renamed: Header to column, where the header is a name of ours.
    """

    frames: tuple[pl.LazyFrame, ...]
    columns: Mapping[str, pl.DataType]
    files: tuple[Path, ...]
    names: tuple[str, ...]
    sheets: Sheets
    rows: int
    digest: str
    notices: tuple[Problem, ...]
    renamed: Mapping[str, str]
    _scratch: Scratch = field(repr=False, compare=False)
    _states: Mapping[Path, tuple[int, int]] = field(repr=False, compare=False)

    @property
    def frame(self) -> pl.LazyFrame:
        return pl.concat(self.frames, how="vertical")

    @property
    def headers(self) -> dict[str, str]:
        """What a person calls a column -> what the frame calls it."""
        old = {new: old for old, new in self.renamed.items()}
        return {old.get(name, name): name for name in self.columns}

    def text(self, column: str) -> pl.Expr:
        """The column as text: 14155550100.0 as 14155550100, dates as in ISO 8601."""
        return as_text(column, self.columns[column])

    def hold(self) -> None:
        """Nothing wrote to the files since they were checked.

        Raises:
            InputError: E222, with each file that is another one now.
        """
        what = "the file was changed while it was read"
        changed = [file for file in self.files if state(file) != self._states[file]]
        if changed:
            raise InputError(Problem("E222", what, file=str(one)) for one in changed)

    def close(self) -> None:
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def scan(  # noqa: PLR0913 -- the keys of `recipients:`, one for one
    paths: Sequence[str],
    *,
    folder: Path,
    spool: Spool | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    reserved: Collection[str] = (),
    may_lack_header: bool = False,
    may_guess_sheet: bool = True,
) -> Source:
    """Read recipient files.

    Args:
        paths: Files or globs, relative to *folder*, or addresses in object storage.

        folder: The campaign file's folder.

        spool: Where objects are copied to; without it addresses are not read.

        delimiter: One character; found by looking when not given.

        encoding: Needed where a file is neither UTF-8 nor has a byte order mark.

        sheet: Of a workbook; its first when not given.

        reserved: Names that the plan or the results use; a column that has one of them
            is called ``input_<name>``.

        may_lack_header: Whether a first row of numbers is one of the records.

        may_guess_sheet: Whether the first of several is read, where none is named.

    Raises:
        InputError: With the problems of all files.
    """
    wish = Wish(delimiter, encoding, sheet, may_lack_header, may_guess_sheet)
    files = find_files(paths, folder, spool)
    states = {path: state(path) for path in files}
    scratch = Scratch()
    parts = [read_part(path, name, wish, scratch) for path, name in files.items()]
    try:
        return gathered(files, parts, states, scratch=scratch, reserved=reserved)
    except InputError:
        scratch.close()
        raise


def gathered(
    files: Mapping[Path, str],
    parts: Sequence[Part | tuple[Problem, ...]],
    states: Mapping[Path, tuple[int, int]],
    *,
    scratch: Scratch,
    reserved: Collection[str] = (),
) -> Source:
    """The parts of a list as one.

    Args:
        files: Each with its name for messages.

        parts: What `read_part` gave for each file.

        states: What `state` said of each before.

    Raises:
        InputError: With the problems of all files.
    """
    names = tuple(files.values())
    read = [part for part in parts if isinstance(part, Part)]
    problems = [one for part in parts if not isinstance(part, Part) for one in part]
    if len(read) == len(names):
        read = matched(read, names)
        problems += differences(read, names)
    if problems:
        raise InputError(problems)
    renamed = _renamed(read[0].columns, {*reserved, *OURS})
    notices = [notice for part in read for notice in part.notices]
    for old, new in renamed.items():
        what = (
            f"column `{old}` is called `{new}`, as `{old}` is a name of bulksend's own"
        )
        notices.append(Problem("W221", what, file=names[0]))
    return Source(
        frames=tuple(_placed(read, names, renamed)),
        columns=MappingProxyType(
            {renamed.get(name, name): kind for name, kind in read[0].columns.items()}
        ),
        files=tuple(files),
        names=names,
        sheets=_sheets(read, names),
        rows=sum(part.rows for part in read),
        digest=joint_digest([part.digest for part in read]),
        notices=tuple(notices),
        renamed=MappingProxyType(renamed),
        _scratch=scratch,
        _states=states,
    )


def state(path: Path) -> tuple[int, int]:
    """Size and time of a file; (-1, 0) for one that is gone."""
    try:
        found = path.stat()
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


# -- files --------------------------------------------------------------------------


def read_part(
    path: Path, file: str, wish: Wish, scratch: Scratch
) -> Part | tuple[Problem, ...]:
    """One file, or everything that is wrong with it."""
    try:
        return _read(path, file, wish, scratch)
    except InputError as error:
        return error.problems


def _read(path: Path, file: str, wish: Wish, scratch: Scratch) -> Part:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    last = suffixes[-1] if suffixes else ""
    if fix := sniff.NOT_READ.get(last):
        raise InputError(Problem("E202", f"{last} files are not read", "", fix, file))
    packed = last in sniff.COMPRESSED
    kind = sniff.KINDS.get("".join(suffixes[-2:-1]) if packed else last, "csv")
    if packed and kind != "csv":
        what = f"a packed {kind} file is not read"
        raise InputError(Problem("E202", what, fix="Unpack it first.", file=file))
    try:
        if kind == "csv":
            return read_delimited(path, file, wish, scratch)
        _check_signature(path, file, kind)
        if kind == "parquet":
            return read_parquet(path, file)
        if kind == "ndjson":
            return read_ndjson(path, file)
        return read_workbook(path, file, wish)
    except OSError as error:
        what = f"the file cannot be read ({error.strerror or error})"
        raise InputError(Problem("E200", what, file=file)) from error


def _check_signature(path: Path, file: str, kind: str) -> None:
    with path.open("rb") as stream:
        head = stream.read(64)
    if not head:
        raise InputError(Problem("E204", "the file is empty", file=file))
    if kind == "ndjson" and sniff.marked_encoding(head):
        what, fix = (
            "the file begins with a byte order mark",
            "Save it as UTF-8 without.",
        )
        raise InputError(Problem("E205", what, fix=fix, file=file))
    mistaken = sniff.mistaken(head, kind)
    if mistaken:
        what, fix = mistaken
        raise InputError(Problem("E203", f"this is {what}", f"{kind}", fix, file=file))


# -- several files as one sheet -----------------------------------------------------


def _renamed(columns: Iterable[str], reserved: Collection[str]) -> dict[str, str]:
    taken = {*columns, *reserved}
    renamed = {}
    for column in columns:
        if column in reserved:
            name = f"input_{column}"
            while name in taken:
                name = f"input_{name}"
            taken.add(name)
            renamed[column] = name
    return renamed


def _sheets(parts: Sequence[Part], names: Sequence[str]) -> Sheets:
    several = zip(names, _above(parts), strict=True)
    return Sheets(tuple(several) if len(parts) > 1 else ())


def _above(parts: Sequence[Part]) -> list[int]:
    """Rows of the files before each, but for their headers."""
    rows = [part.last_row - 1 for part in parts[:-1]]
    return list(accumulate(rows, initial=0))


def _placed(
    parts: Sequence[Part], names: Sequence[str], renamed: Mapping[str, str]
) -> list[pl.LazyFrame]:
    """Each part with its rows' numbers; of several also where a row stood."""
    columns = [pl.col(name).alias(renamed.get(name, name)) for name in parts[0].columns]
    row = pl.col(ROW).cast(pl.Int64)
    frames = []
    for part, name, above in zip(parts, names, _above(parts), strict=True):
        own = (pl.lit(name).alias("source_file"), row.alias("source_row"))
        places = own if len(parts) > 1 else ()
        frames.append(part.frame.select((row + above).alias("row"), *places, *columns))
    return frames


def joint_digest(digests: Sequence[bytes]) -> str:
    """One digest for the files of a list; a single file's is its own."""
    if len(digests) == 1:
        return digests[0].hex()
    return sha256(b"".join(digests)).hexdigest()

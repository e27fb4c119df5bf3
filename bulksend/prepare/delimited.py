"""Delimited text into a lazy frame, and what all readers of recipient files share.

Polars reads a file as it lies on the disk if it is plain UTF-8.  If it is packed, in
another encoding or has the line ends of old Macs, it is turned into that, block by
block, into a scratch file, while it is being checked.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare import sniff
from bulksend.prepare.alphabets import judge_blocks
from bulksend.prepare.blocks import (
    Digest,
    Scratch,
    decoded,
    kept,
    peek,
    unpacked,
    unzipped,
)
from bulksend.prepare.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bulksend.prepare.sniff import Wish

ROW = "\0row"
"""The row in a part's frame: a name that no column of a file can have by accident."""

# What Polars raises on files it cannot read; the last is a Rust panic.
UNREADABLE = (
    pl.exceptions.PolarsError,
    OSError,
    ValueError,
    pl.exceptions.PanicException,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One file, read.

    Args:
        frame: ``ROW`` (the spreadsheet row, UInt32), then the columns, names cleaned.

        last_row: Spreadsheet row of the last record, empty ones included.

        rows: How many rows the frame will give.
    """

    frame: pl.LazyFrame
    columns: dict[str, pl.DataType]
    last_row: int
    rows: int
    digest: bytes
    notices: tuple[Problem, ...] = ()


def read_delimited(path: Path, file: str, wish: Wish, scratch: Scratch) -> Part:
    """CSV, TSV and their kin.

    What is not UTF-8 is gone through once more to find out what it is, and read anew.

    Raises:
        InputError: With every problem that the whole file has.
    """
    if wish.encoding is not None:
        return _read(path, file, wish, scratch)
    try:
        return _read(path, file, wish, scratch)
    except _NotUtf8:
        verdict = judge_blocks(_bytes_of(path, Digest(path), file))
    if not verdict.example:
        wish = replace(wish, encoding="utf-8")
        return _read(path, file, wish, scratch, readings=verdict.readings)
    part = _read(path, file, replace(wish, encoding=verdict.encoding), scratch)
    found = f"read as {verdict.encoding}, by its letters: “{verdict.example}”"
    fix = "If that is no word, set `recipients.encoding`, or save it as UTF-8."
    said = Problem("W205", found, fix=fix, file=file)
    others = (notice for notice in part.notices if notice.code != said.code)
    return replace(part, notices=(said, *others))


class _NotUtf8(Exception):  # noqa: N818 - it is caught one function above
    """A list that was taken for UTF-8 may be something else."""


def _bytes_of(path: Path, digest: Digest, file: str) -> Iterator[bytes]:
    packing = sniff.COMPRESSED.get(path.suffix.lower(), "")
    if packing == "zip":
        return unzipped(digest, path, file)
    blocks = digest.blocks()
    return unpacked(blocks, packing, file) if packing else blocks


def _read(
    path: Path,
    file: str,
    wish: Wish,
    scratch: Scratch,
    *,
    readings: Sequence[tuple[str, str]] = (),
) -> Part:
    """One way through the file.

    Args:
        readings: What the encoding may be, and how a word reads in it, for the problem
            that it is not UTF-8.

    Raises:
        _NotUtf8: The campaign says no encoding, and it is not this one.
    """
    doubts = wish.encoding is None
    digest = Digest(path)
    packing = sniff.COMPRESSED.get(path.suffix.lower(), "")
    head, blocks = peek(_bytes_of(path, digest, file))
    if mistaken := sniff.mistaken(head, "csv"):
        what, fix = mistaken
        raise InputError(Problem("E203", f"this is {what}", "CSV", fix, file=file))

    notices: list[Problem] = []
    head, blocks, converted = _to_utf8(head, blocks, wish, file, notices)
    if doubts and not _begins_as_utf8(head):
        raise _NotUtf8
    if b"\r" in head and b"\n" not in head:
        converted = True
        blocks = (block.replace(b"\r", b"\n") for block in blocks)
        head = head.replace(b"\r", b"\n")
        notices.append(Problem("W218", "read with CR alone as the line end", file=file))

    lying = path
    if packing or converted:
        lying = scratch.new()
        blocks = kept(blocks, lying)
    inner = Path(path.stem).suffix if packing else path.suffix
    layout = sniff.sniff_layout(
        head.decode(errors="replace"),
        wish,
        file=file,
        usual="\t" if inner.lower() in {".tsv", ".tab"} else ",",
    )
    records = _records(blocks, layout, doubts=doubts)
    _refuse(records, file, readings)
    frame = _csv_frame(lying, layout)
    return _delimited_part(frame, layout, records, notices, (file, digest.whole()))


def _to_utf8(
    head: bytes, blocks: Iterator[bytes], wish: Wish, file: str, notices: list[Problem]
) -> tuple[bytes, Iterator[bytes], bool]:
    marked = sniff.marked_encoding(head)
    unmarked = wish.encoding or sniff.unmarked_utf16(head) or "utf-8"
    encoding, length = marked or (unmarked, 0)
    try:
        name = codecs.lookup(encoding).name
        head.decode(encoding, errors="replace")
    except (LookupError, UnicodeError) as error:
        what = f"`{encoding}` is not an encoding that is known here"
        raise InputError(
            Problem("E205", what, file=file, fix="Use a name such as windows-1252.")
        ) from error
    if marked and name == "utf-8":
        notices.append(Problem("W219", "a byte order mark was left out", file=file))
    if name == "utf-8":
        return head, blocks, False

    fix = "Nothing needs to be done."
    notices.append(Problem("W205", f"read as {encoding}", fix=fix, file=file))
    first = next(blocks, b"")[length:]
    head, blocks = peek(decoded(chain((first,), blocks), encoding, file))
    return head, blocks, True


def _begins_as_utf8(head: bytes) -> bool:
    """The last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _records(blocks: Iterable[bytes], layout: sniff.Layout, *, doubts: bool) -> Records:
    records = Records(
        layout.delimiter, layout.header, lines=layout.lines, first_row=layout.first_row
    )
    for block in blocks:
        records.feed(block)
        if doubts and records.foreign:
            raise _NotUtf8
    records.finish()
    if doubts and records.foreign:
        raise _NotUtf8
    return records


def _refuse(records: Records, file: str, readings: Sequence[tuple[str, str]]) -> None:
    problems = records.problems(file)
    row, more = records.foreign_rows()
    if row:
        what = "this record is not UTF-8"
        names = [f"{encoding} (“{word}”)" for encoding, word in readings]
        value = "the one in which this is a word"
        if not names:
            names = sniff.likely_encodings(records.foreign)
            value = [*names, "what it is"][0]
        if names:
            what += f"; it may be {' or '.join(names)}"
        fix = f"Save the file as UTF-8, or set `recipients.encoding` to {value}."
        problems.insert(0, Problem("E205", what, "", fix, file, row=row, more=more))
    if problems:
        raise InputError(problems)


def _csv_frame(path: Path, layout: sniff.Layout) -> pl.LazyFrame:
    return pl.scan_csv(
        path,
        has_header=False,
        skip_lines=layout.lines,
        separator=layout.delimiter,
        schema=dict.fromkeys(layout.header, pl.String),
        missing_columns="insert",  # an empty line may stand first
        row_index_name=ROW,
        row_index_offset=layout.first_row,
        glob=False,
    )


def _delimited_part(
    frame: pl.LazyFrame,
    layout: sniff.Layout,
    records: Records,
    notices: list[Problem],
    named: tuple[str, bytes],
) -> Part:
    file, digest = named
    rows = records.last_row - layout.first_row + 1 - records.blank
    notices += layout.notices
    if not rows:
        notices.append(Problem("W204", "the file has no records", file=file))
    if records.blank:
        frame = frame.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null()))
        notices.append(empty_rows(records.blank, records.first_blank, file))
    columns: dict[str, pl.DataType] = dict.fromkeys(layout.header, pl.String())
    return Part(frame, columns, records.last_row, rows, digest, tuple(notices))


def empty_rows(blank: int, first: int, file: str) -> Problem:
    what = "an empty row was left out"
    return Problem("W220", what, file=file, row=first, more=blank - 1)

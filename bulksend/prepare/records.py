r"""Every record of a delimited file, counted and held to the header's width.

Polars reads a record with too few cells without a word (the rest is null), and stops at
one with too many without saying where.  So each file is gone through once before.

Theory.  A block of whole lines is good where three things hold, and a column of its bytes
tells each of them at memory speed.  Quotes: cut at every quote, the second piece, the
fourth and so on are the insides of cells; what lies between two of them is nothing (a
quote written twice) or begins and ends with a mark that parts cells or records.  Widths:
of the marks outside of quotes every n-th is the end of a line, and no other.  Content: no
NUL, no empty record, UTF-8.
A block that is not good is read line by line, with the state of RFC 4180's grammar carried
from line to line: so a quote that never closes costs no memory, and its row is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

_FOOTER = (
    "Delete the row if it is no part of the list, such as a total or a footer; else give "
    "it all its cells."
)
_OPEN = (
    "Close it at the end of the cell; one that belongs to the text is written twice, in a "
    "cell that is in quotes."
)
_LF, _CR = 10, 13
_LONG = 100
"""So many bytes take as long to hash as a piece takes to look at."""


@dataclass(slots=True)
class _Fault:
    """The first place of one kind of fault, and how many further ones there are."""

    row: int
    place: int
    more: int = 0


class Records:
    """Feed it blocks, then `finish`; then read ``last_row``, ``blank`` and `problems`.

    ``last_row`` is the spreadsheet row of the last record; an empty record counts as a
    row, as in a spreadsheet, and is listed in ``blank``.
    """

    def __init__(
        self,
        delimiter: str,
        header: tuple[str, ...],
        *,
        lines: int,
        first_row: int,
    ) -> None:
        self.delimiter = delimiter.encode()
        self.header = header
        self.last_row = first_row - 1
        self.blank = 0
        self.first_blank = 0
        self.foreign = b""
        """The neighbourhood of the first bytes that are not UTF-8."""

        self._near = 64  # lines; what is longer is read line by line
        self._skip = lines
        self._rest: list[bytes] = []
        self._faults: dict[str, _Fault] = {}

        # Where in the grammar the line-by-line reading stands.
        self._record_open = False
        self._bad = False
        self._quoted = False
        self._place = 0
        self._opened = 0
        self._odd = 0
        self._quotes = 0

        width = len(header)
        self._part = ord(delimiter)
        self._empty = self.delimiter * (width - 1)
        self._may_begin_empty = [self._part] if width > 1 else [_LF, _CR]
        self._before_quote = {self.delimiter, b"\n"}
        self._behind_quote = (self.delimiter, b"\n", b"\r\n")
        part = re.escape(self.delimiter)
        cell = rb'(?>"[^"]*+(?:""[^"]*+)*+"|[^"%b]*+)' % part
        self._good = re.compile(rb"(?:%b%b){%d}%b\r?" % (cell, part, width - 1, cell))

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file, cut anywhere."""
        end = block.rfind(b"\n") + 1
        if not end:
            self._rest += [block] if block else []
            return
        chunk = b"".join((*self._rest, block[:end]))
        self._rest = [block[end:]] if end < len(block) else []

        while self._skip and chunk:
            self._skip -= 1
            line, _, chunk = chunk.partition(b"\n")
            self._decode(line)
        if not chunk or self._is_plain(chunk):
            return
        whole = self._up_to_open_quote(chunk)
        if len(whole) == len(chunk) or not self._is_plain(whole):
            self._read(whole)
        if len(whole) < len(chunk):
            self._rest.insert(0, chunk[len(whole) :])

    def finish(self) -> None:
        if self._rest:
            self._near = 0
            self.feed(b"\n")
        if self._quoted:
            self._fault("unclosed", self._opened)

    def _up_to_open_quote(self, chunk: bytes) -> bytes:
        """Without the record at the end whose cell goes on, if it is a short one."""
        if self._record_open or not chunk.count(b'"') % 2:
            return chunk
        end = len(chunk) - 1
        for _ in range(self._near):
            end = chunk.rfind(b"\n", 0, end)
            if end < 0:
                break
            if chunk.count(b'"', end) % 2:
                return chunk[: end + 1]
        return chunk

    def _is_plain(self, chunk: bytes) -> bool:
        """Whether all of the chunk is good, judged without reading its lines."""
        if self._record_open or b"\0" in chunk or not self._is_utf8(chunk):
            return False
        outside = self._outside(chunk) if b'"' in chunk else chunk
        if outside is None:
            return False
        octets = _octets(outside)
        ends = octets == _LF
        marks = octets.filter(ends | (octets == self._part))
        width, records = len(self.header), int(ends.sum())
        if len(marks) != width * records or self._has_empty(chunk, octets, ends):
            return False
        if not (marks.gather_every(width, width - 1) == _LF).all():
            return False
        self.last_row += records
        return True

    def _is_utf8(self, chunk: bytes) -> bool:
        if chunk.isascii():
            return True
        try:
            pl.Series([chunk], dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.PolarsError:
            self.foreign = self.foreign or _near_foreign(chunk)
            return False
        return True

    def _outside(self, chunk: bytes) -> bytes | None:
        """What is not in quotes; None where a quote stands in a wrong place."""
        pieces = chunk.split(b'"')
        if not len(pieces) % 2:
            return None
        first, last = pieces[0], pieces[-1]
        between: Collection[bytes] = pieces[2:-1:2]
        if len(between) * _LONG > len(chunk):  # most cells are quoted: few differ
            between = set(between)
        between = [piece for piece in between if piece]
        opens = all(piece[-1:] in self._before_quote for piece in between)
        closes = all(piece.startswith(self._behind_quote) for piece in between)
        opens = opens and (not first or first[-1:] in self._before_quote)
        if not (opens and closes and last.startswith(self._behind_quote)):
            return None
        return b"".join(pieces[::2])

    def _has_empty(self, chunk: bytes, octets: pl.Series, ends: pl.Series) -> bool:
        """Whether a record may be empty; a line of a quoted cell may look like one."""
        if b"\r" in chunk and b"\r" + self.delimiter in chunk:
            return True
        begins = octets[1:].filter(ends[:-1]).append(octets[:1])
        if not begins.is_in(self._may_begin_empty).any():
            return False
        whole = b"\n" + chunk
        return any(b"\n" + self._empty + end in whole for end in (b"\n", b"\r\n"))

    def _read(self, chunk: bytes) -> None:
        check = not chunk.isascii()
        for line in chunk[:-1].split(b"\n"):
            if not self._record_open:
                self.last_row += 1
                # Polars drops one CR at the end of a cell, whichever it is.
                bare = line.replace(b"\r" + self.delimiter, self.delimiter)
                if bare.removesuffix(b"\r") in {b"", self._empty}:
                    self.blank += 1
                    self.first_blank = self.first_blank or self.last_row
                    continue
                self._record_open, self._bad = True, False
                self._place, self._odd, self._quotes = 1, 0, 0
            if b"\0" in line:
                self._fault("nul", self._place)
            if check and not line.isascii():
                self._decode(line)
            if not self._quoted and b'"' not in line:
                self._place += line.count(self.delimiter)
            elif not self._quoted and self._good.fullmatch(line):
                self._place = len(self.header)
            else:
                self._walk(line.removesuffix(b"\r"))
            if not self._quoted:
                self._end_record()

    def _decode(self, line: bytes) -> None:
        try:
            line.decode()
        except UnicodeDecodeError:
            self.foreign = self.foreign or line
            self._fault("foreign", 1)

    def _walk(self, line: bytes) -> None:
        """Follow the quotes of one line; a cell may begin or end on other lines."""
        from_before = self._quoted
        self._quotes += line.count(b'"')
        at = 0
        while True:
            if not self._quoted and line.startswith(b'"', at):
                self._quoted, self._opened, at = True, self._place, at + 1
            if self._quoted:
                at = self._closing(line, at)
                if at < 0:
                    break
                if at < len(line) and not line.startswith(self.delimiter, at):
                    self._fault("unclosed" if from_before else "stray", self._opened)
                self._quoted = from_before = False
            end = line.find(self.delimiter, at)
            if not self._odd and line.find(b'"', at, end % (len(line) + 1)) >= 0:
                self._odd = self._place
            if end < 0:
                break
            self._place, at = self._place + 1, end + 1
        # Polars, like most readers, finds the ends of records by counting quotes.
        if self._quotes % 2 != self._quoted:
            self._fault("stray", self._odd or self._place)

    @staticmethod
    def _closing(line: bytes, at: int) -> int:
        """Where the cell goes on behind its closing quote; -1 on a later line."""
        while (end := line.find(b'"', at)) >= 0:
            if not line.startswith(b'"', end + 1):
                return end + 1
            at = end + 2
        return -1

    def _end_record(self) -> None:
        self._record_open = False
        if self._place != len(self.header) and not self._bad:
            few = self._place < len(self.header)
            self._fault("few" if few else "many", self._place)

    def _fault(self, kind: str, place: int) -> None:
        if kind in {"unclosed", "stray"}:
            if self._bad:
                return
            self._bad = True
        fault = self._faults.get(kind)
        if fault is None:
            self._faults[kind] = _Fault(self.last_row, place)
        elif fault.row != self.last_row:
            fault.more += 1

    def problems(self, file: str) -> list[Problem]:
        """What is wrong with the records.  Bytes that are not UTF-8 are not among it."""
        return [
            self._problem(kind, fault, file)
            for kind, fault in self._faults.items()
            if kind != "foreign"
        ]

    def foreign_rows(self) -> tuple[int, int]:
        """The first row that is not UTF-8 (0: none), and how many more there are."""
        fault = self._faults.get("foreign")
        return (fault.row, fault.more) if fault else (0, 0)

    def _problem(self, kind: str, fault: _Fault, file: str) -> Problem:
        width, more = len(self.header), fault.more
        name = self.header[min(fault.place, width) - 1]
        fix = ""
        match kind:
            case "nul":
                what = "a NUL byte is in this record"
                return Problem("E206", what, file=file, row=fault.row, more=more)
            case "unclosed":
                what = "a quote opens in this cell and is not closed"
                fix = _OPEN
            case "stray":
                what = "a quote stands inside this cell, or text behind its last quote"
            case _:
                cells = "1 cell" if fault.place == 1 else f"{fault.place:,} cells"
                what, expected = (
                    f"this record has {cells}",
                    f"{width:,} as in the header",
                )
                fix = _FOOTER if kind == "few" else ""
                if width == 1 and kind == "many":  # a title, and no header
                    fix = "If this row holds the column names, delete what is above it."
                return Problem(
                    "E209", what, expected, fix, file, row=fault.row, more=more
                )
        return Problem(
            "E208", what, "", fix, file, row=fault.row, column=name, more=more
        )


def _near_foreign(chunk: bytes) -> bytes:
    try:
        chunk.decode()
    except UnicodeDecodeError as error:
        return chunk[max(error.start - 2000, 0) : error.start + 2000]
    return b""


def _octets(data: bytes) -> pl.Series:
    return pl.Series([data], dtype=pl.Binary).cast(pl.List(pl.UInt8)).explode()

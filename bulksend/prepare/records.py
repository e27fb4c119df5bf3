r"""Every record of a delimited file, counted and held to the header's width.

Polars reads a record with too few cells without a word (the rest is null), and stops at
one with too many without saying where.  So each file is gone through once before.

Theory.  Of a block of whole lines, keep only the bytes that part cells and records
(`bytes.translate` drops all others at memory speed).  Without quotes, a good block is
then one pattern over and over: ``,,,\n,,,\n``.  With quotes, what lies between every
second pair of quotes is cell content and falls away first; two quotes side by side,
whether an empty cell or an escaped quote, change nothing and fall away before that.
Where all lines leave the same marks, one of them is judged for all.
A block that is not the pattern (or has an empty record, a NUL, or bytes that are not
UTF-8) is read line by line, with the state of RFC 4180's grammar carried from line to
line: so a quote that never closes costs no memory, and its row is known.

What the pattern cannot see is a quote in a wrong place whose pair evens it out.  Polars
refuses those, so the caller tries Polars on files with quotes, and on failure asks again
with ``exact=True``, which reads every line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bulksend.errors import Problem


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
        exact: bool = False,
    ) -> None:
        self.delimiter = delimiter.encode()
        self.header = header
        self.last_row = first_row - 1
        self.blank = 0
        self.first_blank = 0
        self.quotes = False
        self.foreign = b""
        """The neighbourhood of the first bytes that are not UTF-8."""

        self._exact = exact
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
        marks = self.delimiter + b'\n"\0'
        self._ordinary = bytes(byte for byte in range(256) if byte not in marks)
        self._pattern = self.delimiter * (width - 1) + b"\n"
        self._empty = self.delimiter * (width - 1)
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
        if self._exact or self._record_open:
            return False
        if not chunk.isascii():
            try:
                chunk.decode()
            except UnicodeDecodeError as error:
                at = max(error.start - 2000, 0)
                self.foreign = self.foreign or chunk[at : error.start + 2000]
                return False
        if self._has_empty(chunk):
            return False

        marks = chunk.translate(None, self._ordinary)
        times = 1
        first = marks[: marks.find(b"\n") + 1]
        if marks == first * (len(marks) // len(first)):
            times, marks = len(marks) // len(first), first
        if b'"' in marks:
            self.quotes = True
            parts = marks.replace(b'""', b"").split(b'"')
            if not len(parts) % 2:
                return False
            marks = b"".join(parts[::2])
        records, rest = divmod(len(marks), len(self._pattern))
        if rest or marks != self._pattern * records:
            return False
        self.last_row += records * times
        return True

    def _has_empty(self, chunk: bytes) -> bool:
        """Whether a record may be empty; a line of a quoted cell may look like one."""
        ends = [b"\n"]
        if b"\r" in chunk:
            if b"\r" + self.delimiter in chunk:
                return True
            ends.append(b"\r\n")
        return any(
            chunk.startswith(self._empty + end) or b"\n" + self._empty + end in chunk
            for end in ends
        )

    def _read(self, chunk: bytes) -> None:
        self.quotes = self.quotes or b'"' in chunk
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
        match kind:
            case "nul":
                what = "a NUL byte is in this record"
                return Problem("E206", what, file=file, row=fault.row, more=more)
            case "unclosed":
                what = "a quote opens in this cell and is not closed"
            case "stray":
                what = "a quote stands inside this cell, or text behind its last quote"
            case _:
                cells = "1 cell" if fault.place == 1 else f"{fault.place:,} cells"
                what, expected = (
                    f"this record has {cells}",
                    f"{width:,} as in the header",
                )
                return Problem(
                    "E209", what, expected, file=file, row=fault.row, more=more
                )
        return Problem("E208", what, file=file, row=fault.row, column=name, more=more)

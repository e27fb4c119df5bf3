"""The cells of a workbook's sheet that hold an error, such as ``#N/A``.

Readers of workbooks give nothing for them: the row would be said to have no number, and a
row of nothing else would be left out as empty.  So where a sheet has some, its XML is gone
through (ECMA-376, 18.3.1.4: a cell of type ``e`` has the error's text as its value).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIGN = b't="e"'
_BLOCK = 1 << 20
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class ErrorCell(NamedTuple):
    """Row and column are counted from 1 and from 0, as a sheet and a frame do."""

    row: int
    column: int
    text: str


def error_cells(path: Path, sheet: str) -> list[ErrorCell]:
    """Those of one sheet, in order; none where the file is laid out otherwise."""
    try:
        with ZipFile(path) as book:
            part = _part(book, sheet)
            if not part or not _has_errors(book, part):
                return []
            return list(_cells(book, part))
    except (BadZipFile, KeyError, expat.ExpatError, NotImplementedError, RuntimeError):
        return []  # what can be read of it was read


def _part(book: ZipFile, sheet: str) -> str:
    """Where a sheet's cells lie in the archive."""
    sheets = _attributes(book.read("xl/workbook.xml"))
    ids = [one.get("r:id") for one in sheets if one.get("name") == sheet]
    for link in _attributes(book.read("xl/_rels/workbook.xml.rels")):
        if ids and link.get("Id") == ids[0]:
            target = link.get("Target", "")
            return target.lstrip("/") if target[:1] == "/" else f"xl/{target}"
    return ""


def _attributes(data: bytes) -> list[dict[str, str]]:
    """Those of each element."""
    found: list[dict[str, str]] = []
    parser = _parser()
    parser.StartElementHandler = lambda _, attributes: found.append(attributes)
    parser.Parse(data, True)
    return found


def _parser() -> expat.XMLParserType:
    """One that takes no declarations: entities can grow without end."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise KeyError

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _has_errors(book: ZipFile, part: str) -> bool:
    with book.open(part) as stream:
        before = b""
        while block := stream.read(_BLOCK):
            if _SIGN in before + block:
                return True
            before = block[-len(_SIGN) :]
    return False


def _cells(book: ZipFile, part: str) -> Iterator[ErrorCell]:
    reading = _Reading()
    with book.open(part) as stream:
        while block := stream.read(_BLOCK):
            reading.parser.Parse(block, False)
            yield from reading.found
            reading.found.clear()


class _Reading:
    """The values of cells of type ``e``, as they come by."""

    def __init__(self) -> None:
        self.found: list[ErrorCell] = []
        self._place: re.Match[str] | None = None
        self._value: list[str] | None = None
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._text
        self.parser.EndElementHandler = self._end

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            is_error = attributes.get("t") == "e"
            self._place = (
                is_error and _PLACE.fullmatch(attributes.get("r", ""))
            ) or None
        elif tag == "v" and self._place:
            self._value = []

    def _text(self, text: str) -> None:
        if self._value is not None:
            self._value.append(text)

    def _end(self, tag: str) -> None:
        if tag == "v" and self._place and self._value:
            row, column = int(self._place[2]), _column(self._place[1])
            self.found.append(ErrorCell(row, column, "".join(self._value)))
        if tag == "v":
            self._value = None


def _column(letters: str) -> int:
    """``A`` is 0, ``AA`` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1

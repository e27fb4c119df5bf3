"""What a workbook shows, where readers of workbooks give something else.

For an error such as ``#N/A`` they give nothing: the row would be said to have no number,
and a row of nothing else would be left out as empty.  For 501 in the format ``00000``,
which shows the ZIP 00501, they give 501.  So where a sheet has such cells, its XML is
gone through (ECMA-376, 18.3.1.4: a cell of type ``e`` has the error's text as its value,
one without a type a number, and its style says by which format that is shown).  Of
merged cells only the first holds what all of them show; and a sheet may be hidden.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_BLOCK = 1 << 20
_OTHERWISE = (
    BadZipFile, KeyError, expat.ExpatError, NotImplementedError, RuntimeError
)  # fmt: skip
"""What can be read of such a file was read."""

_MERGED = re.compile(r'<(?:\w+:)?mergeCell ref="([A-Z]{1,3})([0-9]{1,7}):')
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")

_TOKEN = re.compile(r'[0#?]|[-() /+]|\\.|"[^"]*"')
"""A place for a digit; or a mark between them, plain, escaped or quoted."""
_PADDING = re.compile(rf"(?:\[[^\]]*\])?((?:{_TOKEN.pattern})*)")
"""A format of whole numbers; others have points, commas, percent signs or letters."""


class ShownCell(NamedTuple):
    """Row and column are counted from 1 and from 0, as a sheet and a frame do."""

    row: int
    column: int
    text: str
    is_error: bool


def shown_cells(path: Path, sheet: str) -> list[ShownCell]:
    """Those of one sheet, in order; none where the file is laid out otherwise."""
    try:
        with ZipFile(path) as book:
            part = _part(book, sheet)
            formats = _padding_formats(book)
            if not part or not _has_any(book, part, formats):
                return []
            return list(_cells(book, part, formats))
    except _OTHERWISE:
        return []


def hidden_sheets(path: Path) -> set[str]:
    """The names of the sheets that nobody sees; none where the file is laid out otherwise."""
    try:
        with ZipFile(path) as book:
            sheets = _elements(book.read("xl/workbook.xml"))
    except _OTHERWISE:
        return set()
    return {one["name"] for _, one in sheets if "hidden" in _state(one)}


def _state(sheet: Mapping[str, str]) -> str:
    return sheet.get("state", "").lower()


def merged_cells(path: Path, sheet: str) -> list[tuple[int, int]]:
    """Row and column of the first cell of each merged range, counted as in `ShownCell`."""
    try:
        with ZipFile(path) as book:
            part = _part(book, sheet)
            found = list(_merged(book, part)) if part else []
    except _OTHERWISE:
        return []
    return sorted((int(row), _column(letters)) for letters, row in found)


def _merged(book: ZipFile, part: str) -> Iterator[tuple[str, str]]:
    """They stand at the end, behind all cells."""
    with book.open(part) as stream:
        rest = ""
        while block := stream.read(_BLOCK):
            text = rest + block.decode("latin-1")  # what is sought is ASCII
            whole = text.rfind(">") + 1
            yield from _MERGED.findall(text[:whole])
            rest = text[whole:]


def padded(digits: str, code: str) -> str:
    """A whole number as a format that fills up with zeros shows it: 501 as ``00501``."""
    tokens = _TOKEN.findall(code)
    left = digits.zfill(_least(tokens))
    empty = sum(map(_is_place, tokens)) - len(left)  # below 0: digits without a place
    shown = []
    for token in tokens:
        if not _is_place(token):
            shown.append(token.strip('"').removeprefix("\\"))
        elif empty > 0:
            empty -= 1
        else:
            shown.append(left[: 1 - empty])
            left, empty = left[1 - empty :], 0
    return "".join(shown)


def _is_place(token: str) -> bool:
    return token in ("0", "#", "?")


def _least(tokens: Sequence[str]) -> int:
    """How many digits are shown at least: from the first zero on, all places."""
    if "0" not in tokens:
        return 0
    return sum(map(_is_place, tokens[tokens.index("0") :]))


def _padding_formats(book: ZipFile) -> dict[str, str]:
    """The styles of cells whose format fills up with zeros, each with its format."""
    codes: dict[str, str] = {}
    styles: list[str] = []
    within = ""
    for tag, attributes in _elements(book.read("xl/styles.xml")):
        if tag == "numFmt":
            found = _PADDING.fullmatch(attributes.get("formatCode", ""))
            if found and _least(_TOKEN.findall(found[1])) > 1:
                codes[attributes.get("numFmtId", "")] = found[1]
        elif tag == "xf" and within == "cellXfs":
            styles.append(attributes.get("numFmtId", ""))
        elif tag in ("cellXfs", "cellStyles"):
            within = tag
    return {str(at): codes[one] for at, one in enumerate(styles) if one in codes}


def _part(book: ZipFile, sheet: str) -> str:
    """Where a sheet's cells lie in the archive."""
    sheets = [one for _, one in _elements(book.read("xl/workbook.xml"))]
    ids = [one.get("r:id") for one in sheets if one.get("name") == sheet]
    for _, link in _elements(book.read("xl/_rels/workbook.xml.rels")):
        if ids and link.get("Id") == ids[0]:
            target = link.get("Target", "")
            return target.lstrip("/") if target[:1] == "/" else f"xl/{target}"
    return ""


def _elements(data: bytes) -> list[tuple[str, dict[str, str]]]:
    """Each element's name and attributes."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda tag, attributes: found.append((tag, attributes))
    parser.Parse(data, True)
    return found


def _parser() -> expat.XMLParserType:
    """One that takes no declarations: entities can grow without end."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise KeyError

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _has_any(book: ZipFile, part: str, formats: Mapping[str, str]) -> bool:
    signs = [b't="e"', *(f's="{style}"'.encode() for style in formats)]
    longest = max(map(len, signs))
    with book.open(part) as stream:
        before = b""
        while block := stream.read(_BLOCK):
            near = before + block
            if any(sign in near for sign in signs):
                return True
            before = block[-longest:]
    return False


def _cells(book: ZipFile, part: str, formats: Mapping[str, str]) -> Iterator[ShownCell]:
    reading = _Reading(formats)
    with book.open(part) as stream:
        while block := stream.read(_BLOCK):
            reading.parser.Parse(block, False)
            yield from reading.found
            reading.found.clear()


class _Reading:
    """The values of such cells, as they come by."""

    def __init__(self, formats: Mapping[str, str]) -> None:
        self.found: list[ShownCell] = []
        self._formats = formats
        self._place: re.Match[str] | None = None
        self._format = ""
        self._value: list[str] | None = None
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._text
        self.parser.EndElementHandler = self._end

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            kind = attributes.get("t", "n")
            style = attributes.get("s", "")
            self._format = self._formats.get(style, "") if kind == "n" else ""
            is_shown = kind == "e" or self._format
            place = _PLACE.fullmatch(attributes.get("r", ""))
            self._place = place if is_shown else None
        elif tag == "v" and self._place:
            self._value = []

    def _text(self, text: str) -> None:
        if self._value is not None:
            self._value.append(text)

    def _end(self, tag: str) -> None:
        if tag != "v" or not self._place or self._value is None:
            return
        row, column = int(self._place[2]), _column(self._place[1])
        text, self._value = "".join(self._value), None
        if not self._format and text:
            self.found.append(ShownCell(row, column, text, is_error=True))
        elif text.isdecimal():
            said = padded(text, self._format)
            self.found.append(ShownCell(row, column, said, is_error=False))


def _column(letters: str) -> int:
    """``A`` is 0, ``AA`` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1

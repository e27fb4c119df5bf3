"""The results as a workbook: rows put together by columns, in the memory of one chunk.

Theory of operation
-------------------
A workbook is a ZIP archive of XML.  xlsxwriter makes one that has headers, widths, styles
and no rows; what it takes for each cell would be minutes for a million rows.  So Polars
puts the rows together, a column at a time, and they go between head and foot of a sheet
straight into the archive: no row, and no file beside it, is ever held as a whole.

Every text is written as a text, so nothing in it can run as a formula, no number loses
its + or its zeros, and nothing turns into a date or a link.
"""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO
from itertools import groupby
from typing import IO, TYPE_CHECKING, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl

from bulksend.prepare.names import own
from bulksend.settle.hurry import go_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bulksend.settle.hurry import Hurry


class Piece(NamedTuple):
    """Rows that stand together in a sheet, the first of them in this line."""

    sheet: int
    line: int
    cells: pl.DataFrame


class Edge(NamedTuple):
    """A sheet without its rows, and the style of a cell that holds a moment."""

    head: bytes
    foot: bytes
    moment: str


MOST_ROWS = 1_048_576
"""Of a sheet, the header included: Excel's limit.  What is over goes to another sheet."""

MOST_CHARACTERS = 32_767
"""Of a cell, in units of UTF-16, as Excel counts: an emoji is two.  A longer text is cut."""

MOST_EXACT = 10**15 - 1
"""Excel keeps 15 digits of a number: a greater one is written as a text."""

CHUNK_ROWS = 10_000
"""It is asked so often whether there is time for more: a fifth of a second."""

WIDTHS = {"row": 8, "status": 12, "text": 60, "error": 60, "tag": 24, "message_id": 30}
USUAL_WIDTH = 18
_TIME = "yyyy-mm-dd hh:mm:ss.000"
_LEVEL = 1
"""Of DEFLATE: XML repeats itself so much that more takes time and saves little."""

_SHEET = "xl/worksheets/sheet{}.xml"
_STRINGS = "xl/sharedStrings.xml"
_EARLY = ("_rels/.rels", "xl/theme/theme1.xml", "xl/styles.xml")
"""By what comes first in it programs tell that an archive is a workbook."""

_LINE = own("line")
_TEXT = ' t="inlineStr"><is><t xml:space="preserve">'
_END = "</t></is></c>"
_DAY_MS = 86_400_000
_DAYS_BEFORE_1970 = 25_569
_NOT_XML = r"[&<>\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x"
_LOOKS_ESCAPED = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def write_workbook(frame: pl.LazyFrame, path: Path, hurry: Hurry | None = None) -> None:
    """Stream *frame*, which has no nested values, into sheets of a workbook.

    Raises:
        OSError: What the disk says.
        OutOfTime: *hurry* has no time for the rest of it.
    """
    schema = frame.collect_schema()
    cells = frame.with_columns(_cells(schema))
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as book:
        bare = _bare(schema.names(), sheets=2)
        for part in _EARLY:
            book.writestr(part, bare.read(part))
        sheet = 1
        for sheet, pieces in groupby(_pieces(cells), key=lambda piece: piece.sheet):
            edge = _edge(bare.read(_SHEET.format(min(sheet, 2))))
            with book.open(_SHEET.format(sheet), "w", force_zip64=True) as file:
                file.write(edge.head)
                for piece in pieces:
                    go_on(hurry)
                    file.write(_rows(piece, edge.moment))
                file.write(edge.foot)
        there, bare = set(book.namelist()), _bare(schema.names(), sheets=sheet)
        for part in bare.namelist():
            if part not in there:
                book.writestr(part, bare.read(part))


def has_header(book: ZipFile, names: Sequence[str]) -> bool:
    """Whether this header is all that its sheets share, as in what `write_workbook` made.

    A spreadsheet that saves it puts every text there.
    """
    return _strings(book) == _strings(_bare(names, sheets=1))


def has_text(book: ZipFile, text: str, name: str = "") -> bool:
    """Whether *text*, which needs no escapes, stands in a cell of the first sheet.

    Args:
        name: Another part of the book to look in.
    """
    with book.open(name or _SHEET.format(1)) as sheet:
        return holds(sheet, text)


def holds(file: IO[bytes], text: str) -> bool:
    """Whether *text* stands anywhere in what can be read."""
    before, sought = b"", text.encode()
    while part := file.read(1 << 20):
        if sought in before + part:
            return True
        before = part[-len(sought) :]
    return False


def _strings(book: ZipFile) -> list[bytes]:
    return re.findall(rb"<si>.*?</si>", book.read(_STRINGS), flags=re.DOTALL)


def _cells(schema: pl.Schema) -> list[pl.Expr]:
    """Of the types that no cell has, the nearest; of moments and dates the days that count."""
    cells = []
    for name, kind in schema.items():
        value = pl.col(name)
        if kind == pl.String:
            cells.append(value.map_batches(_cut, pl.String, is_elementwise=True))
        elif kind.is_float():
            cells.append(pl.when(value.is_finite()).then(value).alias(name))
        elif not (kind.is_integer() or isinstance(kind, pl.Datetime | pl.Boolean)):
            cells.append(value.cast(pl.String))
    return cells


def _cut(texts: pl.Series) -> pl.Series:
    """As many characters of each text as a cell has room for, none of them halved."""
    which = (texts.str.len_bytes() > MOST_CHARACTERS).fill_null(value=False)
    if not which.any():
        return texts
    places = which.arg_true()
    units = (text.encode("utf-16-le") for text in texts.gather(places))
    kept = [one[: 2 * MOST_CHARACTERS].decode("utf-16-le", "ignore") for one in units]
    return texts.scatter(places, kept)


def _pieces(cells: pl.LazyFrame) -> Iterator[Piece]:
    """The chunks, cut where a sheet is full; at least one."""
    sheet, line = 1, 2
    yield Piece(sheet, line, pl.DataFrame(schema=cells.collect_schema()))
    for chunk in cells.collect_batches(
        chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
    ):
        rest = chunk
        while len(rest):
            if line > MOST_ROWS:
                sheet, line = sheet + 1, 2
            fits = rest.head(MOST_ROWS + 1 - line)
            yield Piece(sheet, line, fits)
            line, rest = line + len(fits), rest.slice(len(fits))


def _rows(piece: Piece, moment: str) -> bytes:
    """The rows of a sheet, as XML."""
    from xlsxwriter.utility import xl_col_to_name

    frame = piece.cells
    line = (
        pl.int_range(piece.line, piece.line + len(frame)).cast(pl.String).alias(_LINE)
    )
    frame = frame.with_columns_seq(line, *_marked_up(frame))
    cells = [
        _cell(name, kind, f'<c r="{xl_col_to_name(place)}', moment)
        for place, (name, kind) in enumerate(piece.cells.schema.items())
    ]
    row = pl.concat_str(
        pl.lit('<row r="'),
        _LINE,
        pl.lit('">'),
        *cells,
        pl.lit("</row>"),
        ignore_nulls=True,
    )
    return str(frame.select(row.str.join("")).item()).encode()


def _cell(name: str, kind: pl.DataType, begun: str, moment: str) -> pl.Expr:
    """A cell, or null where nothing stands in it."""
    value, kept = pl.col(name), "><v>"
    end = "</v></c>"
    if kind == pl.String:
        kept, end = _TEXT, _END
    elif kind == pl.Boolean:
        value, kept = value.cast(pl.UInt8), ' t="b"><v>'
    elif isinstance(kind, pl.Datetime):
        ms = value.dt.timestamp("ms")
        value, kept = ms / _DAY_MS + _DAYS_BEFORE_1970, f" {moment}><v>"
    head = pl.lit(begun), _LINE
    cell = pl.concat_str(*head, pl.lit(f'"{kept}'), value, pl.lit(end))
    if not kind.is_integer():
        return cell
    text = pl.concat_str(*head, pl.lit(f'"{_TEXT}'), value, pl.lit(_END))
    is_exact = value.is_between(-MOST_EXACT, MOST_EXACT)
    return pl.when(is_exact).then(cell).otherwise(text)


def _marked_up(frame: pl.DataFrame) -> Iterator[pl.Series]:
    """The texts in which something must be written otherwise in XML."""
    for name, kind in frame.schema.items():
        if kind != pl.String:
            continue
        texts = frame[name]
        which = texts.str.contains(_NOT_XML).fill_null(value=False)
        if which.any():
            places = which.arg_true()
            yield texts.scatter(places, [_xml(text) for text in texts.gather(places)])


def _xml(text: str) -> str:
    """As Excel writes it: what XML has no way to say becomes ``_xHHHH_``."""
    text = _NO_XML.sub(
        lambda found: f"_x{ord(found[0]):04X}_", _LOOKS_ESCAPED.sub("_x005F_", text)
    )
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bare(names: Sequence[str], sheets: int) -> ZipFile:
    """A workbook of so many sheets, each with the header and one moment."""
    import xlsxwriter

    file = BytesIO()
    with xlsxwriter.Workbook(
        file, {"in_memory": True, "default_date_format": _TIME}
    ) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        for number in range(1, sheets + 1):
            sheet = book.add_worksheet(
                "Results" if number == 1 else f"Results {number}"
            )
            for place, name in enumerate(names):
                sheet.set_column(place, place, WIDTHS.get(name, USUAL_WIDTH))
                sheet.write_string(0, place, name, bold)
            sheet.freeze_panes(1, 0)
            sheet.write_datetime(1, 0, datetime(2000, 1, 1))  # noqa: DTZ001
    return ZipFile(file)


def _edge(sheet: bytes) -> Edge:
    """What stands around the rows; that the sheet ends in its header is not said in it."""
    head, row, foot = re.split(rb'(<row r="2".*</row>)', sheet, flags=re.DOTALL)
    moment = re.findall(rb' (s="\d+")', row)[0].decode()
    return Edge(re.sub(rb"<dimension [^>]*>", b"", head), foot, moment)

"""The results as a workbook, row by row: the memory of one chunk, however many rows.

Every text is written as a text, so nothing in it can run as a formula, no number loses
its + or its zeros, and nothing turns into a date or a link.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.settle.hurry import go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

    from bulksend.settle.hurry import Hurry

MOST_ROWS = 1_048_576
"""Of a sheet, the header included: Excel's limit.  What is over goes to another sheet."""

MOST_CHARACTERS = 32_767
"""Of a cell: Excel's limit.  A longer text is cut there."""

CHUNK_ROWS = 20_000
ROWS_AT_ONCE = 1_000
"""It is asked so often whether there is time for more: a twentieth of a second."""

WIDTHS = {"row": 8, "status": 12, "text": 60, "error": 60, "tag": 24, "message_id": 30}
USUAL_WIDTH = 18
_TIME = "yyyy-mm-dd hh:mm:ss.000"


def write_workbook(frame: pl.LazyFrame, path: Path, hurry: Hurry | None = None) -> None:
    """Stream *frame*, which has no nested values, into sheets of a workbook.

    Raises:
        OSError: What the disk says.
        OutOfTime: *hurry* has no time for the rest of it.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    options = {"constant_memory": True, "default_date_format": _TIME}
    with TemporaryDirectory(prefix="bulksend-") as room:
        book = xlsxwriter.Workbook(str(path), options | {"tmpdir": room})
        book.use_zip64()
        try:
            _write(frame, book, hurry)
        except BaseException:  # to pack what is there would take as long again
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
            raise
        try:
            book.close()
        except FileCreateError as error:  # it holds the disk's own words
            raise _as_os_error(error) from error


def _as_os_error(error: Exception) -> OSError:
    cause = error.args[0] if error.args else error
    return cause if isinstance(cause, OSError) else OSError(str(error))


def _write(frame: pl.LazyFrame, book: Workbook, hurry: Hurry | None) -> None:
    schema = frame.collect_schema()
    plain = frame.with_columns(_cells(schema))
    sheet, line, sheets = _begun(book, schema.names(), 1), 1, 1
    for chunk in plain.collect_batches(
        chunk_size=CHUNK_ROWS, maintain_order=True, engine="streaming"
    ):
        kinds = [_writer(kind) for kind in chunk.schema.dtypes()]
        for row in chunk.iter_rows():
            if line % ROWS_AT_ONCE == 0:
                go_on(hurry)
            if line == MOST_ROWS:
                sheets += 1
                sheet, line = _begun(book, schema.names(), sheets), 1
            for place, (value, write) in enumerate(zip(row, kinds, strict=True)):
                if value is not None:
                    write(sheet, line, place, value)
            line += 1


def _cells(schema: pl.Schema) -> list[pl.Expr]:
    """Of the types that no cell has, the nearest: moments without a zone, plain texts."""
    cells = []
    for name, kind in schema.items():
        value = pl.col(name)
        if isinstance(kind, pl.Datetime):
            cells.append(value.dt.replace_time_zone(None).dt.cast_time_unit("ms"))
        elif kind == pl.String:
            cells.append(value.str.slice(0, MOST_CHARACTERS))
        elif kind.is_float():
            cells.append(pl.when(value.is_finite()).then(value).alias(name))
        elif not (kind.is_integer() or kind == pl.Boolean):
            cells.append(value.cast(pl.String))
    return cells


def _writer(kind: pl.DataType) -> Callable[[Worksheet, int, int, Any], object]:
    if isinstance(kind, pl.Datetime):
        return lambda sheet, *cell: sheet.write_datetime(*cell)
    if kind == pl.Boolean:
        return lambda sheet, *cell: sheet.write_boolean(*cell)
    if kind.is_numeric():
        return lambda sheet, *cell: sheet.write_number(*cell)
    return lambda sheet, *cell: sheet.write_string(*cell)


def _begun(book: Workbook, names: Sequence[str], sheets: int) -> Worksheet:
    sheet = book.add_worksheet("Results" if sheets == 1 else f"Results {sheets}")
    bold = book.add_format({"bold": True, "bottom": 1})
    for place, name in enumerate(names):
        sheet.set_column(place, place, WIDTHS.get(name, USUAL_WIDTH))
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)
    return sheet

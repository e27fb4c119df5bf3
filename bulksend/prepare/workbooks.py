"""A workbook's sheet into a lazy frame.

Its cells all become text: 14155550100 stays that, a date becomes 2026-01-31, and of
number formats only the zeros are kept that fill up a number (the ZIP 00501).
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.blocks import whole_digest
from bulksend.prepare.columns import clean_header, listed, without_header
from bulksend.prepare.delimited import ROW, UNREADABLE, Part, empty_rows
from bulksend.prepare.shown_cells import (
    ShownCell,
    hidden_sheets,
    merged_cells,
    shown_cells,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    import fastexcel

    from bulksend.prepare.sniff import Wish


def read_workbook(path: Path, file: str, wish: Wish) -> Part:
    """An .xlsx or .xlsm sheet.

    Raises:
        InputError: No workbook, no such sheet, or nothing in it.
    """
    import fastexcel

    digest = whole_digest(path)
    try:
        book = fastexcel.read_excel(path)
        hidden = hidden_sheets(path)
        wanted = wish.sheet
        if wanted is None and not wish.may_guess_sheet:
            wanted = _only_sheet(book, file, hidden)
        name, notices = _choose_sheet(book, wanted, file, hidden)
        sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        places = {one.absolute_index: one.name for one in sheet.available_columns()}
        said = [one for one in shown_cells(path, name) if one.column in places]
        cells = _with_shown(sheet.to_polars(), said, places)
    except (fastexcel.FastExcelError, *UNREADABLE) as error:
        reason = str(error).partition("\n")[0][:200]
        what = f"the workbook is damaged, or protected by a password ({reason})"
        raise InputError(Problem("E213", what, file=file)) from error

    filled = cells.with_row_index(ROW, offset=1).filter(
        pl.any_horizontal(pl.exclude(ROW).is_not_null())
    )
    if filled.is_empty():
        raise InputError(Problem("E204", f"sheet `{name}` is empty", file=file))
    _refuse_nuls(filled, file)
    part = _sheet_part(filled, wish, notices, (file, digest))
    errors = [one for one in said if one.is_error]
    what = (
        f"the cell holds {errors[0].text}, an error of the spreadsheet"
        if errors
        else ""
    )
    more = _of_cells("W223", what, [(one.row, one.column) for one in errors], file)
    top = filled[ROW][0]
    merged = [cell for cell in merged_cells(path, name) if cell[0] > top]
    what = "it is merged with other cells, which hold nothing"
    more += _of_cells("W227", what, merged, file)
    return replace(part, notices=(*part.notices, *more))


def _of_cells(
    code: str, what: str, cells: Sequence[tuple[int, int]], file: str
) -> list[Problem]:
    """What is to be said of the first of some cells, each a row and a column."""
    for row, column in cells[:1]:
        letter, more = _letters(column), len(cells) - 1
        return [Problem(code, what, file=file, row=row, column=letter, more=more)]
    return []


def _refuse_nuls(filled: pl.DataFrame, file: str) -> None:
    """Those of a header are found with its names."""
    nul = pl.any_horizontal(pl.exclude(ROW).str.contains("\0", literal=True))
    rows = filled[1:].filter(nul)[ROW]
    if len(rows):
        what = "a NUL byte is in this row"
        raise InputError(
            Problem("E206", what, file=file, row=rows[0], more=len(rows) - 1)
        )


def _with_shown(
    cells: pl.DataFrame, said: Sequence[ShownCell], places: Mapping[int, str]
) -> pl.DataFrame:
    for column in {one.column for one in said}:
        here = [one for one in said if one.column == column and one.row <= len(cells)]
        texts = cells[places[column]].scatter(
            [one.row - 1 for one in here], [one.text for one in here]
        )
        cells = cells.with_columns(texts)
    return cells


def _letters(column: int) -> str:
    """0 is ``A``, 26 is ``AA``."""
    above, place = divmod(column, 26)
    return (_letters(above - 1) if above else "") + chr(ord("A") + place)


def _choose_sheet(
    book: fastexcel.ExcelReader, wanted: str | None, file: str, hidden: Collection[str]
) -> tuple[str, list[Problem]]:
    names = book.sheet_names
    if wanted is not None:
        if wanted in names:
            return wanted, []
        near = difflib.get_close_matches(wanted, names, n=1)
        what = f"there is no sheet `{wanted}`; there are: {listed(names)}"
        fix = f"Did you mean `{near[0]}`?" if near else ""
        raise InputError(Problem("E214", what, fix=fix, file=file))
    if not names:
        raise InputError(Problem("E204", "the workbook has no sheets", file=file))
    if len(names) == 1:
        return names[0], []
    first = next((name for name in names if name not in hidden), names[0])
    what = f"sheet `{first}` is read; there are: {listed(names)}"
    return first, [Problem("W214", what, file=file)]


def _only_sheet(
    book: fastexcel.ExcelReader, file: str, hidden: Collection[str]
) -> str | None:
    """The sheet that holds anything, of those that people see; None where none does.

    Raises:
        InputError: E214, where several do.
    """
    filled = [
        name
        for name in book.sheet_names
        if name not in hidden
        and book.load_sheet(name, header_row=None, n_rows=1).height
    ]
    if len(filled) > 1:
        what = f"which of its sheets is meant is not said; there are: {listed(filled)}"
        fix = "Save the one that is meant as a file of its own."
        raise InputError(Problem("E214", what, fix=fix, file=file))
    return filled[0] if filled else None


def _sheet_part(
    filled: pl.DataFrame, wish: Wish, notices: list[Problem], named: tuple[str, bytes]
) -> Part:
    """The first row that holds anything is the header."""
    file, digest = named
    top, *first = filled.row(0)
    body = filled.slice(1)
    if wish.may_lack_header and (made := without_header([one or "" for one in first])):
        top, body = top - 1, filled
        filled = pl.DataFrame([[top, *made]], filled.schema, orient="row")
    used = [
        column
        for column in filled.columns[1:]
        if filled[column][0] is not None or body[column].null_count() < body.height
    ]
    header, more = clean_header(
        [filled[column][0] or "" for column in used], file=file, row=top
    )
    notices += more
    last = body[ROW][-1] if body.height else top
    if blank := last - top - body.height:
        notices.append(empty_rows(blank, _first_gap(body[ROW], top), file))
    if not body.height:
        notices.append(Problem("W204", "the sheet has no records", file=file))

    names = dict(zip(used, header, strict=True))
    frame = body.lazy().select(
        ROW, *(_iso(old).alias(new) for old, new in names.items())
    )
    columns: dict[str, pl.DataType] = dict.fromkeys(header, pl.String())
    return Part(frame, columns, last, body.height, digest, tuple(notices))


def _first_gap(rows: pl.Series, top: int) -> int:
    """The first row that is not there."""
    expected = pl.Series(range(top + 1, top + 1 + len(rows)), dtype=rows.dtype)
    return int(expected.filter(rows != expected)[0])


def _iso(column: str) -> pl.Expr:
    """A date cell comes as midnight, a time cell as a time on day 0 of the workbook."""
    return (
        pl.col(column)
        .str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "$1")
        .str.replace(r"^1899-12-3[01] (\d\d:\d\d:\d\d)$", "$1")
    )

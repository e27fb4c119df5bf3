"""Parquet, NDJSON and workbooks into a lazy frame: files whose values have types.

Parquet and NDJSON keep their types.  A workbook's cells all become text, as a person
sees them but for number formats: 14155550100 stays that, a date becomes 2026-01-31.
"""

from __future__ import annotations

import difflib
import glob
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.blocks import Digest
from bulksend.prepare.columns import clean_header, listed, shown, without_header
from bulksend.prepare.delimited import (
    ROW,
    UNREADABLE,
    Part,
    empty_rows,
)
from bulksend.prepare.error_cells import ErrorCell, error_cells
from bulksend.prepare.objects import check_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import fastexcel

    from bulksend.prepare.objects import Objects
    from bulksend.prepare.sniff import Wish

NULS = "\0nuls"
FIRST_ROW = 2
"""Spreadsheet row of the first record where the header is not a row of the file."""


def read_parquet(path: Path, file: str) -> Part:
    """Every page is read once, as a damaged one would else be found while sending.

    Raises:
        InputError: It cannot be read to its end.
    """
    digest = _digest(path)
    frame = pl.scan_parquet(
        path,
        row_index_name=ROW,
        row_index_offset=FIRST_ROW,
        glob=False,
        hive_partitioning=False,
    )
    return _typed_part(frame, file, digest, None)


def read_ndjson(path: Path, file: str) -> Part:
    """One object a line; blank lines are no records.

    Raises:
        InputError: A line is not an object, named; or Polars cannot read the file.
    """
    digest = Digest(path)
    objects = check_objects(digest.blocks(), file)
    frame = pl.scan_ndjson(
        glob.escape(str(path)),
        infer_schema_length=None,
        row_index_name=ROW,
        row_index_offset=FIRST_ROW,
    )
    return _typed_part(frame, file, digest.whole(), objects)


def _digest(path: Path) -> bytes:
    digest = Digest(path)
    for _ in digest.blocks():
        pass
    return digest.whole()


def _typed_part(
    frame: pl.LazyFrame, file: str, digest: bytes, objects: Objects | None
) -> Part:
    try:
        schema = frame.collect_schema()
        values = pl.exclude(ROW)
        nul = pl.any_horizontal(pl.lit(value=False), *_nuls(schema))
        read = frame.select(
            pl.len().alias(ROW), nul.sum().alias(NULS), values.is_not_null().sum()
        )
        rows, nuls = read.collect(engine="streaming").row(0)[:2]
        row = frame.filter(nul).select(ROW).first().collect().item() if nuls else 0
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0][:200]
        what = f"the file is damaged, or of a kind that is not read here ({reason})"
        raise InputError(Problem("E213", what, file=file)) from error
    if objects and objects.rows != rows:
        what = f"{rows:,} of {objects.rows:,} records can be read"
        raise InputError(Problem("E213", what, file=file))
    if objects and (mixed := list(_mixed(schema, objects.nested, file))):
        raise InputError(mixed)

    if nuls:
        what = "a NUL byte is in this record"
        raise InputError(Problem("E206", what, file=file, row=row, more=nuls - 1))

    columns = {name: kind for name, kind in schema.items() if name != ROW}
    cleaned, notices = clean_header(tuple(columns), file=file)
    frame = frame.rename(dict(zip(columns, cleaned, strict=True)))
    columns = dict(zip(cleaned, columns.values(), strict=True))
    if not rows:
        notices.append(Problem("W204", "the file has no records", file=file))
    return Part(frame, columns, rows + FIRST_ROW - 1, rows, digest, tuple(notices))


def _nuls(schema: Mapping[str, pl.DataType]) -> Iterator[pl.Expr]:
    """Whether each text has a NUL byte: no program writes one into a text on purpose."""
    for name, kind in schema.items():
        for text in _texts((name,), kind).values():
            yield text.str.contains("\0", literal=True)


def _texts(
    path: tuple[str, ...], kind: pl.DataType, value: pl.Expr | None = None
) -> dict[tuple[str, ...], pl.Expr]:
    """What of a column a message can say as text: itself, or the fields of its groups."""
    value = pl.col(path[0]) if value is None else value
    if isinstance(kind, (pl.String, pl.Categorical, pl.Enum)):
        return {path: value.cast(pl.String)}
    found: dict[tuple[str, ...], pl.Expr] = {}
    for part in kind.fields if isinstance(kind, pl.Struct) else ():
        field = value.struct.field(part.name)
        found |= _texts((*path, part.name), part.dtype, field)  # type: ignore[arg-type]
    return found


def _mixed(
    schema: Mapping[str, pl.DataType], nested: Mapping[tuple[str, ...], int], file: str
) -> Iterator[Problem]:
    """The fields that are read as text and would show people JSON."""
    texts = [path for name, kind in schema.items() for path in _texts((name,), kind)]
    for path in texts:
        if line := nested.get(path):
            what = "this is an object or a list, and plain text in another line"
            name = shown(".".join(path), "")
            yield Problem("E225", what, file=file, line=line, column=name)


# -- workbooks ----------------------------------------------------------------------


def read_workbook(path: Path, file: str, wish: Wish) -> Part:
    """An .xlsx or .xlsm sheet.

    Raises:
        InputError: No workbook, no such sheet, or nothing in it.
    """
    import fastexcel

    digest = _digest(path)
    try:
        book = fastexcel.read_excel(path)
        name, notices = _choose_sheet(book, wish.sheet, file)
        sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        places = {one.absolute_index: one.name for one in sheet.available_columns()}
        errors = [one for one in error_cells(path, name) if one.column in places]
        cells = _with_errors(sheet.to_polars(), errors, places)
    except (fastexcel.FastExcelError, *UNREADABLE) as error:
        reason = str(error).partition("\n")[0][:200]
        what = f"the workbook is damaged, or protected by a password ({reason})"
        raise InputError(Problem("E213", what, file=file)) from error

    filled = cells.with_row_index(ROW, offset=1).filter(
        pl.any_horizontal(pl.exclude(ROW).is_not_null())
    )
    if filled.is_empty():
        raise InputError(Problem("E204", f"sheet `{name}` is empty", file=file))
    part = _sheet_part(filled, wish, notices, (file, digest))
    if not errors:
        return part
    first = errors[0]
    what = f"the cell holds {first.text}, an error of the spreadsheet"
    letter = _letters(first.column)
    notice = Problem(
        "W223", what, file=file, row=first.row, column=letter, more=len(errors) - 1
    )
    return replace(part, notices=(*part.notices, notice))


def _with_errors(
    cells: pl.DataFrame, errors: Sequence[ErrorCell], places: Mapping[int, str]
) -> pl.DataFrame:
    for column in {one.column for one in errors}:
        here = [one for one in errors if one.column == column and one.row <= len(cells)]
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
    book: fastexcel.ExcelReader, wanted: str | None, file: str
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
    what = f"sheet `{names[0]}` is read; there are: {listed(names)}"
    return names[0], [Problem("W214", what, file=file)]


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

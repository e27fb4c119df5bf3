"""The results as a file: CSV or Parquet for machines, CSV or a workbook for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.columns import as_text
from bulksend.settle.moments import iso
from bulksend.settle.workbook import write_workbook
from bulksend.whole import unwritable, whole

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.settle.hurry import Hurry

FORMS = (".csv", ".parquet", ".xlsx")

ELSEWHERE = "write elsewhere with --results PATH"

_COULD_RUN = "^[=+@\t\r\n＝＋－＠-]"  # noqa: RUF001  (full-width ones run in some regions)
_COULD_RUN_WITHIN = r"""([;\t\r\n][\s"]*)([=+@\-＝＋－＠])"""  # noqa: RUF001
"""Where the list separator is a semicolon or a tab, the file is split there, and our quotes
do not hold."""
_IS_NUMBER = r"^[+-][0-9]+([,.][0-9]+)*$"
"""What begins with + or - and is worth itself: E.164, or an amount.  A second sign makes a
sum of it: `+1-919-555-0100` is worth -1573 in Excel, LibreOffice and Sheets."""


def write_results(
    frame: pl.LazyFrame,
    path: Path,
    *,
    for_spreadsheet: bool = False,
    hurry: Hurry | None = None,
) -> None:
    """Stream *frame* into a CSV or Parquet file or a workbook, by the path's ending.

    Args:
        for_spreadsheet: Make a CSV safe to open in a spreadsheet: a cell that it would
            run as a formula begins with an apostrophe, and so does what would begin one
            where semicolons or tabs split cells.  Numbers with a + stay as they are.

    Raises:
        InputError: E625, where it cannot be written.
        OutOfTime: *hurry* has no time for the rest of it.
    """
    if for_spreadsheet and path.suffix == ".parquet":
        what = "a spreadsheet does not open Parquet"
        fix = "Name a file that ends in .csv or .xlsx."
        raise InputError(Problem("E625", what, fix=fix, file=str(path)))
    try:
        with whole(path) as unfinished:
            if path.suffix == ".parquet":
                frame.sink_parquet(
                    unfinished,
                    compression_level=1,  # 3, the default: more CPU, no smaller
                    maintain_order=True,
                    engine="streaming",
                )
            elif path.suffix == ".xlsx":
                schema = frame.collect_schema()
                write_workbook(
                    frame.with_columns(_flat(schema, times=False)), unfinished, hurry
                )
            else:
                _write_csv(frame, unfinished, for_spreadsheet=for_spreadsheet)
    except OSError as error:
        raise unwritable("E625", error, path, ELSEWHERE) from error


def _write_csv(frame: pl.LazyFrame, path: Path, *, for_spreadsheet: bool) -> None:
    flat = frame.with_columns(_flat(frame.collect_schema()))
    if for_spreadsheet:
        flat = flat.with_columns(_defused(pl.col(pl.String)))
        names = flat.collect_schema().names()
        flat = flat.rename(dict(zip(names, _headers(names), strict=True)))
    # Excel reads a CSV as UTF-8 only where a byte order mark says so.
    flat.sink_csv(
        path, include_bom=for_spreadsheet, maintain_order=True, engine="streaming"
    )


def _defused(text: pl.Expr) -> pl.Expr:
    runs = text.str.contains(_COULD_RUN) & ~text.str.contains(_IS_NUMBER)
    whole = text.str.replace_all(_COULD_RUN_WITHIN, "${1}'${2}")
    return pl.when(runs).then(pl.lit("'") + whole).otherwise(whole).name.keep()


def _headers(names: list[str]) -> list[str]:
    """Safe too, and no two alike: a column may have the name that another one gets."""
    frame = pl.DataFrame({"name": names}, schema={"name": pl.String})
    safe = frame.select(_defused(pl.col("name")))["name"].to_list()
    taken = set(names)
    for place, (name, header) in enumerate(zip(names, safe, strict=True)):
        if header != name:
            while safe[place] in taken:
                safe[place] = f"'{safe[place]}"
            taken.add(safe[place])
    return safe


def _flat(schema: pl.Schema, *, times: bool = True) -> list[pl.Expr]:
    """What a cell cannot hold, as text: times in ISO 8601, nested values as JSON.

    Args:
        times: Whether moments become text too; a workbook has cells for them.
    """
    expressions = []
    for name, kind in schema.items():
        value = pl.col(name)
        if isinstance(kind, pl.Datetime) and kind.time_zone == "UTC":
            if times:
                text = value.map_batches(iso, pl.String, is_elementwise=True)
                expressions.append(text)
        elif kind == pl.Duration:
            expressions.append(value.dt.to_string("iso"))
        elif kind.is_nested() or kind == pl.Binary:
            expressions.append(as_text(name, kind))
    return expressions


def check_output(path: Path, *, is_ours: bool) -> None:
    """Find out before anything is sent that the results can be written.

    Raises:
        InputError: E624, where a file of another run stands there; E625, where the
            folder cannot be written.
    """
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    if name != str(path):
        found, fix = "its name is not in UTF-8", "Name it in UTF-8."
        raise InputError(Problem("E625", found, fix=fix, file=name))
    if path.suffix not in FORMS:
        refuse(str(path), f"it ends in `{path.suffix}`")
    probe = path.with_name(f".{path.name}.probe")
    try:
        if path.is_dir():
            refuse(str(path), "it is a folder")
        if path.exists() and not is_ours:
            raise InputError(Problem("E624", "a file stands there", file=str(path)))
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)  # another sender may look at the same time
    except OSError as error:
        raise unwritable("E625", error, path.parent, ELSEWHERE) from error


def refuse(file: str, what: str) -> NoReturn:
    """Raises InputError: E625, with what would do."""
    fix = "Name a file that ends in .csv, .parquet or .xlsx."
    raise InputError(Problem("E625", what, fix=fix, file=file))

"""Lists of numbers: suppression lists and allow-lists.

They are normalised like the recipients, because an opt-out that is spelled differently is
an opt-out all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.define.document import masked
from bulksend.errors import InputError, Problem, counted
from bulksend.prepare.columns import listed, shown
from bulksend.prepare.files import find_files
from bulksend.prepare.list_columns import (
    Reading,
    columns_of_numbers,
    is_other,
    number_in,
    read_cells,
    rounded_columns,
)
from bulksend.prepare.phones import read_numbers
from bulksend.prepare.reasons import REASONS
from bulksend.prepare.several import FEWEST_DIGITS, digits, parted
from bulksend.prepare.source import joint_digest, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.prepare.source import Source

TOLD = ("W204", "W214")
"""What is said of a list, of all that is said of recipients."""

SHOWN = 3
"""Rows that are named, of those that hold something unread."""

_NUMBERS = pl.col("^number .*$")
_NO_CELLS = pl.DataFrame(schema={"row": pl.Int64, "text": pl.String})


@dataclass(frozen=True, slots=True)
class NumberList:
    """E.164 numbers (Int64, distinct), the digest of the files, and what to tell."""

    numbers: pl.Series
    digest: str
    notices: tuple[Problem, ...]


class _Found(NamedTuple):
    """The numbers of a file, rows without any, and by *row* the *text* left unread."""

    numbers: pl.Series
    without: pl.Series
    left: pl.DataFrame


def read_list(paths: Sequence[str], reading: Reading) -> NumberList:
    """Read every file of a list; each may have other columns.

    Raises:
        InputError: A file cannot be read (E2xx), holds no numbers at all (E251), or in a
            type that has rounded them (E224).
    """
    found: list[NumberList] = []
    digests: list[str] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files = find_files([path], reading.folder, reading.spool).values()
        except InputError as error:
            problems.extend(error.problems)
            continue
        here: list[NumberList] = []
        for file in files:
            try:
                here.append(_read_file(file, reading))
            except InputError as error:
                problems.extend(map(_of_list, error.problems))
        found += here
        digests.append(joint_digest([bytes.fromhex(one.digest) for one in here]))
    if problems:
        raise InputError(problems)
    everything = [one.numbers for one in found] or [pl.Series(dtype=pl.Int64)]
    return NumberList(
        pl.concat(everything).unique().sort().alias("numbers"),
        "+".join(digests),
        tuple(notice for one in found for notice in one.notices),
    )


def _read_file(file: str, reading: Reading) -> NumberList:
    with scan(
        [file],
        folder=reading.folder,
        spool=reading.spool,
        may_lack_header=True,
        may_guess_sheet=not reading.keeps_out,
    ) as source:
        if rounded := rounded_columns(source, reading):
            raise InputError(
                Problem(
                    "E224", f"it is of type {kind}", file=file, column=shown(name, "")
                )
                for name, kind in rounded.items()
            )
        columns = columns_of_numbers(source, reading)
        found = _numbers(source, columns, reading)
        notices = [_of_list(one) for one in source.notices if one.code in TOLD]
        if source.rows and not len(found.numbers):
            raise InputError(_without_numbers(file, source, reading))
        notices += _told(found, file)
        return NumberList(found.numbers, source.digest, tuple(notices))


def _of_list(problem: Problem) -> Problem:
    """An empty file may be an export that failed, or a list on which nobody is.

    A list has no key that names its sheet.
    """
    fix = {
        "E204": "If nobody is on the list, write a line `phone` into it; else export it "
        "anew.",
        "W214": "Where another is meant, save that one as a file of its own.",
    }
    return replace(problem, fix=fix.get(problem.code, problem.fix))


def _without_numbers(file: str, source: Source, reading: Reading) -> Problem:
    """With the first cell that has digits enough, and what is wrong with it."""
    what = "no cell holds a number that can be read"
    for header in sorted(source.headers, key=is_other):
        text = source.text(source.headers[header])
        reason = read_numbers(text, reading.region).struct.field("reason")
        cells = source.frame.filter(digits(text) >= FEWEST_DIGITS).select("row", reason)
        for row, why in cells.head(1).collect(engine="streaming").iter_rows():
            said = REASONS[why]
            what += f"; of this one: {said.sentence[:1].lower()}{said.sentence[1:-1]}"
            fix = said.fix if why == "number_country" else ""
            name = shown(header, "")
            return Problem("E251", what, "", fix, file, row=row, column=name)
    named = listed([shown(header) for header in source.headers])
    what += f", and none has {FEWEST_DIGITS} digits; the columns are {named}"
    return Problem("E251", what, "a column of numbers, under any name", file=file)


def _numbers(source: Source, columns: Sequence[str], reading: Reading) -> _Found:
    # A local number may stand where the names belong.
    headers = pl.Series(list(source.headers), dtype=pl.String)
    in_header = read_cells(pl.select(x=headers).lazy(), [pl.col("x")], reading.region)
    known = in_header.to_series().drop_nulls()
    texts = [source.text(column) for column in columns]
    if not texts:
        rows = source.frame.select("row").collect(engine="streaming")["row"]
        return _Found(known, rows, _NO_CELLS)
    cells = source.frame.select(
        "row", *(text.alias(f"text {place}") for place, text in enumerate(texts))
    ).with_columns(
        number_in(pl.col(f"text {place}"), reading.region).alias(f"number {place}")
        for place in range(len(texts))
    )
    looked = cells.select(_NUMBERS, odd=_is_odd(len(texts), reading))
    read = looked.collect(engine="streaming")
    known = pl.concat([known, *(one.drop_nulls() for one in read.drop("odd"))])
    if not read["odd"].any():
        return _Found(known, _NO_CELLS["row"], _NO_CELLS)
    odd = cells.filter(_is_odd(len(texts), reading)).collect(engine="streaming")
    return _with_parts(odd, known, reading)


def _is_odd(columns: int, reading: Reading) -> pl.Expr:
    """Whether a row needs a look: by length, which costs less than counting digits."""
    odd = pl.all_horizontal(_NUMBERS.is_null())
    if not reading.keeps_out:
        return odd
    return odd | pl.any_horizontal(
        pl.col(f"number {place}").is_null()
        & (pl.col(f"text {place}").str.len_bytes() >= FEWEST_DIGITS).fill_null(
            value=False
        )
        for place in range(columns)
    )


def _with_parts(rows: pl.DataFrame, known: pl.Series, reading: Reading) -> _Found:
    """And the numbers of cells that hold several: of the few rows that need a look."""
    without = rows.filter(pl.all_horizontal(_NUMBERS.is_null()))["row"]
    if not reading.keeps_out:
        return _Found(known, without, _NO_CELLS)
    text = pl.col("text")
    cells = pl.concat(
        rows.filter(pl.col(name.replace("text", "number")).is_null())
        .select("row", text=name)
        .filter(digits(text) >= FEWEST_DIGITS)
        for name in rows.columns
        if name.startswith("text ")
    )
    found = parted(cells.sort("row"), reading.region)
    without = without.filter(~without.is_in(found.numbers["row"].implode()))
    left = found.left.filter(~pl.col("row").is_in(without.implode()))
    return _Found(pl.concat([known, found.numbers["e164"]]), without, left)


def _told(found: _Found, file: str) -> list[Problem]:
    """W252: rows without a number, and rows with one and something unread beside it.

    The former by row alone, as their cells may hold names and addresses.
    """
    said = []
    without = found.without
    if count := len(without):
        what = f"{counted(count, 'row holds', 'rows hold')} no number that can be read"
        places = ", ".join(map(str, without.head(SHOWN)))
        said.append(f"{what} ({'row' if count == 1 else 'rows'} {places})")
    beside = found.left.unique("row", keep="first", maintain_order=True)
    if count := len(beside):
        what = counted(count, "row holds a number and", "rows hold a number and")
        places = ", ".join(
            f"row {row}: {masked(re.sub(r'[^0-9]', '', text))}"
            for row, text in beside.head(SHOWN).iter_rows()
        )
        said.append(f"{what} digits that cannot be read ({places})")
    return [Problem("W252", what, file=file) for what in said]

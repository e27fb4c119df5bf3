"""Lists of numbers: suppression lists and allow-lists.

People export them from anywhere, so any column name will do: the column that the
recipients use, else the first column that holds numbers.  They are normalised like the
recipients, because an opt-out that is spelled differently is an opt-out all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.phones import read_numbers
from bulksend.prepare.source import scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.prepare.source import Source

SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class NumberList:
    """E.164 numbers (Int64, distinct), the digest of the files, and what to tell."""

    numbers: pl.Series
    digest: str
    notices: tuple[Problem, ...]


def read_list(
    paths: Sequence[str], *, folder: Path, phone: Sequence[str], region: str | None
) -> NumberList:
    """Read every file of a list.

    Args:
        phone: The recipients' own phone columns: tried first.

    Raises:
        InputError: A file cannot be read (E2xx), or holds no numbers at all (E251).
    """
    found: list[pl.Series] = []
    digests: list[str] = []
    notices: list[Problem] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            with scan([path], folder=folder) as source:
                numbers, unreadable = _numbers(source, path, phone, region)
                digests.append(source.digest)
        except InputError as error:
            problems.extend(error.problems)
            continue
        found.append(numbers)
        if unreadable:
            what = f"{unreadable:,} rows hold no number that can be read"
            notices.append(Problem("W252", what, file=path))
    if problems:
        raise InputError(problems)
    everything = pl.concat(found) if found else pl.Series(dtype=pl.Int64)
    return NumberList(
        everything.unique().sort().alias("numbers"), "+".join(digests), tuple(notices)
    )


def _numbers(
    source: Source, path: str, phone: Sequence[str], region: str | None
) -> tuple[pl.Series, int]:
    column = _column(source, phone, region)
    headers = pl.Series(list(source.headers), dtype=pl.String)
    in_header = _read(pl.select(x=headers).lazy(), pl.col("x"), region).drop_nulls()
    if column is None and not len(in_header):
        raise InputError(
            Problem(
                "E251",
                "no column holds phone numbers",
                "a column of numbers, under any name",
                file=path,
            )
        )
    # A list without a header line: the first number stands where the names belong.
    column = column or source.headers[str(headers[0])]
    read = _read(source.frame, source.text(column), region)
    known = read.drop_nulls()
    return pl.concat([known, in_header]), len(read) - len(known)


def _column(source: Source, phone: Sequence[str], region: str | None) -> str | None:
    wanted = {name.strip().casefold() for name in phone}
    names = sorted(
        source.headers.items(),
        key=lambda item: item[0].strip().casefold() not in wanted,
    )
    head = source.frame.head(SAMPLE)
    for _, column in names:
        text = source.text(column)
        filled = head.filter(text.is_not_null() & (text != ""))
        read = _read(filled, text, region)
        if len(read) and read.is_not_null().sum() * 2 >= len(read):
            return column
    return None


def _read(frame: pl.LazyFrame, text: pl.Expr, region: str | None) -> pl.Series:
    number = read_numbers(text, region).struct.field("e164")
    return frame.select(number.alias("e164")).collect(engine="streaming").to_series()

"""Lists of numbers: suppression lists and allow-lists.

People export them from anywhere, so any column name will do: the column that the
recipients use, else those that hold numbers.  They are normalised like the
recipients, because an opt-out that is spelled differently is an opt-out all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem, counted
from bulksend.prepare.columns import listed, loses_digits, shown
from bulksend.prepare.files import find_files
from bulksend.prepare.phones import read_numbers
from bulksend.prepare.source import joint_digest, scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.prepare.source import Source
    from bulksend.storage.spool import Spool

SAMPLE = 1_000
HALF = 0.5
TOLD = ("W204", "W214")
"""What is said of a list, of all that is said of recipients."""

FEWEST_DIGITS = 7
"""Of a number: a local one in North America."""
_ROUNDED = r"(?:^|[^.\d])\d{8}"
"""From 2^24 on 32 bits round: eight digits before the point."""
_PHONE = re.compile("phone|mobile|cell|tel|msisdn|handy|sms", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberList:
    """E.164 numbers (Int64, distinct), the digest of the files, and what to tell."""

    numbers: pl.Series
    digest: str
    notices: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the files of a list are read.

    Args:
        phone: The recipients' own phone columns: tried first.

        region: Where numbers without a country code belong.

        keeps_out: Whether it says who gets nothing.  Then every column with numbers
            counts, as an opt-out missed is a person texted; of a list of those who may
            get something, only the columns that surely are meant.

        spool: Where objects are copied to; without it addresses are not read.
    """

    folder: Path
    phone: Sequence[str]
    region: str | None
    keeps_out: bool
    spool: Spool | None = None


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
        [file], folder=reading.folder, spool=reading.spool, may_lack_header=True
    ) as source:
        if rounded := _rounded(source, reading):
            raise InputError(
                Problem(
                    "E224", f"it is of type {kind}", file=file, column=shown(name, "")
                )
                for name, kind in rounded.items()
            )
        columns = _columns(source, reading)
        numbers, unreadable = _numbers(source, columns, reading)
        notices = [notice for notice in source.notices if notice.code in TOLD]
        if source.rows and not len(numbers):
            raise InputError(_without_numbers(file, source, reading))
        if unreadable:
            rows = counted(unreadable, "row holds", "rows hold")
            what = f"{rows} no number that can be read"
            notices.append(Problem("W252", what, file=file))
        return NumberList(numbers, source.digest, tuple(notices))


def _of_list(problem: Problem) -> Problem:
    """An empty file may be an export that failed, or a list on which nobody is."""
    if problem.code != "E204":
        return problem
    fix = "If nobody is on the list, write a line `phone` into it; else export it anew."
    return replace(problem, fix=fix)


def _without_numbers(file: str, source: Source, reading: Reading) -> Problem:
    named = listed([shown(header) for header in source.headers])
    fix = "Export it with the numbers; if they are there, check the file."
    if reading.region is None:
        fix = "Set recipients.default_region if its numbers have no country code."
    what = f"none of its columns holds a number that can be read: {named}"
    return Problem("E251", what, "a column of numbers, under any name", fix, file=file)


def _numbers(
    source: Source, columns: Sequence[str], reading: Reading
) -> tuple[pl.Series, int]:
    """The numbers, and how many rows hold none."""
    # A local number may stand where the names belong.
    headers = pl.Series(list(source.headers), dtype=pl.String)
    in_header = _read(pl.select(x=headers).lazy(), [pl.col("x")], reading.region)
    known = in_header.to_series().drop_nulls()
    if not columns:
        return known, source.rows
    read = _read(source.frame, list(map(source.text, columns)), reading.region)
    empty = read.select(pl.all_horizontal(pl.all().is_null()).sum()).item()
    return pl.concat([known, *(one.drop_nulls() for one in read)]), empty


def _columns(source: Source, reading: Reading) -> list[str]:
    """Where the numbers are.

    Of a list that keeps people out each column counts in which most of what looks like a
    number is one, or any is and the column's name says so.  One of ids keeps out nobody
    but whoever has one of them as a number, which is the better mistake.
    """
    shares = {
        header: _share(source, source.text(column), reading)
        for header, column in source.headers.items()
    }
    wanted = {_plain(name) for name in reading.phone}
    named = [header for header in shares if _plain(header) in wanted]
    named = named if any(shares[header] for header in named) else []
    filled = [header for header, share in shares.items() if share >= HALF]
    telling = [one for one in shares if _PHONE.search(one) and shares[one]]
    if reading.keeps_out:
        chosen = {*named, *filled, *telling}
    else:
        chosen = {*(named or [one for one in telling if one in filled] or filled)}
    return [column for header, column in source.headers.items() if header in chosen]


def _rounded(source: Source, reading: Reading) -> dict[str, pl.DataType]:
    """The columns whose numbers are no longer those that were written into them.

    Rounded, most may be no numbers: so it is their size that tells, or the name.
    """
    wanted = {_plain(name) for name in reading.phone}
    rounded = {}
    for header, column in source.headers.items():
        kind = source.columns[column]
        if not loses_digits(kind):
            continue
        has_long = source.text(column).str.contains(_ROUNDED).any()
        is_long = source.frame.select(has_long).collect(engine="streaming").item()
        if is_long or _plain(header) in wanted:
            rounded[header] = kind
    return rounded


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _share(source: Source, text: pl.Expr, reading: Reading) -> float:
    """The share of a column's filled cells that hold a number.

    Of a list that keeps people out, of the cells with as many digits as a number: those
    with addresses of mail beside them are numbers all the same, however far down.
    """
    head = source.frame.head(SAMPLE)
    some = head.filter(text.is_not_null() & (text != ""))
    if reading.keeps_out:
        enough = text.str.count_matches(r"\d") >= FEWEST_DIGITS
        some = source.frame.filter(enough).head(SAMPLE)
    numbers = _read(some, [text], reading.region).to_series()
    return float(numbers.is_not_null().sum()) / max(len(numbers), 1)


def _read(
    frame: pl.LazyFrame, texts: Sequence[pl.Expr], region: str | None
) -> pl.DataFrame:
    numbers = [
        read_numbers(text, region).struct.field("e164").alias(str(place))
        for place, text in enumerate(texts)
    ]
    return frame.select(numbers).collect(engine="streaming")

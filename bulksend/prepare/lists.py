"""Lists of numbers: suppression lists and allow-lists.

People export them from anywhere, so any column name will do: the column that the
recipients use, else those that hold numbers.  They are normalised like the
recipients, because an opt-out that is spelled differently is an opt-out all the same.
"""

from __future__ import annotations

import re
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
    from bulksend.storage.spool import Spool

SAMPLE = 1_000
HALF = 0.5
EMPTY = "W204"
_PHONE = re.compile("phone|mobile|cell|tel|msisdn|handy|sms", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberList:
    """E.164 numbers (Int64, distinct), the digest of the files, and what to tell."""

    numbers: pl.Series
    digest: str
    notices: tuple[Problem, ...]


def read_list(  # noqa: PLR0913 -- as `scan`
    paths: Sequence[str],
    *,
    folder: Path,
    phone: Sequence[str],
    region: str | None,
    keeps_out: bool,
    spool: Spool | None = None,
) -> NumberList:
    """Read every file of a list.

    Args:
        phone: The recipients' own phone columns: tried first.

        spool: Where objects are copied to; without it addresses are not read.

        keeps_out: Whether it says who gets nothing.  Then every column with numbers
            counts, as an opt-out missed is a person texted; of a list of those who may
            get something, only the columns that surely are meant.

    Raises:
        InputError: A file cannot be read (E2xx), or holds no numbers at all (E251).
    """
    found: list[pl.Series] = []
    digests: list[str] = []
    notices: list[Problem] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            with scan([path], folder=folder, spool=spool) as source:
                columns = _columns(source, phone, region, every=keeps_out)
                numbers, unreadable = _numbers(source, path, columns, region)
                digests.append(source.digest)
                notices += [note for note in source.notices if note.code == EMPTY]
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
    source: Source, path: str, columns: Sequence[str], region: str | None
) -> tuple[pl.Series, int]:
    """The numbers, and how many rows hold none."""
    # A list without a header line: its first numbers stand where the names belong.
    headers = pl.Series(list(source.headers), dtype=pl.String)
    in_header = _read(pl.select(x=headers).lazy(), [pl.col("x")], region)
    known = in_header.to_series().drop_nulls()
    if not columns:
        if source.rows and not len(known):
            raise InputError(
                Problem(
                    "E251",
                    "no column holds phone numbers",
                    "a column of numbers, under any name",
                    file=path,
                )
            )
        return known, source.rows
    read = _read(source.frame, list(map(source.text, columns)), region)
    empty = read.select(pl.all_horizontal(pl.all().is_null()).sum()).item()
    return pl.concat([known, *(one.drop_nulls() for one in read)]), empty


def _columns(
    source: Source, phone: Sequence[str], region: str | None, *, every: bool
) -> list[str]:
    """Where the numbers are.

    A column of ids may look like numbers.  With *every* it counts too: it keeps out
    nobody but whoever has one of them as a number, which is the better mistake.
    """
    head = source.frame.head(SAMPLE)
    shares = {
        header: _share(head, source.text(column), region)
        for header, column in source.headers.items()
    }
    wanted = {_plain(name) for name in phone}
    named = [header for header in shares if _plain(header) in wanted]
    named = named if any(shares[header] for header in named) else []
    filled = [header for header, share in shares.items() if share >= HALF]
    if every:
        return [source.headers[one] for one in shares if one in {*named, *filled}]
    telling = [header for header in filled if _PHONE.search(header)]
    return [source.headers[header] for header in named or telling or filled]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _share(head: pl.LazyFrame, text: pl.Expr, region: str | None) -> float:
    """The share of a column's filled cells that hold a number."""
    filled = head.filter(text.is_not_null() & (text != ""))
    numbers = _read(filled, [text], region).to_series()
    return float(numbers.is_not_null().sum()) / max(len(numbers), 1)


def _read(
    frame: pl.LazyFrame, texts: Sequence[pl.Expr], region: str | None
) -> pl.DataFrame:
    numbers = [
        read_numbers(text, region).struct.field("e164").alias(str(place))
        for place, text in enumerate(texts)
    ]
    return frame.select(numbers).collect(engine="streaming")

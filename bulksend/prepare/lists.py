"""Lists of numbers: suppression lists and allow-lists.

People export them from anywhere, so any column name will do: the column that the
recipients use, else those that hold numbers.  They are normalised like the
recipients, because an opt-out that is spelled differently is an opt-out all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.define.document import masked
from bulksend.errors import InputError, Problem, counted
from bulksend.prepare.columns import listed, loses_digits, shown
from bulksend.prepare.files import find_files
from bulksend.prepare.phones import read_numbers
from bulksend.prepare.several import FEWEST_DIGITS, digits, parted
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

_ROUNDED = r"(?:^|[^.\d])\d{8}"
"""From 2^24 on 32 bits round: eight digits before the point."""
SHOWN = 3
"""Rows that are named, of those that hold something unread."""

_PHONE = re.compile("phone|mobile|cell|tel|msisdn|handy|sms", re.IGNORECASE)
_PHONE_WORDS = frozenset((
    "phone", "phones", "telephone", "mobile", "cell", "cellphone", "tel", "msisdn",
    "handy", "sms",
))  # fmt: skip
_OTHER = frozenset((
    "id", "ids", "uuid", "guid", "order", "orders", "ticket", "tickets", "invoice",
    "receipt", "sku", "ref", "reference", "tracking", "hash", "date", "time",
    "timestamp", "when", "at", "created", "updated", "amount", "price", "total", "zip",
    "postcode", "plz", "ean", "upc", "isbn", "iban",
))  # fmt: skip
"""Words in the name of a column that hold something else than numbers."""

_BARE = r"^[\s'\"=(+]*(?:\d[ ().\-/]*){7,}(?:[^\d:@][^:@]*)?$"
"""Cells that begin with a number: no words in front, no time of day, no address."""
_MORE = r"[^\d ().\-/+'\"=]|(?:\d\D*){14,}"
"""Of those, the ones that may hold something beside it, or two."""

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
        found = _numbers(source, columns, reading)
        notices = [notice for notice in source.notices if notice.code in TOLD]
        if source.rows and not len(found.numbers):
            raise InputError(_without_numbers(file, source, reading))
        notices += _told(found, file)
        return NumberList(found.numbers, source.digest, tuple(notices))


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


def _numbers(source: Source, columns: Sequence[str], reading: Reading) -> _Found:
    # A local number may stand where the names belong.
    headers = pl.Series(list(source.headers), dtype=pl.String)
    in_header = _read(pl.select(x=headers).lazy(), [pl.col("x")], reading.region)
    known = in_header.to_series().drop_nulls()
    texts = [source.text(column) for column in columns]
    if not texts:
        rows = source.frame.select("row").collect(engine="streaming")["row"]
        return _Found(known, rows, _NO_CELLS)
    cells = source.frame.select(
        "row", *(text.alias(f"text {place}") for place, text in enumerate(texts))
    ).with_columns(
        _number(pl.col(f"text {place}"), reading.region).alias(f"number {place}")
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


def _columns(source: Source, reading: Reading) -> list[str]:
    """Where the numbers are.

    Of a list that keeps people out each column counts that holds a number as a whole cell,
    however few, unless its name says that it holds something else (`_OTHER`) and most of
    what looks like a number there is none.  One of ids keeps out nobody but whoever has
    one of them as a number, which is the better mistake.  A column whose name says that it
    holds numbers counts as soon as there are digits enough, for what cannot be read there
    must be told.
    """
    shares = {
        header: _share(source, source.text(column), reading)
        for header, column in source.headers.items()
    }
    wanted = {_plain(name) for name in reading.phone}
    named = [header for header in shares if _plain(header) in wanted]
    filled = [header for header, share in shares.items() if share and share >= HALF]
    telling = [one for one in shares if _PHONE.search(one) and shares[one]]
    if reading.keeps_out:
        named += [one for one in shares if _says_phone(one)]
        surely = {*filled, *telling, *(one for one in named if shares[one] is not None)}
        others = [
            one
            for one, share in shares.items()
            if share is not None and not _is_other(one)
        ]
        chosen = surely | {
            one
            for one in others
            if one not in surely and _holds_any(source, source.headers[one], reading)
        }
    else:
        named = named if any(shares[header] for header in named) else []
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


def _words(header: str) -> set[str]:
    """``orderId``, ``order_id`` and ``Order ID`` are order and id."""
    parted_name = re.sub(r"([a-z])([A-Z])", r"\1 \2", header)
    return set(re.findall(r"[a-z]+", parted_name.casefold()))


def _is_other(header: str) -> bool:
    return not _words(header).isdisjoint(_OTHER)


def _says_phone(header: str) -> bool:
    words = _words(header)
    return not words.isdisjoint(_PHONE_WORDS) and words.isdisjoint(_OTHER)


def _share(source: Source, text: pl.Expr, reading: Reading) -> float | None:
    """The share of a column's filled cells that hold a number; None where none could.

    Of a list that keeps people out, of the cells with as many digits as a number: those
    with addresses of mail beside them are numbers all the same, however far down.
    """
    head = source.frame.head(SAMPLE)
    some = head.filter(text.is_not_null() & (text != ""))
    if reading.keeps_out:
        some = source.frame.filter(digits(text) >= FEWEST_DIGITS).head(SAMPLE)
    numbers = _read(some, [text], reading.region).to_series()
    return float(numbers.is_not_null().sum()) / len(numbers) if len(numbers) else None


def _holds_any(source: Source, column: str, reading: Reading) -> bool:
    """Whether any cell of the whole column is a number, or several of them."""
    text = source.text(column)
    bare = source.frame.filter(
        text.str.contains(_BARE) & (digits(text) >= FEWEST_DIGITS)
    ).select("row", text=text)
    number = _number(pl.col("text"), reading.region)
    if bare.select(number.is_not_null().any()).collect(engine="streaming").item():
        return True
    several = pl.col("text").str.contains(_MORE)
    cells = bare.filter(several).collect(engine="streaming")
    return not parted(cells, reading.region).numbers.is_empty()


def _number(text: pl.Expr, region: str | None) -> pl.Expr:
    return read_numbers(text, region).struct.field("e164")


def _read(
    frame: pl.LazyFrame, texts: Sequence[pl.Expr], region: str | None
) -> pl.DataFrame:
    numbers = [
        _number(text, region).alias(str(place)) for place, text in enumerate(texts)
    ]
    return frame.select(numbers).collect(engine="streaming")

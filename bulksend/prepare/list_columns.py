"""Which columns of a list hold its numbers: by what is in them, and by their names.

People export them from anywhere, so any column name will do: the column that the
recipients use, else those that hold numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.columns import loses_digits
from bulksend.prepare.phones import read_numbers, renewed
from bulksend.prepare.several import FEWEST_DIGITS, digits, parted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.prepare.source import Source
    from bulksend.storage.spool import Spool

SAMPLE = 1_000
HALF = 0.5
_ROUNDED = r"(?:^|[^.\d])\d{8}"
"""From 2^24 on 32 bits round: eight digits before the point."""
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


def columns_of_numbers(source: Source, reading: Reading) -> list[str]:
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
            if share is not None and not is_other(one)
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


def rounded_columns(source: Source, reading: Reading) -> dict[str, pl.DataType]:
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


def is_other(header: str) -> bool:
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
        some = _first_with_digits(source, text)
    numbers = read_cells(some, [text], reading.region).to_series()
    return float(numbers.is_not_null().sum()) / len(numbers) if len(numbers) else None


def _first_with_digits(source: Source, text: pl.Expr) -> pl.LazyFrame:
    """Polars goes through a whole file for the first rows that a filter lets through."""
    has_digits = digits(text) >= FEWEST_DIGITS
    near = source.frame.head(10 * SAMPLE).filter(has_digits).head(SAMPLE)
    found = near.collect(engine="streaming")
    if len(found) == SAMPLE:
        return found.lazy()
    return source.frame.filter(has_digits).head(SAMPLE)


def _holds_any(source: Source, column: str, reading: Reading) -> bool:
    """Whether any cell of the whole column is a number, or several of them."""
    text = source.text(column)
    bare = source.frame.filter(
        text.str.contains(_BARE) & (digits(text) >= FEWEST_DIGITS)
    ).select("row", text=text)
    number = number_in(pl.col("text"), reading.region)
    if bare.select(number.is_not_null().any()).collect(engine="streaming").item():
        return True
    several = pl.col("text").str.contains(_MORE)
    cells = bare.filter(several).collect(engine="streaming")
    return not parted(cells, reading.region).numbers.is_empty()


def number_in(text: pl.Expr, region: str | None) -> pl.Expr:
    return read_numbers(renewed(text), region).struct.field("e164")


def read_cells(
    frame: pl.LazyFrame, texts: Sequence[pl.Expr], region: str | None
) -> pl.DataFrame:
    numbers = [
        number_in(text, region).alias(str(place)) for place, text in enumerate(texts)
    ]
    return frame.select(numbers).collect(engine="streaming")

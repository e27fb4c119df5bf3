"""Several numbers in one cell of a list: of opt-outs every one of them counts.

Of recipients such a cell is refused, as nobody knows which number is meant; of those who
must get nothing all are.  Only cells that are no number as a whole come here, so a slash
or a comma within one parts nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from bulksend.prepare.phones import read_numbers

FEWEST_DIGITS: Final = 7
"""Of a number: a local one in North America."""

_REST: Final = 4
"""Digits of what is told when it cannot be read: in ``415-555-0101/0102`` the end of a
second number."""

_APART: Final = (
    (r"(?i)[,;|&\t\r\n]|\b(?:or|and)\b", "\n"),
    ("/", "\n"),
    (r"\s[-\x{2010}-\x{2015}]+\s|\s*(\+)", "\n${1}"),
    (r"(\d{7,})[^\d\p{L}]+", "${1}\n"),
)
"""What parts numbers, and what is put there; the surest first.  A later one is tried only
on what the earlier ones left unread."""

_TEXT, _NUMBER = pl.col("text"), pl.col("e164")


class Parted(NamedTuple):
    """`numbers` has *row* and *e164*, `left` *row* and the *text* of unread parts."""

    numbers: pl.DataFrame
    left: pl.DataFrame


def digits(text: pl.Expr) -> pl.Expr:
    """How many of them are in each cell."""
    return text.str.count_matches(r"\d")


def parted(cells: pl.DataFrame, region: str | None) -> Parted:
    """The numbers in each *text* that is none as a whole, and what stays unread.

    A cell in which nothing at all was read stays whole.

    Args:
        cells: *row* and *text*; a row may come more than once.

        region: Where numbers without a country code belong.
    """
    every = cells.with_row_index("cell")
    rest, found = every, []
    for sign, instead in _APART:
        parts = _TEXT.str.replace_all(sign, instead).str.split("\n")
        rest = rest.with_columns(parts).explode("text").filter(digits(_TEXT) >= _REST)
        number = read_numbers(_TEXT, region).struct.field("e164").alias("e164")
        read = rest.with_columns(number)
        found.append(read.filter(_NUMBER.is_not_null()).select("cell", "row", "e164"))
        rest = read.filter(_NUMBER.is_null()).drop("e164")
    numbers = pl.concat(found)
    whole = every.join(numbers, on="cell", how="anti")
    some = rest.join(numbers, on="cell", how="semi")
    left = pl.concat([whole, some]).select("row", "text").sort("row")
    return Parted(numbers.select("row", "e164"), left)

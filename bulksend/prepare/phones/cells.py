"""From what people and spreadsheets put into a cell to a key (see `rules`).

Most cells are digits, perhaps with a plus, brackets, dashes or dots: `plain` reads the
former and `punctuated` the latter.  What is left, a few per cent of a dirty list, goes
through the repairs.  A repair that could be wrong is none: the cell is rejected instead.

Here, on purpose, bulksend is stricter than libphonenumber:

*   letters are no digits (``1-800-FLOWERS``, ``call 415...``, ``0xx11...``); there may be
    ``tel:`` before the number and one extension behind it;
*   ``1.4155550100E+10`` has all its digits, ``1.41556E+10`` has lost some;
*   ``4155550100.0`` ends in a spreadsheet's decimals, not in a digit;
*   two numbers in a cell are no number, for nobody knows which one is meant.

And in one thing it is more lenient: spaces and marks that nobody sees do no harm.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from bulksend.prepare.phones.findings import CODE, CODES
from bulksend.prepare.phones.number_line import LONGEST, POWERS
from bulksend.prepare.phones.prefixes import INTERNATIONAL

if TYPE_CHECKING:
    from collections.abc import Callable

    Change: TypeAlias = Callable[[pl.Series], pl.Series]

_PUNCTUATION: Final = dict.fromkeys(" ()-.[]", "")
_SEPARATORS: Final = {**_PUNCTUATION, "/": ""}
_POWERS: Final = pl.Series(POWERS[: LONGEST + 1], dtype=pl.Int64)
_SUSPECT: Final = 14
"""So many digits with punctuation may be two numbers: the repairs look more closely."""

_FEWEST: Final = 7
"""What has fewer digits in front of an extension may be something else."""

# Spaces of other widths, soft hyphen, zero-width marks, direction marks, byte-order mark.
_INVISIBLE: Final = (
    r"[\x{a0}\x{ad}\x{61c}\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}"
    r"\x{205f}-\x{206f}\x{3000}\x{feff}]"
)
_WIDE: Final = r"[[\p{Nd}--[0-9]]\x{ff08}-\x{ff0f}\x{ff3b}\x{ff3d}\x{ff5e}]"
_DASH: Final = r"[\x{2010}-\x{2015}\x{2212}\x{30fc}]"
_EDGE: Final = r"^\s+|\s+$"
_QUOTE: Final = r"['\"\x60\x{b4}\x{2018}\x{2019}\x{201c}\x{201d}]+"
_QUOTED: Final = rf"^=?{_QUOTE}\s*|\s*{_QUOTE}$"
_LABEL: Final = r"(?i)^tel(?:ephone)?[\s.:]*([+(\d])"
_SCIENTIFIC: Final = r"^(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})$"
_POINT_ZERO: Final = r"^(\+?\d+)\.00?$"
_MARKS: Final = r"^[^\w+#]+|[^\w#]+$"
"""Marks before and behind a number, which `parse` skips too."""

_DAMAGED: Final = r"^#+$|^#[A-Za-z]|^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$"
_NUMBER: Final = r"(?:\d[ ().\[\]\-]*){7,}"
_SEVERAL: Final = (
    rf"(?i){_NUMBER}(?:[,;/|&+\t\r\n]|or|and)\D*{_NUMBER}|\d{{7,}}\D+\d{{7,}}"
)
# The labels are libphonenumber's, the digits fewer: more may be a second number.
_EXTENSION: Final = (
    r"(?i)(?:;ext=|[ \t,]*(?:e?xt(?:ensi(?:o\x{301}?|ó))?n?|anexo|доб|int|x)"
    r"[:.]?[ \t,-]*)\d{1,9}#?$"
)
_PARAMETERS: Final = ";(?:phone-context|isub)="


def plain(text: pl.Series) -> pl.Series:
    """The key of each text that is at most a plus and up to 18 digits; else null.

    Null, too, where a 0 follows the plus: such a key would lose it.
    """
    value, plus, digits, one = map(pl.col, ("value", "plus", "digits", "one"))
    return (
        text.to_frame("text")
        .select(
            value=pl.col("text").cast(pl.Int64, strict=False),
            plus=pl.col("text").str.starts_with("+"),
            digits=pl.col("text").str.len_bytes(),
        )
        .with_columns(digits=digits - plus)
        .with_columns(one=pl.lit(_POWERS).gather(digits.clip(0, LONGEST)))
        .select(
            pl.when((value < 0) | (digits > LONGEST))
            .then(None)
            .when(~plus)
            .then(one + value)
            .when(value >= one // 10)
            .then(INTERNATIONAL + value)
        )
        .to_series()
    )


def punctuated(cells: pl.Series) -> pl.DataFrame:
    """The *key* of cells with ordinary punctuation, else null; and the *repair*."""
    bare = cells.str.replace_many(_PUNCTUATION)
    doubtful = (
        cells.str.ends_with(".0")
        | cells.str.ends_with(".00")
        | (bare.str.len_bytes() >= _SUSPECT)
    )
    return pl.select(
        key=pl.when(~doubtful).then(plain(bare)),
        repair=pl.when(_has_inner_zero(cells)).then(_code("inner_zero")),
    )


def decimal(cells: pl.Series) -> pl.DataFrame:
    """The *key* and *repair* of ``4155550100.0``, which is what a float column leaves.

    The repairs would find it too; but where there is one, the whole column is of it.
    """
    return pl.select(
        key=plain(cells.str.strip_suffix(".0")),
        repair=pl.repeat(_code("point_zero"), cells.len()),
    )


def repaired(cells: pl.Series) -> pl.DataFrame:
    """*key*, *repair* and *reason* of the other cells, and the *text* that was read.

    A cell with neither a key nor a reason is one for `phonenumbers`.
    """
    text = cells
    repair = pl.select(pl.repeat(None, cells.len(), dtype=CODE)).to_series()
    for name, sign, change in _CHANGES:
        rows = text.str.contains(sign).arg_true()
        if rows.len():
            text = text.clone().scatter(rows, change(text.gather(rows)))
            repair = _named(repair, rows, name)

    number = text.str.replace(_EXTENSION, "")
    bare = number.str.replace_many(_SEPARATORS)
    longer = number.str.len_bytes() < text.str.len_bytes()
    unclear = longer & (bare.str.len_bytes() < _FEWEST)
    reason = _reason(text, number)
    return pl.select(
        text=text,
        key=pl.when(~unclear, reason.is_null()).then(plain(bare)),
        reason=reason,
        repair=pl.coalesce(
            repair,
            pl.when(longer).then(_code("extension")),
            pl.when(_has_inner_zero(number)).then(_code("inner_zero")),
        ),
    )


def _reason(text: pl.Series, number: pl.Series) -> pl.Series:
    """Why a cell cannot be read, as a code; *number* is the text without extension."""
    letters = number.str.contains(r"\p{L}") & ~text.str.contains(_PARAMETERS)
    found = pl.select(
        pl.when(text.is_null() | text.str.contains(r"^[\s.\-]*$"))
        .then(_code("number_missing", "reason"))
        .when(text.str.contains(_DAMAGED))
        .then(_code("number_damaged", "reason"))
        .when(text.str.contains(_SEVERAL))
        .then(_code("number_several", "reason"))
        .when(letters | ~text.str.contains(r"\d"))
        .then(_code("number_not_digits", "reason"))
    )
    return found.to_series()


def _code(word: str, field: str = "repair") -> pl.Expr:
    return pl.lit(CODES[field][word], CODE)


def _named(repair: pl.Series, rows: pl.Series, name: str | None) -> pl.Series:
    """*repair* with *name* in those *rows* that have none yet."""
    if name is None:
        return repair
    known = repair.gather(rows).fill_null(CODES["repair"][name])
    return repair.clone().scatter(rows, known)


def _has_inner_zero(text: pl.Series) -> pl.Series:
    """``+44 (0)20...``: a national prefix in the midst of an international number."""
    return text.str.contains("(0)", literal=True) & ~text.str.starts_with("(0)")


# -- the repairs, in the order in which they are made and named -------------------------


def _by(sign: str, replacement: str = "") -> Change:
    """Every match of *sign* by *replacement*."""
    return lambda text: text.str.replace_all(sign, replacement)


def _narrow(text: pl.Series) -> pl.Series:
    return text.str.replace_many(_wide())


@lru_cache(maxsize=1)
def _wide() -> dict[str, str]:
    """Full-width punctuation, and the digits of every script."""
    every = map(chr, range(128, sys.maxunicode + 1))
    digits = {c: str(unicodedata.digit(c)) for c in every if c.isdecimal()}
    return digits | {chr(ord(c) + 0xFEE0): c for c in "+()-./[]~"}


def _unscientific(text: pl.Series) -> pl.Series:
    """``1.4155550100E+10``, if nothing but zeros is behind the last whole digit."""
    mantissa = text.str.replace(_SCIENTIFIC, "$1$2")
    digits = text.str.extract(_SCIENTIFIC, 3).cast(pl.UInt32) + 1
    complete = (mantissa.str.len_bytes() >= digits) & (
        mantissa.str.slice(digits).str.strip_chars("0") == ""
    )
    return mantissa.str.slice(0, digits).zip_with(complete, text)


_CHANGES: Final[tuple[tuple[str | None, str, Change], ...]] = (
    ("invisible", _INVISIBLE, _by(_INVISIBLE, " ")),
    ("fullwidth", _WIDE, _narrow),
    (None, _DASH, _by(_DASH, "-")),
    (None, _EDGE, _by(_EDGE)),
    ("apostrophe", _QUOTED, _by(_QUOTED)),
    ("tel_prefix", _LABEL, _by(_LABEL, "$1")),
    ("scientific", _SCIENTIFIC, _unscientific),
    ("point_zero", _POINT_ZERO, _by(_POINT_ZERO, "$1")),
    (None, _MARKS, _by(_MARKS)),
)
"""The repair's name, the pattern of the cells that need it, and what it does to them."""

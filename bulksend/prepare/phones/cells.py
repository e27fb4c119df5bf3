"""From what people and spreadsheets put into a cell to a key (see `rules`).

Most cells are digits, perhaps with a plus, brackets, dashes or dots: `plain` reads the
former and `punctuated` the latter.  What is left, a few per cent of a dirty list, goes
through the repairs.  A repair that could be wrong is none: the cell is rejected instead.

Here, on purpose, bulksend is stricter than libphonenumber:

*   letters are no digits (``1-800-FLOWERS``, ``call 415...``, ``0xx11...``); there may be
    ``tel:`` before the number and one extension behind it;
*   ``1.4155550100E+10`` has all its digits, ``1.41556E+10`` has lost some;
*   ``4155550100.0`` ends in a spreadsheet's decimals, not in a digit, and
    ``4155550100.5`` was worked out rather than dialled;
*   two numbers in a cell are no number, for nobody knows which one is meant; that holds
    for ``415-555-0100, 0101`` too, and for ``030 1234567/68`` where what stands before the
    slash is a number by itself: to `parse` the former has an extension, the latter is
    longer.

And in one thing it is more lenient: spaces and marks that nobody sees do no harm.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from bulksend.prepare.phones.findings import CODE, CODES
from bulksend.prepare.phones.number_line import LONGEST, POWERS
from bulksend.prepare.phones.prefixes import INTERNATIONAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TEXT: Final = pl.col("text")
_PUNCTUATION: Final = dict.fromkeys(" ()-.[]", "")
_SEPARATORS: Final = {**_PUNCTUATION, "/": ""}
_POWERS: Final = pl.lit(pl.Series(POWERS[: LONGEST + 1], dtype=pl.Int64))
_SUSPECT: Final = 14
"""So many digits with punctuation may be two numbers: the repairs look more closely."""

FEWEST: Final = 7
"""What has fewer digits in front of an extension may be something else."""

# Spaces of other widths, soft hyphen, zero-width marks, direction marks, byte-order mark.
_INVISIBLE: Final = (
    r"[\x{a0}\x{ad}\x{61c}\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}"
    r"\x{205f}-\x{206f}\x{3000}\x{feff}]"
)
_WIDE: Final = r"[[\p{Nd}--[0-9]]\x{ff08}-\x{ff0f}\x{ff3b}\x{ff3d}\x{ff5e}]"
_DASH: Final = r"[\x{2010}-\x{2015}\x{2212}\x{30fc}]"
_QUOTE: Final = r"['\"\x60\x{b4}\x{2018}\x{2019}\x{201c}\x{201d}]+"
_QUOTED: Final = rf"^=?{_QUOTE}\s*|\s*{_QUOTE}$"
# Classes of ASCII are quick; by now digits are ASCII.  Groups are slow: only cells that
# the sign of a change finds pay for them.
_LABELLED: Final = r"^[Tt][Ee][Ll](?:[Ee][Pp][Hh][Oo][Nn][Ee])?[\s.:]*[+(0-9]"
_LABEL: Final = r"(?i)^tel(?:ephone)?[\s.:]*"
_SCIENTIFIC: Final = r"^[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}$"
_POINT_ZERO: Final = r"^\+?[0-9]+\.00?$"
_MARKED: Final = "^[^0-9A-Za-z_+#]|[^0-9A-Za-z_#]$"
_MARKS: Final = r"^[^\w+#]+|[^\w#]+$"
"""Marks before and behind a number, which `parse` skips too."""

_DAMAGED: Final = (
    r"^#+$|^#[A-Za-z]|^[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+$"
    r"|^[+-]?\d{7,}(?:[.]\d{1,3}|,0+)$"
)
_DOUBTFUL: Final = r"[0-9]{7}[.][0-9]{1,3}$|.\(0\)"
"""Decimals, and a national prefix in the midst: for the repairs."""

_NUMBER: Final = r"(?:\d[ ().\[\]\-]*){7,}"
_SEVERAL: Final = (
    rf"(?i){_NUMBER}(?:[,;/|&+\t\r\n]|or|and)\D*{_NUMBER}|\d{{7,}}\D+\d{{7,}}"
    rf"|{_NUMBER}(?:[,;|&+~\t\r\n]|or|and)\s*\d"
)
MOST_OF_NEXT: Final = 4
_NEXT: Final = rf"{_NUMBER}/\s*\d{{1,{MOST_OF_NEXT}}}$"
"""The end of a second number behind a slash, or the end of the first: `asked` tells."""

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
    frame = text.alias("text").to_frame().select(_PARTS).with_columns(_ONE)
    return frame.select(_KEY).to_series()


def punctuated(cells: pl.Series) -> pl.DataFrame:
    """The *key* of cells with ordinary punctuation, else null; and the *repair*.

    And of ``4155550100.0``, which is what a float column leaves.  The repairs would find
    it too; but where there is one, the whole column is of it.
    """
    frame = cells.alias("text").to_frame().select(_UNPUNCTUATED)
    sure = pl.when(_SURE).then(plain(frame["bare"]))
    return frame.select(_ITS_REPAIR, key=sure)


def repaired(cells: pl.Series) -> pl.DataFrame:
    """*key*, *repair* and *reason* of the other cells, and the *text* that was read.

    A cell with neither a key nor a reason is one for `phonenumbers`.
    """
    frame = _changed(cells).with_columns(_WITHOUT_EXTENSION)
    frame = frame.with_columns(_JUDGED)
    key = pl.when(_CLEAR).then(plain(frame["bare"]))
    return frame.select("text", "reason", _LATER_REPAIR, key=key)


def _changed(cells: pl.Series) -> pl.DataFrame:
    """The *text* after all changes, and the first of them with a name as *repair*."""
    texts = cells.alias("text").to_frame()
    ascii_only = texts.select(_IS_ASCII).item()
    changes = _ASCII_CHANGES if ascii_only else _CHANGES
    stages = [texts]
    for change in changes:
        stages.append(change.made(stages[-1]))
    frame = pl.DataFrame(
        [stage["text"].alias(str(place)) for place, stage in enumerate(stages)]
    )
    return frame.select(_ASCII_REPAIR if ascii_only else _ANY_REPAIR)


def _code(word: str, field: str = "repair") -> pl.Expr:
    return pl.lit(CODES[field][word], CODE)


def _has_inner_zero(text: pl.Expr) -> pl.Expr:
    """``+44 (0)20...``: a national prefix in the midst of an international number."""
    return text.str.contains("(0)", literal=True) & ~text.str.starts_with("(0)")


def _reason(text: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Why a cell cannot be read, as a code; *number* is the text without extension."""
    letters = number.str.contains(r"\p{L}") & ~text.str.contains(_PARAMETERS)
    return (
        pl.when(text.is_null() | text.str.contains(r"^[\s.\-]*$"))
        .then(_code("number_missing", "reason"))
        .when(text.str.contains(_DAMAGED))
        .then(_code("number_damaged", "reason"))
        .when(text.str.contains(_SEVERAL))
        .then(_code("number_several", "reason"))
        .when(letters | ~text.str.contains(r"\d"))
        .then(_code("number_not_digits", "reason"))
    )


# -- the steps of the above, built once: Polars takes longer to build than to compute ---

_NO_CODE: Final = pl.lit(None, CODE)
_VALUE, _PLUS, _UNIT = map(pl.col, ("value", "plus", "unit"))
_DIGITS: Final = pl.col("size") - _PLUS
_PARTS: Final = (
    _TEXT.cast(pl.Int64, strict=False).alias("value"),
    _TEXT.str.starts_with("+").alias("plus"),
    _TEXT.str.len_bytes().alias("size"),
)
_ONE: Final = _POWERS.gather(_DIGITS.clip(0, LONGEST)).alias("unit")
_KEY: Final = (
    pl.when((_VALUE < 0) | (_DIGITS > LONGEST))
    .then(None)
    .when(~_PLUS)
    .then(_UNIT + _VALUE)
    .when(_UNIT // 10 <= _VALUE)
    .then(INTERNATIONAL + _VALUE)
)

_BARE: Final = pl.col("bare")
_IS_DECIMAL: Final = _TEXT.str.ends_with(".0")
_UNPUNCTUATED: Final = (
    pl.when(_IS_DECIMAL)
    .then(_TEXT.str.strip_suffix(".0"))
    .otherwise(_TEXT.str.replace_many(_PUNCTUATION))
    .alias("bare"),
    _IS_DECIMAL.alias("decimal"),
    _TEXT.str.contains(_DOUBTFUL).alias("doubtful"),
)
_SURE: Final = pl.col("decimal") | (
    ~pl.col("doubtful") & (_BARE.str.len_bytes() < _SUSPECT)
)
_ITS_REPAIR: Final = pl.when("decimal").then(_code("point_zero")).alias("repair")

_NUMBER_TEXT: Final = pl.col("number")
_WITHOUT_EXTENSION: Final = _TEXT.str.replace(_EXTENSION, "").alias("number")
_EXTENDED: Final = _NUMBER_TEXT.str.len_bytes() < _TEXT.str.len_bytes()
_JUDGED: Final = (
    _NUMBER_TEXT.str.replace_many(_SEPARATORS).alias("bare"),
    _reason(_TEXT, _NUMBER_TEXT).alias("reason"),
)
_CLEAR: Final = (
    pl.col("reason").is_null()
    & ~(_EXTENDED & (_BARE.str.len_bytes() < FEWEST))
    & ~_NUMBER_TEXT.str.contains(_NEXT)
)
_LATER_REPAIR: Final = pl.coalesce(
    "repair",
    pl.when(_EXTENDED).then(_code("extension")),
    pl.when(_has_inner_zero(_NUMBER_TEXT)).then(_code("inner_zero")),
)


# -- the repairs, in the order in which they are made and named -------------------------


def _narrow(text: pl.Series) -> pl.Series:
    """Full-width punctuation, and the digits of every script, as ASCII."""
    wide = text.str.contains(_WIDE).arg_true()
    if wide.is_empty():  # the search for hundreds of characters is costly to begin
        return text
    return text.clone().scatter(wide, text.gather(wide).str.replace_many(_wide()))


@lru_cache(maxsize=1)
def _wide() -> dict[str, str]:
    every = map(chr, range(128, sys.maxunicode + 1))
    digits = {c: str(unicodedata.digit(c)) for c in every if c.isdecimal()}
    return digits | {chr(ord(c) + 0xFEE0): c for c in "+()-./[]~"}


def _unscientific(text: pl.Series) -> pl.Series:
    """``1.4155550100E+10``, if nothing but zeros is behind the last whole digit."""
    rows = text.str.contains(_SCIENTIFIC).arg_true()
    if rows.is_empty():
        return text
    frame = text.gather(rows).to_frame().with_columns(_MANTISSA_AND_LENGTH)
    return text.clone().scatter(rows, frame.select(_WHOLE).to_series())


_MANTISSA, _LENGTH = pl.col("mantissa").str, pl.col("length")
_MANTISSA_AND_LENGTH: Final = (
    _TEXT.str.replace("[eE].+", "").str.replace("[.,]", "").alias("mantissa"),
    (_TEXT.str.extract("([0-9]+)$").cast(pl.UInt32) + 1).alias("length"),
)
_COMPLETE: Final = (_MANTISSA.len_bytes() >= _LENGTH) & (
    _MANTISSA.slice(_LENGTH).str.strip_chars("0") == ""
)
_WHOLE: Final = pl.when(_COMPLETE).then(_MANTISSA.slice(0, _LENGTH)).otherwise("text")


class _Change(NamedTuple):
    """A repair's name, and the *text* after it: as it was, where nothing is to do."""

    name: str | None
    made: Callable[[pl.DataFrame], pl.DataFrame]


def _step(
    name: str | None,
    made: Callable[[pl.Expr], pl.Expr],
    *,
    where: pl.Expr | None = None,
) -> _Change:
    text = made(_TEXT)
    if where is not None:  # the others are null meanwhile, which costs nothing
        text = pl.coalesce(made(pl.when(where).then(_TEXT)), _TEXT)
    return _Change(name, lambda frame: frame.select(text.alias("text")))


def _by(name: str, made: Callable[[pl.Series], pl.Series]) -> _Change:
    return _Change(name, lambda frame: made(frame["text"]).to_frame())


def _without(sign: str, instead: str = "") -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: text.str.replace_all(sign, instead)


_HAS = _TEXT.str.contains
_IS_WIDE: Final = _TEXT.str.len_bytes() != _TEXT.str.len_chars()
_IS_ASCII: Final = ~_IS_WIDE.any()
_ASCII_CHANGES: Final = (
    _step(None, lambda text: text.str.strip_chars()),
    _step("apostrophe", _without(_QUOTED)),
    _step("tel_prefix", _without(_LABEL), where=_HAS(_LABELLED)),
    _by("scientific", _unscientific),
    _step("point_zero", _without("[.]0+$"), where=_HAS(_POINT_ZERO)),
    _step(None, _without(_MARKS), where=_HAS(_MARKED)),
)
_CHANGES: Final = (
    _step("invisible", _without(_INVISIBLE, " "), where=_IS_WIDE),
    _by("fullwidth", _narrow),
    _step(None, _without(_DASH, "-"), where=_IS_WIDE),
    *_ASCII_CHANGES,
)


def _last_and_first(changes: Sequence[_Change]) -> tuple[pl.Expr, pl.Expr]:
    """The last stage as *text*, and the first named change that did something as *repair*."""
    repairs = (
        pl.when(pl.col(str(place)) != pl.col(str(place + 1))).then(_code(change.name))
        for place, change in enumerate(changes)
        if change.name
    )
    return pl.col(str(len(changes))).alias("text"), pl.coalesce(repairs).alias("repair")


_ASCII_REPAIR: Final = _last_and_first(_ASCII_CHANGES)
_ANY_REPAIR: Final = _last_and_first(_CHANGES)

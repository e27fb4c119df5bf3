"""What Python would print, as columns: `str`, `repr` and the methods Jinja calls.

Polars agrees with Python for nearly every row, and this module knows where it does not.
`unless` does the usual rows in Polars and hands the unusual ones, found by a cheap test,
to Python's own function.
"""

from __future__ import annotations

import operator
import unicodedata
from functools import reduce
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

from .values import Case, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
"""What `str.strip` strips."""

TEXT, INT64, INT128, FLOAT = pl.String(), pl.Int64(), pl.Int128(), pl.Float64()


_INVISIBLE = "".join(
    one
    for one in map(chr, range(0x10000))
    if unicodedata.category(one) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
)
_INVISIBLE += "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe0e\ufe0f"
"""What leaves no ink: spaces, controls, marks of direction, fillers, a Braille blank."""

_LETTERS = (("\u00c0", "\u034f"), ("\u0370", "\u0600"), ("\u3165", "\ufe00"))
"""Most scripts, each up to where the next of those characters may be."""

_LOW = "0"


def blank(text: pl.Expr, words: Collection[str] = ()) -> pl.Expr:
    """Boolean: null, empty, without ink, or one of *words*: every name pays for this test.

    Stripping and looking up cost ten times as much as looking at length and first
    character, so first it is asked whether any cell of a batch is short, or begins below
    a digit or beyond the letters, and what such cells are.
    """
    begin_low = [word for word in words if word < _LOW]
    others = [word for word in words if word >= _LOW]
    longest = max(map(len, others), default=0)

    def is_nothing(cells: pl.Series) -> pl.Series:
        return _is_bare(cells) | cells.is_in(begin_low)

    def is_said(cells: pl.Series) -> pl.Series:
        # To compare six words so short takes a third of looking them up in a table.
        return reduce(operator.or_, (cells == word for word in others))

    def batch(cells: pl.Series) -> pl.Series:
        gone = cells.is_null()
        if others:
            short = cells.str.len_bytes() <= longest
            gone = _marked(gone, cells, short, is_said)
        gone = _marked(gone, cells, cells < _LOW, is_nothing)
        return _marked(gone, cells, cells > "~", _is_bare)

    return text.map_batches(batch, return_dtype=pl.Boolean, is_elementwise=True)


def _marked(
    gone: pl.Series,
    cells: pl.Series,
    where: pl.Series,
    judge: Callable[[pl.Series], pl.Series],
) -> pl.Series:
    """*gone*, and those of the cells *where* it is worth asking that *judge* finds."""
    if not where.any():
        return gone
    found = judge(cells.filter(where))
    if not found.any():
        return gone
    return gone.scatter(where.arg_true().filter(found), values=True)


def _is_bare(cells: pl.Series) -> pl.Series:
    """Of cells without null: which have nothing to see."""
    strange = pl.repeat(value=True, n=len(cells), eager=True)
    for first, after in _LETTERS:
        strange &= (cells < first) | (cells >= after)
    if not strange.any():
        return strange
    return strange & (cells.str.strip_chars(_INVISIBLE) == "")


def unless(
    unusual: Callable[..., pl.Expr],
    usual: Callable[..., pl.Expr],
    function: Callable[..., object],
    *columns: pl.Expr,
    dtype: pl.DataType = TEXT,
) -> pl.Expr:
    """*usual* of the columns, but Python's *function* where *unusual* is true.

    Null where a column is null, and where *function* has no answer.  Worked out batch by
    batch, so that the columns, however complicated, stand only once in the plan.
    """
    names = [f"x{i}" for i in range(len(columns))]
    rare, plain = (make(*map(pl.col, names)) for make in (unusual, usual))

    def batch(series: Sequence[pl.Series]) -> pl.Series:
        height = max(map(len, series))
        full = (s if len(s) == height else s.new_from_index(0, height) for s in series)
        frame = pl.DataFrame([s.alias(n) for s, n in zip(full, names, strict=True)])
        done = frame.lazy().with_columns(plain_=plain.cast(dtype), rare_=rare).collect()
        odd = (
            done["rare_"]
            & done.select(pl.all_horizontal(pl.col(names).is_not_null())).to_series()
        )
        if not odd.any():
            return done["plain_"]
        rows = done.filter(odd).select(names).iter_rows()
        answers = pl.Series([_attempt(function, row) for row in rows], dtype=dtype)
        return done["plain_"].scatter(odd.arg_true(), answers)

    return pl.map_batches(columns, batch, return_dtype=dtype, is_elementwise=True)


def by_python(
    function: Callable[..., object], *columns: pl.Expr, dtype: pl.DataType
) -> pl.Expr:
    """*function* in every row: for what is too rare to be worth an expression."""
    return unless(
        lambda *_: pl.lit(value=True),
        lambda *_: pl.lit(None, dtype),
        function,
        *columns,
        dtype=dtype,
    )


def _attempt(function: Callable[..., object], row: tuple[Any, ...]) -> object:
    try:
        result = function(*row)
    except (ArithmeticError, ValueError):
        return None
    if isinstance(result, complex) or (
        isinstance(result, float) and not isfinite(result)
    ):
        return None
    return result


def divided(a: pl.Expr, b: pl.Expr | float) -> pl.Expr:
    """`a / b`, rounded once.

    Polars divides a column by a literal by multiplying with its reciprocal, which rounds
    twice (23 / 10 gives 2.3000000000000003): so the divisor is made a column.
    """
    divisor = pl.lit(b) if isinstance(b, float) else b
    return a / (divisor + a.is_null().cast(FLOAT))


def not_ascii(text: pl.Expr) -> pl.Expr:
    return text.str.len_bytes() != text.str.len_chars()


def text_of(case: Case) -> pl.Expr:
    """`str()` of the value."""
    return _TEXT[case.kind](case.expr)


def _float(number: pl.Expr) -> pl.Expr:
    """Polars turns to scientific notation elsewhere, and writes its exponent otherwise."""

    def unusual(x: pl.Expr) -> pl.Expr:
        return ~((x.abs() >= 1e-4) & (x.abs() < 1e16)) & (x != 0)

    return unless(unusual, lambda x: x.cast(TEXT), repr, number)


def _decimal(number: pl.Expr) -> pl.Expr:
    """Python turns to scientific notation where the exponent goes below -6."""
    return unless(
        lambda x: x.cast(FLOAT).abs() < 1e-6, lambda x: x.cast(TEXT), str, number
    )


def _boolean(answer: pl.Expr) -> pl.Expr:
    return pl.when(answer).then(pl.lit("True")).otherwise(pl.lit("False"))


def _clock(moment: pl.Expr, pattern: str) -> pl.Expr:
    """Microseconds are printed only where there are some."""
    return (
        pl.when(moment.dt.microsecond() == 0)
        .then(moment.dt.to_string(pattern))
        .otherwise(moment.dt.to_string(pattern + "%.6f"))
    )


def _zoned(moment: pl.Expr) -> pl.Expr:
    """Before standard time, zones were off by odd seconds, which %z leaves out."""

    def usual(x: pl.Expr) -> pl.Expr:
        return _clock(x, "%Y-%m-%d %H:%M:%S") + x.dt.to_string("%:z")

    return unless(lambda x: x.dt.year() < 1973, usual, str, moment)


_TEXT: dict[Kind, Callable[[pl.Expr], pl.Expr]] = {
    Kind.TEXT: lambda expr: expr,
    Kind.INTEGER: lambda expr: expr.cast(TEXT),
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: lambda expr: expr.cast(TEXT),
    Kind.DATETIME: lambda expr: _clock(expr, "%Y-%m-%d %H:%M:%S"),
    Kind.ZONED: _zoned,
    Kind.TIME: lambda expr: _clock(expr, "%H:%M:%S"),
}


def scaled(number: pl.Expr, decimals: int) -> pl.Expr:
    """|number| * 10**decimals to the nearest whole, half to even."""
    return (number.abs() * float(10**decimals)).round(mode="half_to_even")


def unsure(number: pl.Expr, decimals: int) -> pl.Expr:
    """Where `scaled` may be wrong.

    Multiplying errs in the last place, which matters only near a half, and where the
    product is too big to have places to spare.
    """
    product = number.abs() * float(10**decimals)
    from_half = (product - product.floor() - 0.5).abs()
    near_half = from_half <= 1e-4 if decimals else pl.lit(value=False)
    return near_half | ~(product < 1e11)


def is_negative(number: pl.Expr) -> pl.Expr:
    """The sign bit: true for -0.0, which Python prints with its sign."""
    return pl.lit(1.0) / number < 0


def fixed(number: pl.Expr, decimals: int) -> pl.Expr:
    """`'%.2f' % number`."""
    return unless(
        lambda x: unsure(x, decimals),
        lambda x: digits(x, decimals, "", "."),
        f"%.{decimals}f".__mod__,
        number,
    )


def digits(number: pl.Expr, decimals: int, thousands: str, point: str) -> pl.Expr:
    """*number* with that many *decimals*, where `scaled` is sure of it."""
    safe = pl.when(~unsure(number, decimals)).then(scaled(number, decimals)).cast(INT64)
    whole = (safe // 10**decimals).cast(TEXT)
    if thousands:
        # Counted from the right; the mark is turned round, for it is read backwards.
        mark = thousands[::-1]
        marked = "${0}" + mark.replace("$", "$$")
        groups = whole.str.reverse().str.replace_all(r"\d{3}", marked)
        whole = groups.str.strip_suffix(mark).str.reverse()
    sign = pl.when(is_negative(number)).then(pl.lit("-")).otherwise(pl.lit(""))
    if not decimals:
        return pl.concat_str(sign, whole)
    fraction = (safe % 10**decimals).cast(TEXT).str.zfill(decimals)
    return pl.concat_str(sign, whole, pl.lit(point), fraction)

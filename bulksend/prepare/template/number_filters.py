"""The filters that read, round and print numbers.  `number` is ours, the rest Jinja's."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import partial
from math import ceil, floor, isfinite, isinf
from typing import TYPE_CHECKING

import polars as pl

from .calls import each
from .combining import joined
from .operators import NUMERIC, as_float, as_integer
from .pythonic import (
    FLOAT,
    INT64,
    INT128,
    by_python,
    digits,
    divided,
    fixed,
    is_negative,
    scaled,
    unless,
    unsure,
)
from .pythonic import TEXT as STRING
from .syntax import Refusal
from .text_filters import shown
from .values import LIMIT, Case, Kind, Result, Value, literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

WIDEST = 2_048
"""Characters: no text that can be sent is longer."""

USUAL = 50
"""Characters that a cell is taken to have at most."""

WHOLE = {Kind.BOOLEAN, Kind.INTEGER}


# -- reading --------------------------------------------------------------------------


def _or_default(
    parsed: Case, default: object, valid: pl.Expr | None = None
) -> tuple[Case, Case]:
    """*parsed* where it is there, else *default*, which may be of another kind."""
    good = parsed.expr.is_not_null()
    return replace(parsed, when=good, valid=valid), replace(
        literal(default), when=~good
    )


_BEYOND = 2**127 - 1
"""What a whole number of more than 38 digits is read as: it is no text, and not 0."""


def _read_whole(text: str) -> int:
    try:
        whole = int(text)
    except ValueError:
        whole = int(float(text))
    return whole if abs(whole) <= LIMIT else _BEYOND


def _read_integer(text: pl.Expr) -> pl.Expr:
    return unless(
        lambda x: ~x.str.contains(r"^[+-]?[0-9]{1,18}$"),
        lambda x: x.cast(INT64, strict=False),
        _read_whole,
        text,
        dtype=INT128,
    )


_TOO_FAR = sys.float_info.max
"""What a number beyond 1.8e308 is read as; its sign does not matter."""


def _float_of(text: str) -> float:
    read = float(text)
    is_number = isinf(read) and any(map(str.isdigit, text))
    return _TOO_FAR if is_number else read


def _read_float(text: pl.Expr) -> pl.Expr:
    return unless(
        lambda x: ~x.str.contains(r"^[+-]?([0-9]{1,300}(?:\.[0-9]*)?|\.[0-9]+)$"),
        lambda x: x.cast(FLOAT, strict=False),
        _float_of,
        text,
        dtype=FLOAT,
    )


@each
def to_int(case: Case, default: object = 0) -> Result:
    if case.kind in WHOLE:
        return as_integer(case)
    if case.kind is Kind.DECIMAL:
        return Case(Kind.INTEGER, by_python(int, case.expr, dtype=INT128))
    if case.kind is Kind.TEXT:
        whole = _read_integer(case.expr)
        return _or_default(Case(Kind.INTEGER, whole), default, whole != _BEYOND)
    if case.kind is not Kind.FLOAT:
        return None
    whole = case.expr.cast(INT128, strict=False)
    return Case(Kind.INTEGER, whole, valid=case.expr.abs() < 1e38)


@each
def to_float(case: Case, default: object = 0.0) -> Result:
    if case.kind in NUMERIC or case.kind is Kind.DECIMAL:
        return Case(Kind.FLOAT, as_float(case))
    if case.kind is not Kind.TEXT:
        return None
    read = _read_float(case.expr)
    return _or_default(Case(Kind.FLOAT, read), default, read != _TOO_FAR)


# -- rounding -------------------------------------------------------------------------


@each
def absolute(case: Case) -> Result:
    if case.kind is Kind.FLOAT:
        return Case(Kind.FLOAT, case.expr.abs())
    if case.kind not in WHOLE:
        return None
    whole = as_integer(case)
    most = max(map(abs, whole.bounds))
    wide = whole.expr.cast(INT64 if most < 2**63 else INT128)
    return Case(Kind.INTEGER, wide.abs(), bounds=(0, most))


def _decimals(count: int) -> int:
    if not 0 <= count <= 9:
        raise Refusal("E306", f"{count} decimals", expected="0 to 9 decimals")
    return count


@each
def rounded(case: Case, precision: int = 0, method: str = "common") -> Result:
    if method not in ("common", "ceil", "floor"):
        raise Refusal("E306", f"method {method!r}", expected="common, ceil or floor")
    places = _decimals(precision)
    if case.kind in WHOLE:
        whole = as_integer(case)
        return whole if method == "common" else Case(Kind.FLOAT, as_float(whole))
    if case.kind is not Kind.FLOAT:
        return None
    if method == "common":
        return Case(Kind.FLOAT, _to_nearest(case.expr, places))
    result = _to_side(case.expr, places, ceil if method == "ceil" else floor)
    return Case(Kind.FLOAT, result, valid=result.is_not_null())


def _to_nearest(number: pl.Expr, places: int) -> pl.Expr:
    def usual(x: pl.Expr) -> pl.Expr:
        size = divided(scaled(x, places), float(10**places))
        return pl.when(is_negative(x)).then(-size).otherwise(size)

    return unless(
        lambda x: unsure(x, places),
        usual,
        lambda value: round(value, places),
        number,
        dtype=FLOAT,
    )


def _to_side(number: pl.Expr, places: int, function: Callable[[float], int]) -> pl.Expr:
    scale = 10**places

    def unusual(x: pl.Expr) -> pl.Expr:
        return ~((x * float(scale)).abs() < 2.0**53)

    def usual(x: pl.Expr) -> pl.Expr:
        product = pl.when(~unusual(x)).then(x * float(scale))
        whole = product.ceil() if function is ceil else product.floor()
        return divided(whole.cast(INT64).cast(FLOAT), float(scale))  # no -0.0

    return unless(
        unusual, usual, lambda x: function(x * scale) / scale, number, dtype=FLOAT
    )


# -- printing -------------------------------------------------------------------------


@each
def number(
    case: Case, decimals: int = 2, thousands: str = ",", point: str = "."
) -> Result:
    """Ours: 1234.5 as 1,234.50.  A text that is no number is missing, never 0."""
    places = _decimals(decimals)

    def by_hand(value: float | Decimal) -> str:
        if not isfinite(value) or value == _TOO_FAR:
            raise ValueError(value)
        marks = {ord(","): thousands, ord("."): point}
        return f"{value:,.{places}f}".translate(marks)

    if case.kind is Kind.DECIMAL:
        text = by_python(by_hand, case.expr, dtype=STRING)
        return Case(Kind.TEXT, text, valid=text.is_not_null())
    if case.kind is not Kind.TEXT and case.kind not in NUMERIC:
        return None
    read = _read_float(case.expr) if case.kind is Kind.TEXT else as_float(case)
    text = unless(
        lambda x: unsure(x, places),
        lambda x: digits(x, places, thousands, point),
        by_hand,
        read,
    )
    return Case(Kind.TEXT, text, valid=text.is_not_null())


_PLACE = re.compile(r"%(%|(0?)(\d*)([sdi])|(?:\.(\d))?f|.?)", re.DOTALL)


def format_values(pattern: str, *values: Value) -> Value:
    """`'%.2f' | format(price)`; a pattern may hold %s, %d, %05d, %f, %.2f and %%."""
    places = [m for m in _PLACE.finditer(pattern) if m[0] != "%%"]
    for place in places:
        if place[4] is None and place[0][-1] != "f":
            raise Refusal(
                "E306",
                f'format does not know "{place[0]}"',
                expected="%s, %d, %05d, %f, %.2f or %%",
            )
    if len(places) != len(values):
        raise Refusal(
            "E306",
            f"the pattern has {len(places)} places and format got {len(values)} values",
        )
    between = [part.replace("%%", "%") for part in _between(pattern, places)]

    made = joined(values, [partial(_filled, place) for place in places], between)
    padding = sum(int(place[3] or 0) for place in places) // USUAL
    padded = (replace(case, copies=case.copies + padding) for case in made.cases)
    return replace(made, cases=tuple(padded))


def _between(pattern: str, places: list[re.Match[str]]) -> list[str]:
    starts = [0, *(place.end() for place in places)]
    ends = [*(place.start() for place in places), len(pattern)]
    return [pattern[a:b] for a, b in zip(starts, ends, strict=True)]


def _filled(place: re.Match[str], case: Case) -> Case:
    """*case* as one place of a pattern prints it."""
    _, zero, digits_, letter, decimals = place.groups()
    width = int(digits_ or 0)
    if width > WIDEST:
        raise Refusal("E306", f'"{place[0]}"', expected=f"a width up to {WIDEST:,}")
    if letter == "s":
        text = shown(case)
        if text is not None:
            return Case(Kind.TEXT, text.str.pad_start(width) if width else text)
    elif case.kind in NUMERIC or case.kind is Kind.DECIMAL:
        if letter is None:
            return Case(
                Kind.TEXT,
                fixed(as_float(case), 6 if decimals is None else int(decimals)),
            )
        if case.kind in WHOLE:
            text = as_integer(case).expr.cast(STRING)
            padded = text.str.zfill(width) if zero else text.str.pad_start(width)
            return Case(Kind.TEXT, padded if width else text)
        pattern = f"%{zero}{width or ''}d"
        text = by_python(pattern.__mod__, case.expr, dtype=STRING)
        return Case(Kind.TEXT, text, valid=text.is_not_null())
    raise Refusal("E308", f'format\'s "{place[0]}" does not go with {case.kind.value}')

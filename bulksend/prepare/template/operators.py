"""Arithmetic and comparison as Python has them, for one case of each side.

Whole numbers are exact to 38 digits: each carries the bounds it can have, so the width of
a result is known when the template is compiled, and only a result that may not fit is
checked row by row.  Beyond that a row has no result.  Whole and broken numbers are
compared exactly, not by way of a float that cannot hold the whole one.
"""

from __future__ import annotations

import operator
from functools import reduce
from itertools import product
from typing import TYPE_CHECKING

import polars as pl
from jinja2 import nodes

from .combining import needed, operate
from .pythonic import FLOAT, INT64, INT128, by_python, divided, text_of, unless
from .syntax import Refusal
from .values import ANY, LIMIT, Bounds, Case, Kind, Unfit, Value
from .values import INT64 as NARROW

if TYPE_CHECKING:
    from collections.abc import Callable

NUMERIC = {Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT}
_WHOLE = {Kind.BOOLEAN, Kind.INTEGER}
_INCOMPARABLE = {Kind.STRUCT, Kind.DECIMAL}
_EXACT_IN_FLOAT = 2**53

SYMBOLS: dict[type[nodes.Expr], str] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
    nodes.Pow: "**",
}


def arithmetic(symbol: str) -> Callable[[Case, Case], Case | None]:
    def operation(left: Case, right: Case) -> Case | None:
        if symbol == "+" and left.kind is right.kind is Kind.TEXT:
            return Case(Kind.TEXT, left.expr + right.expr)
        if {left.kind, right.kind} <= _WHOLE:
            return _whole(symbol, as_integer(left), as_integer(right))
        if {left.kind, right.kind} <= NUMERIC:
            return _broken(symbol, as_float(left), as_float(right))
        return None

    return operation


def as_integer(case: Case) -> Case:
    if case.kind is Kind.BOOLEAN:
        return Case(Kind.INTEGER, case.expr.cast(INT64), bounds=(0, 1))
    return case


def as_float(case: Case) -> pl.Expr:
    return case.expr.cast(FLOAT)


# -- whole numbers --------------------------------------------------------------------


def _whole(symbol: str, left: Case, right: Case) -> Case | None:
    if symbol == "/":
        return _true_division(left, right)
    if symbol == "**":
        return _power(left, right)
    bounds = _BOUNDS[symbol](left.bounds, right.bounds)
    fits = all(map(_is_narrow, (left.bounds, right.bounds, bounds)))
    dtype = INT64 if fits else INT128
    a, b = left.expr.cast(dtype), right.expr.cast(dtype)
    result = _OPERATORS[symbol](a, b)
    valid = b != 0 if symbol in ("//", "%") else None
    if max(map(abs, bounds)) > LIMIT:
        about = _OPERATORS[symbol](a.cast(FLOAT), b.cast(FLOAT))
        valid = (about.abs() < 1.1e38) & (result.abs() <= LIMIT)
        bounds = ANY
    return Case(Kind.INTEGER, result, bounds=bounds, valid=valid)


def _is_narrow(bounds: Bounds) -> bool:
    return bounds[0] >= NARROW[0] and bounds[1] <= NARROW[1]


def _of_product(a: Bounds, b: Bounds) -> Bounds:
    products = [x * y for x in a for y in b]
    return min(products), max(products)


def _up_to(size: int) -> Bounds:
    return -size, size


_BOUNDS: dict[str, Callable[[Bounds, Bounds], Bounds]] = {
    "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "*": _of_product,
    "//": lambda a, _: _up_to(max(map(abs, a))),
    "%": lambda _, b: _up_to(max(map(abs, b))),
}

_OPERATORS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divided,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _true_division(left: Case, right: Case) -> Case:
    a, b = left.expr, right.expr
    sizes = [abs(bound) for case in (left, right) for bound in case.bounds]
    result = (
        _as_floats(a, b)
        if max(sizes) <= _EXACT_IN_FLOAT
        else unless(_too_wide, _as_floats, operator.truediv, a, b, dtype=FLOAT)
    )
    return Case(Kind.FLOAT, result, valid=b != 0)


def _too_wide(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    sizes = (x.cast(INT128).abs() > _EXACT_IN_FLOAT for x in (a, b))
    return pl.any_horizontal(sizes)


def _as_floats(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return divided(a.cast(FLOAT), b.cast(FLOAT))


_LARGEST_EXPONENT = 64


def _power(left: Case, right: Case) -> Case | None:
    """By multiplication, for an exponent that is written out."""
    low, high = right.bounds
    if low != high or not 0 <= low <= _LARGEST_EXPONENT:
        raise Refusal(
            "E308",
            "** of whole numbers with this exponent",
            expected=f"an exponent from 0 to {_LARGEST_EXPONENT}, written out",
            fix="Make a number with decimals of one side: x | float ** y.",
        )
    bounds = 1, 1
    for _ in range(low):
        bounds = _of_product(bounds, left.bounds)
    valid: pl.Expr | None = None
    narrow = _is_narrow(bounds) and _is_narrow(left.bounds)
    factor = left.expr.cast(INT64 if narrow else INT128)
    result = _product([factor] * low)
    if max(map(abs, bounds)) > LIMIT:
        about = _product([left.expr.cast(FLOAT)] * low)
        valid = (about.abs() < 1.1e38) & (result.abs() <= LIMIT)
        bounds = ANY
    return Case(Kind.INTEGER, result, bounds=bounds, valid=valid)


def _product(factors: list[pl.Expr]) -> pl.Expr:
    return reduce(operator.mul, factors) if factors else pl.lit(1, dtype=INT64)


def negative(case: Case) -> Case | None:
    if case.kind is Kind.FLOAT:
        return Case(Kind.FLOAT, -case.expr)
    zero = Case(Kind.INTEGER, pl.lit(0, dtype=INT64), bounds=(0, 0))
    return arithmetic("-")(zero, case)


def positive(case: Case) -> Case | None:
    if case.kind is Kind.FLOAT:
        return case
    return as_integer(case) if case.kind in _WHOLE else None


# -- broken numbers -------------------------------------------------------------------


def _broken(symbol: str, a: pl.Expr, b: pl.Expr) -> Case:
    """Polars' `//`, `%` and `**` differ from Python's in the last place: rare, so ask."""
    if symbol in ("//", "%", "**"):
        function = {"//": operator.floordiv, "%": operator.mod, "**": operator.pow}
        result = by_python(function[symbol], a, b, dtype=FLOAT)
    else:
        if symbol in ("+", "-"):
            a, b = _unfolded(a, b), _unfolded(b, a)
        result = _OPERATORS[symbol](a, b)
    # Not null, not infinite, and no NaN: none of these is a number to tell anybody.
    return Case(Kind.FLOAT, result, valid=result.is_finite().fill_null(value=False))


def _unfolded(number: pl.Expr, beside: pl.Expr) -> pl.Expr:
    """*number*, if it is written out, as a column: of `0 - x` Polars makes `-x`.

    That is -0.0 where x is 0, and `x + 0` is -0.0 where x is; Python has 0.0 for both.
    """
    if number.meta.root_names():
        return number
    return number + beside.is_null().cast(FLOAT)


# -- comparison -----------------------------------------------------------------------

COMPARISONS: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}
_MIRRORED = {"lt": "gt", "lteq": "gteq", "gt": "lt", "gteq": "lteq"}


def comparison(name: str) -> Callable[[Case, Case], Case | None]:
    def operation(left: Case, right: Case) -> Case | None:
        if comparable(left.kind, right.kind):
            return Case(Kind.BOOLEAN, _compare(name, left, right))
        incomparable = {left.kind, right.kind} & _INCOMPARABLE
        if name in ("eq", "ne") and not incomparable:
            return Case(Kind.BOOLEAN, pl.lit(name == "ne"))
        return None

    return operation


def compared(name: str, left: Value, right: Value) -> Value:
    """*left* and *right* compared; refused if the answer can only ever be the same."""
    pairs = list(product(needed(left).cases, needed(right).cases))
    possible = any(comparable(a.kind, b.kind) for a, b in pairs)
    odd = any({a.kind, b.kind} & _INCOMPARABLE for a, b in pairs)
    if name in ("eq", "ne") and pairs and not possible and not odd:
        kinds = pairs[0][0].kind, pairs[0][1].kind
        raise Unfit(kinds, always="true" if name == "ne" else "false")
    return operate(comparison(name), left, right)


def comparable(left: Kind, right: Kind) -> bool:
    kinds = {left, right}
    return kinds <= NUMERIC or (left is right and not kinds & _INCOMPARABLE)


def _compare(name: str, left: Case, right: Case) -> pl.Expr:
    kinds = {left.kind, right.kind}
    compare = COMPARISONS[name]
    if kinds == {Kind.NONE}:
        return pl.lit(name == "eq")
    if kinds == {Kind.ZONED}:
        a, b = (case.expr.dt.convert_time_zone("UTC") for case in (left, right))
        return compare(a, b)
    if kinds == {Kind.FLOAT}:
        return _not_nan(name, compare(left.expr, right.expr), left, right)
    if Kind.FLOAT in kinds:
        mirrored = left.kind is Kind.FLOAT
        broken, whole = (left, right) if mirrored else (right, left)
        name = _MIRRORED.get(name, name) if mirrored else name
        return _mixed(name, as_integer(whole), broken)
    if not kinds <= _WHOLE:
        return compare(left.expr, right.expr)
    left, right = as_integer(left), as_integer(right)
    narrow = _is_narrow(left.bounds) and _is_narrow(right.bounds)
    dtype = INT64 if narrow else INT128
    return compare(left.expr.cast(dtype), right.expr.cast(dtype))


def _not_nan(name: str, result: pl.Expr, *cases: Case) -> pl.Expr:
    """Python: NaN equals nothing and has no order.  Polars: it is the largest."""
    nan = pl.any_horizontal(case.expr.is_nan() for case in cases)
    return result | nan if name == "ne" else result & ~nan


def _mixed(name: str, whole: Case, broken: Case) -> pl.Expr:
    """As for whole i: i < f is i < ceil(f), i <= f is i <= floor(f): all whole, so all exact."""
    f = broken.expr
    rounded = f.ceil() if name in ("lt", "gteq") else f.floor()
    i, limit = whole.expr.cast(INT128), rounded.cast(INT128, strict=False)
    compare = COMPARISONS[name]
    result = compare(i, limit)
    if name == "eq":
        result = result & (rounded == f)
    if name == "ne":
        result = result | (rounded != f)
    # A float beyond every whole number (or infinite) compares as its sign does.
    far = pl.when(f.abs() >= 1.5e38).then(compare(pl.lit(0.0), f)).otherwise(result)
    return _not_nan(name, far.fill_null(value=False), broken)


def contained(whole: Case, part: Case) -> Case | None:
    """`'a' in 'abc'`, the whole first: Python asks it, so it is missing before the part."""
    if not whole.kind is part.kind is Kind.TEXT:
        return None
    return Case(Kind.BOOLEAN, whole.expr.str.contains(part.expr, literal=True))


def among(texts: list[str], case: Case) -> Case:
    """`x in ['a', 'b']`, with texts that are written out."""
    if case.kind is not Kind.TEXT:
        return Case(Kind.BOOLEAN, pl.lit(value=False))
    return Case(Kind.BOOLEAN, case.expr.is_in(texts))


def as_text(case: Case) -> Case | None:
    if case.kind in (Kind.NONE, Kind.STRUCT):
        return None
    return Case(Kind.TEXT, text_of(case))

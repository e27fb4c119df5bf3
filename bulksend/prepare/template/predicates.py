"""The tests: what may follow `is`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from . import pythonic as py
from .calls import each
from .combining import operate
from .operators import arithmetic, compared
from .values import Case, Kind, Result, Value, boolean, constant, defined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _is_kind(*kinds: Kind) -> Callable[[Value], Value]:
    """Never needs the value: a missing one is of no kind."""

    def function(value: Value) -> Value:
        return boolean(_holds(c for c in value.cases if c.kind in kinds), value)

    return function


def _holds(cases: Iterable[Case]) -> pl.Expr:
    guards = [pl.lit(value=True) if c.when is None else c.when for c in cases]
    return pl.any_horizontal(guards) if guards else pl.lit(value=False)


def _is_exactly(wanted: bool) -> Callable[[Value], Value]:
    def function(value: Value) -> Value:
        cases = [c for c in value.cases if c.kind is Kind.BOOLEAN]
        held = [
            same if case.when is None else case.when & same
            for case, same in ((c, c.expr if wanted else ~c.expr) for c in cases)
        ]
        answer = pl.any_horizontal(held) if held else pl.lit(value=False)
        return boolean(answer, value)

    return function


def _divisibleby(value: Value, num: Value) -> Value:
    return _compared("eq")(operate(arithmetic("%"), value, num), constant(0))


def _even(value: Value) -> Value:
    return _divisibleby(value, constant(2))


def _odd(value: Value) -> Value:
    return _compared("eq")(operate(arithmetic("%"), value, constant(2)), constant(1))


def _compared(name: str) -> Callable[[Value, Value], Value]:
    def function(value: Value, other: Value) -> Value:
        return compared(name, value, other)

    return function


def _cased(
    wanted: str, other: str, method: Callable[[str], bool]
) -> Callable[[Value], Value]:
    """`str.islower`, `str.isupper`: some letter of this case and none of the other."""

    def function(case: Case) -> Result:
        if case.kind in (Kind.NONE, Kind.STRUCT):
            return None
        held = py.unless(
            py.not_ascii,
            lambda text: text.str.contains(wanted) & ~text.str.contains(other),
            method,
            py.text_of(case),
            dtype=pl.Boolean(),
        )
        return Case(Kind.BOOLEAN, held)

    return each(function)


def _defined(value: Value) -> Value:
    return boolean(defined(value), value)


def _undefined(value: Value) -> Value:
    return boolean(~defined(value), value)


PREDICATES: dict[str, Callable[..., Value]] = {
    "boolean": _is_kind(Kind.BOOLEAN),
    "defined": _defined,
    "divisibleby": _divisibleby,
    "even": _even,
    "false": _is_exactly(wanted=False),
    "float": _is_kind(Kind.FLOAT),
    "integer": _is_kind(Kind.INTEGER),
    "lower": _cased("[a-z]", "[A-Z]", str.islower),
    "none": _is_kind(Kind.NONE, Kind.UNDEFINED),
    "number": _is_kind(Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL),
    "odd": _odd,
    "string": _is_kind(Kind.TEXT),
    "true": _is_exactly(wanted=True),
    "undefined": _undefined,
    "upper": _cased("[A-Z]", "[a-z]", str.isupper),
    **{
        alias: _compared(name)
        for name, aliases in {
            "eq": ("eq", "==", "equalto"),
            "ne": ("ne", "!="),
            "lt": ("lt", "<", "lessthan"),
            "lteq": ("le", "<="),
            "gt": ("gt", ">", "greaterthan"),
            "gteq": ("ge", ">="),
        }.items()
        for alias in aliases
    },
}

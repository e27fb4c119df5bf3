"""The filter table, and the two filters that are neither of texts nor of numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from . import number_filters as numbers
from . import text_filters as texts
from .calls import each
from .combining import choose, only
from .syntax import Refusal
from .values import Case, Kind, Result, Value, boolean, constant, defined

if TYPE_CHECKING:
    from collections.abc import Callable

_NOTHING = constant("")


def _default(
    value: Value, default_value: Value = _NOTHING, boolean_: bool = False
) -> Value:
    test = value if boolean_ else boolean(defined(value), value)
    lacking = (Kind.UNDEFINED, Kind.NONE) if boolean_ else (Kind.UNDEFINED,)
    chosen = choose(test, only(value, *lacking), replace(default_value, raises=()))
    # Python works out both of them before it calls default.
    return replace(chosen, raises=(*value.raises, *default_value.raises))


_DIRECTIVE = re.compile(r"%(-?.|$)", re.DOTALL)
_DIRECTIVES = ["Y", "y", "m", "-m", "B", "b", "d", "-d", "A", "a"]
_DIRECTIVES += ["H", "-H", "I", "-I", "M", "S", "p", "j", "%"]


@each
def _date(case: Case, pattern: str = "%Y-%m-%d") -> Result:
    """Ours: a date as the pattern says; a text must be ISO 8601 or is missing."""
    for directive in _DIRECTIVE.finditer(pattern):
        if directive[1] not in _DIRECTIVES:
            raise Refusal(
                "E306",
                f'date does not know "{directive[0]}"',
                expected="one of " + " ".join(f"%{d}" for d in _DIRECTIVES),
            )
    if case.kind is Kind.TEXT:
        moment = _read_moment(case.expr)
        # Not null, and not the year 0, which Python does not have.
        valid = (moment.dt.year() > 0).fill_null(value=False)
        return Case(Kind.TEXT, moment.dt.to_string(pattern), valid=valid)
    if case.kind not in (Kind.DATE, Kind.DATETIME, Kind.ZONED):
        return None
    moment = case.expr.cast(pl.Datetime("us")) if case.kind is Kind.DATE else case.expr
    return Case(Kind.TEXT, moment.dt.to_string(pattern))


_ISO = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-5][0-9]))?)?$"


def _read_moment(text: pl.Expr) -> pl.Expr:
    day, minute, second = (text.str.extract(_ISO, group) for group in (1, 2, 3))
    whole = pl.concat_str(
        day,
        pl.lit(" "),
        minute.fill_null("00:00"),
        pl.lit(":"),
        second.fill_null("00"),
    )
    return whole.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)


FILTERS: dict[str, Callable[..., Value]] = {
    "abs": numbers.absolute,
    "capitalize": texts.capitalize,
    "count": texts.length,
    "d": _default,
    "date": _date,
    "default": _default,
    "first": texts.first,
    "float": numbers.to_float,
    "int": numbers.to_int,
    "last": texts.last,
    "length": texts.length,
    "lower": texts.lower,
    "number": numbers.number,
    "replace": texts.replace,
    "round": numbers.rounded,
    "string": texts.string,
    "title": texts.title,
    "trim": texts.trim,
    "truncate": texts.truncate,
    "upper": texts.upper,
    "urlencode": texts.urlencode,
    "wordcount": texts.wordcount,
}
"""Jinja's filters do what Jinja's do; `date` and `number` are ours."""

"""The filter table, and the two filters that are neither of texts nor of numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
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
_OF_THE_CLOCK = ["H", "-H", "I", "-I", "M", "S", "p", "%"]
_DIRECTIVES += [*_OF_THE_CLOCK, "j"]


@each
def _date(case: Case, pattern: str = "%Y-%m-%d") -> Result:
    """Ours: a date as the pattern says; a text must be ISO 8601 or is missing.

    A time of day alone, as workbooks have it, has no day: it takes the clock's letters.
    """
    asked = [found[1] for found in _DIRECTIVE.finditer(pattern)]
    for directive in asked:
        if directive not in _DIRECTIVES:
            raise Refusal(
                "E306",
                f'date does not know "%{directive}"',
                expected="one of " + " ".join(f"%{d}" for d in _DIRECTIVES),
            )
    needs_day = not {*asked} <= {*_OF_THE_CLOCK}
    if case.kind is Kind.TEXT:
        moment = _read_moment(case.expr, alone=not needs_day)
        # Not null, and not the year 0, which Python does not have.
        valid = (moment.dt.year() > 0).fill_null(value=False)
        return Case(Kind.TEXT, moment.dt.to_string(pattern), valid=valid)
    if case.kind is Kind.TIME and not needs_day:
        return Case(Kind.TEXT, _ANY_DAY.dt.combine(case.expr).dt.to_string(pattern))
    if case.kind not in (Kind.DATE, Kind.DATETIME, Kind.ZONED):
        return None
    moment = case.expr.cast(pl.Datetime("us")) if case.kind is Kind.DATE else case.expr
    return Case(Kind.TEXT, moment.dt.to_string(pattern))


_ISO = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-5][0-9]))?)?$"
_CLOCK = r"^([0-9]{1,2}:[0-9]{2})(?::([0-5][0-9]))?$"
_DAY = "2000-01-01"
_ANY_DAY = pl.lit(date.fromisoformat(_DAY))


def _read_moment(text: pl.Expr, *, alone: bool) -> pl.Expr:
    """A text as a moment; one that is a time of day alone, where that will do."""
    day, minute, second = (text.str.extract(_ISO, group) for group in (1, 2, 3))
    if alone:
        clock, of_minute = (text.str.extract(_CLOCK, group) for group in (1, 2))
        is_clock = clock.is_not_null()
        day = pl.when(is_clock).then(pl.lit(_DAY)).otherwise(day)
        minute = pl.coalesce(clock.str.zfill(5), minute)
        second = pl.coalesce(of_minute, second)
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

"""The columns of the recipients file, as names in a template and as values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from bulksend.define.document import clipped

from .pythonic import FLOAT, INT64, INT128, TEXT, blank
from .syntax import Refusal, near
from .values import ANY, LIMIT, Case, Kind, Value, undefined
from .values import INT64 as NARROW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


NO_VALUE = frozenset(
    (
        "#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#SPILL!",
        "#CALC!", "#FIELD!", "(null)", r"\N", "NULL", "None", "NaN", "nan", "N/A",
    )
)  # fmt: skip
"""What spreadsheets, databases and programs write for no value, letter by letter: Null and
Nan are people's names.
"""


def spelled(name: str) -> str:
    """A header as a template may write it: ``First Name`` is ``first_name``."""
    return re.sub(r"[\s-]", "_", name.strip()).lower()


def find(name: str, schema: Mapping[str, pl.DataType]) -> str:
    """The column that *name* means.

    Raises:
        Refusal: no column, or more than one, fits.
    """
    if name in schema:
        return name
    fits = [column for column in schema if spelled(column) == spelled(name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        listed = ", ".join(f'"{column}"' for column in fits)
        raise Refusal("E303", f'"{name}" fits several columns: {listed}')
    raise Refusal(
        "E302",
        f'there is no column "{name}"',
        fix=near(name, map(spelled, schema)) or f"The columns are: {_listed(schema)}.",
    )


def _listed(schema: Mapping[str, pl.DataType]) -> str:
    names = [clipped(spelled(column)) for column in schema]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def column(
    name: str,
    dtype: pl.DataType,
    source: pl.Expr,
    *,
    of: str = "",
    meant: frozenset[str] = frozenset(),
) -> Value:
    """*source* as a value that is undefined where its cell says nothing.

    Args:
        of: The real column, if *name* is a field inside of it.

        meant: Words of `NO_VALUE` that are values here.
    """
    if isinstance(dtype, pl.Null):
        return Value((undefined(name),), columns=(of or name,))
    case = _typed(name, dtype, source)
    if case.kind is Kind.TEXT:
        gone = blank(case.expr, NO_VALUE - meant)
    elif case.kind is Kind.FLOAT:
        gone = ~case.expr.is_finite().fill_null(value=False)
    else:
        gone = case.expr.is_null()
    present = Case(case.kind, case.expr, ~gone, case.bounds, case.detail)
    return Value((present, undefined(name, gone)), columns=(of or name,))


def _typed(name: str, dtype: pl.DataType, source: pl.Expr) -> Case:
    for types, make in _TYPES:
        if isinstance(dtype, types):
            return make(source, dtype)
    raise Refusal(
        "E309",
        f'the column "{name}" is of type {dtype}, which has no text',
    )


def _integer(source: pl.Expr, dtype: pl.DataType) -> Case:
    if isinstance(dtype, (pl.Int128, pl.UInt128)):
        fits = source.is_between(pl.lit(-LIMIT, pl.Int128), pl.lit(LIMIT, pl.Int128))
        return Case(Kind.INTEGER, pl.when(fits).then(source).cast(INT128), bounds=ANY)
    if isinstance(dtype, pl.UInt64):
        return Case(Kind.INTEGER, source.cast(INT128), bounds=(0, 2**64 - 1))
    return Case(
        Kind.INTEGER, source.cast(INT64), bounds=_BOUNDS.get(type(dtype), NARROW)
    )


_BOUNDS: dict[type[pl.DataType], tuple[int, int]] = {
    pl.Int8: (-(2**7), 2**7 - 1),
    pl.Int16: (-(2**15), 2**15 - 1),
    pl.Int32: (-(2**31), 2**31 - 1),
    pl.UInt8: (0, 2**8 - 1),
    pl.UInt16: (0, 2**16 - 1),
    pl.UInt32: (0, 2**32 - 1),
}


def _datetime(source: pl.Expr, dtype: pl.DataType) -> Case:
    zone = getattr(dtype, "time_zone", None)
    kind = Kind.ZONED if zone else Kind.DATETIME
    # Microseconds are what Python has.
    return Case(kind, source.cast(pl.Datetime("us", zone)), detail=zone)


_INTEGERS = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128,
    pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128,
)  # fmt: skip

_TYPES: list[
    tuple[tuple[type[pl.DataType], ...], Callable[[pl.Expr, pl.DataType], Case]]
] = [
    ((pl.String,), lambda source, _: Case(Kind.TEXT, source)),
    ((pl.Categorical, pl.Enum), lambda source, _: Case(Kind.TEXT, source.cast(TEXT))),
    (_INTEGERS, _integer),
    ((pl.Float64,), lambda source, _: Case(Kind.FLOAT, source)),
    # By way of its shortest text: 19.99 in 32 bits is 19.989999771118164 in 64.
    ((pl.Float32,), lambda source, _: Case(Kind.FLOAT, source.cast(TEXT).cast(FLOAT))),
    ((pl.Boolean,), lambda source, _: Case(Kind.BOOLEAN, source)),
    ((pl.Date,), lambda source, _: Case(Kind.DATE, source)),
    ((pl.Datetime,), _datetime),
    ((pl.Time,), lambda source, _: Case(Kind.TIME, source)),
    ((pl.Decimal,), lambda source, dtype: Case(Kind.DECIMAL, source, detail=dtype)),
    ((pl.Struct,), lambda source, dtype: Case(Kind.STRUCT, source, detail=dtype)),
]

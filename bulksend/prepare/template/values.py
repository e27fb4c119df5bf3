"""What an expression of the message language can be: guarded alternatives.

Jinja is dynamic: `points or 'none'` is a number in one row and a text in the next.  A
Polars column has one type.  So a `Value` is a few `Case`s, each of one kind and each with
the condition under which it holds; an operation on two values is done for each pair of
kinds, and cases of the same kind become one column again (`combining`).  Nearly every value
has one case, and an empty cell makes it two: the text, or UNDEFINED.

A missing value that is *needed* does what it does in Jinja: it ends the row.  That is a
`Raise`: where it happens, and which column to blame.

Two invariants carry everything:

* In a row where nothing raised, exactly one case of each value holds, and every guard
  is true or false, never null.
* In a row where something raised, or where a case does not hold, its column may hold
  anything.  The text of the whole template is masked once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from .syntax import Refusal, too_long

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Kind(Enum):
    """The types of the language, by the name that error texts give them."""

    TEXT = "text"
    INTEGER = "a whole number"
    FLOAT = "a number"
    DECIMAL = "a decimal"
    BOOLEAN = "true or false"
    DATE = "a date"
    DATETIME = "a date with time"
    ZONED = "a date with time and zone"
    TIME = "a time"
    STRUCT = "a group of fields"
    NONE = "none"
    UNDEFINED = "missing"


Bounds = tuple[int, int]
LIMIT = 10**38 - 1
"""The largest whole number: an Int128 holds every number of 38 digits."""

ANY: Bounds = (-LIMIT, LIMIT)
INT64: Bounds = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Case:
    """One alternative.

    Args:
        expr: The column; Int64 or Int128 for INTEGER, unused for NONE and UNDEFINED.

        when: Where this alternative holds; None means everywhere.

        bounds: For INTEGER, the least and the greatest value it can have.

        detail: What else must agree before two cases can be one column: a struct's
            or decimal's type, a time zone, the name of the missing column.

        valid: For the result of an operation: where it has one; None means everywhere.

        copies: For TEXT, of how many cells it can be made: each `v ~ v` doubles it.
    """

    kind: Kind
    expr: pl.Expr
    when: pl.Expr | None = None
    bounds: Bounds = ANY
    detail: Any = None
    valid: pl.Expr | None = None
    copies: int = 1


class Raise(NamedTuple):
    """Where a row ends, and the missing column to blame.

    Args:
        unfit: The column is there, and something cannot be worked out from it.
    """

    when: pl.Expr | None
    column: str
    unfit: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression is, row by row.  No case at all: a problem was reported."""

    cases: tuple[Case, ...]
    raises: tuple[Raise, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def kinds(self) -> set[Kind]:
        return {case.kind for case in self.cases}


BROKEN = Value(())


class Unfit(Exception):  # noqa: N818 - caught one node above
    """An operation has no meaning for these kinds."""

    def __init__(self, kinds: tuple[Kind, ...], *, always: str = "") -> None:
        super().__init__(kinds)
        self.kinds = kinds
        self.always = always  # the one answer that a comparison of them can have


NOTHING = pl.lit(None, dtype=pl.String)
Result = Case | tuple[Case, ...] | None


def both(left: pl.Expr | None, right: pl.Expr | None) -> pl.Expr | None:
    if left is None or right is None:
        return right if left is None else left
    return left & right


def constant(value: object) -> Value:
    return Value((literal(value),))


def literal(value: object) -> Case:
    match value:
        case None:
            return Case(Kind.NONE, NOTHING)
        case bool():
            return Case(Kind.BOOLEAN, pl.lit(value))
        case int():
            if abs(value) > LIMIT:
                raise too_long()
            narrow = INT64[0] <= value <= INT64[1]
            dtype = pl.Int64() if narrow else pl.Int128()
            return Case(Kind.INTEGER, pl.lit(value, dtype=dtype), bounds=(value, value))
        case float():
            if not isfinite(value):
                raise Refusal(
                    "E315", "a number that is too large", expected="less than 1.8e308"
                )
            return Case(Kind.FLOAT, pl.lit(value, dtype=pl.Float64))
        case _:
            return Case(Kind.TEXT, pl.lit(str(value), dtype=pl.String))


def undefined(name: str, when: pl.Expr | None = None) -> Case:
    return Case(Kind.UNDEFINED, NOTHING, when=when, detail=name)


def truth(value: Value) -> pl.Expr:
    """Boolean: is *value* true as Python sees it?  Missing and none are not."""
    held = [
        t if case.when is None else case.when & t
        for case, t in ((case, _TRUTH[case.kind](case.expr)) for case in value.cases)
        if t is not None
    ]
    if not held:
        return pl.lit(value=False)
    return held[0] if len(held) == 1 else pl.any_horizontal(held)


def _present(_expr: pl.Expr) -> pl.Expr:
    return pl.lit(value=True)


_TRUTH: dict[Kind, Callable[[pl.Expr], pl.Expr | None]] = {
    Kind.TEXT: lambda expr: expr.str.len_bytes() > 0,
    Kind.INTEGER: lambda expr: expr != 0,
    Kind.FLOAT: lambda expr: expr != 0,
    Kind.DECIMAL: lambda expr: expr != 0,
    Kind.BOOLEAN: lambda expr: expr,
    Kind.DATE: _present,
    Kind.DATETIME: _present,
    Kind.ZONED: _present,
    Kind.TIME: _present,
    Kind.STRUCT: _present,
    Kind.NONE: lambda _expr: None,
    Kind.UNDEFINED: lambda _expr: None,
}


def defined(value: Value) -> pl.Expr:
    """Boolean: is *value* anything at all?"""
    gone = [case for case in value.cases if case.kind is Kind.UNDEFINED]
    if any(case.when is None for case in gone):
        return pl.lit(value=False)
    where = [case.when for case in gone if case.when is not None]
    return ~pl.any_horizontal(where) if where else pl.lit(value=True)


def boolean(answer: pl.Expr, *values: Value) -> Value:
    """A yes-or-no about *values* which none of them needs to be there for."""
    return Value(
        (Case(Kind.BOOLEAN, answer),),
        once(r for value in values for r in value.raises),
        once(name for value in values for name in value.columns),
    )


def once(items: Iterable[Any]) -> tuple[Any, ...]:
    """*items* in order, each only once (an expression is compared by identity)."""
    return tuple({_identity(item): item for item in items}.values())


def _identity(item: object) -> object:
    if isinstance(item, Raise):
        return id(item.when), *item[1:]
    return item if isinstance(item, str) else id(item)

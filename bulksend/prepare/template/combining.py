"""Values combined: an operation for each pair of kinds, and one column of each kind again.

A missing value that is *needed* ends the row; of two branches only the one that is chosen
may do so.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import polars as pl

from .syntax import Refusal
from .values import Case, Kind, Raise, Result, Unfit, Value, both, once, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def merged(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Cases of the same kind as one column; the only case left needs no guard."""
    groups: dict[object, Case] = {}
    for case in cases:
        key = (case.kind, case.detail)
        groups[key] = _either(groups[key], case) if key in groups else case
    if len(groups) > 1:
        return tuple(groups.values())
    return tuple(replace(case, when=None) for case in groups.values())


def _either(first: Case, second: Case) -> Case:
    if first.when is None:
        return first
    return replace(
        first,
        expr=pl.when(first.when).then(first.expr).otherwise(second.expr),
        when=None if second.when is None else first.when | second.when,
        bounds=(
            min(first.bounds[0], second.bounds[0]),
            max(first.bounds[1], second.bounds[1]),
        ),
        copies=max(first.copies, second.copies),
    )


def guarded(when: pl.Expr, value: Value) -> Value:
    """*value* as it is in the rows of one branch."""
    return replace(
        value,
        cases=tuple(replace(c, when=both(when, c.when)) for c in value.cases),
        raises=tuple(r._replace(when=both(when, r.when)) for r in value.raises),
    )


def choose(test: Value, first: Value, second: Value) -> Value:
    """*first* where *test* is true, else *second*; only the one chosen may raise."""
    yes = truth(test)
    first, second = guarded(yes, first), guarded(~yes, second)
    return Value(
        merged(first.cases + second.cases),
        once(test.raises + first.raises + second.raises),
        once(test.columns + first.columns + second.columns),
    )


def only(value: Value, *left_out: Kind) -> Value:
    """*value* without the kinds that it cannot have where it is used."""
    kept = tuple(case for case in value.cases if case.kind not in left_out)
    return replace(value, cases=kept)


def needed(value: Value) -> Value:
    """*value* where it must be there: what was undefined now raises."""
    gone = (Raise(c.when, c.detail) for c in value.cases if c.kind is Kind.UNDEFINED)
    rest = [case for case in value.cases if case.kind is not Kind.UNDEFINED]
    return Value(merged(rest), once((*value.raises, *gone)), value.columns)


def operate(operation: Callable[..., Result], *values: Value) -> Value:
    """*operation* on every combination of the cases of *values*, all of them needed.

    Raises:
        Unfit: some combination makes no sense (the operation gave None).
    """
    evaluated = [r for value in values for r in value.raises]
    operands = [needed(value) for value in values]
    raises = evaluated + [r for value in operands for r in value.raises]
    columns = once(name for value in values for name in value.columns)

    blame = ", ".join(columns)
    cases: list[Case] = []
    for combination in product(*(operand.cases for operand in operands)):
        when = _all(case.when for case in combination)
        for case in _results(operation, combination):
            held = both(when, case.when)
            if case.valid is not None:
                if not columns and not pl.select(case.valid).item():
                    raise Refusal("E311", "this has no result")
                raises.append(Raise(both(held, ~case.valid), blame, unfit=True))
            detail = blame if case.kind is Kind.UNDEFINED else case.detail
            made_of = sum(operand.copies for operand in combination)
            copies = max(case.copies, made_of) if case.kind is Kind.TEXT else 1
            cases.append(
                replace(case, when=held, valid=None, detail=detail, copies=copies)
            )
    return Value(merged(cases), once(raises), columns)


def joined(
    values: Sequence[Value],
    written: Sequence[Callable[[Case], Result]],
    between: Sequence[str] = (),
) -> Value:
    """One text of *values*, each as its own *written* makes it a text.

    Args:
        between: What stands before each of them, and after the last.

    Raises:
        Unfit: some value has no text (its *written* gave None).
    """
    # Python works out all of them before it makes a text of the first.
    evaluated = [r for value in values for r in value.raises]
    parts = [
        operate(write, replace(value, raises=()))
        for write, value in zip(written, values, strict=True)
    ]
    raises = once((*evaluated, *(r for part in parts for r in part.raises)))
    columns = once(name for part in parts for name in part.columns)
    if not all(part.cases for part in parts):
        return Value((), raises, columns)
    texts = [part.cases[0].expr for part in parts]
    copies = sum(part.cases[0].copies for part in parts)
    if between:
        texts = [
            expr
            for pair in zip(map(pl.lit, between), [*texts, pl.lit("")], strict=True)
            for expr in pair
        ]
    case = Case(Kind.TEXT, pl.concat_str(texts), copies=copies)
    return Value((case,), raises, columns)


def _results(
    operation: Callable[..., Result], combination: Sequence[Case]
) -> tuple[Case, ...]:
    result = operation(*combination)
    if result is None:
        raise Unfit(tuple(case.kind for case in combination))
    return result if isinstance(result, tuple) else (result,)


def _all(guards: Iterable[pl.Expr | None]) -> pl.Expr | None:
    together: pl.Expr | None = None
    for guard in guards:
        together = both(together, guard)
    return together

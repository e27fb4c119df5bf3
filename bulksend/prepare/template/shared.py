"""What is used more than once, as columns of their own.

A Polars expression is a tree: what stands in it twice is there twice, and twice that in
the next one.  So an expression that has grown is made a column in a step before, and its
name is used in its place; the compiled size of a template then grows as the template does.
What no column has a part in is worked out at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from .syntax import Refusal
from .values import Value, once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .values import Case

LARGEST = 12
"""Columns that an expression may name before it is made a column itself."""

BUDGET = 60_000
"""The same of all the expressions of a template: Polars plans them in about a second."""

MOST_COPIES = 200
"""So many cells are longer than any text that can be sent; each row would hold them."""

Step = tuple[pl.Expr, ...]
"""Columns that can be worked out side by side."""


class Exhausted(Exception):  # noqa: N818 - it ends the compilation
    """The budget is spent; `at` is filled in by the nearest expression."""

    at: int | None = None

    def placed(self, at: int) -> Exhausted:
        self.at = at if self.at is None else self.at
        return self

    @property
    def refusal(self) -> Refusal:
        fix = "Use fewer conditions in each other, or prepare a column in the list."
        refusal = Refusal("E316", "too many cases to tell apart", fix=fix)
        return refusal.placed(self.at or 0)


@dataclass(slots=True)
class Shared:
    """The columns of one template, by the step in which they can be worked out.

    Args:
        prefix: Of their names: that of no column of the list, nor of another template.
    """

    prefix: str
    _steps: list[dict[str, pl.Expr]] = field(default_factory=list)
    _made_in: dict[str, int] = field(default_factory=dict)
    _known: dict[int, tuple[pl.Expr, pl.Expr]] = field(default_factory=dict)
    _spent: int = 0

    def value(self, value: Value) -> Value:
        """*value*, with every expression in it small."""
        cases = [self._case(case) for case in value.cases]
        raises = [r._replace(when=self._guard(r.when)) for r in value.raises]
        return Value(
            tuple(c for c in cases if c is not None),
            once(r for r in raises if not _is_never(r.when)),
            value.columns,
        )

    def _case(self, case: Case) -> Case | None:
        when = self._guard(case.when)
        if _is_never(when):
            return None
        if case.copies > MOST_COPIES:
            what = f"this can be made of more than {MOST_COPIES} cells"
            raise Refusal("E316", what, fix="Repeat a text less often.")
        return replace(case, expr=self.expr(case.expr), when=when)

    def _guard(self, when: pl.Expr | None) -> pl.Expr | None:
        if when is None:
            return None
        small = self.expr(when)
        return None if _is(small, held=True) else small

    def expr(self, expr: pl.Expr) -> pl.Expr:
        """*expr*, or the column that it was made; the same for the same expression.

        Raises:
            Exhausted: The template has become too large.
        """
        known = self._known.get(id(expr))
        if known is None:
            # Kept alive, or another expression may get its id.
            known = self._known[id(expr)] = expr, self._made(expr)
        return known[1]

    def _made(self, expr: pl.Expr) -> pl.Expr:
        names = expr.meta.root_names()
        if not names:
            return expr if expr.meta.is_literal() else _worked_out(expr)
        if len(names) <= LARGEST:
            return expr
        self._spend(len(names))
        step = max(self._made_in.get(name, 0) for name in names)
        name = f"{self.prefix}{len(self._made_in)}"
        self._made_in[name] = step + 1
        if step == len(self._steps):
            self._steps.append({})
        self._steps[step][name] = expr.alias(name)
        return pl.col(name)

    def _spend(self, names: int) -> None:
        self._spent += names
        if self._spent > BUDGET:
            raise Exhausted

    def steps(self, used: Iterable[pl.Expr]) -> tuple[Step, ...]:
        """What has to be worked out for *used*, in order."""
        wanted = {name for expr in used for name in expr.meta.root_names()}
        found: list[Step] = []
        for step in reversed(self._steps):
            kept = [expr for name, expr in step.items() if name in wanted]
            wanted.update(name for expr in kept for name in expr.meta.root_names())
            found.append(tuple(kept))
        return tuple(step for step in reversed(found) if step)


def _worked_out(expr: pl.Expr) -> pl.Expr:
    found = pl.select(expr).to_series()
    return pl.lit(found.item(), dtype=found.dtype)


def _is(guard: pl.Expr | None, *, held: bool) -> bool:
    return (
        guard is not None
        and guard.meta.is_literal()
        and pl.select(guard).item() is held
    )


def _is_never(when: pl.Expr | None) -> bool:
    return _is(when, held=False)

"""A whole template: its text, and what was missing where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from jinja2 import nodes

from bulksend.errors import InputError

from .scope import Scope
from .statements import Text, write_all
from .syntax import Findings, Origin, Refusal, parse, too_deep
from .values import NOTHING, Raise, once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template as columns.

    Args:
        text: String; null exactly where something that the row needs is missing.

        missing: String; the first column whose missing value the row needed, else null.

        unfit: Boolean; whether nothing is empty there, but something cannot be worked
            out, and *missing* has what from; None where that cannot be.

        names: The columns that the template uses, as the header has them.

        constant: The text, if the template uses no column.
    """

    text: pl.Expr
    missing: pl.Expr
    names: frozenset[str]
    constant: str | None = None
    unfit: pl.Expr | None = None


def compile_template(
    source: str, schema: Mapping[str, pl.DataType], origin: Origin = NOWHERE
) -> Compiled:
    """*source* as expressions over the columns of *schema*.

    Raises:
        InputError: with every problem of the template.
    """
    findings = Findings(source, origin)
    scope = Scope(schema, findings)
    try:
        tree = parse(source)
        scope.meant = _said(tree)
        written = write_all(tree.body, scope)
    except Refusal as refusal:
        findings.add(refusal)
        written = Text()
    except RecursionError:  # an elif is an if in the else of the one before
        findings.add(too_deep())
        written = Text()
    if findings.problems:
        raise InputError(findings.problems)

    missing = _first(written.raises)
    if scope.used:
        text = pl.when(missing.is_null()).then(written.expr())
        unfit = _unfit(written.raises)
        return Compiled(text, missing, frozenset(scope.used), unfit=unfit)
    unset = pl.select(missing).item()
    if unset is not None:
        findings.add(Refusal("E311", f'"{unset}" is used, and never set'))
        raise InputError(findings.problems)
    fixed = pl.select(written.expr()).item()
    return Compiled(pl.lit(fixed), NOTHING, frozenset(), constant=fixed)


def _said(tree: nodes.Template) -> frozenset[str]:
    """The texts in quotes: what a template asks for is a value, be it the word None."""
    return frozenset(
        one.value for one in tree.find_all(nodes.Const) if isinstance(one.value, str)
    )


def _first(raises: Sequence[Raise]) -> pl.Expr:
    """What to blame: the first that raised, in the order of evaluation."""
    return _of_first(raises, lambda one: pl.lit(one.column), NOTHING)


def _unfit(raises: Sequence[Raise]) -> pl.Expr | None:
    if not any(one.unfit for one in raises):
        return None
    return _of_first(raises, lambda one: pl.lit(one.unfit), pl.lit(value=False))


def _of_first(
    raises: Sequence[Raise], what: Callable[[Raise], pl.Expr], otherwise: pl.Expr
) -> pl.Expr:
    for one in reversed(once(raises)):
        said = what(one)
        if one.when is not None:
            said = pl.when(one.when).then(said).otherwise(otherwise)
        otherwise = said
    return otherwise

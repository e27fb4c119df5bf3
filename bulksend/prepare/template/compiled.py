"""A whole template: its text, and what was missing where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl
from jinja2 import nodes

from bulksend.errors import InputError

from .scope import Scope
from .shared import Exhausted, Shared
from .statements import UNFIT, Text, write_all
from .syntax import Findings, Origin, Refusal, parse
from .values import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .shared import Step


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

        steps: The columns that the others need, to be added one step after another.
    """

    text: pl.Expr
    missing: pl.Expr
    names: frozenset[str]
    constant: str | None = None
    unfit: pl.Expr | None = None
    steps: tuple[Step, ...] = ()

    def over(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """*frame* with the columns of the *steps*."""
        for step in self.steps:
            frame = frame.with_columns(step)
        return frame


def compile_template(
    source: str, schema: Mapping[str, pl.DataType], origin: Origin = NOWHERE
) -> Compiled:
    """*source* as expressions over the columns of *schema*.

    Raises:
        InputError: with every problem of the template.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")  # as Jinja reads it
    findings = Findings(source, origin)
    digest = sha256(source.encode("utf-8", "replace")).hexdigest()
    scope = Scope(schema, findings, Shared(f"bulksend:{digest[:12]}:"))
    try:
        tree = parse(source)
        scope.meant = _said(tree)
        written = write_all(tree.body, scope)
    except Refusal as refusal:
        findings.add(refusal)
        written = Text()
    except Exhausted as spent:
        findings.add(spent.refusal)
        written = Text()
    if findings.problems:
        raise InputError(findings.problems)

    if scope.used:
        return _compiled(written, scope)
    unset = pl.select(written.lacking()).item()
    if unset is not None:
        findings.add(Refusal("E311", f'"{unset}" is used, and never set'))
        raise InputError(findings.problems)
    fixed = pl.select(written.expr()).item()
    return Compiled(pl.lit(fixed), NOTHING, frozenset(), constant=fixed)


def _compiled(written: Text, scope: Scope) -> Compiled:
    lacking, unfit = written.lacking(), None
    if written.may_be_unfit:
        lacking = scope.shared.expr(lacking)
        unfit = lacking.str.starts_with(UNFIT)
    text = pl.when(lacking.is_null()).then(written.expr())
    missing = lacking.str.strip_prefix(UNFIT) if unfit is not None else lacking
    used = [one for one in (text, missing, unfit) if one is not None]
    steps = scope.shared.steps(used)
    names = frozenset(scope.used)
    return Compiled(text, missing, names, unfit=unfit, steps=steps)


def _said(tree: nodes.Template) -> frozenset[str]:
    """The texts in quotes: what a template asks for is a value, be it the word None."""
    return frozenset(
        one.value for one in tree.find_all(nodes.Const) if isinstance(one.value, str)
    )

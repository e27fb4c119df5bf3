"""Statements: one small function per node, to the text that it prints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import NamedTuple

import polars as pl
from jinja2 import nodes

from .combining import needed
from .expressions import value
from .pythonic import text_of
from .scope import Scope
from .syntax import Refusal, not_in_language
from .values import BROKEN, NOTHING, Case, Kind, Raise, Value, once, truth

UNFIT = "\0"
"""Stands before a column's name where something cannot be worked out from it."""


class Branched(NamedTuple):
    """What the branch that is taken lacks: a column's name as `Text.lacking` has it."""

    lacking: pl.Expr
    unfit: bool


@dataclass(slots=True)
class Text:
    """What statements print: parts to be joined, and where a row ends early.

    Args:
        lacks: Where, in the order of evaluation.
    """

    parts: list[pl.Expr | str] = field(default_factory=list)
    lacks: list[Raise | Branched] = field(default_factory=list)

    copies: int = 0

    @property
    def may_be_unfit(self) -> bool:
        return any(lack.unfit for lack in self.lacks)

    def add(self, other: Text) -> None:
        self.parts += other.parts
        self.lacks += other.lacks
        self.copies += other.copies

    def expr(self) -> pl.Expr:
        """The parts as one String; neighbouring literals become one."""
        joined: list[pl.Expr | str] = []
        for part in self.parts:
            if isinstance(part, str) and joined and isinstance(joined[-1], str):
                joined[-1] += part
            else:
                joined.append(part)
        exprs = [pl.lit(part) if isinstance(part, str) else part for part in joined]
        return pl.concat_str(exprs) if exprs else pl.lit("")

    def lacking(self) -> pl.Expr:
        """The first column that was missing, after UNFIT if it was there; else null."""
        found = [_told(one) for one in once(self.lacks)]
        return pl.coalesce(found) if found else NOTHING


def _told(lack: Raise | Branched) -> pl.Expr:
    if isinstance(lack, Branched):
        return lack.lacking
    name = pl.lit(f"{UNFIT * lack.unfit}{lack.column}")
    return name if lack.when is None else pl.when(lack.when).then(name)


@singledispatch
def write(node: nodes.Node, scope: Scope) -> Text:
    if isinstance(node, nodes.Scope):  # an autoescape, which has no place of its own
        return write(node.body[0], scope)
    name = type(node).__name__
    tag, fix = _FOREIGN_STATEMENTS.get(name, (name.lower(), ""))
    raise not_in_language(f"{{% {tag} %}}", fix=fix)


_ONE_TEXT = "A message is one text: write it here in full."
_FOREIGN_STATEMENTS = {
    "For": ("for", "Name each value, or join them into one column of the file."),
    "Macro": ("macro", _ONE_TEXT),
    "CallBlock": ("call", _ONE_TEXT),
    "FilterBlock": ("filter", "Put the filter on each name: {{ name | upper }}."),
    "Block": ("block", _ONE_TEXT),
    "Extends": ("extends", _ONE_TEXT),
    "Include": ("include", _ONE_TEXT),
    "Import": ("import", _ONE_TEXT),
    "FromImport": ("from", _ONE_TEXT),
    "With": ("with", "Use {% set name = value %}."),
    "ScopedEvalContextModifier": ("autoescape", "A text message is not HTML."),
}


def write_all(statements: list[nodes.Node], scope: Scope) -> Text:
    text = Text()
    for node in statements:
        try:
            text.add(write(node, scope))
        except Refusal as refusal:
            scope.findings.add(refusal.placed(node.lineno))
    return text


@write.register
def _(node: nodes.Output, scope: Scope) -> Text:
    text = Text()
    for part in node.nodes:
        if isinstance(part, nodes.TemplateData):
            text.parts.append(part.data)
        else:
            try:
                text.add(_printed(value(part, scope)))
            except Refusal as refusal:
                scope.findings.add(refusal.placed(part.lineno))
    return text


def _printed(printed: Value) -> Text:
    """A value as text; what is missing ends the row."""
    printed = needed(printed)
    for case in printed.cases:
        if case.kind is Kind.NONE:
            raise Refusal("E310", "this can be none, and would print the word None")
        if case.kind is Kind.STRUCT:
            raise Refusal(
                "E308",
                f"{printed.columns[0]} is {case.kind.value}, which has no text",
                fix="Name one: " + ", ".join(f.name for f in case.detail.fields) + ".",
            )
    whole = NOTHING
    for case in reversed(printed.cases):
        text = text_of(case)
        whole = (
            text
            if case.when is None
            else pl.when(case.when).then(text).otherwise(whole)
        )
    copies = max((case.copies for case in printed.cases), default=0)
    return Text([whole], list(printed.raises), copies)


@write.register
def _(node: nodes.If, scope: Scope) -> Text:
    """An elif is an if in the else of the one before, so the last one is joined first."""
    branches: list[tuple[Value, Text, Scope]] = []
    for one in (node, *node.elif_):
        test, inside = value(one.test, scope), scope.branch()
        branches.append((test, write_all(one.body, inside), inside))
    no = scope.branch()
    second = write_all(node.else_, no)
    for test, first, yes in reversed(branches):
        outside = scope.branch()
        outside.join(test, yes, no)
        second, no = _either(test, first, second, scope), outside
    scope.variables = no.variables
    return second


def _either(test: Value, first: Text, second: Text, scope: Scope) -> Text:
    small = scope.shared.expr
    holds = small(truth(test))
    either = Text(lacks=list(test.raises), copies=max(first.copies, second.copies))
    if first.parts or second.parts:
        made = pl.when(holds).then(first.expr()).otherwise(second.expr())
        either.parts.append(small(made))
    if first.lacks or second.lacks:
        lacking = pl.when(holds).then(first.lacking()).otherwise(second.lacking())
        unfit = first.may_be_unfit or second.may_be_unfit
        either.lacks.append(Branched(small(lacking), unfit))
    return either


@write.register
def _(node: nodes.Assign, scope: Scope) -> Text:
    assigned = value(node.node, scope)
    kept = replace(assigned, raises=())  # here is where it raises
    scope.variables[_target(node.target)] = BROKEN if assigned is BROKEN else kept
    return Text([], list(assigned.raises))


@write.register
def _(node: nodes.AssignBlock, scope: Scope) -> Text:
    if node.filter is not None:
        raise not_in_language("a filter on set", fix="Filter the name when it is used.")
    body = write_all(node.body, scope.branch())  # what it sets stays inside
    scope.variables[_target(node.target)] = BROKEN  # unless it is small
    whole = Case(Kind.TEXT, body.expr(), copies=body.copies)
    kept = scope.shared.value(Value((whole,), (), tuple(scope.used)))
    scope.variables[_target(node.target)] = kept
    return Text([], body.lacks)


def _target(node: nodes.Node) -> str:
    if not isinstance(node, nodes.Name):
        raise not_in_language(
            "set of more than one plain name",
            fix="Write one {% set name = value %} each.",
        )
    return node.name

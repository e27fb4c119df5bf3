"""Statements: one small function per node, to the text that it prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch

import polars as pl
from jinja2 import nodes

from .expressions import value
from .pythonic import text_of
from .scope import Scope
from .syntax import Refusal, not_in_language
from .values import (
    NOTHING,
    Case,
    Kind,
    Raise,
    Value,
    guarded,
    needed,
    truth,
)


@dataclass(slots=True)
class Text:
    """What statements print: parts to be joined, and where a row ends early."""

    parts: list[pl.Expr | str] = field(default_factory=list)
    raises: list[Raise] = field(default_factory=list)

    def add(self, other: Text) -> None:
        self.parts += other.parts
        self.raises += other.raises

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
    return Text([whole], list(printed.raises))


@write.register
def _(node: nodes.If, scope: Scope) -> Text:
    test = value(node.test, scope)
    yes, no = scope.branch(), scope.branch()
    first = write_all(node.body, yes)
    otherwise = _rest(node)
    second = write_all(otherwise, no)
    scope.join(test, yes, no)

    holds = truth(test)
    expr = pl.when(holds).then(first.expr()).otherwise(second.expr())
    taken = guarded(holds, Value((), tuple(first.raises)))
    skipped = guarded(~holds, Value((), tuple(second.raises)))
    parts: list[pl.Expr | str] = [expr] if first.parts or second.parts else []
    return Text(parts, [*test.raises, *taken.raises, *skipped.raises])


def _rest(node: nodes.If) -> list[nodes.Node]:
    """What an if does when its test fails: the next elif, or the else."""
    if not node.elif_:
        return node.else_
    following, *elifs = node.elif_
    return [
        nodes.If(
            following.test,
            following.body,
            elifs,
            node.else_,
            lineno=following.lineno,
        )
    ]


@write.register
def _(node: nodes.Assign, scope: Scope) -> Text:
    assigned = value(node.node, scope)
    kept = Value(assigned.cases, (), assigned.columns)  # here is where it raises
    scope.set(_target(node.target), kept, node.node)
    return Text([], list(assigned.raises))


@write.register
def _(node: nodes.AssignBlock, scope: Scope) -> Text:
    if node.filter is not None:
        raise not_in_language("a filter on set", fix="Filter the name when it is used.")
    body = write_all(node.body, scope.branch())  # what it sets stays inside
    kept = Value((Case(Kind.TEXT, body.expr()),), (), tuple(scope.used))
    scope.set(_target(node.target), kept, node)
    return Text([], body.raises)


def _target(node: nodes.Node) -> str:
    if not isinstance(node, nodes.Name):
        raise not_in_language(
            "set of more than one plain name",
            fix="Write one {% set name = value %} each.",
        )
    return node.name

"""What names mean at one point of a template: its variables first, then the columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
from jinja2 import nodes

from . import columns
from .syntax import Findings, Refusal
from .values import BROKEN, Value, choose, undefined

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_VARIABLE = 2_000
"""Nodes of the tree that one variable may stand for."""


@dataclass(slots=True)
class Scope:
    """What names mean at one point of the template."""

    schema: Mapping[str, pl.DataType]
    findings: Findings
    variables: dict[str, Value] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    used: dict[str, Value] = field(default_factory=dict)
    meant: frozenset[str] = frozenset()
    """Words that are values here, although exports write them for nothing."""

    def lookup(self, name: str) -> Value:
        if name in self.variables:
            return self.variables[name]
        real = columns.find(name, self.schema)
        if real not in self.used:
            self.used[real] = BROKEN  # a type without a text is reported once
            self.used[real] = columns.column(
                real, self.schema[real], pl.col(real), meant=self.meant
            )
        return self.used[real]

    def branch(self) -> Scope:
        known = dict(self.variables), dict(self.sizes)
        return Scope(self.schema, self.findings, *known, self.used, self.meant)

    def set(self, name: str, value: Value, node: nodes.Node) -> None:
        """A variable is copied to where it is used, so its size is kept in check."""
        names = [part.name for part in node.find_all(nodes.Name)]
        size = len(list(node.find_all(nodes.Node))) + 1
        size += sum(self.sizes.get(used, 0) for used in names)
        if size > LARGEST_VARIABLE:
            self.variables[name], self.sizes[name] = BROKEN, 0
            raise Refusal("E316", f'"{name}" grows with each set')
        self.variables[name], self.sizes[name] = value, size

    def join(self, test: Value, first: Scope, second: Scope) -> None:
        """After an if: a variable is what the branch that was taken made it."""
        for name in dict.fromkeys((*first.variables, *second.variables)):
            one, other = first._known(name), second._known(name)
            same = one is other
            self.variables[name] = one if same else choose(test, one, other)
            sizes = (branch.sizes.get(name, 0) for branch in (first, second))
            self.sizes[name] = max(
                self.sizes.get(name, 0), sum(sizes) if not same else 0
            )

    def _known(self, name: str) -> Value:
        try:
            return self.lookup(name)
        except Refusal:
            return Value((undefined(name),), columns=(name,))

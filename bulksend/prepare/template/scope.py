"""What names mean at one point of a template: its variables first, then the columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from . import columns
from .combining import choose
from .syntax import Findings, Refusal
from .values import BROKEN, Value, undefined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .shared import Shared


@dataclass(slots=True)
class Scope:
    """What names mean at one point of the template."""

    schema: Mapping[str, pl.DataType]
    findings: Findings
    shared: Shared
    variables: dict[str, Value] = field(default_factory=dict)
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
        """What is set in it stays inside."""
        return replace(self, variables=dict(self.variables))

    def join(self, test: Value, first: Scope, second: Scope) -> None:
        """After an if: a variable is what the branch that was taken made it."""
        for name in dict.fromkeys((*first.variables, *second.variables)):
            one, other = first._known(name), second._known(name)
            if one is BROKEN or other is BROKEN:
                one = BROKEN
            elif one is not other:
                both = self.shared.value(choose(test, one, other))
                one = replace(both, raises=())  # the if and the set raised them
            self.variables[name] = one

    def _known(self, name: str) -> Value:
        try:
            return self.lookup(name)
        except Refusal:
            return Value((undefined(name),), columns=(name,))

"""Jinja's syntax, compiled to one Polars expression.

Reading order: `syntax` (places and problems), `values` (what an expression can be),
`shared` (what is used twice), `pythonic` (as Python prints it), `operators`, `calls`,
`text_filters`, `number_filters`, `filters`, `predicates`, `columns`, `scope`,
`expressions`, `statements`, `compiled`.
The language is described in docs/message-language.md.
"""

from .compiled import Compiled, compile_template
from .syntax import Origin

__all__ = ["Compiled", "Origin", "compile_template"]

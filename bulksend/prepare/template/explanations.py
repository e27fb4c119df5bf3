"""Why an operation has no meaning for these types, and the way out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from .operators import NUMERIC, SYMBOLS
from .syntax import Refusal
from .values import Kind

if TYPE_CHECKING:
    from .values import Unfit

_UNNAMED = "name"
_TIMES = {Kind.DATE, Kind.DATETIME, Kind.ZONED, Kind.TIME}


def explained(node: nodes.Node, unfit: Unfit) -> Refusal:
    """What to tell the user of *node*, whose operands are of unfit kinds."""
    kinds = unfit.kinds
    listed = " and ".join(kind.value for kind in kinds)
    if unfit.always:
        return Refusal(
            "E314",
            f"comparing {listed} is always {unfit.always}",
            fix=_way_out(node, kinds),
        )
    code = "E310" if Kind.NONE in kinds else "E308"
    found = f"{_named(node)} does not go with {listed}"
    return Refusal(code, found, fix=_way_out(node, kinds))


def start(node: nodes.Node) -> int:
    """Where *node* begins; Jinja puts a comparison where its last part ends."""
    return start(node.expr) if isinstance(node, nodes.Compare) else node.lineno


def _named(node: nodes.Node) -> str:
    match node:
        case nodes.Filter() | nodes.Test():
            return node.name
        case nodes.Compare():
            return "this comparison"
        case nodes.Concat():
            return "~"
        case nodes.Neg():
            return "-"
    signs = (sign for kind, sign in SYMBOLS.items() if isinstance(node, kind))
    return next(signs, "this sign")


def _way_out(node: nodes.Node, kinds: tuple[Kind, ...]) -> str:  # noqa: PLR0911 - a list of advice, in order of precedence
    names = _operands(node, kinds)
    if Kind.STRUCT in kinds:
        return f"Name one of its fields: {names[kinds.index(Kind.STRUCT)]}.city."
    if Kind.NONE in kinds:
        return "Ask `is none` or `is defined`, or give a default."
    if Kind.DECIMAL in kinds:
        decimal = names[kinds.index(Kind.DECIMAL)]
        return f"Make a number of it first: ({decimal} | float)."
    if isinstance(node, nodes.Mod) and kinds[0] is Kind.TEXT:
        return "Use format: {{ '%.2f' | format(price) }}."
    if _TIMES & set(kinds):
        when = next(n for n, k in zip(names, kinds, strict=True) if k in _TIMES)
        return f"Make a text of it first: ({when} | date('%Y-%m-%d'))."
    if Kind.TEXT in kinds and (NUMERIC & set(kinds) or len(kinds) == 1):
        join = " To join texts, write ~ for +." if isinstance(node, nodes.Add) else ""
        text = names[kinds.index(Kind.TEXT)]
        if text == _UNNAMED:
            return f"Write numbers without quotation marks, texts with them.{join}"
        return f"Make a number of the text first: ({text} | int).{join}"
    if isinstance(node, nodes.Filter):
        return f"Make a text of it first: ({names[0]} | string)."
    return ""


def _operands(node: nodes.Node, kinds: tuple[Kind, ...]) -> list[str]:
    """The names that stand where the values of *kinds* do, or _UNNAMED."""
    operands: list[nodes.Node] = []
    match node:
        case nodes.BinExpr():
            operands = [node.left, node.right]
        case nodes.Compare():
            operands = [node.expr, *(part.expr for part in node.ops)]
        case nodes.UnaryExpr():
            operands = [node.node]
        case nodes.Filter() | nodes.Test() if node.node is not None:
            operands = [node.node, *node.args]
    names = [
        part.name if isinstance(part, nodes.Name) else _UNNAMED for part in operands
    ]
    return (names + [_UNNAMED] * len(kinds))[: len(kinds)]

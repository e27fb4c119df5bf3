"""Expressions: one small function per node, from Jinja's tree to a `Value`.

A node that cannot be compiled raises a `Refusal`; the nearest enclosing expression notes
it and goes on with no value, so one pass finds every problem.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial, singledispatch
from itertools import product

import polars as pl
from jinja2 import nodes

from . import columns
from .calls import call
from .combining import choose, joined, needed, only, operate
from .explanations import explained, start
from .filters import FILTERS
from .number_filters import format_values
from .operators import (
    SYMBOLS,
    among,
    arithmetic,
    as_text,
    comparable,
    compared,
    comparison,
    contained,
    negative,
    positive,
)
from .predicates import PREDICATES
from .scope import Scope
from .shared import Exhausted, Shared
from .syntax import MOST_DEEP, Refusal, near, not_in_language
from .values import BROKEN, Kind, Unfit, Value, boolean, constant, once, truth


def value(node: nodes.Node, scope: Scope) -> Value:
    """*node* as a value; with a problem in it, noted, as no value at all."""
    try:
        return scope.shared.value(evaluate(node, scope))
    except Refusal as refusal:
        scope.findings.add(refusal.placed(start(node)))
    except Exhausted as spent:
        raise spent.placed(start(node)) from None
    except Unfit as unfit:
        scope.findings.add(explained(node, unfit).placed(start(node)))
    return BROKEN


# -- expressions ----------------------------------------------------------------------


@singledispatch
def evaluate(node: nodes.Node, _scope: Scope) -> Value:
    raise not_in_language(_FOREIGN_EXPRESSIONS.get(type(node).__name__, "this"))


_FOREIGN_EXPRESSIONS = {
    "Dict": "a dictionary {...}",
    "List": "a list outside of `in`",
    "Tuple": "a list outside of `in`",
    "Slice": "a slice [:]",
}


@evaluate.register
def _(node: nodes.Const, _scope: Scope) -> Value:
    return constant(node.value)


@evaluate.register
def _(node: nodes.TemplateData, _scope: Scope) -> Value:
    return constant(node.data)


@evaluate.register
def _(node: nodes.Name, scope: Scope) -> Value:
    return scope.lookup(node.name)


@evaluate.register
def _(node: nodes.Getattr, scope: Scope) -> Value:
    return _field(value(node.node, scope), node.attr, scope)


@evaluate.register
def _(node: nodes.Getitem, scope: Scope) -> Value:
    if not (isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)):
        raise not_in_language(
            "[...]", fix="For a part of a text use first, last or truncate."
        )
    return _field(value(node.node, scope), node.arg.value, scope)


def _field(owner: Value, name: str, scope: Scope) -> Value:
    group = needed(owner)
    if not group.cases:
        return group
    case = group.cases[0]
    if case.kind is not Kind.STRUCT or len(group.cases) > 1:
        raise Refusal(
            "E313",
            f'{case.kind.value} has no field "{name}"',
            fix=f"Use the filter: | {name}." if name in FILTERS else "",
        )
    types = {f.name: f.dtype for f in case.detail.fields}
    if name not in types:
        hint = near(name, types) or "The fields are: " + ", ".join(types) + "."
        raise Refusal("E313", f'{owner.columns[0]} has no field "{name}"', fix=hint)
    where = f"{_path(owner)}.{name}"
    source = case.expr.struct.field(name)
    found = columns.column(
        where, types[name], source, of=owner.columns[0], meant=scope.meant
    )
    return Value(found.cases, group.raises + found.raises, found.columns)


def _path(owner: Value) -> str:
    names = [c.detail for c in owner.cases if c.kind is Kind.UNDEFINED]
    return str(names[0]) if names else owner.columns[0]


@evaluate.register
def _(node: nodes.Filter, scope: Scope) -> Value:
    if node.node is None:
        raise not_in_language("a filter on a block", fix="Filter each name.")
    if node.name == "format":
        return _format(node, scope)
    before = value(node.node, scope)
    if node.name not in FILTERS:
        hint = near(node.name, (*FILTERS, "format"))
        raise Refusal("E304", f'there is no filter "{node.name}"', fix=hint)
    function = FILTERS[node.name]
    return call(function, node, before, compiled=lambda arg: value(arg, scope))


def _format(node: nodes.Filter, scope: Scope) -> Value:
    if not (isinstance(node.node, nodes.Const) and isinstance(node.node.value, str)):
        raise Refusal(
            "E306",
            "format stands after its pattern",
            expected="{{ '%.2f' | format(price) }}",
        )
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise Refusal("E306", "format with named arguments", fix="List the values.")
    return format_values(node.node.value, *(value(arg, scope) for arg in node.args))


@evaluate.register
def _(node: nodes.Test, scope: Scope) -> Value:
    before = value(node.node, scope)
    if node.name == "in" and len(node.args) == 1:
        return _membership(before, node.args[0], scope)
    if node.name not in PREDICATES:
        hint = near(node.name, PREDICATES)
        raise Refusal("E305", f'there is no test "is {node.name}"', fix=hint)
    function = PREDICATES[node.name]
    return call(function, node, before, compiled=lambda arg: value(arg, scope))


@evaluate.register
def _(node: nodes.Call, scope: Scope) -> Value:
    """Never: but say what to write instead of `name.upper()`."""
    called = node.node
    if isinstance(called, nodes.Getattr):
        value(called.node, scope)
        method = _METHODS.get(called.attr, called.attr)
        owner = called.node.name if isinstance(called.node, nodes.Name) else "..."
        raise Refusal(
            "E307",
            f"{owner}.{called.attr}() calls a method",
            fix=f"Use the filter: {{{{ {owner} | {method} }}}}."
            if method in FILTERS
            else "Use a filter: {{ name | upper }}.",
        ).placed(called.node.lineno)
    name = called.name if isinstance(called, nodes.Name) else "this"
    raise not_in_language(
        f"the call {name}()",
        fix=f"Use the filter: {{{{ name | {name} }}}}." if name in FILTERS else "",
    ).placed(called.lineno)


_METHODS = {"strip": "trim", "strftime": "date", "len": "length"}


@evaluate.register
def _(node: nodes.BinExpr, scope: Scope) -> Value:
    left, right = value(node.left, scope), value(node.right, scope)
    return operate(arithmetic(SYMBOLS[type(node)]), left, right)


@evaluate.register
def _(node: nodes.And, scope: Scope) -> Value:
    *before, last = (value(part, scope) for part in _flat(node))
    for left in reversed(before):
        last = scope.shared.value(choose(left, last, left))
    return last


@evaluate.register
def _(node: nodes.Or, scope: Scope) -> Value:
    *before, last = (value(part, scope) for part in _flat(node))
    for left in reversed(before):
        there = only(left, Kind.UNDEFINED, Kind.NONE)
        last = scope.shared.value(choose(left, there, last))
    return last


def _flat(node: nodes.BinExpr) -> list[nodes.Expr]:
    """`(a or b) or c` as a, b, c: grouped from the right, each is asked only once."""
    left = node.left
    if isinstance(left, type(node)):
        return [*_flat(left), node.right]
    return [left, node.right]


@evaluate.register
def _(node: nodes.Not, scope: Scope) -> Value:
    operand = value(node.node, scope)
    return boolean(~truth(operand), operand)


@evaluate.register
def _(node: nodes.Neg, scope: Scope) -> Value:
    return operate(negative, value(node.node, scope))


@evaluate.register
def _(node: nodes.Pos, scope: Scope) -> Value:
    return operate(positive, value(node.node, scope))


@evaluate.register
def _(node: nodes.Concat, scope: Scope) -> Value:
    parts = [value(part, scope) for part in node.nodes]
    return joined(parts, [as_text] * len(parts))


@evaluate.register
def _(node: nodes.CondExpr, scope: Scope) -> Value:
    test, first = value(node.test, scope), value(node.expr1, scope)
    if node.expr2 is None:
        raise Refusal("E312", "this if does not say what else")
    return choose(test, first, value(node.expr2, scope))


@evaluate.register
def _(node: nodes.Compare, scope: Scope) -> Value:
    return _chain(value(node.expr, scope), node.ops, scope)


def _chain(left: Value, operands: list[nodes.Operand], scope: Scope) -> Value:
    """`a < b < c` is `a < b and b < c`, with b worked out once."""
    operand, *rest = operands
    if operand.op in ("in", "notin"):
        result = _membership(left, operand.expr, scope)
        if operand.op == "notin":
            result = boolean(~truth(result), result)
        if rest:
            raise not_in_language("a chain with `in`", fix="Join the parts with `and`.")
        return result
    right = value(operand.expr, scope)
    result = scope.shared.value(compared(operand.op, left, right))
    if not rest:
        return result
    return choose(result, _chain(right, rest, scope), constant(value=False))


def _membership(left: Value, node: nodes.Expr, scope: Scope) -> Value:
    if not isinstance(node, (nodes.List, nodes.Tuple)):
        right = value(node, scope)
        found = operate(contained, *(replace(one, raises=()) for one in (right, left)))
        return replace(found, raises=(*left.raises, *right.raises, *found.raises))
    items = [value(item, scope) for item in node.items]
    sought = needed(left)
    if items and sought.cases and all(item.cases for item in items):
        pairs = product(sought.cases, (c for item in items for c in item.cases))
        if not any(comparable(a.kind, b.kind) for a, b in pairs):
            kinds = sought.cases[0].kind, items[0].cases[0].kind
            raise Unfit(kinds, always="false")
    listed = boolean(pl.lit(value=False), left, *items)
    if not items:
        return listed
    plain = Value(sought.cases, (), left.columns)
    found = _one_of(plain, node.items, items, scope.shared)
    asked_first = needed(replace(items[0], raises=())).raises
    raises = (*listed.raises, *asked_first, *sought.raises, *found.raises)
    return Value(found.cases, once(raises), listed.columns)


def _one_of(
    sought: Value, nodes_: list[nodes.Expr], items: list[Value], shared: Shared
) -> Value:
    """Compared one after another, as Python does: a later item may never be needed."""
    written = [node.value for node in nodes_ if isinstance(node, nodes.Const)]
    texts = [text for text in written if isinstance(text, str)]
    if len(texts) == len(nodes_):
        return operate(partial(among, texts), sought)
    same = [operate(comparison("eq"), sought, item) for item in items]
    if len(written) == len(nodes_):
        return boolean(pl.any_horizontal([truth(one) for one in same]), *same)
    if len(nodes_) > MOST_DEEP:
        fix = "Write texts and numbers in the list, or use fewer columns."
        raise Refusal("E316", f"columns in a list of more than {MOST_DEEP}", fix=fix)
    result = constant(value=False)
    for one in reversed(same):
        result = shared.value(choose(one, constant(value=True), result))
    return result

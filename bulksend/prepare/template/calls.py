"""How a filter or a test is called: over each case, with arguments that fit.

The signature of a filter's function is the filter's: its names, defaults and types decide
which arguments a template may give.  A parameter of type `Value` takes any expression,
the others only what is written out.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from jinja2 import nodes

from .combining import operate
from .syntax import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Case, Result, Value

LARGEST = 1_000_000
"""Of the numbers that say how a filter works: far beyond any text, and Polars' own."""

P = ParamSpec("P")
_TYPES: dict[str, type] = {"int": int, "str": str, "bool": int, "object": object}
_NAMES = {"int": "a whole number", "str": "a text in quotes", "bool": "true or false"}


def each(
    function: Callable[Concatenate[Case, P], Result],
) -> Callable[Concatenate[Value, P], Value]:
    """A filter from what it does to one case; a missing value raises."""

    def lifted(value: Value, /, *args: P.args, **kwargs: P.kwargs) -> Value:
        return operate(lambda case: function(case, *args, **kwargs), value)

    lifted.__wrapped__ = function  # type: ignore[attr-defined]  # for its signature
    return lifted


def call(
    function: Callable[..., Value],
    node: nodes.Filter | nodes.Test,
    value: Value,
    *,
    compiled: Callable[[nodes.Expr], Value],
) -> Value:
    """*function* of *value* and of the arguments that *node* gives.

    Raises:
        Refusal: too many arguments, too few, of the wrong type, or not written out.
    """
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise Refusal("E306", f"{node.name} with * or **", fix="Write each argument.")
    signature = inspect.signature(function)
    named = {_spelled(str(pair.key), signature): pair.value for pair in node.kwargs}
    try:
        bound = signature.bind(value, *node.args, **named)
    except TypeError:
        raise Refusal(
            "E306",
            f"{node.name} has other arguments than these",
            expected=usage(node.name, signature),
        ) from None
    first = next(iter(signature.parameters))
    for name, given in bound.arguments.items():
        if name != first:
            wanted = str(signature.parameters[name].annotation)
            bound.arguments[name] = (
                compiled(given)
                if wanted == "Value"
                else _written_out(given, wanted, f"{node.name}'s {name.rstrip('_')}")
            )
    return function(*bound.args, **bound.kwargs)


def _spelled(name: str, signature: inspect.Signature) -> str:
    """A parameter whose name is taken here ends in an underscore."""
    return f"{name}_" if f"{name}_" in signature.parameters else name


def usage(name: str, signature: inspect.Signature) -> str:
    """``truncate(length=255, killwords=False, end='...', leeway=5)``."""
    shown = [
        parameter.name.rstrip("_")
        if parameter.default is parameter.empty or parameter.annotation == "Value"
        else f"{parameter.name.rstrip('_')}={parameter.default!r}"
        for parameter in list(signature.parameters.values())[1:]
    ]
    return f"{name}({', '.join(shown)})" if shown else f"{name} without arguments"


def _written_out(node: nodes.Expr, wanted: str, what: str) -> Any:
    value = written(node, what)
    if not isinstance(value, _TYPES[wanted]) or (wanted == "int" and value is True):
        raise Refusal(
            "E306", f"{what} is {value!r}", expected=_NAMES.get(wanted, wanted)
        ).placed(node.lineno)
    if wanted == "int" and isinstance(value, int) and abs(value) > LARGEST:
        raise Refusal(
            "E306", f"{what} is too large", expected=f"at most {LARGEST:,}"
        ).placed(node.lineno)
    return bool(value) if wanted == "bool" else value


def written(node: nodes.Expr, what: str) -> Any:
    """The value of a literal."""
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const):
        number = node.node.value
        if isinstance(number, (int, float)):
            return -number
    raise Refusal(
        "E306",
        f"{what} is worked out",
        expected="a value that is written out",
    ).placed(node.lineno)

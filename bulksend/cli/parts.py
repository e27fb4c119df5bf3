"""Options that say into how many parts a plan is cut, and which one is meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1024
QUOTED = 40


# Generic from click 8.4 on only.
class _Whole(click.ParamType):  # type: ignore[type-arg]
    """A whole number; `E565` says what else was written."""

    name = "integer"

    def __init__(self, fits: Callable[[int], bool], expected: str, fix: str) -> None:
        self._fits, self._expected, self._fix = fits, expected, fix

    def convert(
        self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None
    ) -> int:
        """Raises InputError (E565)."""
        if isinstance(value, int):
            return value
        if re.fullmatch(r"-?[0-9]{1,9}", value) and self._fits(int(value)):
            return int(value)
        found = f"`{str(value)[:QUOTED]}`"
        raise InputError(Problem("E565", found, self._expected, fix=self._fix))


SHARD = _Whole(lambda _: True, "a number from 0", "")
SHARDS = _Whole(
    lambda one: 1 <= one <= MOST,
    f"1 to {MOST:,}",
    "Say into how many parts the plan is cut.",
)

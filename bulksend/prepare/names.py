"""Names of columns: the input's, ours while we work, and ours in the plan.

While a plan is made, our columns carry a prefix that no header has, so that a template
may name any column of the input.  In the plan and the results ours have plain names, and
an input column that has one of them too is called ``input_NAME``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAN = (
    "to",
    "from",
    "text",
    "text_before",
    "media",
    "tag",
    "once_key",
    "segments",
    "encoding",
    "reason",
    "reason_detail",
    "number_key",
    "number_region",
    "number_type",
    "number_repair",
    "place",
    "carrier_family",
    "experiment_arm",
    "pace_weight",
    "cost_micros",
)
"""Our columns in the plan, in order, after ``row`` and the input's."""

RESULTS = (
    "row",
    "to",
    "from",
    "status",
    "message_id",
    "error_code",
    "error",
    "tag",
    "text",
    "segments",
    "attempts",
    "posted_at",
    "accepted_at",
    "delivered_at",
    "reason",
)
"""Our columns in the results (docs/results.md)."""

ARM = "arm"
"""Which arm a row is in, last of all: where the campaign has an experiment, which lets no
input column have this name."""

PLACES = ("source_file", "source_row")
"""Where a row stood, when there were several files."""

_TAKEN = frozenset(PLAN) | frozenset(RESULTS)


def own(name: str) -> str:
    """Our column *name* while a plan is made."""
    return f"bulksend:{name}"


def in_plan(inputs: Iterable[str]) -> dict[str, str]:
    """Input column -> its name in the plan and the results."""
    columns = list(inputs)
    free = set(columns) | _TAKEN
    named: dict[str, str] = {}
    for column in columns:
        name = column
        while name in _TAKEN or (name != column and name in free):
            name = f"input_{name}"
        free.add(name)
        named[column] = name
    return named

"""Whether the search shows what it should: messages known to be accepted, asked for.

Theory: `evidence`.  Rows are sent in about their order, so rows near an unknown one were
posted about when it was, by the same way; what hides one of them may hide it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.settle.evidence import BEFORE_MS, LOOKS_BACK_MS
from bulksend.settle.search import NUMBERS_A_CALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.journal.records import Run
    from bulksend.prepare.plan import Plan
    from bulksend.settle.evidence import Open
    from bulksend.settle.ground import Ground

PLACES = 20
"""Unknown rows of a run about which witnesses are looked for, spread over all of it."""

OF_EACH = 5

SPARE_MS = BEFORE_MS // 2
"""Witnesses were accepted so long before the unknown at most, and surely are searched."""


class Shown(NamedTuple):
    """Runs of which the search hides something, and those that have no witness."""

    hides: frozenset[int]
    alone: frozenset[int]


async def ask_for_witnesses(ground: Ground, messages: Iterable[Open]) -> Shown:
    """Of which runs the search shows what is known to be accepted, and of which not.

    Asked only of runs whose messages may be called absent by now: each costs a few calls.
    """
    earliest = ground.search.earliest()
    by_run: dict[int, list[Open]] = {}
    for one in messages:
        waited = one.seen is not None and earliest - one.seen >= ground.wait_ms
        if waited and ground.is_asked(one.run_id):
            by_run.setdefault(one.run_id, []).append(one)
    hides: set[int] = set()
    alone: set[int] = set()
    for run, plan in ground.plans.items():
        if run.id in by_run:
            is_shown = await _is_shown(ground, run, plan, by_run[run.id])
            if is_shown is None:
                alone.add(run.id)
            elif not is_shown:
                hides.add(run.id)
    return Shown(frozenset(hides), frozenset(alone))


async def _is_shown(
    ground: Ground, run: Run, plan: Plan, unknown: Sequence[Open]
) -> bool | None:
    """Whether all witnesses are shown; None where there is none."""
    first = min(one.since for one in unknown)
    last = max(one.seen for one in unknown if one.seen is not None)
    reach = ground.search.earliest() - LOOKS_BACK_MS
    since = max(first - BEFORE_MS, reach)
    between = max(first, reach + BEFORE_MS) - SPARE_MS, last
    ids: dict[int, str] = {}
    for row in _spread(sorted(one.row for one in unknown)):
        ids |= ground.journal.decisions.witnesses(
            run.id, row, between=between, most=OF_EACH
        )
    if not ids:
        return None
    numbers = _numbers(plan, sorted(ids))
    shown: set[str] = set()
    for start in range(0, len(numbers), NUMBERS_A_CALL):
        records = await ground.search.to(numbers[start : start + NUMBERS_A_CALL], since)
        shown.update(one.message_id for one in records.found)
    return shown.issuperset(ids.values())


def _spread(rows: Sequence[int]) -> Sequence[int]:
    step = max(1, len(rows) // PLACES)
    return rows[::step]


def _numbers(plan: Plan, rows: Sequence[int]) -> list[str]:
    """Whom these rows are for; of a group, its first number."""
    wanted = pl.Series(rows, dtype=pl.Int64)
    said = plan.frame().filter(pl.col("row").is_in(wanted.implode())).select("to")
    first = pl.col("to").str.split(",").list.first()
    found = said.collect(engine="streaming").select(
        first.drop_nulls().unique(maintain_order=True)
    )
    return found["to"].to_list()

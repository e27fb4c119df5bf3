"""Whether the search shows what it should: messages known to be accepted, asked for.

Theory: `evidence`.  Rows are sent in about their order, so rows near an unknown one were
posted about when it was, by the same way; what hides one of them may hide it.  Whether a
callback of one has come is asked after the search has answered: what has none then had none
when the search showed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.settle.evidence import BEFORE_MS, LOOKS_BACK_MS
from bulksend.settle.search import NUMBERS_A_CALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bulksend.journal.records import Run
    from bulksend.prepare.plan import Plan
    from bulksend.settle.evidence import Found, Open
    from bulksend.settle.ground import Ground

PLACES = 20
"""Unknown rows of a run about which witnesses are looked for, spread over all of it."""

OF_EACH = 5

SPARE_MS = BEFORE_MS // 2
"""Witnesses were accepted so long before the unknown at most, and surely are searched."""

TRIED_MS, GIVEN_UP_MS = 23 * 3_600_000, 27 * 3_600_000
"""So long after a message was accepted its callbacks surely are tried still, and surely no
more: that is for a day from its end, which is two hours later at most."""


class Shown(NamedTuple):
    """Runs of which the search hides something, and those that have no witness for it.

    Args:
        alone: Runs without a message that is over, has no callback here, and is shown.
    """

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
            known = _known(ground, run, by_run[run.id])
            shown = await _shown(ground, plan, known, by_run[run.id])
            if not shown.keys() >= set(known.values()):
                hides.add(run.id)
            if not _tells(ground, by_run[run.id], shown.values()):
                alone.add(run.id)
    return Shown(frozenset(hides), frozenset(alone))


def _tells(ground: Ground, unknown: Iterable[Open], shown: Iterable[Found]) -> bool:
    """Whether one that is shown proves that the search does not wait for callbacks.

    What is shown may be shown because its callbacks were given up, and those of the
    unknown not yet.
    """
    now = ground.search.earliest()
    is_past = all(one.until < now - GIVEN_UP_MS for one in unknown)
    return any(
        one.is_over
        and (is_past or one.received_at > now - TRIED_MS)
        and not ground.journal.receipts.is_heard(one.message_id)
        for one in shown
    )


def _known(ground: Ground, run: Run, unknown: Sequence[Open]) -> dict[int, str]:
    """Rows about the unknown that were accepted, and their messages' ids."""
    first = min(one.since for one in unknown)
    last = max(one.seen for one in unknown if one.seen is not None)
    reach = ground.search.earliest() - LOOKS_BACK_MS
    between = max(first, reach + BEFORE_MS) - SPARE_MS, last
    ids: dict[int, str] = {}
    for row in _spread(sorted(one.row for one in unknown)):
        ids |= ground.journal.decisions.witnesses(
            run.id, row, between=between, most=OF_EACH
        )
    return ids


async def _shown(
    ground: Ground, plan: Plan, known: Mapping[int, str], unknown: Sequence[Open]
) -> dict[str, Found]:
    """Those of the *known* that the search shows, by their ids."""
    first = min(one.since for one in unknown)
    since = max(first - BEFORE_MS, ground.search.earliest() - LOOKS_BACK_MS)
    numbers, ids = _numbers(plan, sorted(known)), set(known.values())
    shown: dict[str, Found] = {}
    for start in range(0, len(numbers), NUMBERS_A_CALL):
        records = await ground.search.to(numbers[start : start + NUMBERS_A_CALL], since)
        shown |= {one.message_id: one for one in records.found if one.message_id in ids}
    return shown


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

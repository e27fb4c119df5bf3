"""How large the results will be, known before anything is sent.

An object that is put create-only is one request, and a store takes 5 GiB in one.  Whoever
learns that after ten million texts has no results where they should be; so a sample of
the plan is written as the results would be, and what only sending adds is reckoned.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.names import PLACES, RESULTS

if TYPE_CHECKING:
    from bulksend.prepare.plan import Plan

SAMPLE = 3_000
"""Rows from each of three places of the plan."""

_OUTCOME = {".csv": 110, ".parquet": 30}
"""Bytes of a message's row that only sending knows: its id, three times, a word.

In Parquet as much as they can be: ids that look alike are packed, and take half.
"""


def foreseen_size(plan: Plan, suffix: str) -> int:
    """Bytes of *plan*'s results in a file of that kind.

    A CSV's to about a tenth, Parquet's rather too many than too few.

    Args:
        suffix: ``.csv`` or ``.parquet``; a workbook ends long before 5 GiB: 0.
    """
    if suffix not in _OUTCOME or not plan.rows:
        return 0
    wanted = {*RESULTS, *PLACES, *plan.inputs}
    frame = plan.frame()
    kept = [name for name in frame.collect_schema() if name in wanted]
    places = {0, max(0, plan.rows // 2), max(0, plan.rows - SAMPLE)}
    rows = pl.concat(
        [frame.select(kept).slice(at, SAMPLE).collect() for at in sorted(places)]
    )
    written = BytesIO()
    if suffix == ".csv":
        rows.with_columns(pl.selectors.nested().cast(pl.String)).write_csv(written)
    else:
        rows.write_parquet(written, compression_level=1)
    own = _OUTCOME[suffix] * rows["reason"].null_count()
    return (written.tell() + own) * plan.rows // len(rows)

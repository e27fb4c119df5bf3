"""The rows that get no message, as a file to mend and feed back.

First what is wrong, then the row as it was, under its own headers: mended, the file is a
list of recipients itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.columns import as_text
from bulksend.prepare.names import own
from bulksend.prepare.reasons import explained

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.prepare.plan import Plan


def write_rejects(plan: Plan, path: Path) -> int:
    """Write the excluded rows as CSV; how many there are.

    Raises:
        InputError: E621, where it cannot be written.
    """
    winners = plan.winners().lazy().rename({"winner": own("winner")})
    why = explained("reason", own("winner"), "reason_detail")
    schema, originals = plan.frame().collect_schema(), plan.about["headers"]
    cells = {originals[name]: as_text(name, schema[name]) for name in plan.inputs}
    said = {
        "rejected_row": pl.col("row"),
        "rejected_reason": pl.col("reason"),
        "rejected_because": why,
    }
    frame = (
        plan.frame()
        .filter(pl.col("reason").is_not_null())
        .with_columns(pl.col("reason").cast(pl.String))
        .join(winners, on="row", how="left", maintain_order="left")
        .select(
            **said,
            # A list that was mended may have ours of the last time; they are over.
            **{name: cell for name, cell in cells.items() if name not in said},
        )
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.sink_csv(path, engine="streaming", maintain_order=True)
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise InputError(Problem("E621", found, file=str(path))) from error
    counted = plan.frame().select(pl.col("reason").is_not_null().sum())
    return int(counted.collect(engine="streaming").item())

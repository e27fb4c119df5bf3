"""The rows that get no message, as a file to mend and feed back.

First what is wrong, then the row as it was, under its own headers: mended, the file is a
list of recipients itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare.reasons import explained

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.prepare.plan import Plan


def write_rejects(plan: Plan, path: Path) -> int:
    """Write the excluded rows as CSV; how many there are.

    Raises:
        InputError: E621, where it cannot be written.
    """
    why = explained("reason", "winner", "reason_detail")
    originals = plan.about["headers"]
    cells = [_flat(plan, name).alias(originals[name]) for name in plan.inputs]
    frame = (
        plan.frame()
        .filter(pl.col("reason").is_not_null())
        .with_columns(pl.col("reason").cast(pl.String))
        .join(plan.winners().lazy(), on="row", how="left", maintain_order="left")
        .select(
            pl.col("row").alias("rejected_row"),
            pl.col("reason").alias("rejected_reason"),
            why.alias("rejected_because"),
            *cells,
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


def _flat(plan: Plan, name: str) -> pl.Expr:
    kind = plan.frame().collect_schema()[name]
    if isinstance(kind, pl.Struct):
        return pl.col(name).struct.json_encode()
    if kind.is_nested():
        return pl.struct(pl.col(name).alias("value")).struct.json_encode()
    return pl.col(name)

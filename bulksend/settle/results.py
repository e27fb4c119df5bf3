"""Plan and journal to the results file: one line for every row of the input.

Streams: a chunk of the plan, what the journal knows of these rows, and out.  The file
appears whole or not at all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from bulksend.errors import InputError, Problem
from bulksend.journal.states import Status
from bulksend.prepare.columns import as_text
from bulksend.prepare.names import PLACES, RESULTS, own
from bulksend.prepare.reasons import explained
from bulksend.settle.outcomes import ENDED_AT, beside, entries, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan

FORMS = (".csv", ".parquet")
_TIME = pl.Datetime("ms", "UTC")

SHOWN = {Status.PLANNED: "not_sent", Status.CLAIMED: "unknown"}
"""Where people get another word: a claim without an outcome is not known."""

OUTCOMES = (
    "accepted",
    "refused",
    "unknown",
    "expired",
    "delivered",
    "failed",
    "not_sent",
    "excluded",
)


def results(plan: Plan, journal: Journal, run: Run) -> pl.LazyFrame:
    """Every row of the plan with its outcome, in the input's order."""
    winners = plan.winners().rename({"winner": own("winner")})
    columns, kept = _columns(plan), _kept(plan)

    def chunks(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG001  (Polars' own signature)
    ) -> Iterator[pl.DataFrame]:
        for chunk in outcomes(plan, journal, run, kept):
            frame = _said(chunk, plan, winners).select(columns)
            if predicate is not None:
                frame = frame.filter(predicate)
            if n_rows is not None:
                frame = frame.head(n_rows)
                n_rows -= len(frame)
            yield frame if with_columns is None else frame.select(with_columns)
            if n_rows == 0:
                return

    empty = beside(plan.frame().select(kept).head(0).collect(), entries({}))
    return register_io_source(
        chunks, schema=_said(empty, plan, winners).select(columns).schema
    )


def _columns(plan: Plan) -> list[str]:
    places = [name for name in PLACES if name in plan.frame().collect_schema()]
    own = [name for name in RESULTS if name != "row"]
    return ["row", *places, *plan.inputs, *own]


def _kept(plan: Plan) -> list[str]:
    """The plan's columns that the results need."""
    needed = {*_columns(plan), "reason_detail"}
    return [name for name in plan.frame().collect_schema() if name in needed]


def _said(chunk: pl.DataFrame, plan: Plan, winners: pl.DataFrame) -> pl.DataFrame:
    """A chunk of rows and outcomes, in the words of the results."""
    excluded = pl.col("reason").is_not_null()
    return chunk.join(
        winners, on="row", how="left", maintain_order="left"
    ).with_columns(
        pl.when(~excluded).then(plan.tags()).alias("tag"),
        pl.when(excluded)
        .then(pl.lit("excluded"))
        .otherwise(pl.col("status").replace(SHOWN).fill_null("not_sent"))
        .alias("status"),
        pl.col("attempts").fill_null(0),
        _moment("posted_at"),
        _moment("accepted_at"),
        pl.when(pl.col("status") == Status.DELIVERED)
        .then(pl.col(ENDED_AT))
        .cast(_TIME)
        .alias("delivered_at"),
        pl.when(~excluded & (pl.col("status") == Status.EXCLUDED))
        .then(pl.col("error_code"))
        .otherwise(pl.col("reason").cast(pl.String))
        .alias("reason"),
        pl.when(excluded)
        .then(explained("reason", own("winner"), "reason_detail"))
        .when(pl.col("status") != Status.ACCEPTED)
        .then(pl.col("error"))
        .alias("error"),
    )


def _moment(name: str) -> pl.Expr:
    return pl.col(name).cast(_TIME)


def write_results(frame: pl.LazyFrame, path: Path) -> None:
    """Stream *frame* into a CSV or Parquet file, by the path's ending.

    Raises:
        InputError: E625, where it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            frame.sink_parquet(unfinished, maintain_order=True, engine="streaming")
        else:
            flat = frame.with_columns(_flat(frame.collect_schema()))
            flat.sink_csv(unfinished, maintain_order=True, engine="streaming")
        with unfinished.open("rb") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise InputError(Problem("E625", found, file=str(path))) from error
    finally:
        with suppress(OSError):  # what is wrong with the folder was said above
            unfinished.unlink()


def _flat(schema: pl.Schema) -> list[pl.Expr]:
    """What CSV cannot hold, as text: times in ISO 8601, nested values as JSON."""
    expressions = []
    for name, kind in schema.items():
        value = pl.col(name)
        if isinstance(kind, pl.Datetime) and kind.time_zone == "UTC":
            expressions.append(value.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
        elif kind == pl.Duration:
            expressions.append(value.dt.to_string("iso"))
        elif kind.is_nested() or kind == pl.Binary:
            expressions.append(as_text(name, kind))
    return expressions


def check_output(path: Path, *, is_ours: bool) -> None:
    """Find out before anything is sent that the results can be written.

    Raises:
        InputError: E624, where a file of another run stands there; E625, where the
            folder cannot be written.
    """
    if path.is_dir():
        raise InputError(Problem("E625", "it is a folder", file=str(path)))
    if path.suffix not in FORMS:
        fix = "Name a file that ends in .csv or .parquet."
        raise InputError(
            Problem("E625", f"it ends in `{path.suffix}`", fix=fix, file=str(path))
        )
    if path.exists() and not is_ours:
        raise InputError(Problem("E624", "a file stands there", file=str(path)))
    probe = path.with_name(f".{path.name}.probe")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise InputError(Problem("E625", found, file=str(path.parent))) from error

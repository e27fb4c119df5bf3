"""Plan and journal to the results file: one line for every row of the input.

Streams: a chunk of the plan, what the journal knows of these rows, and out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from bulksend.journal.columns import NOTHING
from bulksend.journal.faults import undamaged
from bulksend.journal.states import Status
from bulksend.prepare.names import ARM, PLACES, RESULTS, own
from bulksend.prepare.reasons import explained
from bulksend.settle.hurry import go_on
from bulksend.settle.outcomes import ENDED_AT, beside, outcomes, places_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan
    from bulksend.settle.hurry import Hurry

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


@dataclass(slots=True)
class Reading:
    """How the results are read.

    Args:
        counts: The journal's, once the frame was read to its end, as they were read: in
            the form of `Journal.counts`, and nobody need count anew.
    """

    hurry: Hurry | None = None
    counts: dict[Status, int] = field(default_factory=dict)


def results(
    plan: Plan,
    journal: Journal,
    run: Run,
    *,
    between: tuple[int, int] | None = None,
    reading: Reading | None = None,
) -> pl.LazyFrame:
    """Every row of the plan with its outcome, in the input's order.

    Args:
        between: The first and the last row; None is all of them.

        reading: Of the whole plan, for who wants to end it early, or to know its counts.

    Raises:
        OutOfTime: To whoever reads the frame, when *reading*'s hurry has no time left.
    """
    reading = reading or Reading()
    won = plan.sheets.naming(pl.col("winner")).alias(own("winner"))
    winners = plan.winners().select("row", won)
    columns, kept = _columns(plan), _kept(plan)

    def chunks(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG001  (Polars' own signature)
    ) -> Iterator[pl.DataFrame]:
        counted: Counter[str] = Counter()
        for chunk in outcomes(plan, journal, run, kept, between):
            counted.update(dict(chunk["status"].value_counts().drop_nulls().rows()))
            frame = _said(chunk, plan, winners).select(columns)
            if predicate is not None:
                frame = frame.filter(predicate)
            if n_rows is not None:
                frame = frame.head(n_rows)
                n_rows -= len(frame)
            go_on(reading.hurry)
            yield frame if with_columns is None else frame.select(with_columns)
            if n_rows == 0:
                return
        with undamaged(journal.database.name):
            reading.counts = {Status(status): n for status, n in counted.items()}

    empty = beside(plan.frame().select(kept).head(0).collect(), NOTHING, 0)
    return register_io_source(
        chunks, schema=_said(empty, plan, winners).select(columns).schema
    )


def _columns(plan: Plan) -> list[str]:
    places = [name for name in PLACES if name in plan.frame().collect_schema()]
    own = [name for name in RESULTS if name != "row"]
    return ["row", *places, *plan.inputs, *own, *([ARM] if _has_arms(plan) else [])]


def _has_arms(plan: Plan) -> bool:
    return bool(plan.about["campaign"].get("experiment"))


def _kept(plan: Plan) -> list[str]:
    """The plan's columns that the results need."""
    needed = {*_columns(plan), "reason_detail"}
    if _has_arms(plan):
        needed.add("experiment_arm")
    return [name for name in plan.frame().collect_schema() if name in needed]


def _said(chunk: pl.DataFrame, plan: Plan, winners: pl.DataFrame) -> pl.DataFrame:
    """A chunk of rows and outcomes, in the words of the results."""
    excluded, status = pl.col("reason").is_not_null(), pl.col("status")
    shown = status.fill_null("not_sent")
    arms = [experiment_arm().alias(ARM)] if _has_arms(plan) else []
    for known, word in SHOWN.items():
        shown = pl.when(status == known).then(pl.lit(word)).otherwise(shown)
    return chunk.with_columns_seq(
        pl.when(~excluded).then(plan.tags()).alias("tag"),
        pl.when(excluded).then(pl.lit("excluded")).otherwise(shown).alias("status"),
        pl.col("attempts").fill_null(0),
        _moment("posted_at"),
        _moment("accepted_at"),
        pl.when(status == Status.DELIVERED)
        .then(pl.col(ENDED_AT))
        .cast(_TIME)
        .alias("delivered_at"),
        pl.when(~excluded & (status == Status.EXCLUDED))
        .then(pl.col("error_code"))
        .otherwise(pl.col("reason").cast(pl.String))
        .alias("reason"),
        pl.when(excluded)
        .then(_explained(chunk, winners))
        .when(status != Status.ACCEPTED)
        .then(pl.col("error"))
        .alias("error"),
        *arms,
    )


def experiment_arm() -> pl.Expr:
    """A row's arm: of those who get a message, or would but for the holdout."""
    has_part = pl.col("reason").is_null() | (pl.col("reason") == "holdout")
    return pl.when(has_part).then("experiment_arm")


def _explained(chunk: pl.DataFrame, winners: pl.DataFrame) -> pl.Series:
    """Why rows are excluded: said for the few that are, and put where they stand."""
    excluded = chunk["reason"].is_not_null()
    few, rows = chunk.filter(excluded), winners["row"]
    if few.is_empty():
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(chunk))
    begin, end = (
        rows.search_sorted(few["row"][0]),
        rows.search_sorted(few["row"][-1], side="right"),
    )
    why = few.join(
        winners.slice(begin, end - begin),
        on="row",
        how="left",
        maintain_order="left",
    ).select_seq(explained("reason", own("winner"), "reason_detail"))
    return why["reason"].gather(places_of(excluded))


def _moment(name: str) -> pl.Expr:
    return pl.col(name).cast(_TIME)

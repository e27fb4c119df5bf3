"""Which rows a plan sends, for who hears of one that the journal has never seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import BulksendError
from bulksend.settle.finding import plan_of

if TYPE_CHECKING:
    from bulksend.home import Home
    from bulksend.journal.records import Run


class PlannedRows:
    """The rows to send of each run, read from its plan when somebody first asks.

    In order: of ten million rows a few are found at once.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._rows: dict[int, pl.Series | None] = {}

    def without(self, run: Run, rows: set[int]) -> set[int]:
        """Those of *rows* that the run does not send; none where its plan is gone."""
        if run.id not in self._rows:
            self._rows[run.id] = self._read(run)
        known = self._rows[run.id]
        if known is None:
            return set()
        asked = pl.Series(sorted(rows), dtype=pl.Int64)
        before = known.search_sorted(asked, side="left")
        after = known.search_sorted(asked, side="right")
        return set(asked.filter(before == after))

    def _read(self, run: Run) -> pl.Series | None:
        try:
            frame = plan_of(run, self._home).frame()
        except BulksendError:
            return None
        sent = frame.filter(pl.col("reason").is_null()).select(
            pl.col("row").cast(pl.Int64)
        )
        return sent.collect(engine="streaming").to_series().sort()

"""Ten million rows: what is done with all of them stops neither the loop nor the lease."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import polars as pl

from bulksend.send.clocks import SystemClocks
from bulksend.send.timed import Manner, TimedSource, words_of

if TYPE_CHECKING:
    import pytest

ROWS = pl.DataFrame(
    {
        "row": pl.Series(range(2, 14), dtype=pl.UInt32),
        "place": pl.Series(
            ["number US-NY America/New_York", None, "number US-CA America/Los_Angeles"]
            * 4,
            dtype=pl.Categorical,
        ),
        "carrier": pl.Series(["att", "t_mobile"] * 6, dtype=pl.Categorical),
    }
)


class Others:
    """All rows but the first two, known when they are asked for."""

    is_known = False

    async def rest(self) -> pl.DataFrame:
        return ROWS.slice(2)


async def _read(rows: pl.Series) -> pl.DataFrame:
    some = ROWS.with_columns(pl.col("row").cast(pl.Int64))
    some = some.filter(pl.col("row").is_in(rows.implode()))
    said = {"to": "+19195550100", "from": "+19195550199", "text": "Hi", "media": None}
    more = [pl.lit(value, dtype=pl.String).alias(name) for name, value in said.items()]
    rest = [pl.lit("").alias("tag"), pl.lit(1).alias("weight"), pl.lit(7).alias("once")]
    return some.select("row", *more, *rest, "place", "carrier")


async def test_the_rows_of_a_plan_are_put_in_order_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first few at once, all others in another thread; each comes once, in order."""
    seen: list[tuple[int, bool]] = []
    real = TimedSource._by_place

    def noted(self: TimedSource, rows: pl.DataFrame) -> dict[int, pl.Series]:
        seen.append((len(rows), threading.current_thread() is threading.main_thread()))
        return real(self, rows)

    monkeypatch.setattr(TimedSource, "_by_place", noted)
    words = await asyncio.to_thread(words_of, ROWS)
    source = TimedSource(
        ROWS.head(2),
        None,
        _read,
        clocks=SystemClocks(),
        manner=Manner(100.0),
        more=Others(),
        everywhere=words,
    )

    found = []
    while (some := await source.ahead()) is not None:
        found.append([one.row for one in some])

    assert seen == [(2, True), (10, False)]
    assert (len(words), found) == (6, [[2, 3], list(range(4, 14))])

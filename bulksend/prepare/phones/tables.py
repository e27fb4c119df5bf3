"""The compiled rules as frames: one per default region, and one binary search to read it.

A rule covers its stretch of the number line without gaps, so a row needs only its start:
a key belongs to the last row that starts at or before it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.phones import cache, rules
from bulksend.prepare.phones import number_line as line
from bulksend.prepare.phones.findings import CODE, CODES, NO_COUNTRY, Finding
from bulksend.prepare.phones.prefixes import INTERNATIONAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.prepare.phones.number_line import Row

FIELDS = tuple(CODES)

_START, _SHIFT = pl.col("start"), pl.col("shift")
_FOUND = pl.exclude("start", "shift")


@lru_cache(maxsize=16)
def table(region: str | None) -> pl.DataFrame:
    """All keys, where *region* is the default region: national ones, then the others."""
    if region is None:
        start = _frame([(1, INTERNATIONAL - 1, 0, NO_COUNTRY)])
    else:
        start = cache.kept(region, lambda: _frame(rules.national(region)))
    return pl.concat([start, _international()])


def look_up(table: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """The sum of key and shift as *number*, and the codes of what is known of it.

    A key that is null reads as a cell without digits.
    """
    places = _START.search_sorted(pl.lit(keys).fill_null(1), side="right") - 1
    rows = table.select(places).to_series()
    return table.select(_FOUND.gather(rows), number=keys + _SHIFT.gather(rows))


@lru_cache(maxsize=1)
def _international() -> pl.DataFrame:
    return cache.kept("international", lambda: _frame(rules.international()))


def _frame(rows: Sequence[Row[Finding]]) -> pl.DataFrame:
    joined = line.joined(rows)
    columns: dict[str, pl.Series] = {
        "start": pl.Series([row[0] for row in joined], dtype=pl.Int64),
        "shift": pl.Series([row[2] for row in joined], dtype=pl.Int64),
    }
    for place, field in enumerate(FIELDS):
        codes = [CODES[field].get(what[place] or "") for _, _, _, what in joined]
        columns[field] = pl.Series(codes, dtype=CODE)
    return pl.DataFrame(columns)

"""Moments as text, a column at a time; and one of Bandwidth's, read.

Messages of a run are minutes or hours apart, so each minute is written once, and what
follows it is looked up: a third of the cost of writing each moment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache

import polars as pl

WHOLE = "%Y-%m-%dT%H:%M:%S%.3fZ"
MOST_MINUTES = 20_000
"""A column that goes over more (two weeks) is written moment by moment."""

_MINUTE_MS = 60_000
_LEAP = re.compile(r"(T\d\d:\d\d):60")


def iso(moments: pl.Series) -> pl.Series:
    """ISO 8601 in UTC, to the millisecond; null stays null."""
    ms = moments.dt.timestamp("ms")
    minutes = ms // _MINUTE_MS
    first, last = minutes.min(), minutes.max()
    if not isinstance(first, int) or not isinstance(last, int):
        return moments.dt.strftime(WHOLE)  # nothing but nulls
    if last - first > MOST_MINUTES:
        return moments.dt.strftime(WHOLE)
    every = pl.Series(moments.name, range(first, last + 1), pl.Int64) * _MINUTE_MS
    begun = every.cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:")
    return begun.gather(minutes - first) + _rests().gather(ms - minutes * _MINUTE_MS)


@cache
def _rests() -> pl.Series:
    """What may follow a minute, by its milliseconds."""
    thousand = [f".{ms:03}Z" for ms in range(1000)]
    return pl.Series([f"{s:02}{rest}" for s in range(60) for rest in thousand])


def millis(value: object) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 text, with a zone or in UTC; else None.

    As RFC 3339 has it too: a small ``t`` and ``z``, and the 60th second of a minute, in
    which a leap second lies.
    """
    if not isinstance(value, str):
        return None
    text, leaps = _LEAP.subn(r"\1:59", value.upper())
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() + leaps
    return round(seconds * 1000)

"""Phone numbers: libphonenumber's rules, compiled so that Polars looks numbers up.

    shapes        a pattern as the digit strings that it matches
    number_line   rules as rows on the number line, and how to combine them
    plan          which numbers a calling code has, and what each of them is
    prefixes      what is cut off the front of a number
    rules         what `phonenumbers.parse` does, as one rule per default region
    tables        rules as frames, kept by `cache`; one binary search reads them
    cells         from a cell to the integer that is looked up, with the repairs
    reading       all of it, for a column; `asking` for what the tables cannot settle
    zones         from a number to its time zones
"""

from __future__ import annotations

from functools import partial

import polars as pl

from bulksend.prepare.phones.cache import metadata_version
from bulksend.prepare.phones.reading import READ, read
from bulksend.prepare.phones.tables import table
from bulksend.prepare.phones.zones import ZONES, zones_of

__all__ = ["e164_text", "metadata_version", "read_numbers", "time_zones"]


def read_numbers(raw: pl.Expr, region: str | None) -> pl.Expr:
    return raw.cast(pl.String).map_batches(
        partial(read, table=table(region), region=region),
        return_dtype=READ,
        is_elementwise=True,
    )


def e164_text(e164: pl.Expr) -> pl.Expr:
    """``+15551234567``."""
    return pl.concat_str(pl.lit("+"), e164)


def time_zones(e164: pl.Expr) -> pl.Expr:
    return e164.map_batches(zones_of, return_dtype=ZONES, is_elementwise=True)

"""Phone numbers: libphonenumber's rules, compiled so that Polars looks numbers up.

shapes        a pattern as the digit strings that it matches
number_line   rules as rows on the number line, and how to combine them
plan          which numbers a calling code has, and what each of them is
prefixes      what is cut off the front of a number
rules         what `phonenumbers.parse` does, as one rule per default region
tables        rules as frames, kept by `cache`; one binary search reads them
cells         from a cell to the integer that is looked up, with the repairs
renumbered    what old lists and carriers still write as it was before
reading       all of it, for a column; `asking` for what the tables cannot settle
states        from a North American number to its state
findings      the words of the answers
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial

import polars as pl
from phonenumbers import SUPPORTED_REGIONS

from bulksend.errors import InputError, Problem
from bulksend.prepare.phones.cache import metadata_version
from bulksend.prepare.phones.reading import READ, read
from bulksend.prepare.phones.renumbered import renewed, renewed_number
from bulksend.prepare.phones.tables import table

__all__ = [
    "READ",
    "e164_text",
    "metadata_version",
    "read_numbers",
    "renewed",
    "renewed_number",
]


def read_numbers(raw: pl.Expr, region: str | None) -> pl.Expr:
    """What is in each cell: a struct of e164, region, type, reason and repair (`READ`).

    Either ``reason`` says why there is no number, or ``e164`` holds its digits and
    ``region`` is where it belongs (001: to no country).  ``repair`` names what had to be
    put right in the cell; formatting is not a repair.

    Args:
        raw: Cells of any type that casts to text.

        region: Where numbers without a country code belong, as an ISO code such as US;
            without it only international form is read.

    Raises:
        InputError: *region* is none that libphonenumber knows.
    """
    if region is not None and region not in SUPPORTED_REGIONS:
        raise InputError(_unknown(region))
    return raw.cast(pl.String).map_batches(
        partial(read, table=table(region), region=region),
        return_dtype=READ,
        is_elementwise=True,
    )


def e164_text(e164: pl.Expr) -> pl.Expr:
    """``+15551234567``; null stays null."""
    return pl.lit("+") + e164.cast(pl.String)


_HABITS = {"UK": "GB", "EN": "GB", "USA": "US", "GBR": "GB", "EL": "GR"}


def _unknown(region: str) -> Problem:
    capitals = region.strip().upper()
    near = _HABITS.get(capitals) or next(
        iter(get_close_matches(capitals, sorted(SUPPORTED_REGIONS), n=1, cutoff=0.8)),
        "",
    )
    return Problem(
        "E104",
        f'"{region}" is no region with phone numbers',
        expected="a two-letter ISO 3166 code in capitals, such as US or GB",
        fix=f'Write "{near}".' if near else "",
    )

"""The suppression list as a file, and the way back: each entry as it was written.

Read as a list of numbers an export would lose who said what, when, and about which sender:
the person's START would lift nothing any more, and the column of our own senders would
stand on the list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.journal.suppressions import (
    OPTED_OUT,
    SUPPRESSED,
    Cause,
    Suppression,
    suppression,
)
from bulksend.logs import mask_words
from bulksend.prepare.phones import e164_text, read_numbers
from bulksend.settle.said import read_sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.prepare.source import Source

COLUMNS = ("number", "sender", "reason", "source", "since")

_ENTRY = {
    "person": pl.Int64,
    "sender": pl.String,
    "number": pl.Int64,
    "reason": pl.String,
    "source": pl.String,
    "since": pl.Int64,
    "lifted_at": pl.Int64,
    "lifted_by": pl.String,
}
_EXPECTED = {
    "number": "a number with + and its country code",
    "sender": "a sender of yours as the campaign's `from` has it, or nothing for all",
    "reason": f"{OPTED_OUT} or {SUPPRESSED}",
    "since": "a time in UTC such as 2026-11-27T10:00:00Z",
}


def lines(some: Sequence[Suppression]) -> pl.DataFrame:
    """Entries as they stand in the file: `COLUMNS`, all of them text."""
    said = pl.DataFrame(some, schema=_ENTRY, orient="row")
    since = pl.from_epoch("since", "ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    number = e164_text(pl.col("number")).alias("number")
    return said.with_columns(number, since).select(COLUMNS)


def is_export(source: Source) -> bool:
    """Whether it has the columns that no list of numbers has, whatever is beside them."""
    return {"number", "sender", "reason"} <= set(source.headers)


def entries(source: Source, file: str, *, region: str | None, now: int) -> pl.DataFrame:
    """What `lines` wrote: `COLUMNS`, with number and since (ms since 1970) as Int64.

    A spreadsheet that saved it has taken the plus from numbers; a row that was added by
    hand may have a number as people write it.

    Args:
        now: No entry is younger: one of 2099 would outweigh every START until then.

    Raises:
        InputError: E658, with the first row of each column that cannot be read, or where
            a column was taken away.
    """
    if lost := [one for one in COLUMNS if one not in source.headers]:
        found = f"it has no column `{'`, `'.join(lost)}`"
        raise InputError(Problem("E658", found, file=file))
    texts = [source.text(source.headers[one]).alias(one) for one in COLUMNS]
    said = source.frame.select("row", *texts).collect(engine="streaming")
    said = said.with_columns(pl.col(COLUMNS).fill_null("").str.strip_chars())
    senders = {one: _sender(one, region) for one in said["sender"].unique()}
    since = pl.col("since").str.replace(" ", "T").str.strip_suffix("Z")
    read = said.with_columns(
        _number(region),
        pl.col("sender").replace_strict(senders, return_dtype=pl.String),
        pl.when(pl.col("reason").is_in([OPTED_OUT, SUPPRESSED])).then("reason"),
        since.str.strptime(pl.Datetime("ms"), "%Y-%m-%dT%H:%M:%S%.f", strict=False)
        .dt.epoch("ms")
        .clip(upper_bound=now),
    )
    if problems := [one for name in _EXPECTED if (one := _unread(name, read, said))]:
        raise InputError(replace(one, file=file) for one in problems)
    return read.select(COLUMNS)


def suppressions(some: pl.DataFrame, file: str) -> list[Suppression]:
    """Rows of `entries` as the journal takes them."""
    return [
        suppression(f"+{number}", Cause(reason, said or f"import {file}", since, about))
        for number, about, reason, said, since in some.iter_rows()
    ]


def _number(region: str | None) -> pl.Expr:
    text = pl.col("number")
    whole = text.str.extract(r"^\+([1-9][0-9]{6,14})$").cast(pl.Int64)
    bare = read_numbers("+" + text.str.extract(r"^([1-9][0-9]{6,14})$"), None)
    by_hand = read_numbers(text, region)
    return pl.coalesce(
        whole, *(one.struct.field("e164") for one in (bare, by_hand))
    ).alias("number")


def _sender(text: str, region: str | None) -> str | None:
    for said in (text, f"+{text}"):
        try:
            return read_sender(said, region)
        except InputError:
            continue
    return None


def _unread(name: str, read: pl.DataFrame, said: pl.DataFrame) -> Problem | None:
    rows = said.filter(read[name].is_null())
    if rows.is_empty():
        return None
    what = repr(mask_words(rows[name][0]))
    return Problem(
        "E658",
        what if len(what) <= 40 else f"{what[:39]}…",
        _EXPECTED[name],
        row=rows["row"][0],
        column=name,
        more=len(rows) - 1,
    )

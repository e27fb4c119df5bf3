"""What a column ranks the rows of one number by, and whether that is what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem
from bulksend.prepare.audience import says_nothing
from bulksend.prepare.columns import shown

if TYPE_CHECKING:
    from bulksend.define.load import Loaded
    from bulksend.prepare.source import Source

KEY = "recipients.duplicates.by"

_ISO = (
    r"^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)?)?)?$"
)
"""Dates and times whose order as text is their order in time."""


def ranks(column: str, kind: pl.DataType) -> list[pl.Expr]:
    """What a column ranks rows by: its numbers, where it is text its words after them.

    A word for no value (NULL, N/A) ranks nothing, like an empty cell.
    """
    value = pl.col(column)
    if kind == pl.String:
        text = value.str.strip_chars()
        number = text.cast(pl.Float64, strict=False)
        return [
            pl.when(number.is_finite()).then(number),
            pl.when(~says_nothing(text)).then(text),
        ]
    return [value.fill_nan(None)] if kind.is_float() else [value]


def ranked_as_text(
    loaded: Loaded, source: Source, named: dict[str, list[str]]
) -> list[Problem]:
    """W226, where text ranks that is no ISO date: 9/30/2025 comes after 10/1/2025.

    The column is gone through once, and nothing of it is held.
    """
    return [
        problem
        for column in named[KEY]
        if source.columns[column] == pl.String
        for problem in _of_column(column, loaded, source)
    ]


def _of_column(column: str, loaded: Loaded, source: Source) -> list[Problem]:
    number, text = ranks(column, source.columns[column])
    is_word = number.is_null() & text.is_not_null() & ~text.str.contains(_ISO)
    words = source.frame.select("row", word=pl.when(is_word).then(text))
    words = words.filter(pl.col("word").is_not_null())
    found = words.select(pl.len(), first=pl.struct("row", "word").first())
    count, first = found.collect(engine="streaming").row(0)
    if not count:
        return []
    name = getattr(loaded.campaign.recipients.duplicates, "by", column)
    what = (
        f"{shown(name)} ranks as text, letter by letter: it holds "
        f"{shown(first['word'])} (row {first['row']})"
    )
    file, line = str(loaded.path), loaded.line_of(KEY)
    return [Problem("W226", what, file=file, line=line, column=KEY, more=count - 1)]

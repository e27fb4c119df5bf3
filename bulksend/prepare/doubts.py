"""Cells that would be printed as they are, and are likely not meant to be read by anybody.

Words such as Null, NA or a dash are no proof of an empty cell: Null, Nan and Na are
people's names.  So they are sent, and somebody is told how often.  The same goes for
letters that an earlier export has broken: JosÃ© was José, and Jos� will never be; for
blanks around a name, which stand in the text; for whole numbers that stand there as
1234.0, as pandas writes them where one cell of the column was empty; and for dates and
times as machines write them, 2026-12-03 and 14:30:00, as they come out of a workbook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from bulksend.prepare.plan import Plan

WORDS = (
    "null", "nul", "none", "nan", "na", "n/a", "#n/a", "n.a.", "n.a", "nil", "undefined",
    "unknown", "empty", "tbd", "test", "-", "--", "---", ".", "?", "??", "x", "xx", "xxx",
)  # fmt: skip
_LONGEST = max(map(len, WORDS)) + 2  # a space on each side

BROKEN = (
    "\ufffd|â€|Â[\u0080-\u00bf]|"
    "Ã[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # noqa: RUF001 - they are meant
)
"""Where a letter was lost, or UTF-8 was read as windows-1252."""

_MOMENTS = {
    "day": r"^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?$",
    "clock": r"^\d\d?:\d\d:\d\d$",
}
_BLANK = r"^\s|\s$"
_WHOLE = r"^-?\d+\.0$"


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a column says in texts that are sent.

    Args:
        kind: ``word``, ``broken``, ``blanks``, ``point``, ``day`` or ``clock``.

        word: The cell as it stands; empty where it is not a word.

        rows: In how many texts.

        row: One of them.
    """

    column: str
    kind: str
    word: str
    rows: int
    row: int


def doubts(plan: Plan) -> tuple[Doubt, ...]:
    """In the columns that the texts name, the most frequent first."""
    sent = plan.frame().filter(pl.col("reason").is_null())
    schema, headers = sent.collect_schema(), plan.about["headers"]
    filled = plan.about.get("filled", [])
    asked = [
        (name, kind, query)
        for name in filled
        if schema[name] == pl.String
        for kind, query in _queries(sent, name)
    ]
    asked += [
        (name, "point", _pointed(sent, name))
        for name in filled
        if schema[name] in (pl.String, pl.Float64, pl.Float32)
    ]
    asked += [
        (name, kind, _of_a_machine(sent, name, wanted))
        for name in filled
        if schema[name].is_temporal() or schema[name] == pl.String
        for kind, wanted in _MOMENTS.items()
    ]
    frames = pl.collect_all([query for *_, query in asked], engine="streaming")
    found = [
        Doubt(headers[name], kind, word, rows, row)
        for (name, kind, _), frame in zip(asked, frames, strict=True)
        for word, rows, row in frame.iter_rows()
        if rows
    ]
    return tuple(sorted(found, key=lambda one: -one.rows))


def _pointed(sent: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Whole numbers that the text says with their `.0`; 12.00 was meant to be so."""
    cell, text = pl.col(name).cast(pl.String), pl.col("text")
    said = text.str.contains(cell, literal=True)
    longer = text.str.contains(pl.concat_str(cell, pl.lit("0")), literal=True)
    return (
        sent.filter(cell.str.ends_with(".0"))
        .filter(cell.str.contains(_WHOLE) & said & ~longer)
        .select(cell.first().alias("word"), rows=pl.len(), first=pl.col("row").min())
    )


def _of_a_machine(sent: pl.LazyFrame, name: str, pattern: str) -> pl.LazyFrame:
    """Dates and times that the text says as they stand."""
    cell = pl.col(name).cast(pl.String).str.replace(r"\.0+$", "")
    said = pl.col("text").str.contains(cell, literal=True)
    return sent.filter(cell.str.contains(pattern) & said).select(
        cell.first().alias("word"), rows=pl.len(), first=pl.col("row").min()
    )


def _queries(sent: pl.LazyFrame, name: str) -> list[tuple[str, pl.LazyFrame]]:
    cell = pl.col(name)
    said = cell.str.strip_chars().str.to_lowercase()
    counted = {"rows": pl.len(), "first": pl.col("row").min()}
    words = (
        sent.filter(cell.str.len_bytes() <= _LONGEST)
        .filter(said.is_in(WORDS))
        .group_by(cell.alias("word"))
        .agg(**counted)
    )
    broken = sent.filter(cell.str.len_bytes() != cell.str.len_chars()).filter(
        cell.str.contains(BROKEN)
    )
    blanks = sent.filter(cell.str.contains(_BLANK))
    no_word = pl.lit("").alias("word")
    return [
        ("word", words),
        ("broken", broken.select(no_word, **counted)),
        ("blanks", blanks.select(no_word, **counted)),
    ]

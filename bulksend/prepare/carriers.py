"""Whose caps a message counts against: T-Mobile's, AT&T's, either's, or nobody's.

Caps are about messages from ten-digit long codes to numbers of the United States (10DLC);
toll-free numbers and short codes have limits of their own.  A carrier that nobody names,
or that is not known here, may be either of the two: unknown counts against both.
"""

from __future__ import annotations

import polars as pl

FAMILIES = {
    "t_mobile": r"\bt ?mobile\b|\btmo\b|\bsprint\b|\bmetro ?pcs\b|\bmetro by\b|"
    r"\bu ?s *cellular\b|\bunited states cellular\b|\buscc\b",
    "att": r"\bat ?(?:&|and) ?t\b|\batt\b|\bcingular\b|\bcricket\b|\bfirstnet\b",
    "other": r"\bverizon\b|\bvzw\b|\bc ?spire\b|\bcellcom\b|"
    r"\bappalachian\b|\bunion wireless\b|\bgci\b",
}
"""Words in a carrier's name, as carrier look-ups spell it, with blanks for dots and
dashes of any kind.
T-Mobile has UScellular's customers since 2025-08-01."""

US = ("US", "PR", "VI", "GU", "AS", "MP")


def family(name: pl.Expr) -> pl.Expr:
    """``t_mobile``, ``att`` or ``other`` where *name* (text) says so beyond doubt."""
    said = name.str.to_lowercase().str.replace_all("&amp;", "&", literal=True)
    said = said.str.replace_all(r"[.,_\s\p{Pd}]+", " ")
    hits = {one: said.str.contains(words) for one, words in FAMILIES.items()}
    found = pl.lit(None, pl.String)
    for one, hit in hits.items():
        others = [hits[other] for other in hits if other != one]
        found = (
            pl.when(hit & ~pl.any_horizontal(others)).then(pl.lit(one)).otherwise(found)
        )
    return found


def counted(carrier: pl.Expr, region: pl.Expr, sender: pl.Expr) -> pl.Expr:
    """Whose caps it counts against: ``t_mobile``, ``att``, ``unknown``, or empty.

    Args:
        carrier: As `family` has it.

        region: ISO 3166 of the number.

        sender: Our number that it comes from.
    """
    is_meant = region.cast(pl.String).is_in(US) & _is_ten_digits(sender)
    whose = pl.when(carrier == "other").then(pl.lit("")).otherwise(carrier)
    return pl.when(is_meant).then(whose.fill_null("unknown")).otherwise(pl.lit(""))


def _is_ten_digits(sender: pl.Expr) -> pl.Expr:
    toll_free = sender.str.slice(2, 3).is_in(
        ["800", "833", "844", "855", "866", "877", "888"]
    )
    return sender.str.contains(r"^\+1[2-9]\d{9}$") & ~toll_free

"""What texts lack as they are rendered: a sender's name, or how to opt out.

A template's branches read as one text say more than any of its texts, and what comes out
of a placeholder says more than the template.  So where a template has statements, or lacks
one of both without its placeholders (`lint.is_of_rows`), every text is asked: for a name
by Polars, for opt-out words first whether it has a sentence of the template that says how,
which most have; and else by us, once for each wording of what stands around the words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem
from bulksend.prepare.lint import (
    CHECKS,
    Text,
    as_compared,
    asked_of,
    code_of,
    is_ignored,
    is_of_rows,
    without_placeholders,
)
from bulksend.prepare.opting_out import around_the_words, says_how

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.prepare.lint import Check
    from bulksend.prepare.plan import Plan

_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)

_NO_LETTER = r"[^\p{L}\p{N}_]"
"""As Python's \\W: Polars takes what follows a heart to colour it for a letter."""


def lacking(plan: Plan, campaign: Campaign) -> list[Problem]:
    """Texts without a sender's name (W350) or opt-out words (W351), as `lint` weighs them."""
    message = campaign.message
    written = (message.text, plan.about["inputs"]["template"])
    sources = [one for one in (*written, *(message.variants or {}).values()) if one]
    texts = [Text("", one, without_placeholders(one)) for one in sources]
    said = pl.coalesce("text_before", "text")
    fixed = [one for one in sources if "{{" not in one and "{%" not in one]
    rows = (
        plan.frame()
        .filter(pl.col("reason").is_null() & (pl.col("text") != ""))
        .filter(~said.is_in(fixed))  # `lint` has told of these
        .select("row", said=said)
    )
    found = []
    for check in CHECKS:
        code = code_of(check, campaign)
        if is_ignored(campaign, code) or not asked_of(check, campaign):
            continue
        if any(is_of_rows(check, campaign, text) for text in texts):
            is_name = check.code == "W350"
            those = (
                _without_name(rows, campaign)
                if is_name
                else _without_way_out(rows, _sentences(sources))
            )
            found += _told(check, those, plan, campaign)
    return found


def _told(
    check: Check, those: pl.LazyFrame, plan: Plan, campaign: Campaign
) -> list[Problem]:
    asked = those.select(pl.col("row").min(), rows=pl.len()).collect(engine="streaming")
    row, count = asked.row(0)
    if not count:
        return []
    file, row = plan.sheets.place(row)
    file = file or plan.about["campaign"]["recipients"]["path"][0]
    what = check.find(campaign, Text("", "", ""))
    return [Problem(code_of(check, campaign), what, file=file, row=row, more=count - 1)]


def _without_name(rows: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:
    if not campaign.lint.brand:
        return rows.clear()
    said = pl.col("said").str.to_lowercase()
    said = said.str.replace_many({"\u2019": "'", "\u00df": "ss"})
    return rows.filter(~said.str.contains(_name_pattern(campaign.lint.brand)))


def _sentences(sources: Sequence[str]) -> list[str]:
    """What stands between placeholders and statements, and says how, whatever follows."""
    parts = (part.strip() for one in sources for part in _CODE.split(one))
    return [part for part in parts if says_how(f"{part}\0")]


def _without_way_out(rows: pl.LazyFrame, sentences: Sequence[str]) -> pl.LazyFrame:
    has_none = [~pl.col("said").str.contains(one, literal=True) for one in sentences]
    rows = rows.filter(pl.lit(value=True), *has_none)
    near = rows.select("row", near=around_the_words(pl.col("said")))
    every = near.select(pl.col("near").unique()).drop_nulls()
    asked = every.collect(engine="streaming")["near"]
    silent = [one for one in asked if not says_how(one)]
    return near.filter(pl.col("near").is_null() | pl.col("near").is_in(silent))


def _name_pattern(names: Sequence[str]) -> str:
    """As `lint` reads one: words of their own, with any space between them."""
    every = (r"\s+".join(map(re.escape, as_compared(one).split())) for one in names)
    return rf"(?i)(?:^|{_NO_LETTER})(?:{'|'.join(every)})(?:{_NO_LETTER}|$)"

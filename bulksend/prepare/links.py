"""Where the links lead that the list itself brings into the texts.

They are read as those of the template are (`prepare.hosts`), which no query can do.  So
few of ten million rows are asked: first whether a cell that a text is made of could be a
link's at all, mostly none; then, of each different beginning of a link, whether it leads
where it should not, mostly none; and only then the texts that have such a cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem
from bulksend.prepare.hosts import hosts, shortener, stranger
from bulksend.prepare.lint import is_ignored, without_placeholders
from bulksend.prepare.template.columns import spelled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan

_PART = r"[^\s,;|()<>\"']*"
_SCHEMES = {one: f" {one}" for one in ("http://", "https://")}
_COULD_LEAD = r"[.\u3002\uff0e\uff61][^0-9\s]|:[/\\]|%2[Ee]"
"""A price has a dot too, and `St. Louis`; an address has something else after it."""


def links(plan: Plan, campaign: Campaign) -> list[Problem]:
    """Shared shorteners (E352) and strange hosts (W353) that rows bring into their texts."""
    variants = (campaign.message.variants or {}).values()
    texts = [campaign.message.text or "", plan.about["inputs"]["template"], *variants]
    cells = _cells_of(texts, plan)
    if not cells:
        return []
    cell = pl.concat_str(cells, separator=" ", ignore_nulls=True)
    could = pl.any_horizontal(one.str.contains(_COULD_LEAD) for one in cells)
    near = plan.frame().filter(pl.col("reason").is_null() & could)
    odd = _odd(near.select(word=_beginnings(cell)).explode("word"), campaign, "/")
    if not odd:
        return []
    has_one = _beginnings(cell).list.eval(pl.element().is_in(list(odd))).list.any()
    rows = near.filter(has_one).select("row", word=_beginnings(pl.col("text")))
    said = rows.explode("word")
    own = {host for text in texts for host in hosts(without_placeholders(text))}
    every = _odd(said, campaign, own=own)
    codes = sorted({code for found in every.values() for code in found})
    return [
        _problem(code, said, {w: f[code] for w, f in every.items() if code in f}, plan)
        for code in codes
    ]


def _odd(
    said: pl.LazyFrame,
    campaign: Campaign,
    end: str = "",
    *,
    own: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Of each different `word` that leads where it should not, what is wrong, by code.

    Args:
        end: What may follow the word in a text, which makes more of them links.
        own: The template's hosts, of which `lint` has told.
    """
    words = said.select(pl.col("word").unique()).collect(engine="streaming")["word"]
    found: dict[str, dict[str, str]] = {}
    for word in words.drop_nulls():
        for host in hosts(word + end):
            what = shortener(host)
            code = "E352" if what else "W353"
            what = what or stranger(host, campaign.lint.domains)
            if what and host not in own and not is_ignored(campaign, code):
                found.setdefault(word, {}).setdefault(code, what)
    return found


def _problem(
    code: str, said: pl.LazyFrame, words: Mapping[str, str], plan: Plan
) -> Problem:
    """For the first row that has one of these words, and how many more have one."""
    those = said.filter(pl.col("word").is_in(list(words)))
    first = pl.all().sort_by("row", "word").first()
    asked = those.select(first, rows=pl.col("row").n_unique())
    row, word, rows = asked.collect(engine="streaming").row(0)
    file, row = plan.sheets.place(row)
    file = file or plan.about["campaign"]["recipients"]["path"][0]
    return Problem(code, words[word], file=file, row=row, more=rows - 1)


def _beginnings(text: pl.Expr) -> pl.Expr:
    """Each word that could lead somewhere, without what follows the host.

    A link in another's query begins anew; who stands before an @ leads nowhere.
    """
    return (
        text.str.replace_many(_SCHEMES, ascii_case_insensitive=True)
        .str.replace_all(rf"([^\s/\\:][/?#\\]){_PART}", "$1")
        .str.replace_all(r"[^\s/@\\]+@", "@")
        .str.extract_all(rf"{_PART}(?:{_COULD_LEAD}){_PART}")
    )


def _cells_of(texts: Sequence[str], plan: Plan) -> list[pl.Expr]:
    """The columns of text that a campaign's texts name."""
    words = {word.lower() for word in re.findall(r"\w+", " ".join(texts))}
    schema, headers = plan.frame().collect_schema(), plan.about["headers"]
    return [
        pl.col(name)
        for name in plan.inputs
        if schema[name] == pl.String and spelled(headers[name]) in words
    ]

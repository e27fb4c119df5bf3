"""Where the links lead that only the texts have as they are rendered.

They are read as those of the template are (`prepare.hosts`), which no query can do.  So
few of ten million rows are asked.  Where a placeholder is a part of a host (`https://{{ x
}}.example`), or the template's code has one in it, all texts are looked at; where one
touches a letter or another (`{{ a }}ly`), those of rows with a dot in a cell; else first
whether a cell that a text is made of could be a link's at all, mostly none; then, of each
different beginning of a link, whether it leads where it should not, mostly none; and only
then the texts that have such a cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem
from bulksend.prepare.hosts import (
    ENDINGS,
    SHORTENERS,
    SURE,
    as_seen,
    hosts,
    read_host,
    shortener,
    stranger,
)
from bulksend.prepare.lint import is_ignored, without_placeholders
from bulksend.prepare.template.columns import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan

_PART = r"[^\s,;|()<>\"']*"
_PATH = (rf"([^\s/\\:][/?#\\]){_PART}", "$1")
"""What follows a host, to be left out."""
_SCHEMES = {one: f" {one}" for one in ("http://", "https://")}
_COULD_LEAD = r"[.\u3002\uff0e\uff61][^0-9\s]|:[/\\]|%2[Ee]"
"""A price has a dot too, and `St. Louis`; an address has something else after it."""

_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NOTE = re.compile(r"\{#.*?#\}", re.DOTALL)
_TRIMMED = re.compile(r"\s+(?=\{[{%]-)|(?<=-[}%]\})\s+")
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_LEADS = re.compile(r"[.\u3002\uff0e\uff61](?!%|\s)|:[/\\]|%2[Ee]")
"""In a literal, which may be no more than the dot: but no date's form, `%d.%m.`."""

_TOUCHED = re.compile("\0(?:[\\w\0-]|%[3-7])|[\\w-]\0")
_ALTERS = re.compile(r"~|\b(?:replace|truncate|format)\b|\btrim\s*\(")
_COULD_HELP = r"[.:\u3002\uff0e\uff61](?:[^0-9]|$)|%"
"""In a cell that is one of a link's parts, of which the dot may be the last or all."""


def links(plan: Plan, campaign: Campaign) -> list[Problem]:
    """Shared shorteners (E352) and strange hosts (W353) of texts as they are rendered."""
    variants = (campaign.message.variants or {}).values()
    texts = [campaign.message.text or "", plan.about["inputs"]["template"], *variants]
    every = plan.frame().filter(pl.col("reason").is_null())
    is_made = any(map(_makes_links, texts))
    cells = _cells_of(texts, plan)
    if is_made or not cells:
        rows = every if is_made else None
    elif any(map(_joins, texts)):
        rows = every.filter(_any_has(cells, _COULD_HELP))
    else:
        rows = _that_bring_some(every, cells, campaign)
    if rows is None:
        return []
    said = rows.select("row", word=_beginnings(pl.col("text"))).explode("word")
    own = frozenset(
        host for text in texts for host in hosts(without_placeholders(text))
    )
    judge = _Judge(campaign, own)
    odd = judge.odd(said)
    return [
        _problem(
            code, said.filter(judge.site(pl.col("word")).is_in(sites)), judge, plan
        )
        for code in ("E352", "W353")
        if (sites := [site for site, codes in odd.items() if code in codes])
    ]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Who finds what is wrong with the words that a text or a cell has.

    Args:
        own: The template's hosts, of which `lint` has told.

        end: What may follow a word in a text, which makes more of them links.
    """

    campaign: Campaign
    own: frozenset[str] = frozenset()
    end: str = ""

    def wrong(self, word: str) -> dict[str, str]:
        """What is wrong with the word's links, by code."""
        found: dict[str, str] = {}
        for host in hosts(word + self.end):
            what = shortener(host)
            code = "E352" if what else "W353"
            what = what or stranger(host, self.campaign.lint.domains)
            if what and host not in self.own and not is_ignored(self.campaign, code):
                found.setdefault(code, what)
        return found

    def odd(self, said: pl.LazyFrame) -> dict[str, dict[str, str]]:
        """Of all `word`: the sites that are wrong, and what is; one of each is asked."""
        words = said.group_by(site=self.site(pl.col("word"))).agg(pl.col("word").min())
        asked = words.drop_nulls().collect(engine="streaming")
        every = {site: self.wrong(word) for site, word in asked.iter_rows()}
        return {site: codes for site, codes in every.items() if codes}

    def site(self, word: pl.Expr) -> pl.Expr:
        """What stands for all words of which the same is true; null where nothing is wrong.

        Of a plain host of a shortener's or ours the last labels, as many as one of the
        campaign's domains has; all other plain hosts are strangers alike.
        """
        said = word.str.to_lowercase()
        domains = [*map(read_host, self.campaign.lint.domains), *SHORTENERS]
        dots = max(1, *(domain.count(".") for domain in domains))
        last = said.str.extract(rf"((?:[^./]+\.){{0,{dots}}}[^./]+)/?$")
        of_them = "|".join(map(re.escape, domains))
        is_known = said.str.contains(rf"(?:^|[./])(?:{of_them})/?$")
        alike = pl.when(is_known).then("//" + last).otherwise(pl.lit("//"))
        site = pl.when(self._is_plain(word, said)).then(alike).otherwise(word)
        ways = ("http://", "https://", "http://www.", "https://www.", "", "www.")
        own = [
            f"{way}{host}{end}"
            for way in ways
            for host in self.own
            for end in ("", "/")
        ]
        return pl.when(~said.is_in(own) & ~self._is_none(said)).then(site)

    def _is_plain(self, word: pl.Expr, said: pl.Expr) -> pl.Expr:
        """Whether it is one host and nothing else, in letters that are what they seem."""
        slash = "/?" if self.end else "/"
        host = said.str.contains(r"^https?://(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*/?$")
        host |= said.str.contains(r"^(?:[a-z0-9-]+\.)+[a-z]{2,}" + slash + "$")
        host |= word.str.contains(SURE)
        return host & ~said.str.contains("xn--", literal=True)

    def _is_none(self, said: pl.Expr) -> pl.Expr:
        """Whether no domain ends as this does, and nothing else makes a link of it."""
        if self.end:
            return pl.lit(value=False)
        end = said.str.extract(r"^(?:[a-z0-9-]+\.)+([a-z]+)$").fill_null("com")
        return ~end.is_in(list(ENDINGS)) & ~said.str.starts_with("www.")


def _makes_links(text: str) -> bool:
    """Whether placeholders of a template are parts of a host, or have one in them."""
    text = _without_notes(text)
    literals = (one for code in _CODE.findall(text) for one in _LITERAL.findall(code))
    if any(_LEADS.search(one) for one in literals):
        return True
    words = pl.select(_beginnings(pl.lit(_CODE.sub("\0", text)))).item()
    return any("\0" in word for word in words)


def _joins(text: str) -> bool:
    """Whether a template may make one word of a cell and what is beside it.

    No link of its own is needed: `{{ a }}ly` is one for who has `bit.`.
    """
    text = _without_notes(text)
    if any(_ALTERS.search(code) for code in _CODE.findall(text)):
        return True
    hosts_only = pl.lit(_CODE.sub("\0", text)).str.replace_all(*_PATH)
    return _TOUCHED.search(as_seen(pl.select(hosts_only).item())) is not None


def _without_notes(text: str) -> str:
    return _TRIMMED.sub("", _NOTE.sub("", text))


def _any_has(cells: Sequence[pl.Expr], pattern: str) -> pl.Expr:
    return pl.any_horizontal(one.str.contains(pattern) for one in cells)


def _that_bring_some(
    rows: pl.LazyFrame, cells: Sequence[pl.Expr], campaign: Campaign
) -> pl.LazyFrame | None:
    """Those of which a cell leads where it should not."""
    cell = pl.concat_str(cells, separator=" ", ignore_nulls=True)
    near = rows.filter(_any_has(cells, _COULD_LEAD))
    judge = _Judge(campaign, end="/")
    odd = judge.odd(near.select(word=_beginnings(cell)).explode("word"))
    if not odd:
        return None
    is_odd = judge.site(pl.element()).is_in(list(odd))
    return near.filter(_beginnings(cell).list.eval(is_odd).list.any())


def _problem(code: str, those: pl.LazyFrame, judge: _Judge, plan: Plan) -> Problem:
    """For the first row that has one of these words, and how many more have one."""
    first = pl.all().sort_by("row", "word").first()
    asked = those.select(first, rows=pl.col("row").n_unique())
    row, word, rows = asked.collect(engine="streaming").row(0)
    file, row = plan.sheets.place(row)
    file = file or plan.about["campaign"]["recipients"]["path"][0]
    return Problem(code, judge.wrong(word)[code], file=file, row=row, more=rows - 1)


def _beginnings(text: pl.Expr) -> pl.Expr:
    """Each word that could lead somewhere, without what follows the host.

    A link in another's query begins anew; who stands before an @ leads nowhere.
    """
    return (
        text.str.replace_many(_SCHEMES, ascii_case_insensitive=True)
        .str.replace_all(*_PATH)
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

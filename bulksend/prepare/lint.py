"""What a template says that carriers filter, laws ask for, or people regret.

Each check is a row of `CHECKS`: a code, what it looks for, and where it stands that this
matters.  Texts are looked at without their placeholders; what comes from the list's own
columns is looked at when the plan is there (`links`).

A finding can be switched off for a campaign, with a reason, which the plan keeps:
``lint: {ignore: {W353: "our shop is on another domain"}}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.errors import Problem
from bulksend.prepare.template.columns import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.define.load import Loaded
    from bulksend.prepare.plan import Plan

SHORTENERS = (
    "bit.ly", "bitly.com", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly",
    "rb.gy", "rebrand.ly", "s.id", "shorturl.at", "t.co", "t.ly", "tiny.cc",
    "tinyurl.com", "v.gd",
)  # fmt: skip
"""Shared by everybody, so carriers filter what spammers use (Bandwidth 4771)."""

SHAFT = {
    "sex": "sex adult escort porn nude xxx",
    "alcohol": "alcohol beer wine vodka whiskey whisky liquor tequila",
    "firearms": "gun guns rifle pistol ammo ammunition firearm firearms",
    "tobacco": "tobacco cigarette cigarettes cigar vape vaping e-cigarette",
    "cannabis": "cannabis marijuana weed cbd thc kratom",
    "gambling": "casino gambling betting sportsbook jackpot",
    "high-risk money": "payday cryptocurrency crypto bitcoin forex",
    "debt": "debt-relief debt-consolidation credit-repair",
}
"""T-Mobile's Code of Conduct, as summaries tell it: a word is a hint, not a verdict."""

_TELLING = ("name", "phone", "mobile", "cell", "email", "mail", "address", "birth")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_OPT_OUT = re.compile(
    r"\bSTOP\b|\bALTO\b|\bBAJA\b|"
    r"(?i:\bopt[ -]?out\b|\bunsubscribe\b|\b(?:reply|text|send|txt|responda?)\W{1,3}"
    r"(?:stop|quit|end|cancel|revoke|alto)\b)"
)
_FIELD = r"(?i:[^\W\d][\w -]*)(?<=\w)"  # a name as a header has it, such as First Name
_MEANT = (
    r"(?i:(?:[\w-]+[ _-])?(?:first|last|full|sur|given|fore|family|user)?[ _-]?"
    r"(?:name|email|e-mail|phone|mobile|city|code|date|time|day|link|url|amount|price|"
    r"company|order|number|id|address|zip|title|points|balance|coupon|product|store)"
    r"(?:[ _-][\w-]+)?)"
)
"""A name that is a field's more likely than a sender's, such as [Blue Fern]."""

_OTHER_TOOLS = re.compile(
    "|".join(
        (
            r"\*\|.+?\|\*",  # *|FNAME|*, Mailchimp's
            rf"%%{_FIELD}%%",  # SimpleTexting's, Marketing Cloud's
            rf"(?<![\d%])%{_FIELD}%(?![\w%])",  # %first_name%
            r"%\(\w+\)s|%\d\$s",  # a programmer's
            rf"<<\s*{_FIELD}\s*>>|«\s*{_FIELD}\s*»",  # a mail merge's
            rf"<(?:[a-z]+_[a-z_]+|{_MEANT})>",
            r"\[\[.+?\]\]|\(\(.+?\)\)",  # ((name)), GOV.UK Notify's
            rf"\[(?:[A-Z_]{{3,}}|{_MEANT})\]",  # [First Name]
            r"##\w+##",
            r"[$#@]?(?<!\{)\{\w[\w .|-]*\}(?!\})",  # {name}, ${name}
            r"\{\{|\}\}|\{%|%\}",  # half of our own
        )
    )
)
"""How other tools write a place to fill."""

_SHOWN = 3
"""So many of them are named."""
_LINK = re.compile(
    r"(?:https?://)((?:[a-z0-9-]+\.)+[a-z]{2,})|\b((?:[a-z0-9-]+\.)+[a-z]{2,})(?=/)",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"(?:\b[A-Z]{3,}\b\W*){4,}")
_KEYWORDS = re.compile(r"\b(?:STOP|HELP|END|QUIT|CANCEL)\b")


class Text(NamedTuple):
    """One text of the campaign: where it stands, as written, and without placeholders."""

    key: str
    source: str
    constant: str


class Check(NamedTuple):
    """One row of the table; ``find`` gives what it found in a text, or nothing."""

    code: str
    find: Callable[[Campaign, Text], str]
    markets_only: bool = False


def _no_sender(campaign: Campaign, text: Text) -> str:
    brand = campaign.lint.brand
    if not brand or any(b.casefold() in text.constant.casefold() for b in brand):
        return ""
    return f"nothing in it says {' or '.join(brand)}"


def _no_opt_out(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    return "" if _OPT_OUT.search(text.constant) else "nothing in it says how to opt out"


def _shortener(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    found = [host for host in _hosts(text.constant) if host in SHORTENERS]
    return f"a link of {found[0]}, which everybody shares" if found else ""


def _other_domain(campaign: Campaign, text: Text) -> str:
    ours = campaign.lint.domains
    if not ours:
        return ""
    found = [
        host
        for host in _hosts(text.constant)
        if not any(host == one or host.endswith(f".{one}") for one in ours)
    ]
    return (
        f"a link to {found[0]}, and `lint.domains` has {', '.join(ours)}"
        if found
        else ""
    )


def _shaft(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    words = {
        word.replace("'s", "")
        for word in re.findall(r"[a-z'-]+", text.constant.lower())
    }
    for kind, some in SHAFT.items():
        if hits := sorted(words & set(some.split())):
            return f'"{hits[0]}" ({kind}), which carriers filter or forbid'
    return ""


def _shouting(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    plain = _KEYWORDS.sub("", text.constant)
    letters = [letter for letter in plain if letter.isalpha()]
    loud = sum(letter.isupper() for letter in letters)
    if _SHOUTED.search(plain) or (len(letters) >= 20 and loud > 0.7 * len(letters)):
        return "it shouts: most of it is in capitals"
    return ""


def _odd_placeholder(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    var = re.findall(
        r"\{#\s*var\s*#\}", text.source
    )  # as India has it: a comment to Jinja
    every = (*var, *(match[0] for match in _OTHER_TOOLS.finditer(text.constant)))
    if not (found := list(dict.fromkeys(every))):
        return ""
    listed = ", ".join(f"`{one[:30]}`" for one in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    if len(found) == 1:
        return f"{listed} looks like a placeholder and is none"
    return f"{listed}{more} look like placeholders and are none"


CHECKS = (
    Check("W350", _no_sender),
    Check("W351", _no_opt_out, markets_only=True),
    Check("E352", _shortener),
    Check("W353", _other_domain),
    Check("W354", _shaft),
    Check("W356", _shouting),
    Check("W357", _odd_placeholder),
)
"""Sources: CTIA's Messaging Principles (2023) and Bandwidth's best practices for the
sender's name and opt-out words; Bandwidth's code 4771 for shared shorteners; T-Mobile's
Code of Conduct for words; Bandwidth's createMessage for personal data in tags."""

CODES = ("W350", "W351", "W352", "W353", "W354", "W355", "W356", "W357")


def lint(loaded: Loaded, texts: Sequence[tuple[str, str]]) -> list[Problem]:
    """What the texts of a campaign should not say, or lack.

    Args:
        texts: Each text's key in the campaign file, and the text.

    Returns:
        Warnings, and errors: on a first contact (`lint.first_contact`) a text without
        sender or opt-out words is one, and a shared shortener always.
    """
    campaign = loaded.campaign
    markets = campaign.rules.profile != "transactional" and campaign.keeps_hours
    first = campaign.lint.first_contact
    found = []
    for key, source in texts:
        constant = _STATEMENT.sub("", _PLACEHOLDER.sub("\0", source))
        for check in CHECKS:
            if check.markets_only and not (markets or first):
                continue
            what = check.find(campaign, Text(key, source, constant))
            code = check.code
            if first and code in {"W350", "W351"}:
                code = f"E{code[1:]}"
            if what:
                found.append(_problem(loaded, code, what, key))
    found += _telling(loaded)
    return [one for one in found if not _is_ignored(campaign, one.code)]


def _is_ignored(campaign: Campaign, code: str) -> bool:
    return f"W{code[1:]}" in campaign.lint.ignore or code in campaign.lint.ignore


def _problem(loaded: Loaded, code: str, what: str, key: str) -> Problem:
    line = loaded.line_of(key)
    return Problem(code, what, file=str(loaded.path), line=line, column=key)


def _telling(loaded: Loaded) -> Iterator[Problem]:
    """Columns in the address of a picture: addresses are written into logs everywhere."""
    for place, url in enumerate(loaded.campaign.message.media):
        for name in re.findall(r"\{\{\s*(\w+)", url):
            if any(word in name.lower() for word in _TELLING):
                what = f"the address is built from `{name}`, which may tell who a person is"
                yield _problem(loaded, "W355", what, f"message.media[{place}]")


def _hosts(text: str) -> list[str]:
    found = (match[1] or match[2] for match in _LINK.finditer(text))
    return [host.lower().removeprefix("www.") for host in found]


def links(plan: Plan, campaign: Campaign) -> list[Problem]:
    """Shared shorteners in the rendered texts, where the list itself brings the links.

    Searching whole texts takes as long as making them, so first the cells that they are
    made of are asked whether one has the end of such an address in it; mostly none has.
    """
    cells = _cells_of_texts(plan, campaign)
    if not cells or _is_ignored(campaign, "E352"):
        return []
    ends = sorted({f".{host.rpartition('.')[2]}" for host in SHORTENERS})
    near = plan.frame().filter(
        pl.any_horizontal(
            cell.str.contains_any(ends, ascii_case_insensitive=True) for cell in cells
        )
    )
    if not near.select(pl.len()).collect(engine="streaming").item():
        return []
    hosts = "|".join(re.escape(host) for host in SHORTENERS)
    sure = pl.col("text").str.contains(rf"(?i)(?:^|[^\w.-])(?:www\.)?(?:{hosts})/")
    found = (
        near.filter(pl.col("reason").is_null())
        .filter(sure)
        .select(rows=pl.len(), row=pl.col("row").min())
        .collect(engine="streaming")
        .row(0)
    )
    if not found[0]:
        return []
    what = "its link is of a shortener that everybody shares"
    file = str(campaign.recipients.path[0])
    return [Problem("E352", what, file=file, row=found[1], more=found[0] - 1)]


def _cells_of_texts(plan: Plan, campaign: Campaign) -> list[pl.Expr]:
    """The columns of text that the campaign's texts name."""
    message = campaign.message
    variants = (message.variants or {}).values()
    texts = [message.text or "", plan.about["inputs"]["template"], *variants]
    words = {word.lower() for word in re.findall(r"\w+", " ".join(texts))}
    schema, headers = plan.frame().collect_schema(), plan.about["headers"]
    return [
        pl.col(name)
        for name in plan.inputs
        if schema[name] == pl.String and spelled(headers[name]) in words
    ]

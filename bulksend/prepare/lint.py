"""What a template says that carriers filter, laws ask for, or people regret.

Each check is a row of `CHECKS`: a code, what it looks for, and where it stands that this
matters.  Texts are looked at without their placeholders; what comes from the list's own
columns, or differs by branches, is looked at when the plan is there (`prepare.links`,
`prepare.lacking`).

A finding can be switched off for a campaign, with a reason, which the plan keeps:
``lint: {ignore: {W353: "our shop is on another domain"}}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bulksend.errors import Problem
from bulksend.prepare.filtered_words import filtered
from bulksend.prepare.hosts import hosts, shortener, stranger
from bulksend.prepare.opting_out import says_how
from bulksend.prepare.placeholders import clause
from bulksend.prepare.placeholders import found as placeholders
from bulksend.prepare.telling import told
from bulksend.prepare.template.columns import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.define.load import Loaded

_TELLING = re.compile(
    r"(?:^|_)(?:(?:(?:first|last|full|sur|given|family|user|nick|maiden|patient|customer|"
    r"contact|person)_?)?names?|(?:cell|mobile|tele)?_?phone|mobile|cell|e_?mail|"
    r"(?:street|home|postal|mail)?_?address|street|birth\w*|dob|msisdn|iban|passport|"
    r"ssn|social_?security|tax_?id|national_?id|driver_?s?_?licen[cs]e|"
    r"vor_?name|nach_?name|pr[eé]nom|nombre|apellidos?|correo|tel[eé]fono|handy)"
    r"(?:_?(?:no|nr|number|num|addr|address|last_?4|[0-9]+))?$|^(?:first|last)$"
)
"""Names of columns that tell who a person is."""

_A_THING_S = re.compile(
    r"(?:^|_)(?:product|item|file|image|picture|store|shop|brand|company|campaign|event|city|"
    r"plan|course|model|template|list|segment|team|group|table|column|web|site|ip)_\w+$"
)
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)

_LOUD_WORDS = 4
"""So many words of three capitals or more, one after the other, shout."""

_KEYWORDS = re.compile(r"\b(?:STOP|HELP|END|QUIT|CANCEL)\b")


class Text(NamedTuple):
    """One text of the campaign: where it stands, as written, and without placeholders.

    Args:
        columns: Of the list that it is for.
    """

    key: str
    source: str
    constant: str
    columns: tuple[str, ...] = ()


class Check(NamedTuple):
    """One row of the table; ``find`` gives what it found in a text, or nothing.

    Args:
        is_lack: Whether what it finds is that something lacks, which a branch may hide and
            a placeholder bring.
    """

    code: str
    find: Callable[[Campaign, Text], str]
    markets_only: bool = False
    is_lack: bool = False


def _no_sender(campaign: Campaign, text: Text) -> str:
    brand = campaign.lint.brand
    if not brand or any(_says(one, text.constant) for one in brand):
        return ""
    return f"nothing in it says {' or '.join(brand)}"


def _says(name: str, text: str) -> bool:
    """As words of their own: Al is not said by `also`."""
    words = map(re.escape, as_compared(name).split())
    pattern = r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)"
    return re.search(pattern, as_compared(text)) is not None


def as_compared(text: str) -> str:
    """In small letters; an apostrophe may be curly."""
    return text.casefold().replace("\u2019", "'")


def _no_opt_out(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    return "" if says_how(text.constant) else "nothing in it says how to opt out"


def _shortener(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    return next(filter(None, map(shortener, hosts(text.constant))), "")


def _other_domain(campaign: Campaign, text: Text) -> str:
    ours = campaign.lint.domains
    said = (stranger(host, ours) for host in hosts(text.constant))
    return next(filter(None, said), "")


def _shaft(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    if hit := filtered(text.constant):
        word, kind = hit
        return f'"{word}" ({kind}), which carriers filter or forbid'
    return ""


def _shouting(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    plain = _KEYWORDS.sub("", text.constant)
    letters = [letter for letter in plain if letter.isalpha()]
    loud = sum(letter.isupper() for letter in letters)
    if _loudest(plain) >= _LOUD_WORDS or (
        len(letters) >= 16 and loud > 0.7 * len(letters)
    ):
        return "it shouts: most of it is in capitals"
    return ""


def _loudest(text: str) -> int:
    """The most words of capitals in a row; short ones and numbers do not end it."""
    most = row = 0
    for word in re.findall(r"[^\W_]+", text):
        if not word.isupper() and not word.isdigit():
            row = 0
        elif sum(letter.isalpha() for letter in word) >= 3:
            row += 1
            most = max(most, row)
    return most


def _column_of_another_tool(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    return clause(one for one in placeholders(*text[1:]) if one.is_sure)


def _odd_placeholder(campaign: Campaign, text: Text) -> str:  # noqa: ARG001
    return clause(one for one in placeholders(*text[1:]) if not one.is_sure)


CHECKS = (
    Check("W350", _no_sender, is_lack=True),
    Check("W351", _no_opt_out, markets_only=True, is_lack=True),
    Check("E352", _shortener),
    Check("W353", _other_domain),
    Check("W354", _shaft),
    Check("W356", _shouting),
    Check("E357", _column_of_another_tool),
    Check("W357", _odd_placeholder),
)
"""Sources: CTIA's Messaging Principles (2023) and Bandwidth's best practices for the
sender's name and opt-out words; Bandwidth's code 4771 for shared shorteners; T-Mobile's
Code of Conduct for words; Bandwidth's createMessage for personal data in tags."""


def lint(
    loaded: Loaded, texts: Sequence[tuple[str, str]], columns: Iterable[str] = ()
) -> list[Problem]:
    """What the texts of a campaign should not say, or lack.

    Args:
        texts: Each text's key in the campaign file, and the text.

        columns: Of the list.

    Returns:
        Warnings, and errors: on a first contact (`lint.first_contact`) a text without
        sender or opt-out words is one, and always a shared shortener and another tool's
        placeholder for a column.
    """
    campaign = loaded.campaign
    found, named = [], tuple(columns)
    for key, source in texts:
        text = Text(key, source, without_placeholders(source), named)
        for check in CHECKS:
            if not asked_of(check, campaign) or is_of_rows(check, campaign, text):
                continue
            if what := check.find(campaign, text):
                found.append(_problem(loaded, code_of(check, campaign), what, key))
    found += _telling(loaded)
    return [one for one in found if not is_ignored(campaign, one.code)]


def asked_of(check: Check, campaign: Campaign) -> bool:
    markets = campaign.purpose == "marketing" and campaign.keeps_hours
    return not check.markets_only or markets or campaign.lint.first_contact


def code_of(check: Check, campaign: Campaign) -> str:
    """As an error, where people hear from us for the first time and something lacks."""
    is_error = check.is_lack and campaign.lint.first_contact
    return f"E{check.code[1:]}" if is_error else check.code


def is_of_rows(check: Check, campaign: Campaign, text: Text) -> bool:
    """Whether only the texts as they are rendered say if something lacks."""
    if not check.is_lack:
        return False
    is_open = "{{" in text.source and check.find(campaign, text) != ""
    return "{%" in text.source or is_open


def without_placeholders(text: str) -> str:
    """What of a template is the same for all."""
    return _STATEMENT.sub("", _PLACEHOLDER.sub("\0", text))


def is_ignored(campaign: Campaign, code: str) -> bool:
    """Whether the campaign says why this finding does not count, by either code."""
    return f"W{code[1:]}" in campaign.lint.ignore or code in campaign.lint.ignore


def _problem(loaded: Loaded, code: str, what: str, key: str) -> Problem:
    line = loaded.line_of(key)
    return Problem(code, what, file=str(loaded.path), line=line, column=key)


def _telling(loaded: Loaded) -> Iterator[Problem]:
    """What tells who somebody is in what is no text, or the columns that may."""
    message = loaded.campaign.message
    phones = {spelled(one) for one in loaded.campaign.recipients.phone}
    places = [("W355", f"message.media[{n}]", u) for n, u in enumerate(message.media)]
    if message.tag:
        places.append(("W331", "message.tag", message.tag))
    for code, key, source in places:
        if kind := told(_PLACEHOLDER.sub("\0", source)):
            yield _problem(loaded, code, f"{kind} stands in it", key)
        inside = " ".join(_PLACEHOLDER.findall(source) + _STATEMENT.findall(source))
        inside = re.sub(
            r"'[^']*'|\"[^\"]*\"|\|\s*\w+", "", inside
        )  # no word, no filter
        for name in dict.fromkeys(re.findall(r"[^\W\d]\w*", inside)):
            if _tells(name) or name.lower() in phones:
                what = f"it is built from `{name}`, which may tell who a person is"
                yield _problem(loaded, code, what, key)


def _tells(name: str) -> bool:
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return bool(_TELLING.search(word)) and not _A_THING_S.search(word)

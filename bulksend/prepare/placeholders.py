"""How other tools write a place to fill, which would be sent as it stands.

Some of it nobody writes for another reason (`{name}`, `*|FNAME|*`); the rest is a place to
fill only where its name is a column's, or nearly (`$code`, `[voucher]`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from bulksend.prepare.template.columns import spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
            r"[$#@]?(?<!\{)\{ *\w[\w .|-]*\}(?!\})",  # {name}, { name }, ${name}
            r"\{\{|\}\}|\{%|%\}",  # half of our own
        )
    )
)

_IF_A_COLUMN = re.compile(
    rf"\$\(?[^\W\d]\w*\)?|\[ *{_FIELD} *\]|<{_FIELD}>|([@#|])[^\W\d]\w*\1"
)
"""`$code`, `[voucher]`, `@name@`: most of it is something else, such as [Blue Fern]."""

_HALF = re.compile(r"(?<!\w)\{\w+(?![^{]*\})|\b\w+\}|<<\w+|\w+>>|\[\[\w+|\w+\]\]")
"""One of which the other end is missing."""

_PAIR = re.compile(r"\{[^{}]*\}")
_LONE = re.compile(r"(?<![:;=-])(?:\{\w*|(?<!\w)\w*\})")
"""A brace without its other one, wherever it stands; none of `:-}` and its like."""

_NAME = re.compile(r"[^\W_](?:[\w .-]*\w)?")
_NEAR = 0.8
_SHOWN = 3
"""So many of them are named."""


class Found(NamedTuple):
    """A place to fill as it is written; the column that it may mean, and whether it must."""

    written: str
    column: str = ""
    is_sure: bool = False


def found(source: str, constant: str, columns: Sequence[str] = ()) -> list[Found]:
    """The places to fill of a text, each once.

    Args:
        constant: The text without our own placeholders.

        columns: Of the list.
    """
    return list(dict.fromkeys(_found(source, constant, columns)))


def clause(places: Iterable[Found]) -> str:
    """A clause about these, with what to write in their place; empty for none."""
    if not (every := list(places)):
        return ""
    some = every[:_SHOWN]
    listed = ", ".join(f"`{one.written[:30]}`" for one in some)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    looks = "looks like a placeholder and is none"
    if len(every) > 1:
        looks = "look like placeholders and are none"
    meant = dict.fromkeys(spelled(one.column) for one in some if one.column)
    instead = ", ".join(f"{{{{ {one} }}}}" for one in meant)
    return f"{listed}{more} {looks}" + (f"; there is {instead}" if instead else "")


def _found(source: str, constant: str, columns: Sequence[str]) -> Iterator[Found]:
    # As India has it, which is a comment to Jinja.
    for var in re.findall(r"\{#\s*var\s*#\}", source):
        yield Found(var)
    for match in _OTHER_TOOLS.finditer(constant):
        yield _meant(match[0], columns)
    rest = _OTHER_TOOLS.sub(" ", constant)
    for match in _IF_A_COLUMN.finditer(rest):
        if (one := _meant(match[0], columns)).column:
            yield one
    for match in (*_HALF.finditer(rest), *_LONE.finditer(_PAIR.sub(" ", rest))):
        yield Found(match[0].strip())


def _meant(written: str, columns: Sequence[str]) -> Found:
    name = _NAME.search(written)
    known = {spelled(one): one for one in columns}
    if name is None or not known:
        return Found(written)
    word = spelled(name[0])
    if word in known:
        return Found(written, known[word], is_sure=True)
    near = get_close_matches(word, known, n=1, cutoff=_NEAR)
    return Found(written, known[near[0]] if near else "")

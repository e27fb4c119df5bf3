"""Why messages did not arrive, and what to do: one line for each code that a run met."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.codes import table
from bulksend.prepare.reasons import REASONS

if TYPE_CHECKING:
    from bulksend.view.figures import Fate


class Cause(NamedTuple):
    """What happened and what to do, in sentences."""

    what: str
    fix: str


_READ = "The `error` column of the results has the words, row by row."

_BY_CODE = {
    ("refused", "400"): Cause(
        "Bandwidth found the request wrong: a field of the message is not valid.",
        f"Correct the rows. {_READ}",
    ),
    ("refused", "403"): Cause(
        "Bandwidth does not let this account or user send.",
        "Check the credentials and the user's messaging role.",
    ),
    ("refused", "404"): Cause(
        "Bandwidth does not know this account.", "Check BW_ACCOUNT_ID."
    ),
    ("unknown", "no_answer"): Cause(
        "No answer came: the message may have been sent.",
        "Find out with `bulksend settle`; it is not sent again.",
    ),
    ("unknown", ""): Cause(
        "On its way at this moment, or left there by a sender that died.",
        "Wait for its end, or run it again: then it has its outcome.",
    ),
    ("not_sent", "not_sent"): Cause(
        "They were unknown, and it is proven that Bandwidth never took them.",
        "To send them after all: `bulksend settle --resend`, then run it again.",
    ),
    ("not_sent", "429"): Cause(
        "Bandwidth's queue was full.", "Run it again: it tries these once more."
    ),
}

_BY_STATUS = {
    "refused": Cause("Bandwidth refused these messages.", _READ),
    "unknown": Cause(
        "The answer proves nothing: the message may have been sent.",
        "Find out with `bulksend settle`; it is not sent again.",
    ),
    "failed": Cause("A receipt says that these did not arrive.", _READ),
    "expired": Cause(
        "Their time had passed before they could be sent.",
        "Send earlier or faster, or give them longer (message.expiration).",
    ),
    "not_sent": Cause("These were not sent yet.", "Run it again: it resumes."),
    "excluded": Cause("A rule kept these from being sent.", _READ),
}


def cause(fate: Fate) -> Cause:
    """Whatever the code is: one that nobody knows yet is told by its status."""
    code = fate.code or ""
    if (fate.status, code) in _BY_CODE:
        return _BY_CODE[fate.status, code]
    if code in REASONS:
        reason = REASONS[code]
        return Cause(_without_detail(reason.sentence), reason.fix)
    known = table().get(int(code)) if code.isascii() and code.isdecimal() else None
    if fate.status == "failed" and known is not None:
        return Cause(f"{known.meaning.rstrip('.')}.", known.fix)
    return _BY_STATUS[fate.status]


def _without_detail(sentence: str) -> str:
    for detail in (" (row {detail})", " ({detail})"):
        sentence = sentence.replace(detail, "")
    return sentence.replace("`{detail}`", "a value")

"""Bandwidth's error codes: what happened, who pays, and what to do.

The table is `codes.json`: code, name and who pays as Bandwidth documents them, meaning,
class and advice in our words.  A code that it lacks is read by its digits, as Bandwidth
explains them: 4 the client's side, 5 the server's (56: the carrier's), 9 nobody knows.
Only codes drive decisions; descriptions are for people.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import orjson


class Retry(StrEnum):
    """Whether the same message may be sent once more."""

    NEVER = "never"
    ONCE = "once"
    YES = "yes"


class Code(NamedTuple):
    """One row of the table.

    Args:
        billed: Whether Bandwidth bills the message; None where it does not say.

        group: What the code is about: the number, the sender, the content, ...

        advice: A key of `ADVICE`.
    """

    code: int
    name: str
    billed: bool | None
    group: str
    advice: str
    meaning: str

    @property
    def retry(self) -> Retry:
        return retry(self.code)

    @property
    def fix(self) -> str:
        return ADVICE[self.advice]

    @property
    def sentence(self) -> str:
        """``4720 invalid-destination-address: what happened. What to do.``."""
        return f"{self.code} {self.name}: {self.meaning.rstrip('.')}. {self.fix}"


ADVICE = {
    "permanent": "Sending it again gives the same result: change the message.",
    "too-late": "Give it longer (`message.expiration`), or send it while less waits.",
    "permanent-number": "Take this number off your list.",
    "permanent-mms": "This number takes no pictures: send a text without media.",
    "suppress": "Never text this number again; it is on the suppression list now.",
    "stop-content": "Stop sending this text, and ask Bandwidth what the filter saw.",
    "stop-sender": "Stop sending from this number until Bandwidth has put it right.",
    "stop-all": "Check the account and the application before anything else is sent.",
    "fix-media": "Mend the media (address, type, size), then send it again.",
    "pause-carrier-day": "Wait for the carrier's daily limit: until midnight, Pacific.",
    "pause-carrier": "Send more slowly to this carrier; it will not take this one.",
    "retry-later": "Wait for the limit to pass, and send more slowly.",
    "no-auto-retry": "Ask the person, or leave it: it may arrive yet.",
    "fallback-channel": "Send it as a plain text.",
    "retry": "Bandwidth failed: it may be sent again.",
    "retry-once": "The carrier failed: it may be sent again, once.",
    "never-retry": "Nobody knows whether it arrived: do not send it again.",
}
"""What to do, by `suggested_action` in the data."""

OPTED_OUT = frozenset({4475, 4775})
"""The person has opted out, and the network says so."""

ENDS_NUMBER = OPTED_OUT | {4482, 4721}
"""Nothing may be sent to this number any more."""

SPAM = frozenset({4470, 4770, 4771})
"""A filter stopped the content, and would stop it for everybody else."""

DAY_IS_FULL = 4780
"""T-Mobile takes no more from the brand today."""

UNREGISTERED = frozenset({4476})
"""The sender is not registered, and nothing from it gets through."""

_PUT_RIGHT = frozenset(
    {
        "too-late",
        "stop-sender",
        "stop-all",
        "fix-media",
        "pause-carrier-day",
        "pause-carrier",
        "retry-later",
    }
)
"""What is put right without another text or number, by advice."""

_IN_DOUBT = frozenset({"no-auto-retry", "never-retry"})
"""What it may mean that the message arrives after all, by advice."""


@cache
def table() -> dict[int, Code]:
    """Every code that is known, in order."""
    said = orjson.loads(files(__package__).joinpath("codes.json").read_bytes())
    fields = ("code", "name", "billable", "class", "suggested_action", "meaning")
    rows = (Code(*(one[field] for field in fields)) for one in said["codes"])
    return {row.code: row for row in sorted(rows)}


def retry(code: int) -> Retry:
    """Whether a message that failed with *code* may be sent again.

    Bandwidth's rule: 4xxx gives the same result, its own 5xxx may be
    retried, the carrier's 56xx a single time; about 9xxx it says nothing.
    """
    if not 5000 <= code < 6000:
        return Retry.NEVER
    return Retry.ONCE if 5600 <= code < 5700 else Retry.YES


def is_retryable(error_code: str | None, *, by_carrier: int) -> bool:
    """Whether a failed message may be sent again by Bandwidth's rule.

    Args:
        error_code: As the journal has it; what is no code of Bandwidth's (an HTTP
            status, a word of ours) never is.

        by_carrier: How many messages of it a carrier had failed (56xx) before this one.
            What Bandwidth failed, or answered with a 500, is not among them.
    """
    number = _number(error_code)
    rule = Retry.NEVER if number is None else retry(number)
    return rule is Retry.YES or (rule is Retry.ONCE and by_carrier == 0)


def may_fare_better(error_code: str | None, *, by_carrier: int) -> bool:
    """Whether the same text to the same number may arrive where it failed before.

    Bandwidth lets one repeat it, or what kept it is put right elsewhere: at the sender,
    the account, the media's address, a limit that has passed.  What a filter stopped, or
    a number that takes none, stays as it was, and costs again.  Where a failure has no
    code of Bandwidth's, nothing says so.

    Args:
        error_code, by_carrier: As `is_retryable`.
    """
    number = _number(error_code)
    if number is None or is_retryable(error_code, by_carrier=by_carrier):
        return True
    known = table().get(number)
    return known is not None and known.advice in _PUT_RIGHT


def is_certain(error_code: str | None) -> bool:
    """Whether a message that failed with this is certain not to arrive any more.

    While it may, a second one could double it.  Of a code that the table lacks only
    5xxx says so; where a failure has no code, nothing says otherwise.
    """
    number = _number(error_code)
    if number is None:
        return True
    known = table().get(number)
    if known is None:
        return retry(number) is not Retry.NEVER
    return known.advice not in _IN_DOUBT


def _number(error_code: str | None) -> int | None:
    is_code = error_code is not None and error_code.isascii() and error_code.isdecimal()
    return int(error_code) if is_code and error_code is not None else None


def sentence(code: int) -> str:
    """What happened and what to do, for a code that the table may lack."""
    known = table().get(code)
    if known is not None:
        return known.sentence
    fix = {
        Retry.NEVER: "Look it up at Bandwidth; do not send it again until you know.",
        Retry.ONCE: ADVICE["retry-once"],
        Retry.YES: ADVICE["retry"],
    }
    return f"{code}: a code that this version does not know. {fix[retry(code)]}"

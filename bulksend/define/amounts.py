"""Rates and times to live, as a person writes them: ``50/s``, ``90 min``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

Purpose = Literal["marketing", "transactional"]
"""What messages are for; caps may tell them apart."""

_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
}  # fmt: skip

# Digits are bounded so that no amount overflows a float or a date; the look-ahead
# asks for one digit that is not 0. A lone "m" is not taken: minute or month?
_NUMBER = r"(?=[0-9.]*[1-9])[0-9]{1,6}(?:\.[0-9]{1,6})?"
_UNIT = "|".join(sorted(_SECONDS, key=len, reverse=True))

RATE_PATTERN = rf"^({_NUMBER}) ?/ ?({_UNIT})$"
DURATION_PATTERN = rf"^({_NUMBER}) ?({_UNIT})$"
OFTEN_PATTERN = (
    rf"^(?:at most )?([1-9][0-9]{{0,3}}) (?:in|per|per person in) ({_NUMBER}) ?({_UNIT})"
    rf"(?: for ({'|'.join(get_args(Purpose))}))?$"
)
TIMESTAMP_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
"""RFC 3339 §5.6: a zone is required, so nobody has to guess whose nine o'clock it is."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast; ``text`` is how it was written."""

    per_second: float
    text: str

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``50/s``, ``60/min``, ``3000/h``.

        Raises:
            ValueError: The text is no rate, or is not above 0.
        """
        match = _whole(RATE_PATTERN, text)
        return cls(float(match[1]) / _SECONDS[match[2]], text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Often:
    """At most so many in a span of time; ``text`` is how it was written.

    Args:
        purpose: The campaigns that are counted; empty is all of them.
    """

    count: int
    span: timedelta
    text: str
    purpose: str = ""

    @classmethod
    def parse(cls, text: str) -> Often:
        """Read ``3 in 24h``, ``1 per 7 days for marketing`` or ``3 per person in 24h``.

        Raises:
            ValueError: The text is no such limit.
        """
        match = _whole(OFTEN_PATTERN, text)
        span = timedelta(seconds=float(match[2]) * _SECONDS[match[3]])
        return cls(int(match[1]), span, text, match[4] or "")

    def __str__(self) -> str:
        return self.text


def lifetime(text: str) -> timedelta | datetime:
    """Read ``2h`` or ``90 min`` as a duration, an RFC 3339 timestamp as a moment.

    Raises:
        ValueError: The text is neither, is 0, or names a day that does not exist.
    """
    if re.fullmatch(TIMESTAMP_PATTERN, text):
        return datetime.fromisoformat(text.upper())

    match = _whole(DURATION_PATTERN, text)
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def _whole(pattern: str, text: str) -> re.Match[str]:
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError(text)
    return match

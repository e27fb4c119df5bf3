"""A request body to a message, or to Bandwidth's ``fieldErrors``.

Each field has one check, which gives the first thing wrong with it.  Where no text of
Bandwidth's is known the text is ours (marked), in the manner of theirs.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Body = dict[str, Any]

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SENDER_ID = re.compile(
    r"[0-9]{3,8}"  # a short code, as bare digits (ours: not documented)
    r"|(?=.*[A-Za-z])[A-Za-z0-9 _&-][A-Za-z0-9 +_&-]{0,10}"
)
"""SPEC `messageRequest.from`.  A leading plus announces a number: SPEC's own example of
a field error refuses ``+invalid`` as a sender."""

URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)

MOST_RECIPIENTS = MOST_MEDIA = 10
LONGEST_TEXT, LONGEST_TAG, LONGEST_URL = 2048, 1024, 4096


class Message(NamedTuple):
    """A valid create-message request; what was not given is empty or None."""

    application_id: str
    to: tuple[str, ...]
    sender: str
    text: str | None
    media: tuple[str, ...]
    tag: str | None
    priority: str | None
    expiration: str | None

    @property
    def is_mms(self) -> bool:
        """Media or a second recipient makes it MMS, text or not."""
        return bool(self.media) or len(self.to) > 1

    @classmethod
    def from_body(cls, body: Body) -> Message:
        expires = body.get("expiration")
        to = body["to"]
        return cls(
            application_id=body["applicationId"],
            to=(to,) if isinstance(to, str) else tuple(to),
            sender=body["from"],
            text=body.get("text"),
            media=tuple(body.get("media") or ()),
            tag=body.get("tag"),
            priority=body.get("priority"),
            expiration=_in_utc(expires) if expires else None,
        )


def field_errors(body: Body, now: float) -> list[dict[str, str]]:
    """One entry per wrong field, in the alphabetical order of the documented example."""
    return [
        {"fieldName": field, "description": description}
        for field, check in CHECKS.items()
        if (description := check(body, now))
    ]


def _application(body: Body, _now: float) -> str | None:
    value = body.get("applicationId")
    if isinstance(value, str) and value.strip():
        return None
    return "'applicationId' is required"  # ours


def _expiration(body: Body, now: float) -> str | None:
    value = body.get("expiration")
    if value is None:
        return None
    expires = _timestamp(value)
    if expires is None:
        return "'expiration' must be a valid RFC-3339 date-time"  # ours
    if expires <= now:
        return "'expiration' must be a date-time in the future"  # SPEC's words
    return None


def _sender(body: Body, _now: float) -> str | None:
    value = body.get("from")
    if not isinstance(value, str) or not value:
        return "'from' must contain exactly one telephone number"
    if E164.fullmatch(value) or SENDER_ID.fullmatch(value):
        return None
    return f"'{value}' must be replaced with a valid E164 formatted telephone number"


def _media(body: Body, _now: float) -> str | None:
    value = body.get("media")
    if value is None:
        return None
    if not isinstance(value, list):
        return "'media' must be a list of URLs"  # ours
    if len(value) > MOST_MEDIA:
        return f"'media' must contain at most {MOST_MEDIA} URLs"  # ours
    for url in value:
        if not isinstance(url, str) or not URL.fullmatch(url):
            return f"'{url}' must be replaced with a valid URL"  # ours
        if len(url) > LONGEST_URL:
            return f"a URL in 'media' must be {LONGEST_URL} characters or less"  # ours
    return None


def _priority(body: Body, _now: float) -> str | None:
    if body.get("priority") in (None, "default", "high"):
        return None
    return "'priority' must be one of 'default', 'high'"  # ours


def _tag(body: Body, _now: float) -> str | None:
    return _text_of(body, "tag", LONGEST_TAG)


def _text(body: Body, _now: float) -> str | None:
    if not body.get("text") and not body.get("media"):
        return "'text' is required unless media is included"
    return _text_of(body, "text", LONGEST_TEXT)


def _to(body: Body, _now: float) -> str | None:
    value = body.get("to")
    numbers = [value] if isinstance(value, str) and value else value
    if not isinstance(numbers, list) or not numbers:
        return "'to' must contain at least one telephone number"
    for number in numbers:
        if not isinstance(number, str) or not E164.fullmatch(number):
            return (
                f"'{number}' must be replaced with a valid E164 "
                "formatted telephone number"
            )
    if len(numbers) > MOST_RECIPIENTS:
        return f"'to' must contain at most {MOST_RECIPIENTS} telephone numbers"  # ours
    if len(set(numbers)) < len(numbers):
        return "'to' must not contain the same telephone number twice"  # ours
    return None


CHECKS: dict[str, Callable[[Body, float], str | None]] = {
    "applicationId": _application,
    "expiration": _expiration,
    "from": _sender,
    "media": _media,
    "priority": _priority,
    "tag": _tag,
    "text": _text,
    "to": _to,
}


def _text_of(body: Body, field: str, longest: int) -> str | None:
    """SPEC says characters; UTF-16 units are the stricter reading, and Java's."""
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        return f"'{field}' must be a string"  # ours
    units = len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
    if units > longest:
        return f"'{field}' must be {longest} characters or less"  # SPEC's words
    return None


def _timestamp(value: object) -> float | None:
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).timestamp()
    except ValueError:
        return None


def _in_utc(value: str) -> str:
    """Bandwidth does not promise to echo the string; ours never looks the same."""
    at = datetime.fromisoformat(value.upper()).astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}Z"

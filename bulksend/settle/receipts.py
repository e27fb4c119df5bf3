"""Bandwidth's callbacks, read: what each says about one message, and nothing more.

A body is a JSON array of events (a lone object is taken as one).  Nothing that Bandwidth
may add breaks the reading: a type of tomorrow, a field of another type, a missing tag.
What an event says beyond our columns is kept whole (`Receipt.said`), because Bandwidth
keeps no text and repeats nothing after 24 hours.

    message-sending, message-sent    Bandwidth has it: proof that it was accepted
    message-delivered                delivered; from a long code: the carrier took it
    message-failed                   not delivered, and why
    message-received                 a person wrote to us
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from bulksend.journal.states import Event
from bulksend.prepare.phones import renewed_number
from bulksend.settle.moments import millis
from bulksend.settle.salvage import elements, mended

EVENTS = {
    "message-sending": Event.ACCEPT,
    "message-sent": Event.ACCEPT,
    "message-delivered": Event.DELIVER,
    "message-read": Event.DELIVER,
    "message-failed": Event.FAIL,
}
"""What a type proves about an outbound message."""

INBOUND = "message-received"
UNREADABLE = "unreadable"
LONGEST = 200
"""Characters kept of a word of Bandwidth's (a type, an id, a carrier)."""

_SORTED = orjson.OPT_SORT_KEYS
_ROW_KEY = re.compile(r"#([0-9a-f]{8})-([0-9]{1,12})\Z")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


class Unreadable(ValueError):  # noqa: N818  (it says what the body is)
    """A body that holds no event; the words say why, and quote nothing of it."""


class Receipt(NamedTuple):
    """One event.

    Args:
        digest: 64 bits over the whole event: a repeated one is the same.

        type: Bandwidth's word; `UNREADABLE` for an element that is no event.

        at: When it happened, in milliseconds since 1970; None where not said.

        person: The number at the other end, in E.164 as plans have it; "" where none, or
            more than one, is said.

        ours: Our number.

        accepted_at: When Bandwidth took the message.

        text: What a person wrote; only inbound messages have one.

        said: The whole event as JSON, where the fields do not hold it all.
    """

    digest: int
    type: str
    at: int | None = None
    message_id: str = ""
    person: str = ""
    ours: str = ""
    tag: str = ""
    error_code: int | None = None
    carrier: str | None = None
    accepted_at: int | None = None
    text: str = ""
    said: str | None = None

    @property
    def event(self) -> Event | None:
        return EVENTS.get(self.type)

    @property
    def is_inbound(self) -> bool:
        return self.type == INBOUND

    @property
    def row_key(self) -> tuple[str, int] | None:
        """The plan's mark and the row, from the end of the tag that we sent."""
        found = _ROW_KEY.search(self.tag)
        return (found[1], int(found[2])) if found else None


def read(body: bytes) -> list[Receipt]:
    """Every event of a callback's body, in its order.

    An element that cannot be read is kept beside those that can.

    Raises:
        Unreadable: It is not JSON, or holds no event at all.
    """
    try:
        said = orjson.loads(body)
        events = said if isinstance(said, list) else [said]
        receipts = [_read(one, orjson.dumps(one, option=_SORTED)) for one in events]
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        receipts = [_salvaged(one) for one in elements(body)]
    if receipts and all(one.type == UNREADABLE for one in receipts):
        raise Unreadable("no event is in it")
    return receipts


def _salvaged(element: bytes) -> Receipt:
    """One of a body that cannot be read as a whole."""
    text = mended(element)
    event = None
    try:
        event = orjson.loads(text)
        return _read(event, orjson.dumps(event, option=_SORTED))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return _read(event, text.encode())


def _read(event: object, whole: bytes) -> Receipt:
    """What *event* says; *whole* is all of it, as it is kept."""
    digest = int.from_bytes(blake2b(whole, digest_size=8).digest(), "big", signed=True)
    if not isinstance(event, dict) or not _word(event.get("type")):
        return Receipt(digest, UNREADABLE, said=whole.decode())
    message = event.get("message")
    message = message if isinstance(message, dict) else {}
    kind = _word(event["type"])
    is_inbound = kind == INBOUND or message.get("direction") == "in"
    receiver, sender = _number(event.get("to")), _number(message.get("from"))
    return Receipt(
        digest,
        kind,
        at=_millis(event.get("time")),
        message_id=_word(message.get("id")),
        person=renewed_number(
            sender if is_inbound else receiver or _number(message.get("to"))
        ),
        ours=receiver or _number(message.get("to")) if is_inbound else sender,
        tag=_text(message.get("tag")),
        error_code=_whole(event.get("errorCode")),
        carrier=_word(event.get("carrierName")) or None,
        accepted_at=None if is_inbound else _millis(message.get("time")),
        text=_text(message.get("text")) if is_inbound else "",
        said=None if kind in EVENTS else whole.decode(),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _word(value: object) -> str:
    return _text(value)[:LONGEST].replace("\0", "")  # PostgreSQL stores none


def _number(value: object) -> str:
    """An E.164 number, alone or in a list; a sender of words is no number.

    Of several, as a group's message has them, nobody knows whom the event is about.
    """
    one: Any = value[0] if isinstance(value, list) and len(value) == 1 else value
    return one if isinstance(one, str) and _NUMBER.fullmatch(one) else ""


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < 10**9 else None


def _millis(value: object) -> int | None:
    found = millis(value)
    return found if found is not None and found > 0 else None

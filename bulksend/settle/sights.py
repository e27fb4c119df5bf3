"""The message search's answers, read: each record as far as it proves something.

An answer that is not what the search says is none: where nothing is found, it says so.
A record that cannot be read may be anybody's, so it is counted: beside it no message is
absent, and none the only one that fits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from bulksend.journal.states import Event
from bulksend.settle.evidence import Found
from bulksend.settle.moments import millis

FATES = {
    "DELIVERED": Event.DELIVER,
    "FAILED": Event.FAIL,
    "UNDELIVERED": Event.FAIL,
    "DLR_EXPIRED": Event.FAIL,
}
"""What a status proves; any other, known or not, proves that Bandwidth took it."""

EXPIRED_RECEIPT = 9902


class Sight(NamedTuple):
    """One record, as far as we look at it."""

    found: Found
    event: Event
    error_code: int | None


class Page(NamedTuple):
    """One answer: its records, those that cannot be read, and where it goes on.

    Args:
        total: How many records there are in all, as it says; 0 where it does not.
    """

    sights: list[Sight]
    unread: int
    token: str | None
    total: int = 0

    @property
    def size(self) -> int:
        return len(self.sights) + self.unread

    @property
    def newest(self) -> int | None:
        """Receive time of the newest record."""
        return max((one.found.received_at for one in self.sights), default=None)


def page_of(body: bytes) -> Page | None:
    """An answer of the search; None where it is anything else."""
    said = json_object(body) or {}
    records = said.get("messages")
    if records is None and said.get("totalCount") == 0:
        records = []
    if not isinstance(records, list):
        return None
    found = [one for one in map(_sight, records) if one is not None]
    info = said.get("pageInfo")
    token = info.get("nextPageToken") if isinstance(info, dict) else None
    token = token if isinstance(token, str) and token else None
    total = said.get("totalCount")
    total = total if isinstance(total, int) else 0
    return Page(found, len(records) - len(found), token, total)


def json_object(body: bytes) -> dict[str, Any] | None:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None


def _sight(record: object) -> Sight | None:
    if not isinstance(record, dict):
        return None
    message_id, to = record.get("messageId"), record.get("destinationTn")
    at = millis(record.get("receiveTime"))
    if not (isinstance(message_id, str) and isinstance(to, str) and at is not None):
        return None
    kind, length = record.get("messageType"), record.get("messageLength")
    status, code = record.get("messageStatus"), record.get("errorCode")
    event = FATES.get(str(status), Event.ACCEPT)
    if event is Event.FAIL and status == "DLR_EXPIRED":
        code = EXPIRED_RECEIPT
    sender = record.get("sourceTn")
    found = Found(
        message_id,
        to,
        sender if isinstance(sender, str) else "",
        at,
        kind == "mms" if kind in ("sms", "mms") else None,
        length if isinstance(length, int) else None,
        event is not Event.ACCEPT,
    )
    return Sight(found, event, code if isinstance(code, int) and code else None)

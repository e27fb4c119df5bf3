"""One message, ready to be posted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson


class Message(NamedTuple):
    """A sendable row of the plan.

    Args:
        row: The spreadsheet row, which is the message's name in the journal.

        to: E.164 numbers, comma-separated; several make a group message.

        weight: What it takes from the pace: segments, or recipients of a group.

        media: URLs separated by spaces; None for a text message.

        tag: Ends with the row's key, so that a receipt finds its row.
    """

    row: int
    to: str
    sender: str
    text: str | None
    media: str | None
    tag: str
    weight: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all messages of a run share in the request."""

    campaign: str
    application_id: str
    priority: str | None = None
    expiration: timedelta | datetime | None = None
    repeat: bool = False

    def expires(self, now_ms: int) -> datetime | None:
        """When a message posted at *now_ms* stops being worth delivering."""
        if isinstance(self.expiration, timedelta):
            return datetime.fromtimestamp(now_ms / 1000, UTC) + self.expiration
        return self.expiration

    def body(self, message: Message, now_ms: int) -> bytes:
        """The request's JSON (bandwidth.md §1.1)."""
        said: dict[str, object] = {
            "applicationId": self.application_id,
            "to": message.to.split(","),
            "from": message.sender,
        }
        if message.text:
            said["text"] = message.text
        if message.media:
            said["media"] = message.media.split(" ")
        if message.tag:
            said["tag"] = message.tag
        if self.priority is not None:
            said["priority"] = self.priority
        expires = self.expires(now_ms)
        if expires is not None:
            said["expiration"] = (
                expires.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"
            )
        return orjson.dumps(said)

    def once(self, message: Message) -> int | None:
        """The ledger's key: the same campaign, number and content give the same 64 bits.

        None where the campaign allows repeats.  The sender and the tag are left out:
        they do not change what the person reads.
        """
        if self.repeat:
            return None
        parts = (self.campaign, message.to, message.text, message.media)
        said = "\0".join(part or "" for part in parts)
        digest = hashlib.blake2b(said.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

"""One message, ready to be posted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import orjson

from bulksend.journal.records import person_key


class Message(NamedTuple):
    """A sendable row of the plan.

    Args:
        row: The spreadsheet row, which is the message's name in the journal.

        to: E.164 numbers, comma-separated; several make a group message.

        weight: What it takes from the pace: segments, or recipients of a group.

        once_key: What stands for its content in the ledger; empty where the content does.

        place: The number of the place where the person may be (`timed`).

        until: The end of the person's window, in milliseconds since 1970; 0 for none.

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
    once_key: str = ""
    place: int = 0
    until: int = 0

    def people(self) -> tuple[int, str, str]:
        """Whom it is for, from which number of ours, and a group's other members.

        As `journal.records.Candidate` has them.
        """
        first, *others = map(person_key, self.to.split(","))
        return first, self.sender, " ".join(map(str, others))


LONGEST_LIFE_MS = 24 * 3_600_000
"""Of an expiration that nobody asked for: Bandwidth takes a day, and nobody has tried
more.  A window that is open all day goes on for weeks."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all messages of a run share in the request."""

    campaign: str
    application_id: str
    priority: str | None = None
    expiration: timedelta | datetime | None = None
    slot: str = ""

    def expires(self, now_ms: int) -> datetime | None:
        """When a message posted at *now_ms* stops being worth delivering."""
        if isinstance(self.expiration, timedelta):
            return datetime.fromtimestamp(now_ms / 1000, UTC) + self.expiration
        return self.expiration

    def body(self, message: Message, now_ms: int) -> bytes:
        """The request's JSON."""
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
        if ends := self._ends(message, now_ms):
            said["expiration"] = _spelled(ends // 1000)
        return orjson.dumps(said)

    def _ends(self, message: Message, now_ms: int) -> int:
        """When a message must be there, at the latest: the earlier of what bounds it."""
        expires = self.expires(now_ms)
        if expires is None:
            return min(message.until, now_ms + LONGEST_LIFE_MS)
        ends = int(expires.timestamp() * 1000)
        return min(ends, message.until) if message.until else ends

    def once(self, message: Message) -> int:
        """The ledger's key: the same campaign, slot, number and content, the same 64 bits.

        The content is the text and the media, or the campaign's `once_key`.  The sender
        and the tag are left out: they do not change what the person reads.
        """
        said = [self.campaign, self.slot, message.to, message.once_key]
        if not message.once_key:
            said += [message.text or "", message.media or ""]
        digest = hashlib.blake2b("\0".join(said).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=4096)
def _spelled(second: int) -> str:
    """RFC 3339; the messages of one window share it."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"

"""The ledger: what people already have, as sorted 64-bit keys (see `Envelope.once`)."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable

    from bulksend.send.message import Envelope, Message


def is_repeat(message: Message, envelope: Envelope, ledger: array[int]) -> bool:
    """Whether this person already has this message."""
    key = envelope.once(message)
    place = bisect_left(ledger, key)
    return place < len(ledger) and ledger[place] == key


def repeats(messages: Iterable[Message], envelope: Envelope, ledger: array[int]) -> int:
    """How many of *messages* people already have."""
    return sum(is_repeat(message, envelope, ledger) for message in messages)

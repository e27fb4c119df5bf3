"""The ledger: what people already have, as sorted 64-bit keys (see `Envelope.once`)."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import polars as pl

from bulksend.send.source import messages

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable

    from bulksend.send.message import Envelope, Message

LEAST_AT_ONCE = 10_000
"""To find rows in a plan costs a reading of it, however few they are."""


def is_repeat(message: Message, envelope: Envelope, ledger: array[int]) -> bool:
    """Whether this person already has this message."""
    key = envelope.once(message)
    place = bisect_left(ledger, key)
    return place < len(ledger) and ledger[place] == key


def repeats(messages: Iterable[Message], envelope: Envelope, ledger: array[int]) -> int:
    """How many of *messages* people already have."""
    return sum(is_repeat(message, envelope, ledger) for message in messages)


def first_new(
    rows: pl.Series,
    wanted: int,
    read: Callable[[pl.Series], pl.DataFrame],
    *,
    envelope: Envelope,
    ledger: array[int],
) -> tuple[pl.Series, list[int]]:
    """The first *wanted* of *rows* whose people do not have their message, and who has.

    Each reading is of twice as many as the one before: where nearly all have it, a plan
    is read some ten times, and not once for each of those who have not.
    """
    if not ledger:
        return rows.head(wanted), []
    found, had, at, most = rows.clear(), list[int](), 0, max(2 * wanted, LEAST_AT_ONCE)
    while len(found) < wanted and at < len(rows):
        some = rows.slice(at, most)
        those = [
            one.row for one in messages(read(some)) if is_repeat(one, envelope, ledger)
        ]
        found, had = pl.concat([found, some.filter(~some.is_in(those))]), had + those
        at, most = at + most, 2 * most
    return found.head(wanted), had

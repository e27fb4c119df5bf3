"""What the message search proves about messages whose outcome nobody knows.

Theory
------
The search cannot be asked by tag, and its records can be a quarter of an hour late or
more.  So two things can be proven, and nothing else is (bandwidth.md §3):

    it was accepted   exactly one record fits this message, and this message is the only
                      one that the record fits: same numbers, the right time, nothing
                      that contradicts it, and no other row of ours has that message id
    it was not        no record at all lies in its time between these two numbers, in a
                      search that already shows messages accepted later than this one
                      could have been (the watermark), and enough time has gone by

A record that contradicts the message in its length is not *absence*: Bandwidth may count
otherwise than we do.  Then, and where two records fit, a person has to decide.

All times are milliseconds since 1970.  Ours and Bandwidth's clocks may differ by `SKEW`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

SKEW_MS = 60_000
ON_ITS_WAY_MS = 120_000
"""A request may wait in a proxy after we gave it up: our own patience is 70 s."""

WAIT_MS = 20 * 60_000
"""Not before this is absence believed: the documented lag is 15 minutes."""

LOOKS_BACK_MS = 14 * 86_400_000
"""How far the search goes; what is older cannot be shown to be absent."""


class Open(NamedTuple):
    """A message whose outcome is unknown.

    Args:
        to: E.164 numbers; several for a group message.

        since: When it may have left at the earliest.

        length: Characters of its text; None for a picture without one.
    """

    run_id: int
    row: int
    to: tuple[str, ...]
    sender: str
    since: int
    is_mms: bool
    length: int | None

    @property
    def place(self) -> tuple[int, int]:
        return (self.run_id, self.row)

    @property
    def earliest(self) -> int:
        return self.since - SKEW_MS

    @property
    def latest(self) -> int:
        """By then Bandwidth had it, or never."""
        return self.since + ON_ITS_WAY_MS + SKEW_MS


class Found(NamedTuple):
    """One record of the search, as far as it proves something; None is not said."""

    message_id: str
    to: str
    sender: str
    received_at: int
    is_mms: bool | None = None
    length: int | None = None


class Proof(StrEnum):
    """What was found out about one message."""

    ACCEPTED = "accepted"
    ABSENT = "absent"
    WAITING = "waiting"
    """Nothing is there yet; more time or a later message will tell."""
    AMBIGUOUS = "ambiguous"
    """Records fit that prove nothing about this message alone."""
    TOO_OLD = "too_old"
    """The search does not go back that far."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What is proven about one message, and what it rests on.

    Args:
        records: How many records lay in its time between its numbers.

        watermark: Receive time of the newest record that the search showed.
    """

    message: Open
    proof: Proof
    records: int
    watermark: int | None
    message_id: str | None = None
    received_at: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the search.

    Args:
        found: Records to the numbers of the messages in question.

        watermark: Receive time of the newest record of the whole account, asked for
            *before* the records: what was accepted before it is in them.

        asked_at: When the look began.
    """

    found: Sequence[Found]
    watermark: int | None
    asked_at: int


def conclude(
    messages: Iterable[Open],
    look: Look,
    *,
    known_ids: Collection[str] = (),
    wait_ms: int = WAIT_MS,
) -> list[Conclusion]:
    """What one look at the search proves about each message, in their order.

    Args:
        known_ids: Message ids that other rows of ours have.
    """
    messages = list(messages)
    records = _by_number(look.found, known_ids)
    fits = {one.place: _fitting(one, records) for one in messages}
    claims = Counter(
        record.message_id for near in fits.values() for record in near.values()
    )
    return [_conclude(one, fits[one.place], claims, look, wait_ms) for one in messages]


def _conclude(
    message: Open,
    near: Mapping[str, Found],
    claims: Mapping[str, int],
    look: Look,
    wait_ms: int,
) -> Conclusion:
    said = Conclusion(message, Proof.WAITING, len(near), look.watermark)
    if near:
        likely = [one for one in near.values() if not _contradicts(message, one)]
        if len(likely) == 1 and claims[likely[0].message_id] == 1:
            (one,) = likely
            return replace(
                said,
                proof=Proof.ACCEPTED,
                message_id=one.message_id,
                received_at=one.received_at,
            )
        return replace(said, proof=Proof.AMBIGUOUS)
    if look.asked_at - message.earliest > LOOKS_BACK_MS:
        return replace(said, proof=Proof.TOO_OLD)
    is_passed = look.watermark is not None and look.watermark > message.latest
    if is_passed and look.asked_at - message.since >= wait_ms:
        return replace(said, proof=Proof.ABSENT)
    return said


def _by_number(
    found: Iterable[Found], known_ids: Collection[str]
) -> dict[str, list[Found]]:
    records: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        if one.message_id not in known_ids:
            records[one.to].append(one)
    return records


def _fitting(message: Open, records: Mapping[str, list[Found]]) -> dict[str, Found]:
    """Records between its numbers and in its time; a group message's count once."""
    return {
        one.message_id: one
        for number in message.to
        for one in records.get(number, ())
        if one.sender == message.sender
        and message.earliest <= one.received_at <= message.latest
    }


def _contradicts(message: Open, record: Found) -> bool:
    """Whether it is surely another message: another kind, or another length."""
    if record.is_mms is not None and record.is_mms != message.is_mms:
        return True
    lengths = (record.length, message.length)
    return (
        not message.is_mms and None not in lengths and record.length != message.length
    )

"""What the message search proves about messages whose outcome nobody knows.

Theory
------
The search cannot be asked by tag, and its records can be a quarter of an hour late or
more.  So two things can be proven, and nothing else is:

    it was accepted   exactly one record fits this message, and this message is the only
                      one that the record fits: same numbers, the right time, nothing
                      that contradicts it, and no row of ours has that message id.  Rows
                      whose own id is not known compete for it: those on their way, those
                      accepted by an answer that could not be read, those of other runs
    it was not        no record is unaccounted for between these two numbers, in a search
                      that shows all of its neighbours (the witnesses) and messages
                      accepted later than this one could have been (the watermark), and
                      enough time has gone by

Whatever is doubtful is no absence: a record that cannot be read, one of another length
(Bandwidth may count otherwise), to another form of its number, of another time (a clock may
have been wrong), of a sender written otherwise, and anything about a group.  Then, and where
two records fit, a person has to decide.

Whose clock
-----------
When it was posted, only the sender's clock says, and that may have been wrong, and right
again since.  But whoever finds a message unknown comes after it was posted, whatever any
clock shows.  So absence counts from the first look: the moment at which its sender ended,
or a look at the search, found it unknown, as it is kept in the journal.  That moment is
told by two clocks, ours and Bandwidth's, and is the later of both (send/theirs.py); now is
the earlier of both.  So the waiting time is too short, and the watermark too early, only
where both clocks are wrong, and in the same way.  Where they are far apart no look counts.

The sender's times say only which records may be a message's.  Its clock may have been
wrong, and a sender whose clock is further from Bandwidth's than `MOST_APART_MS` does not
begin (E548).  So a record is another message's too where it would be by such a clock, and
one to the same numbers up to a day before is no absence.  A clock that showed a message to
have left after it was found unknown was wrong, and then nothing is absent.

What the search hides
---------------------
Records may come late, in no order; and a message whose callback nobody answered may not be
shown at all until somebody does, which may be a day.  So messages that an
answer or a callback told of are asked for, rows near the unknown one.  What only the search
told of is none of them: that it shows what it has shown tells nothing.

While one of them is not shown, no absence is proven.  That all are shown proves that it is
not late there; of callbacks it proves something only by a message that is as the unknown
one would be: over, so that it has had its callback, and without one in this journal.  One
such message that is shown tells that the search does not wait for callbacks, of whomever.
Where a run has none (all its callbacks came, or nothing of it is known), an unknown one may
be hidden, alone or with others of the same minute, and no absence is proven before
callbacks are given up (`ALONE_MS`).  A journal that takes no callbacks has such messages
wherever it has any.

What is assumed: that whoever else answers a run's callbacks (where this journal takes none,
or was put back from an old copy) answered those of the unknown ones as those of their
neighbours; and that no record is late alone, among neighbours that are there.

All times are milliseconds since 1970.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.records import person_key
from bulksend.send.theirs import MOST_APART_MS
from bulksend.settle.spellings import forms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from bulksend.journal.decisions import Rival

SKEW_MS = 60_000
"""How far our clock and Bandwidth's may differ, beside what we measured."""

ON_ITS_WAY_MS = 120_000
"""A request may wait in a proxy after we gave it up."""

ALONE_MS = 24 * 3_600_000 + 20 * 60_000
"""Where no known message tells what the search hides: a callback is tried for a day."""

WAIT_MS = 20 * 60_000
"""Not before this is absence believed: the documented lag is 15 minutes."""

LOOKS_BACK_MS = 14 * 86_400_000
"""How far the search goes; what is older cannot be shown to be absent."""

BEFORE_MS = 26 * 3_600_000
"""How long before a message its numbers are searched.  When it was sent our clock may have
shown another zone's time, or another day, and nothing measures that afterwards."""


class Open(NamedTuple):
    """A message whose outcome is unknown.

    Args:
        to: E.164 numbers; several for a group message.

        since, until: When it left at the earliest, and when it was given up.

        lengths: Characters of its text, in each way that they are counted.

        seen: The first look, after which it did not leave; None: there was none.

        attempt: Which one of its row; what is proven counts for no other.
    """

    run_id: int
    row: int
    to: tuple[str, ...]
    sender: str
    since: int
    until: int
    is_mms: bool = False
    lengths: tuple[int, ...] = (0,)
    seen: int | None = None
    attempt: int = 0

    @property
    def place(self) -> tuple[int, int]:
        return (self.run_id, self.row)


class Found(NamedTuple):
    """One record of the search, as far as it proves something; None is not said.

    Args:
        is_over: Whether it was delivered or failed, as its status says.
    """

    message_id: str
    to: str
    sender: str
    received_at: int
    is_mms: bool | None = None
    length: int | None = None
    is_over: bool = False


class Proof(StrEnum):
    """What was found out about one message."""

    ACCEPTED = "accepted"
    ABSENT = "absent"
    WAITING = "waiting"
    HIDDEN = "hidden"
    ALONE = "alone"
    AMBIGUOUS = "ambiguous"
    TOO_OLD = "too_old"


MEANING = {
    Proof.ACCEPTED: "one record of the search is this message",
    Proof.ABSENT: "the search has no record of it, and has later ones",
    Proof.WAITING: "no record yet: more time, or a later message, will tell",
    Proof.HIDDEN: "no record yet, and the search hides known ones",
    Proof.ALONE: "no record yet, and no known message without a callback is shown",
    Proof.AMBIGUOUS: "records fit that prove nothing about this message alone",
    Proof.TOO_OLD: "the search does not go back that far",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the search.

    Args:
        found: Every record to the numbers of the messages in question, from `BEFORE_MS`
            before the first of them on.

        watermark: Receive time of the newest record of the whole account, asked for
            *before* the others: what was accepted before it is in them.

        asked_at: When it was asked, by the clock that is behind.

        skew: How far Bandwidth's clock is from ours.

        unread: Records among them that say too little to be told from one another.

        hides: Runs of which it does not show what is known to be accepted.

        alone: Runs of which no known message tells that it hides none for its callback.
    """

    found: Sequence[Found]
    watermark: int | None
    asked_at: int
    skew: int = 0
    unread: int = 0
    hides: Collection[int] = ()
    alone: Collection[int] = ()

    @property
    def slack(self) -> int:
        return SKEW_MS + abs(self.skew)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What is proven about one message, and what it rests on.

    Args:
        records: How many records between its numbers are no other row's.

        fitting: How many of these may be it by their time, whatever its sender's clock
            showed, and how many more cannot be read.
    """

    message: Open
    proof: Proof
    records: int
    watermark: int | None
    asked_at: int
    message_id: str | None = None
    received_at: int | None = None
    fitting: int = 0

    def as_dict(self) -> dict[str, object]:
        """The evidence, without numbers and texts."""
        said = {
            "proof": self.proof.value,
            "records": self.records,
            "watermark": self.watermark,
            "asked_at": self.asked_at,
            "since": self.message.since,
            "until": self.message.until,
            "seen": self.message.seen,
            "attempt": self.message.attempt or None,
            "message_id": self.message_id,
            "received_at": self.received_at,
        }
        return {name: value for name, value in said.items() if value is not None}


def conclude(
    messages: Iterable[Open],
    look: Look,
    *,
    known_ids: Collection[str] = (),
    rivals: Iterable[Rival] = (),
    wait_ms: int = WAIT_MS,
) -> list[Conclusion]:
    """What one look proves about each message, in their order.

    Args:
        messages: All unknown messages to the numbers that were searched.

        known_ids: Message ids that rows of ours have.

        rivals: Other rows, whose message may be behind a record.
    """
    messages = list(messages)
    records: dict[str, list[Found]] = defaultdict(list)
    for one in look.found:
        if one.message_id not in known_ids:
            records[one.to].append(one)
    near = [_unaccounted(one, records) for one in messages]
    fits = [
        [
            one
            for one in some.values()
            if one.to in message.to and _fits(message, one, look.slack)
        ]
        for message, some in zip(messages, near, strict=True)
    ]
    wide = look.slack + MOST_APART_MS  # whatever a sender's clock showed that began
    claims = Counter(
        one.message_id
        for message, some in zip(messages, near, strict=True)
        for one in some.values()
        if _fits(message, one, wide)
    )
    claims.update(_contested(look, rivals, wide))
    return [
        replace(
            _conclude(message, some, fitting, claims, look, wait_ms),
            fitting=look.unread
            + sum(_in_time(message, o, wide) for o in some.values()),
        )
        for message, some, fitting in zip(messages, near, fits, strict=True)
    ]


def _conclude(  # noqa: PLR0913, PLR0917  (all of what the rules look at)
    message: Open,
    near: Mapping[str, Found],
    fits: Sequence[Found],
    claims: Mapping[str, int],
    look: Look,
    wait_ms: int,
) -> Conclusion:
    said = Conclusion(
        message,
        Proof.WAITING,
        len(near),
        look.watermark,
        look.asked_at,
    )
    if look.unread:
        return replace(said, proof=Proof.AMBIGUOUS)
    if len(fits) == 1 and claims[fits[0].message_id] == 1:
        (one,) = fits
        return replace(
            said,
            proof=Proof.ACCEPTED,
            message_id=one.message_id,
            received_at=one.received_at,
        )
    if near:
        return replace(said, proof=Proof.AMBIGUOUS)
    return replace(said, proof=_unseen(message, look, wait_ms))


def _unseen(message: Open, look: Look, wait_ms: int) -> Proof:
    """What it proves that the search has no record that could be this message's."""
    seen = message.seen
    if look.asked_at - message.since > LOOKS_BACK_MS - BEFORE_MS - look.slack:
        return Proof.TOO_OLD
    if (
        seen is None
        or look.watermark is None
        or look.asked_at - seen < wait_ms
        or look.watermark <= seen + ON_ITS_WAY_MS + look.slack
    ):
        return Proof.WAITING
    if message.since > seen + look.slack + MOST_APART_MS:
        return Proof.AMBIGUOUS  # its sender's clock was wrong
    if message.run_id in look.hides:
        return Proof.HIDDEN
    if message.run_id in look.alone and look.asked_at - seen < ALONE_MS:
        return Proof.ALONE
    # How a group message is recorded is not documented: its absence proves nothing.
    return Proof.AMBIGUOUS if len(message.to) > 1 else Proof.ABSENT


def _unaccounted(
    message: Open, records: Mapping[str, Sequence[Found]]
) -> dict[str, Found]:
    """Records to its numbers that may be from its sender; a group's count once."""
    return {
        one.message_id: one
        for number in message.to
        for form in forms(number)
        for one in records.get(form, ())
        if _may_be(message.sender, one.sender)
    }


def _contested(look: Look, rivals: Iterable[Rival], slack: int) -> Iterator[str]:
    """The ids of records that may be a rival's: to its person, at its time."""
    people: dict[int | None, list[Rival]] = defaultdict(list)
    for rival in rivals:
        people[rival.person].append(rival)
    if not people:
        return
    for one in look.found:
        keys = *map(person_key, forms(one.to)), None
        some = (rival for key in keys for rival in people.get(key, ()))
        if any(_in_time(rival, one, slack) for rival in some):
            yield one.message_id


def _may_be(ours: str, theirs: str) -> bool:
    """Two E.164 numbers are the same or not; how names are written is not documented."""
    return ours == theirs or not (ours.startswith("+") and theirs.startswith("+"))


def _fits(message: Open, record: Found, slack: int) -> bool:
    """Same sender and kind, the right time, and no other length."""
    if record.sender != message.sender:
        return False
    if record.is_mms is not None and record.is_mms != message.is_mms:
        return False
    if not _in_time(message, record, slack):
        return False
    return message.is_mms or record.length in (None, *message.lengths)


def _in_time(message: Open | Rival, record: Found, slack: int) -> bool:
    earliest, latest = message.since - slack, message.until + ON_ITS_WAY_MS + slack
    return earliest <= record.received_at <= latest

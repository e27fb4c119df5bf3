"""What goes into the journal and comes out of it, as values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.states import Event, Status

if TYPE_CHECKING:
    from bulksend.journal.owner import Owner


@dataclass(frozen=True, slots=True)
class Run:
    """One plan being sent.

    Args:
        slot: Which of a recurring campaign's sends it is; the ledger parts by it.

        id: The journal's own number for it.

        purged_at: When its numbers and texts were removed; None where they were not.

        purpose: Which caps count its messages; empty where nobody knows: then all do.

        account: Bandwidth's, whose search alone knows its messages; empty where nobody
            knows it, and for the simulator.

        any_hour: Why no rules about hours held, in the campaign's words.
    """

    run: str
    campaign: str
    plan: str
    plan_hash: str
    plan_digest: str
    input_digest: str
    content_digest: str
    provider: str
    rows: int
    sendable: int
    results: str
    created_at: int
    finished_at: int | None = None
    id: int = 0
    slot: str = ""
    kind: str = "send"
    purged_at: int | None = None
    purpose: str = ""
    account: str = ""
    any_hour: str = ""


class Claim(NamedTuple):
    """That a row was made ready to be posted: under which epoch, for the how manieth time."""

    row: int
    epoch: int
    attempt: int

    def is_before(self, other: Claim) -> bool:
        """Of the same row.  Both only grow; a clock may be set back between two claims."""
        return self[1:] < other[1:]


class Candidate(NamedTuple):
    """A row that the engine wants to send.

    Args:
        once: Its key in the ledger.

        person: Whom it is for (`person_key`); the first of a group.

        sender: Our number it goes out from.

        others: The keys of a group's other members, parted by spaces.

        weight: Its segments.

        carrier: Whose caps it counts against; empty where it counts against none.

        per_day: How many messages in 24 hours a law allows its person; 0: no law says.
    """

    row: int
    once: int | None
    again: bool = False
    person: int | None = None
    sender: str = ""
    others: str = ""
    weight: int = 1
    carrier: str = ""
    per_day: int = 0


class Member(NamedTuple):
    """One of a group whom a row's message is for, beside its first."""

    person: int
    run_id: int
    row: int


class Use(NamedTuple):
    """What a message takes from a carrier's cap: see `limits.Purse`."""

    name: str
    at: int
    weight: int


def person_key(number: str) -> int:
    """64 bits that stand for an E.164 number where the number itself must not stand."""
    digest = hashlib.blake2b(number.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class Place(NamedTuple):
    """A row of a run."""

    row: int


class Outcome(NamedTuple):
    """What became of a claimed row.

    Args:
        returns: What it gives back of carriers' caps, since it was not taken.
    """

    row: int
    event: Event
    at: int
    posted_at: int | None = None
    message_id: str | None = None
    error_code: str | None = None
    error: str | None = None
    returns: tuple[Use, ...] = ()


class Entry(NamedTuple):
    """A row as the journal has it, for results."""

    row: int
    status: str
    attempt: int
    posted_at: int | None
    accepted_at: int | None
    ended_at: int | None
    message_id: str | None
    error_code: str | None
    error: str | None


class Closing(NamedTuple):
    """Why a planned row is closed without being sent."""

    status: Status
    error_code: str
    error: str


ALREADY_SENT = Closing(
    Status.EXCLUDED,
    "already_sent",
    "An earlier run of this campaign has posted this text to this person, or may have.",
)
LISTED = Closing(
    Status.EXCLUDED,
    "suppressed",
    "This number was on a suppression list of the campaign when its sending started.",
)
MISSED_WINDOW = Closing(
    Status.EXPIRED,
    "window_missed",
    "No hour was left at which this person may be texted; nothing was sent.",
)
CAPPED = Closing(
    Status.EXCLUDED,
    "person_capped",
    "This person has had as many messages as send.per_person, or a law, allows.",
)
PAST_EXPIRATION = Closing(
    Status.EXPIRED,
    "expired",
    "Its expiration passed before it was sent; nothing was sent.",
)


class Part(NamedTuple):
    """Rows of a run that one sender has: a shard, or all of them."""

    shard: int
    first: int
    last: int


WHOLE = Part(0, 0, 2**62)


class Lease(NamedTuple):
    """Who may send a campaign, or a shard of one run, and until when."""

    epoch: int
    owner: Owner
    since: int
    expires: int
    run_id: int
    shard: int

    def is_alive(self, now: int) -> bool:
        return self.expires >= now and not self.owner.is_surely_dead()


class LeaseLost(Exception):  # noqa: N818  (it names what happened, not a failure)
    """Another sender has taken this run over; nothing more may be posted."""

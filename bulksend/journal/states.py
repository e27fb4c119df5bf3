"""The life of a message, as one table.

Theory of operation
-------------------
A message is *planned* (it stands in the plan), then *claimed* (its intent is durable:
from now on it may be on the wire), and then something is proven, or nothing is:

    accepted   Bandwidth answered 202
    refused    Bandwidth answered that it will not send it
    unknown    no proof either way; nothing in the engine ever sends it again
    planned    proven that it did not leave: it may be claimed again

Or it is never claimed: its time passed (*expired*), or at the last moment a rule forbade it
(*excluded*).

`unknown` is left only by evidence: a receipt, the message search, or a person's recorded
decision.  Evidence that it was never taken makes it *not_sent*, which is not sent again
either, unless somebody asks for it.  A person may take a decision of their own back, as
long as nothing but their word stands behind it and nothing was sent after it.

A receipt turns *accepted* (or *unknown*) into *delivered* or *failed*, and *delivered* wins
over *failed*, because a receipt that timed out (9902) may be followed by the real one.

Evidence that a message was taken is believed wherever one may be on its way: after a proof
that said otherwise, and in a journal that was restored from before the message was claimed.
What ended without one (*refused*, *expired*, *excluded*) stays so; its receipts are kept,
and keep a refused row from being sent again.

The table is used three times: `step` applies it here, the journal loads it into SQLite,
where a trigger refuses any other change, and docs/journal.md draws it.

A planned message that nobody has tried has no row in the journal at all: absence *is*
`PLANNED`.  So filling a journal for ten million rows costs nothing, and the primary key
alone guarantees that a row is claimed by one sender only.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a message stands; the words the journal stores."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"
    EXPIRED = "expired"
    EXCLUDED = "excluded"
    DELIVERED = "delivered"
    FAILED = "failed"


class Event(StrEnum):
    """What happened to a message."""

    CLAIM = "claim"  # its intent was made durable
    RELEASE = "release"  # proven not to have left, or not to have been taken
    ACCEPT = "accept"  # Bandwidth took it
    REFUSE = "refuse"  # Bandwidth refused it
    LOSE = "lose"  # it may have left, and no answer proves anything
    ORPHAN = "orphan"  # its sender died between intent and outcome
    EXPIRE = "expire"  # its time passed before it was sent
    EXCLUDE = "exclude"  # a rule spoke at the last moment (already sent, opted out)
    DELIVER = "deliver"  # a receipt: delivered
    FAIL = "fail"  # a receipt: not delivered
    AGAIN = "again"  # a person wants it tried once more
    DISPROVE = "disprove"  # evidence that Bandwidth never took it
    RECANT = "recant"  # a person takes back that it was taken: nothing else said so


TRANSITIONS: dict[Status, dict[Event, Status]] = {
    Status.PLANNED: {
        Event.CLAIM: Status.CLAIMED,
        Event.EXPIRE: Status.EXPIRED,
        Event.EXCLUDE: Status.EXCLUDED,
        # What proved that it was not taken was wrong, or the journal is an old copy; or
        # it had failed, was to be sent again, and must not be.
        Event.ACCEPT: Status.ACCEPTED,
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.FAILED,
    },
    Status.CLAIMED: {
        Event.RELEASE: Status.PLANNED,
        Event.ACCEPT: Status.ACCEPTED,
        Event.REFUSE: Status.REFUSED,
        Event.LOSE: Status.UNKNOWN,
        Event.ORPHAN: Status.UNKNOWN,
        # A receipt can overtake the 202 it belongs to.
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.FAILED,
    },
    Status.UNKNOWN: {
        # Its own sender may return late with the answer; evidence may be found later.
        Event.RELEASE: Status.PLANNED,
        Event.ACCEPT: Status.ACCEPTED,
        Event.REFUSE: Status.REFUSED,
        Event.LOSE: Status.UNKNOWN,
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.FAILED,
        Event.DISPROVE: Status.NOT_SENT,
    },
    Status.NOT_SENT: {
        Event.AGAIN: Status.PLANNED,
        Event.ACCEPT: Status.ACCEPTED,
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.FAILED,
    },
    Status.ACCEPTED: {
        Event.ACCEPT: Status.ACCEPTED,
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.FAILED,
        Event.RECANT: Status.NOT_SENT,
    },
    Status.DELIVERED: {
        Event.ACCEPT: Status.DELIVERED,
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.DELIVERED,
    },
    Status.FAILED: {
        Event.ACCEPT: Status.FAILED,
        Event.DELIVER: Status.DELIVERED,
        Event.FAIL: Status.FAILED,
        Event.AGAIN: Status.PLANNED,
    },
    Status.REFUSED: {
        Event.AGAIN: Status.PLANNED,
    },
    Status.EXPIRED: {},
    Status.EXCLUDED: {},
}


def arrows() -> list[tuple[str, str, str]]:
    """The table as (status, event, next), the way a database holds it."""
    return [
        (status.value, event.value, then.value)
        for status, events in TRANSITIONS.items()
        for event, then in events.items()
    ]


TAKEN = frozenset(
    {
        Status.CLAIMED,
        Status.ACCEPTED,
        Status.UNKNOWN,
        Status.DELIVERED,
        Status.FAILED,
    }
)
"""Statuses in which the person has, or may have, been texted."""


class IllegalMove(Exception):  # noqa: N818  (it names the move, not a failure of ours)
    """The table has no such arrow; nothing was changed."""


def step(status: Status, event: Event) -> Status:
    """The status after *event*; raises `IllegalMove` where the table has no arrow."""
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        allowed = ", ".join(TRANSITIONS[status]) or "nothing: it is final"
        raise IllegalMove(
            f"a message that is {status} cannot {event}; it can {allowed}"
        ) from None

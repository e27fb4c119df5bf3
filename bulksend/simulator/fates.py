"""What becomes of an accepted message, and which callbacks tell of it.

A fate is drawn from the message's own id: the search and the callbacks agree about it
without a word between them, and whoever asks twice hears the same.  The order of a
message's callbacks is Bandwidth's (sending, delivered or failed, then a person's reply)
unless the delays are drawn from bounds.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.simulator.scenario import bounds

if TYPE_CHECKING:
    from bulksend.simulator.scenario import Scenario
    from bulksend.simulator.witness import Accepted

Event = dict[str, Any]

EXPIRED_RECEIPT = 9902
FAILURES = {
    4406: "rejected-unallocated-to-number",
    4470: "rejected-spam-detected",
    4702: "destination-subscriber-unavailable",
    4720: "invalid-destination-address",
    4721: "destination-tn-deactivated",
    4750: "destination-rejected-message",
    4775: "destination-rejected-due-to-user-opt-out",
    5100: "temporary-app-error",
    5620: "destination-app-error",
}
"""Codes that a healthy campaign meets."""


class Fate(NamedTuple):
    """How a message ends.

    Args:
        status: The search's word for it.

        code: The error code of a failure; 0 where there is none.

        is_overdue: A receipt that timed out comes before the real one.
    """

    status: str
    code: int = 0
    is_overdue: bool = False
    has_stopped: bool = False
    is_strange: bool = False


DELIVERED = Fate("DELIVERED")


class Callback(NamedTuple):
    """One event of one recipient, ``delay`` seconds after the message was accepted."""

    delay: float
    event: Event


def fate_of(record: Accepted, destination: str, scenario: Scenario) -> Fate:
    """The fate of one message to one recipient: always the same."""
    shares = (scenario.undelivered, scenario.overdue, scenario.dropped)
    if not any((*shares, scenario.stops, scenario.callback_strange)):
        return DELIVERED
    chance = random.Random(record.id + destination)  # noqa: S311  (a play, no secret)
    point = chance.random()
    strange = chance.random() < scenario.callback_strange
    if point < scenario.dropped:
        return Fate("SENDING")
    point -= scenario.dropped
    if point < scenario.undelivered:
        return Fate("FAILED", chance.choice(list(FAILURES)), is_strange=strange)
    point -= scenario.undelivered
    return Fate(
        "DELIVERED",
        is_overdue=point < scenario.overdue,
        has_stopped=chance.random() < scenario.stops,
        is_strange=strange,
    )


def callbacks(record: Accepted, scenario: Scenario, iso: Any) -> list[Callback]:
    """Every callback of a message; *iso* writes seconds since 1970 as Bandwidth does."""
    return [
        one
        for destination in record.to
        for one in _to_one(record, destination, scenario, iso)
    ]


def _to_one(
    record: Accepted, destination: str, scenario: Scenario, iso: Any
) -> list[Callback]:
    fate = fate_of(record, destination, scenario)
    if fate.status == "SENDING":
        return []
    events: list[Event] = []

    def say(kind: str, description: str, **more: object) -> None:
        said = {"type": kind, "to": destination, "description": description}
        events.append(said | more | {"message": _message(record, iso)})

    if record.media or len(record.to) > 1:
        say("message-sending", "Message is sending to carrier.")
    if fate.is_strange:
        say("message-of-tomorrow", "A type that did not exist yet.")
    if fate.is_overdue:
        say("message-failed", "delivery-receipt-expired", errorCode=EXPIRED_RECEIPT)
    if fate.code:
        say("message-failed", FAILURES[fate.code], errorCode=fate.code)
    else:
        say("message-delivered", "Message delivered to handset.")
    if fate.has_stopped:
        events.append(_reply(record, destination, iso))
    low, high = bounds(scenario.callback_delay)
    chance = random.Random(destination + record.id)  # noqa: S311  (a play, no secret)
    delays = [chance.uniform(low, high) for _ in events]
    # Each happens when its delay is over; at equal delays a millisecond parts them.
    return [
        Callback(delay, {"time": iso(record.wall + delay + 0.001 * place)} | event)
        for place, (delay, event) in enumerate(zip(delays, events, strict=True), 1)
    ]


def _message(record: Accepted, iso: Any) -> Event:
    """The text is never told again; the tag is."""
    said: Event = {
        "id": record.id,
        "owner": record.sender,
        "applicationId": record.application_id,
        "time": iso(record.wall),
        "segmentCount": record.segments,
        "direction": "out",
        "to": list(record.to),
        "from": record.sender,
        "text": "",
    }
    if record.media:
        said["media"] = list(record.media)
    if record.tag:
        said["tag"] = record.tag
    return said


def _reply(record: Accepted, destination: str, iso: Any) -> Event:
    at = iso(record.wall + 1.0)
    return {
        "time": at,
        "type": "message-received",
        "to": record.sender,
        "description": "Incoming message received",
        "message": {
            "id": f"{record.id[::-1]}",
            "owner": record.sender,
            "applicationId": record.application_id,
            "time": at,
            "segmentCount": 1,
            "direction": "in",
            "to": [record.sender],
            "from": destination,
            "text": "Stop",
        },
    }

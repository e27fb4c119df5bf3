"""What an HTTP result proves about one message, as one table.

Theory
------
Bandwidth has no idempotency key, so a message may be posted again only where it is
*proven* that the first POST did not queue it.  Three things can prove something:

    how far the request got   before the first byte left, nothing can have happened
    the status                any answered 4xx is documented as not sent, not billed
    who spoke                 a 500 with Bandwidth's own error body is documented as not
                              sent; the same status from a gateway proves nothing

Everything else is `Event.LOSE`: *unknown*, never a retry.  Rules are tried from the top;
the last one catches all.  What is called documented, Bandwidth's pages on errors say.

Parsing never decides that an accepted message failed: a 202 is accepted whatever its
body holds.  At worst its id is found later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

import orjson

from bulksend.journal.states import Event
from bulksend.logs import mask_numbers


class Reached(Enum):
    """How far a request got."""

    HELD = "it was held back: its turn did not come"
    NOWHERE = "no byte was handed over"
    SENT = "bytes were handed over; no answer came"
    ANSWERED = "an answer came"


class Action(StrEnum):
    """What the engine does besides recording the event."""

    GO_ON = "go on"
    GIVE_BACK = "give it back: it was no attempt"
    RETRY = "try this message again later"
    SLOW_DOWN = "try again later, and send more slowly"
    SIGN_IN = "get a fresh token, once, then try again"
    HALT = "stop the run: every other message would meet the same"


class Body(Enum):
    """Who spoke, by the shape of the body."""

    MESSAGE = "a JSON object with a message id"
    BANDWIDTH = "Bandwidth's error object: type and description"
    OTHER = "anything else"


class Rule(NamedTuple):
    """One row: a condition, and what follows.  None means any."""

    reached: Reached
    statuses: range | tuple[int, ...] | None
    body: Body | None
    event: Event
    action: Action


NUL = "\0"
"""Left out of what is said: PostgreSQL has no place for it in a text."""

WHOLESALE = (402, 403, 404, 405, 406, 415)
"""No credit, no right, no such address, not in this form."""

RULES: tuple[Rule, ...] = (
    Rule(Reached.HELD, None, None, Event.RELEASE, Action.GIVE_BACK),
    Rule(Reached.NOWHERE, None, None, Event.RELEASE, Action.RETRY),
    Rule(Reached.SENT, None, None, Event.LOSE, Action.GO_ON),
    Rule(Reached.ANSWERED, (202,), None, Event.ACCEPT, Action.GO_ON),
    Rule(Reached.ANSWERED, (200, 201), Body.MESSAGE, Event.ACCEPT, Action.GO_ON),
    Rule(Reached.ANSWERED, (401,), None, Event.RELEASE, Action.SIGN_IN),
    # About the account, the address or the request's form, never about this message.
    Rule(Reached.ANSWERED, WHOLESALE, None, Event.RELEASE, Action.HALT),
    Rule(Reached.ANSWERED, (429,), None, Event.RELEASE, Action.SLOW_DOWN),
    # 408: a gateway gave up waiting; what it had passed on by then is not said.
    Rule(Reached.ANSWERED, (408,), None, Event.LOSE, Action.GO_ON),
    Rule(Reached.ANSWERED, range(400, 500), None, Event.REFUSE, Action.GO_ON),
    Rule(Reached.ANSWERED, (500, 503), Body.BANDWIDTH, Event.RELEASE, Action.RETRY),
    Rule(Reached.ANSWERED, None, None, Event.LOSE, Action.GO_ON),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one attempt.

    Args:
        code: For machines: the HTTP status as text, or the transport's word.

        error: For people: Bandwidth's own words where there are any; None if accepted.
    """

    event: Event
    action: Action
    code: str
    message_id: str | None = None
    error: str | None = None


def judge(
    reached: Reached, *, status: int | None = None, body: bytes = b"", cause: str = ""
) -> Verdict:
    """The verdict on one attempt; *cause* is the transport's word where none answered."""
    said = _parse(body) if reached is Reached.ANSWERED else {}
    kind = _kind(said)
    rule = next(rule for rule in RULES if _fits(rule, reached, status, kind))
    if rule.event is Event.ACCEPT:
        message_id = _text(said.get("id"))
        return Verdict(rule.event, rule.action, str(status), message_id=message_id)
    if reached is not Reached.ANSWERED:
        return Verdict(
            rule.event, rule.action, "no_answer", error=_silence(reached, cause)
        )
    return Verdict(
        rule.event, rule.action, str(status), error=_words(status, said, rule)
    )


def _fits(rule: Rule, reached: Reached, status: int | None, body: Body) -> bool:
    return (
        rule.reached is reached
        and (rule.statuses is None or status in rule.statuses)
        and (rule.body is None or rule.body is body)
    )


def _parse(body: bytes) -> dict[str, object]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _kind(said: dict[str, object]) -> Body:
    if _text(said.get("id")):
        return Body.MESSAGE
    if _text(said.get("type")) and "description" in said:
        return Body.BANDWIDTH
    return Body.OTHER


def _text(value: object) -> str | None:
    return value.replace(NUL, "") or None if isinstance(value, str) else None


def _silence(reached: Reached, cause: str) -> str:
    if reached is not Reached.SENT:
        return f"Not sent: {cause or 'no connection'}."
    return (
        f"No answer came ({cause or 'the connection broke'}). It may have been sent, "
        "so it is not sent again."
    )


def _words(status: int | None, said: dict[str, object], rule: Rule) -> str:
    """Bandwidth's own words, fields first: they name what to correct."""
    fields = said.get("fieldErrors")
    details = [
        f"{one.get('fieldName')}: {one.get('description')}"
        for one in (fields if isinstance(fields, list) else [])
        if isinstance(one, dict)
    ]
    words = "; ".join(details) or _text(said.get("description"))
    if words:
        whole = f"{status} {said.get('type', '')}: {words}".replace(NUL, "")
        # Masked before it is cut: half a number would not look like one.
        return mask_numbers(whole[:2_000])[:500]
    if rule.event is Event.LOSE:
        return (
            f"{status} from a gateway, not from Bandwidth: it may have been sent, "
            "so it is not sent again."
        )
    return f"{status} without a reason."

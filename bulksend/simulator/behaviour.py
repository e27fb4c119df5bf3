"""What Bandwidth does with a request: the rules, without clock, socket or event loop.

    Request ──► route ──► signed in? ──► readable? ──► valid? ──► fault? ──► queue ──► log
                  404        401, 403      405 406 415     400      500 502      429     202

Everything up to "valid" is Bandwidth as documented.  A fault is drawn once per valid
POST, by the scenario's shares: some strike before the message is queued, some after it,
and only the witness knows which.  No idempotency key exists, so the same body posted
twice is two messages, here as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from bulksend.simulator import answers
from bulksend.simulator.answers import Answer, Ending, Moment, Request, json_answer
from bulksend.simulator.backlog import Backlog
from bulksend.simulator.media import MediaStore
from bulksend.simulator.scenario import Fault, Scenario
from bulksend.simulator.search import Search
from bulksend.simulator.segments import segment_count
from bulksend.simulator.signin import SignIn
from bulksend.simulator.validation import Message, field_errors
from bulksend.simulator.witness import Accepted, Attempt, Witness

if TYPE_CHECKING:
    import random

__all__ = [
    "API_PATH",
    "TOKEN_PATH",
    "Bandwidth",
    "Fault",
    "Moment",
    "Request",
    "Scenario",
]

API_PATH = "/api/v2"
TOKEN_PATH = "/api/v1/oauth2/token"  # noqa: S105 - a path, not a secret
TOKEN_PATHS = frozenset({TOKEN_PATH, "/oauth2/token"})

_USERS = f"{API_PATH}/users/"
_TO_ID_LETTERS = (b"0123456789abcdefghijklmnopqrstuvwxyz" * 8)[:256]
"""A table for `bytes.translate`: any octet to a letter of a message id."""

_BREAKS_OFF_AT = 24
"""In the middle of the id: nothing of a garbled answer can be used."""

_UNACCEPTED = {
    Fault.LOST_BEFORE: answers.RESET,
    Fault.ERROR_500: answers.INTERNAL_ERROR,
    Fault.GATEWAY_502: answers.BAD_GATEWAY,
}


class Outcome(NamedTuple):
    """What a valid POST comes to; ``message_id`` only when it was accepted."""

    answer: Answer
    fault: Fault | None = None
    message_id: str | None = None


class Bandwidth:
    """One Bandwidth: its accounts' queues, tokens, media, and what was accepted.

    ``witness`` holds both logs; everything else is asked through `answer` only.
    """

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self.scenario = scenario
        self.witness = Witness(scenario.remembers)
        self._rng = rng
        self._shares = scenario.shares
        self._backlogs: dict[str, Backlog] = {}
        self._search = Search(self.witness, scenario)
        self._media = MediaStore()
        self._sign_in = SignIn(scenario.credentials, scenario.token_lifetime, rng=rng)

    def answer(self, request: Request, at: Moment) -> Answer:
        answer = self._route(request, at)
        latency = self.scenario.latency
        if isinstance(latency, tuple):
            latency = self._rng.uniform(*latency)
        return answer._replace(delay=answer.delay + latency) if latency else answer

    def _route(self, request: Request, at: Moment) -> Answer:
        path = request.target.partition("?")[0]
        if path in TOKEN_PATHS:
            return self._sign_in.grant(request, at)
        if not path.startswith(_USERS):
            return answers.not_found(path, at.wall)

        account, _, resource = path[len(_USERS) :].partition("/")
        if resource == "messages":
            return self._messages(account, request, at)
        kind, _, name = resource.partition("/")
        refusal = self._turn_away(account, request, at)
        if refusal or kind != "media":
            return refusal or answers.not_found(path, at.wall)
        return self._media.answer(account, name, request, at)

    def _messages(self, account: str, request: Request, at: Moment) -> Answer:
        if request.method == "POST":
            return self._create(account, request, at)
        if request.method == "GET":
            return (
                self._search.throttle(request.peer, at.mono)
                or self._turn_away(account, request, at)
                or self._search.answer(account, request, at)
            )
        refusal = self._turn_away(account, request, at)
        return refusal or answers.method_not_allowed(request.method)

    def _turn_away(self, account: str, request: Request, at: Moment) -> Answer | None:
        """401 and 403; None lets the caller in."""
        known = self.scenario.accounts
        if not account or (known is not None and account not in known):
            return answers.UNAUTHORIZED
        if not self._sign_in.admits(request.authorization, at):
            return answers.UNAUTHORIZED
        return answers.FORBIDDEN if account in self.scenario.forbidden else None

    def _create(self, account: str, request: Request, at: Moment) -> Answer:
        """Decide about one POST, and log it whatever comes of it."""
        read = self._turn_away(account, request, at) or _read(request, at.wall)
        if isinstance(read, Message):
            outcome = self._decide(account, read, at)
            to, tag = read.to, read.tag
        else:
            outcome, to, tag = Outcome(read), (), None

        was_answered = outcome.answer.ending is Ending.ANSWERED
        self.witness.attempts.add(
            Attempt(
                seq=self.witness.attempts.total,
                wall=at.wall,
                mono=at.mono,
                account=account,
                status=outcome.answer.status if was_answered else 0,
                fault=str(outcome.fault or ""),
                message_id=outcome.message_id,
                to=to,
                tag=tag,
            )
        )
        return outcome.answer

    def _decide(self, account: str, message: Message, at: Moment) -> Outcome:
        """What becomes of a valid message: the fault first, then the queue."""
        fault = self._draw()
        if fault in _UNACCEPTED and not self._slipped_through(fault):
            return Outcome(_UNACCEPTED[fault], fault)

        segments = 1 if message.is_mms else segment_count(message.text or "")
        units = len(message.to) if message.is_mms else segments
        if not self._queue(account, units, at.mono):
            rate = self.scenario.rate or 0.0
            return Outcome(answers.queue_full(rate, self.scenario.queue_seconds))

        record = Accepted(
            seq=self.witness.attempts.total,
            id=self._new_id(at.wall),
            wall=at.wall,
            mono=at.mono,
            account=account,
            **message._asdict(),
            segments=segments,
            units=units,
        )
        self.witness.accepted.add(record)
        answer = json_answer(202, _echo(record))
        return Outcome(self._spoil(answer, fault), fault, record.id)

    def _draw(self) -> Fault | None:
        if not self._shares:
            return None
        point = self._rng.random()
        for fault, share in self._shares.items():
            if point < share:
                return fault
            point -= share
        return None

    def _slipped_through(self, fault: Fault) -> bool:
        """Whether the message was queued although the answer looks like a refusal."""
        return fault is Fault.GATEWAY_502 and self._rng.random() < 0.5

    def _queue(self, account: str, units: int, now: float) -> bool:
        rate = self.scenario.rate
        if rate is None:
            return True
        if account not in self._backlogs:
            self._backlogs[account] = Backlog(rate, self.scenario.queue_seconds)
        return self._backlogs[account].admit(units, now)

    def _new_id(self, wall: float) -> str:
        """29 characters: 13 of epoch milliseconds, 16 of chance (SMOKE)."""
        chance = self._rng.randbytes(16).translate(_TO_ID_LETTERS)
        return f"{int(wall * 1000):013d}{chance.decode()}"

    def _spoil(self, answer: Answer, fault: Fault | None) -> Answer:
        """The answer to an accepted message, after the fault has had its way."""
        match fault:
            case None:
                return answer
            case Fault.SLOW:
                return answer._replace(delay=self.scenario.slow_seconds)
            case Fault.SILENT:
                return answer._replace(ending=Ending.SILENT)
            case Fault.GARBLED_202:
                return answer._replace(body=answer.body[:_BREAKS_OFF_AT])
            case Fault.GATEWAY_502:
                return answers.BAD_GATEWAY
            case _:
                return answers.RESET


def _read(request: Request, now: float) -> Message | Answer:
    """The message in the body, or the refusal it deserves."""
    if not request.content_type.lower().startswith("application/json"):
        return answers.unsupported_content(request.content_type)
    accept = request.accept.lower()
    if accept and "json" not in accept and "*/*" not in accept:
        return answers.NOT_ACCEPTABLE
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return answers.invalid([])
    if not isinstance(body, dict):
        return answers.invalid([])
    errors = field_errors(body, now)
    return answers.invalid(errors) if errors else Message.from_body(body)


def _echo(record: Accepted) -> dict[str, Any]:
    """SPEC ``message``: what was given comes back, the rest is added."""
    body = {
        "id": record.id,
        "owner": record.sender,
        "applicationId": record.application_id,
        "time": answers.iso_millis(record.wall),
        "segmentCount": record.segments,
        "direction": "out",
        "to": record.to,
        "from": record.sender,
        "media": record.media or None,
        "text": record.text,
        "tag": record.tag,
        "priority": record.priority,
        "expiration": record.expiration,
    }
    return {field: value for field, value in body.items() if value is not None}

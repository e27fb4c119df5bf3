"""What comes in and what goes out, as values, and the error bodies Bandwidth documents.

The texts marked "ours" stand where no text of Bandwidth's is published; a client may
rely on their shape only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, auto
from typing import NamedTuple

import orjson

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

GATEWAY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)


class Moment(NamedTuple):
    """Now, twice: seconds since 1970 for what is told, monotonic for what is measured."""

    wall: float
    mono: float


class Request(NamedTuple):
    """An HTTP request as far as Bandwidth's behaviour depends on it.

    ``target`` is the raw path with its query, still percent-encoded; ``origin`` is the
    ``http://host:port`` under which the client sees this server.
    """

    method: str
    target: str
    authorization: str = ""
    content_type: str = ""
    accept: str = ""
    body: bytes = b""
    peer: str = "127.0.0.1"
    origin: str = "http://127.0.0.1"


class Ending(Enum):
    """How the exchange ends: with the answer, with a reset, or not at all."""

    ANSWERED = auto()
    DROPPED = auto()
    SILENT = auto()


class Answer(NamedTuple):
    """What to send, after ``delay`` seconds, unless ``ending`` says otherwise."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    ending: Ending = Ending.ANSWERED
    delay: float = 0.0


def json_answer(status: int, value: object) -> Answer:
    return Answer(status, orjson.dumps(value))


def error(status: int, kind: str, description: str) -> Answer:
    return json_answer(status, {"type": kind, "description": description})


UNAUTHORIZED = error(401, "unauthorized", "Authentication Failed")
FORBIDDEN = error(403, "forbidden", "Access Denied")
NOT_ACCEPTABLE = error(  # ours
    406, "not-acceptable", "Could not produce an acceptable answer: only JSON is spoken"
)
INTERNAL_ERROR = error(
    500,
    "internal-server-error",
    "Internal server error. No further information available",
)
SEARCH_LIMIT = error(
    429,
    "rate_limit_exceeded",
    "Rate limit exceeded. Wait for Retry-After time before sending another request.",
)
BAD_GATEWAY = Answer(502, GATEWAY_PAGE, HTML)
RESET = Answer(0, ending=Ending.DROPPED)


def invalid(field_errors: list[dict[str, str]]) -> Answer:
    body: dict[str, object] = {
        "type": "request-validation",
        "description": "Your request could not be accepted",
    }
    if field_errors:
        body["fieldErrors"] = field_errors
    return json_answer(400, body)


def invalid_search(description: str) -> Answer:
    """The type is documented, the descriptions are ours."""
    return error(400, "request-validation", description)


def not_found(path: str, now: float) -> Answer:
    """A framework's body, unlike every other: what the docs show, not what SPEC says."""
    body = {
        "timestamp": iso_millis(now).replace("Z", "+0000"),
        "status": 404,
        "error": "Not Found",
        "message": "Not Found",
        "path": path,
    }
    return json_answer(404, body)


def method_not_allowed(method: str) -> Answer:
    return error(
        405,
        "method-not-allowed",
        f"Method '{method}' not supported for this resource.",
    )


def unsupported_content(content_type: str) -> Answer:
    return error(
        415,
        "unsupported-content-type",
        f"Content type '{content_type}' not supported. Please use 'application/json'",
    )


def queue_full(rate: float, queue_seconds: float) -> Answer:
    """The documented text, which counts segments as "messages"."""
    return error(
        429,
        "max-message-queue-size-exceeded",
        "The SMS queue for your account is full and cannot accept more messages right "
        f"now. Your allowed rate is {rate * 60:.0f} messages per minute. The capacity "
        f"of this queue is {rate * queue_seconds:.0f} messages "
        f"({queue_seconds / 60:g} minutes). Reduce your message sending rate, or "
        "contact support to increase your allowed rate.",
    )


def iso_millis(wall: float) -> str:
    """``2021-07-21T21:00:45.179Z``: the precision of Bandwidth's POST answers."""
    at = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")

"""The search's parameters, and what is wrong with the ones given.

SPEC says what is allowed; the 400s' descriptions are ours, since none is published.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime

Params = dict[str, str]

MOST_NUMBERS, SHORTEST_PREFIX = 10, 5  # SPEC sourceTn, destinationTn
DEFAULT_LIMIT, FURTHEST = 100, 10_000  # SPEC limit

DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(Z|[+-]\d{2}:\d{2})", re.ASCII
)
"""CLI: without the milliseconds the answer is 400."""

SORTABLE = frozenset(
    {
        "messageId",
        "accountId",
        "sourceTn",
        "destinationTn",
        "messageStatus",
        "messageDirection",
        "messageType",
        "segmentCount",
        "errorCode",
        "receiveTime",
        "carrierName",
        "messageSize",
        "messageLength",
        "attachmentCount",
        "recipientCount",
        "campaignClass",
        "campaignId",
    }
)
WHOLE_NUMBERS = (
    "errorCode",
    "fromBwLatency",
    "fromCarrierLatency",
    "fromSegmentCount",
    "toSegmentCount",
    "fromMessageSize",
    "toMessageSize",
    "limit",
)
CHOICES = {
    "messageStatus": "RECEIVED QUEUED SENDING SENT FAILED DELIVERED ACCEPTED UNDELIVERED",
    "messageDirection": "INBOUND OUTBOUND",
    "messageType": "sms mms rcs",
    "product": "LOCAL_A2P P2P SHORT_CODE_REACH TOLL_FREE HOSTED_SHORT_CODE ALPHA_NUMERIC "
    "RBM_MEDIA RBM_RICH RBM_CONVERSATIONAL",
    "bwQueued": "true false",
    "carrierQueued": "true false",
    "limitTotalCount": "true false",
}


def first_problem(params: Params) -> str | None:
    """What is wrong with the search, or None."""
    return next(filter(None, (check(params) for check in CHECKS)), None)


def seconds(value: str) -> float:
    """An ISO 8601 date as seconds since 1970; ValueError when it is none."""
    return datetime.fromisoformat(value).timestamp()


def limit_of(params: Params) -> int:
    return int(params.get("limit", DEFAULT_LIMIT))


def page_token(after: int) -> str:
    return base64.urlsafe_b64encode(b"after:%d" % after).decode()


def offset_of(params: Params) -> int | None:
    """How many matches the page token skips; None when it is none of ours."""
    token = params.get("pageToken")
    if token is None:
        return 0
    try:
        word, _, after = base64.urlsafe_b64decode(token).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        return None
    return int(after) if word == "after" and after.isdecimal() else None


def _numbers(params: Params) -> str | None:
    for name in params.keys() & {"sourceTn", "destinationTn"}:
        numbers = params[name].split(",")
        if len(numbers) > MOST_NUMBERS:
            return f"'{name}' must contain at most {MOST_NUMBERS} numbers"
        if not all(re.fullmatch(r"\+?\w+", number) for number in numbers):
            return f"'{name}' must contain telephone numbers; encode + as %2B"
        if min(map(len, numbers)) < SHORTEST_PREFIX:
            return f"'{name}' must be {SHORTEST_PREFIX} characters or more"
    return None


def _dates(params: Params) -> str | None:
    for name in params.keys() & {"fromDateTime", "toDateTime"}:
        if not _is_date(params[name]):
            return f"'{name}' must be ISO 8601 with milliseconds"
    return None


def _choices(params: Params) -> str | None:
    for name in params.keys() & CHOICES.keys():
        if params[name] not in CHOICES[name].split():
            return f"'{name}' must be one of {', '.join(CHOICES[name].split())}"
    return None


def _whole_numbers(params: Params) -> str | None:
    for name in WHOLE_NUMBERS:
        if not re.fullmatch(r"[0-9]{1,9}", params.get(name, "0")):
            return f"'{name}' must be a whole number"
    return None


def _paging(params: Params) -> str | None:
    after = offset_of(params)
    if after is None:
        return "'pageToken' is not valid"
    if limit_of(params) < 1 or limit_of(params) + after > FURTHEST:
        return f"'limit' must be 1 or more, and limit plus after at most {FURTHEST}"
    return None


def _sort(params: Params) -> str | None:
    field, _, direction = params.get("sort", "receiveTime:desc").partition(":")
    if field in SORTABLE and direction in {"asc", "desc"}:
        return None
    return "'sort' must be field:asc or field:desc"


CHECKS = (_numbers, _dates, _choices, _whole_numbers, _paging, _sort)


def _is_date(value: str) -> bool:
    try:
        seconds(value)
    except ValueError:
        return False
    return DATE.fullmatch(value) is not None

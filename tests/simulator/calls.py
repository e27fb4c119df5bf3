"""Requests and moments for tests of the simulator, with everything right by default."""

from __future__ import annotations

import base64
import random
from typing import Any

import orjson

from bulksend.simulator.answers import Answer, Moment, Request
from bulksend.simulator.behaviour import Bandwidth
from bulksend.simulator.scenario import Scenario

EPOCH = 1_795_000_000.0
ACCOUNT = "9900000"
MESSAGES = f"/api/v2/users/{ACCOUNT}/messages"
BASIC = "Basic " + base64.b64encode(b"user:secret").decode()
ANN, BOB, SENDER = "+19195550101", "+19195550102", "+19195550100"
BODY: dict[str, Any] = {
    "applicationId": "93de2206-9669-4e07-948d-329f4b722ee2",
    "to": [ANN],
    "from": SENDER,
    "text": "Hello Ann",
}


def bandwidth(**options: Any) -> Bandwidth:
    return Bandwidth(Scenario(**options), random.Random(7))


def moment(seconds: float = 0.0) -> Moment:
    return Moment(EPOCH + seconds, 1000.0 + seconds)


def body(**changes: Any) -> dict[str, Any]:
    """A valid create-message body; a field set to ... is left out."""
    merged = BODY | {("from" if k == "sender" else k): v for k, v in changes.items()}
    return {field: value for field, value in merged.items() if value is not ...}


def request(method: str = "POST", target: str = MESSAGES, **changes: Any) -> Request:
    right = {
        "authorization": BASIC,
        "content_type": "application/json",
        "accept": "application/json",
        "body": orjson.dumps(BODY) if method == "POST" else b"",
    }
    return Request(method, target, **right | changes)


def post(bw: Bandwidth, seconds: float = 0.0, **changes: Any) -> Answer:
    return bw.answer(request(body=orjson.dumps(body(**changes))), moment(seconds))


def search(bw: Bandwidth, query: str, seconds: float = 0.0) -> Answer:
    return bw.answer(request("GET", f"{MESSAGES}?{query}"), moment(seconds))


def parsed(answer: Answer) -> Any:
    return orjson.loads(answer.body)

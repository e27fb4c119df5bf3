"""Callbacks as Bandwidth writes them (bandwidth.md §4), for tests."""

from __future__ import annotations

from typing import Any

import orjson

ANA, OURS, TOLL_FREE = "+19192345671", "+19195550100", "+18005550100"
ID = "14762070468292kw2fuqty55yp2b2"
TAG = "spring-7#0a1b2c3d-7"


def event(kind: str = "message-delivered", **changes: Any) -> dict[str, Any]:
    """One event; changes whose name begins with ``message_`` go into the message."""
    message: dict[str, Any] = {
        "id": ID,
        "time": "2026-11-26T10:00:00.123Z",
        "to": [ANA],
        "from": OURS,
        "text": "",
        "applicationId": "93de2206-9669-4e07-948d-329f4b722ee2",
        "owner": OURS,
        "direction": "out",
        "segmentCount": 1,
        "tag": TAG,
    }
    said: dict[str, Any] = {
        "type": kind,
        "time": "2026-11-26T10:00:02.160744Z",
        "description": "Message delivered to handset.",
        "to": ANA,
    }
    for name, value in changes.items():
        where, key = (said, name)
        if name.startswith("message_"):
            where, key = message, name.removeprefix("message_")
        if value is ...:
            del where[key]
        else:
            where[key] = value
    return said | {"message": said.get("message", message)}


def reply(text: str, *, ours: str = OURS, **changes: Any) -> dict[str, Any]:
    return event(
        "message-received",
        to=ours,
        **{
            "message_from": ANA,
            "message_to": [ours],
            "message_direction": "in",
            "message_text": text,
            "message_tag": ...,
            **changes,
        },
    )


def body(*events: Any) -> bytes:
    return orjson.dumps(list(events))

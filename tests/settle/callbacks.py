"""Callbacks as Bandwidth writes them, for tests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

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


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of one's own for 127.0.0.1, and its key, as PEM files."""
    folder.mkdir(exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key

"""The media store: what was put, for 48 hours."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, unquote

from bulksend.simulator.answers import (
    Answer,
    Moment,
    Request,
    json_answer,
    method_not_allowed,
    not_found,
)

KEPT_SECONDS = 48 * 3600
"""As Bandwidth documents: stored 48 hours."""


class File(NamedTuple):
    content: bytes
    content_type: str
    put_at: float


class MediaStore:
    def __init__(self) -> None:
        self._files: dict[tuple[str, str], File] = {}

    def answer(self, account: str, name: str, request: Request, at: Moment) -> Answer:
        """``name`` is the rest of the path, where ``%2F`` and ``/`` are the same."""
        key = (account, unquote(name))
        self._forget(at.wall)
        match request.method:
            case "GET" if not name:
                return self._list(account, request)
            case "PUT" if name:
                kind = request.content_type or "application/octet-stream"
                self._files[key] = File(request.body, kind, at.wall)
                return Answer(204)
            case "GET" | "DELETE" if key not in self._files:
                return not_found(request.target, at.wall)
            case "GET":
                return Answer(200, *self._files[key][:2])
            case "DELETE":
                del self._files[key]
                return Answer(204)
            case other:
                return method_not_allowed(other)

    def _list(self, account: str, request: Request) -> Answer:
        root = f"{request.origin}/api/v2/users/{account}/media/"
        files = [
            {
                "content": root + quote(name),
                "contentLength": len(file.content),
                "mediaName": name,
            }
            for (owner, name), file in self._files.items()
            if owner == account
        ]
        return json_answer(200, files)

    def _forget(self, now: float) -> None:
        old = [
            key for key, file in self._files.items() if now - file.put_at > KEPT_SECONDS
        ]
        for key in old:
            del self._files[key]

"""A server that speaks the API and is not our simulator: the standard library's.

It is strict about what it is asked, as a stranger is: method, path, content type, sign-in
and the body's fields.  It refuses numbers that end in 13, in Bandwidth's own shape.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = {
    "applicationId",
    "to",
    "from",
    "text",
    "media",
    "tag",
    "priority",
    "expiration",
}


class Stranger(ThreadingHTTPServer):
    """What it took is in ``taken``; what it could not make sense of in ``odd``."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, Any]] = []
        self.odd: list[str] = []
        self.origin = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stranger

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth2/token":
            status, said = self._token(body)
        elif self.path == "/api/v2/users/55/messages":
            status, said = self._message(body)
        else:
            status, said = 404, {"type": "not-found", "description": self.path}
            self.server.odd.append(self.path)
        answer = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _token(self, body: bytes) -> tuple[int, dict[str, Any]]:
        pair = base64.b64encode(b"id-7:sesame-7").decode()
        if self.headers["Authorization"] != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        if parse_qs(body.decode()) != {"grant_type": ["client_credentials"]}:
            return 400, {"error": "unsupported_grant_type"}
        said = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}
        return 200, said

    def _message(self, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.headers["Authorization"] != "Bearer a-token":
            return 401, {"type": "unauthorized", "description": "Authentication Failed"}
        said = json.loads(body)
        if self.headers["Content-Type"] != "application/json" or set(said) - FIELDS:
            self.server.odd.append(f"{self.headers['Content-Type']} {sorted(said)}")
        if said["to"][0].endswith("13"):
            reason = {"fieldName": "to", "description": "'to' is not reachable"}
            return 400, {
                "type": "request-validation",
                "description": "The request was invalid",
                "fieldErrors": [reason],
            }
        self.server.taken.append(said)
        named = {"id": f"{len(self.server.taken):029}", "direction": "out"}
        return 202, said | named | {"segmentCount": 1}

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def stranger() -> Iterator[Stranger]:
    with Stranger() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

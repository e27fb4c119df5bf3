"""A store that answers every request with one error, as real ones word it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAK = "hunter2"
"""Stands wherever a real store repeats what it was sent."""


class Answer(NamedTuple):
    status: int
    code: str

    @property
    def body(self) -> bytes:
        return (
            f"<?xml version='1.0'?><Error><Code>{self.code}</Code>"
            f"<Message>about {LEAK}</Message><AWSAccessKeyId>{LEAK}</AWSAccessKeyId>"
            f"<Token-0>{LEAK}</Token-0></Error>"
        ).encode()


@contextmanager
def refusing(answer: Answer) -> Iterator[str]:
    """The address of a store that says *answer* to everything."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(answer.status)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""The simulator's HTTP face on the loopback: bytes to `Request`, `Answer` to bytes.

Everything Bandwidth would decide is decided in `behaviour`; here are the clock, the
sockets and the file.  A message counts as accepted, and its line is in the log file,
before the first byte of an answer leaves: a client killed at any instant finds in the
log whatever it could have been told.

Beside Bandwidth's own paths stand two for witnesses: ``/_log?kind=accepted|attempts``
(JSON lines) and ``/_stats``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Self

import orjson
from aiohttp import web

from bulksend.errors import InputError, Problem
from bulksend.simulator.answers import JSON, Answer, Ending, Moment, Request
from bulksend.simulator.behaviour import API_PATH, TOKEN_PATH, Bandwidth
from bulksend.simulator.callbacks import Callbacks

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.simulator.scenario import Scenario
    from bulksend.simulator.witness import Accepted, Attempt, Witness

_WAITING_CONNECTIONS = 1024
_LINES_AT_ONCE = 1000
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: close sends RST, not FIN (man 7 socket)."""


class LogFile:
    """Appends what the witness has seen since the last call; no buffer of its own.

    One ``write`` per request is enough: the page cache outlives the process.
    """

    def __init__(self, path: Path, witness: Witness) -> None:
        self._witness = witness
        self._accepted = self._attempts = 0
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as exc:
            found = f"the log cannot be written: {exc.strerror}"
            raise InputError(Problem("E582", found, file=str(path))) from exc

    def catch_up(self) -> None:
        witness = self._witness
        news: list[Accepted | Attempt] = [
            *witness.accepted.since(self._accepted),
            *witness.attempts.since(self._attempts),
        ]
        if not news:
            return
        self._accepted = witness.accepted.total
        self._attempts = witness.attempts.total
        os.write(self._file, b"".join(one.as_line() for one in news))

    def close(self) -> None:
        os.close(self._file)


class Simulator:
    """A running server; ``bandwidth.witness`` is what it has seen.

    Use `serve`, `in_thread` or `run_forever` to get one.
    """

    def __init__(self, bandwidth: Bandwidth, log_path: Path | None) -> None:
        self.bandwidth = bandwidth
        self.port = 0
        self.origin = ""
        self._log = LogFile(log_path, bandwidth.witness) if log_path else None
        self._web = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._server: asyncio.Server | None = None
        self.callbacks = Callbacks(bandwidth.scenario, bandwidth.witness)
        self._calling: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """What ``BW_MESSAGING_URL`` would be: ``http://127.0.0.1:PORT/api/v2``."""
        return self.origin + API_PATH

    @property
    def token_url(self) -> str:
        return self.origin + TOKEN_PATH

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def listen(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._web, host, port, backlog=_WAITING_CONNECTIONS
            )
        except OSError as exc:
            found = f"port {port} on {host} cannot be opened: {exc.strerror}"
            raise InputError(Problem("E581", found)) from exc
        self.port = self._server.sockets[0].getsockname()[1]
        self.origin = f"http://{host}:{self.port}"
        if self.bandwidth.scenario.callback_url:
            self._calling = loop.create_task(self.callbacks.run())

    async def close(self) -> None:
        """Stop at once; requests under way are cut off, as in a crash."""
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.wait({self._calling})
            self._calling = None
        if self._server is not None:
            self._server.close()
            for connection in self._web.connections:
                if connection.transport is not None:
                    connection.transport.abort()
            await self._web.shutdown(timeout=10.0)
            await self._server.wait_closed()
            self._server = None
        if self._log is not None:
            self._log.close()
            self._log = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        if target.startswith("/_"):
            return await self._testify(request)
        content = request.content
        # A small body has come with its headers; awaiting it would cost a tenth more.
        body = content.read_nowait() if content.is_eof() else await content.read()
        answer = self.bandwidth.answer(
            self._as_value(request, body), Moment(time.time(), time.monotonic())
        )
        if self._log:
            self._log.catch_up()
        if answer.delay:
            await asyncio.sleep(answer.delay)
        return await _play(request, answer)

    def _as_value(self, request: web.BaseRequest, body: bytes) -> Request:
        headers = request.headers
        return Request(
            method=request.method,
            target=request.raw_path,
            authorization=headers.get("Authorization", ""),
            content_type=headers.get("Content-Type", ""),
            accept=headers.get("Accept", ""),
            body=body,
            peer=request.remote or "",
            origin=self.origin,
        )

    async def _testify(self, request: web.BaseRequest) -> web.StreamResponse:
        witness = self.bandwidth.witness
        logs: dict[str, Sequence[Accepted | Attempt]] = {
            "accepted": witness.accepted,
            "attempts": witness.attempts,
        }
        if request.path == "/_stats":
            body = orjson.dumps(witness.stats()._asdict())
            return web.Response(body=body, headers={"Content-Type": JSON})
        kind = request.query.get("kind", "accepted")
        if request.path != "/_log" or kind not in logs:
            text = "There is /_stats and /_log?kind=accepted or attempts.\n"
            return web.Response(status=404, text=text)

        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        log = logs[kind][:]
        for start in range(0, len(log), _LINES_AT_ONCE):
            lines = (one.as_line() for one in log[start : start + _LINES_AT_ONCE])
            await response.write(b"".join(lines))
        return response


async def serve(
    scenario: Scenario,
    *,
    rng: random.Random,
    host: str = "127.0.0.1",
    port: int = 0,
    log_path: Path | None = None,
) -> Simulator:
    """Start a simulator on the running loop; port 0 takes a free one.

    Raises:
        InputError: The port cannot be opened, or the log not written.
    """
    simulator = Simulator(Bandwidth(scenario, rng), log_path)
    try:
        await simulator.listen(host, port)
    except InputError:
        await simulator.close()
        raise
    return simulator


async def _play(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send the answer, or do to the connection what its ending says."""
    if answer.ending is Ending.SILENT:
        # Cancelled when the client hangs up, or the simulator closes.
        await asyncio.Event().wait()
    if answer.ending is Ending.DROPPED:
        _reset(request)
    response = web.Response(
        status=answer.status or 500,
        body=answer.body,
        headers={"Content-Type": answer.content_type, **dict(answer.headers)},
    )
    if answer.status == 204:
        del response.headers["Content-Type"]
    return response


def _reset(request: web.BaseRequest) -> None:
    """Cut the line so that the client sees a reset, not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    link = transport.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()

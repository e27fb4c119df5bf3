"""The HTTP face for Bandwidth's callbacks: who may speak, how much, how slowly.

What comes in                                  What goes out
---------------------------------------------  ---------------------------------------
a callback, whatever its type                  200, once it is on the disk
a callback, and the journal cannot be written  503: Bandwidth brings it again (24 hours)
the same, and only a new start helps           503, and `give_up` is told
it is not on the disk after 9 seconds          503, though it may be later: twice is once
no or wrong credentials                        401, before a byte of the body is read
a body that holds no event                     400
an event beside others that cannot be read     200, kept as it stands, and counted
a body over `LARGEST_BODY`, or too slow        413, 408
an empty array                                 200: there is nothing to keep
GET /health                                    200, or 503 while nothing can be stored

Bandwidth waits 10 seconds for its answer, and repeats for 24 hours what got none.
The path is the user's choice and is not looked at.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from bulksend.errors import BulksendError, InputError, Problem
from bulksend.logs import log
from bulksend.settle.health import Health
from bulksend.settle.opening import why_not_open
from bulksend.settle.receipts import Unreadable, read

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from bulksend.settle.health import Keeper
    from bulksend.settle.receipts import Receipt

LARGEST_BODY = 1 << 20
"""Bytes; an event of Bandwidth's has about a thousand."""

ANSWER_SECONDS = 9.0
"""After a whole head; Bandwidth waits for ten and tries again."""

BODY_SECONDS = 8.0
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 30.0
"""Until a connection without a whole request head is closed."""

MOST_CONNECTIONS = 1_000
WAITING_CONNECTIONS = 1_024
STOP_SECONDS = 2.5

HEALTH = "/health"
_JSON = {"Content-Type": "application/json"}
_ASK = {"WWW-Authenticate": 'Basic realm="bulksend"'}

_SILENT = logging.getLogger("bulksend.listener")
"""aiohttp's own complaints quote what was sent; ours do not."""
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(frozen=True, slots=True)
class Access:
    """The user and the password that Bandwidth was told; the repr tells neither."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def admits(self, authorization: str) -> bool:
        """Takes the same time wherever the first wrong letter stands."""
        scheme, _, coded = authorization.partition(" ")
        try:
            said = base64.b64decode(coded.strip(), validate=True)
        except (binascii.Error, ValueError):
            said = b""
        right = hmac.compare_digest(said, f"{self.user}:{self.password}".encode())
        return right and scheme.lower() == "basic"


class Listener:
    """A server for callbacks; ``answers`` counts what was answered, by status.

    Args:
        access: None lets everybody in.

        give_up: Told of what lasts until this program is started again.
    """

    def __init__(
        self,
        keeper: Keeper,
        access: Access | None,
        *,
        give_up: Callable[[BulksendError], None] = lambda _: None,
    ) -> None:
        self._keeper = keeper
        self._access = access
        self._health = Health(keeper, give_up)
        self._server: asyncio.Server | None = None
        self._web = web.Server(
            self._handle,
            access_log=None,
            logger=_SILENT,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=2.0,
            auto_decompress=False,
        )
        self.answers: Counter[int] = Counter()
        self.events = 0
        self.port = 0

    async def listen(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Open the port; 0 takes a free one.

        Raises:
            InputError: E541, where it cannot be opened.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._protocol,
                host,
                port,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                backlog=WAITING_CONNECTIONS,
            )
        except (OSError, UnicodeError) as error:
            found = f"port {port} on {host}: {why_not_open(error)}"
            raise InputError(Problem("E541", found)) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take nothing new, and answer what is under way."""
        if self._server is None:
            return
        self._server.close()
        self._web.pre_shutdown()
        await self._web.shutdown(STOP_SECONDS)
        await self._server.wait_closed()
        self._server = None

    # -- inside ---------------------------------------------------------------------

    def _protocol(self) -> asyncio.BaseProtocol:
        if len(self._web.connections) >= MOST_CONNECTIONS:
            return _Full()
        return self._web()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await self._answer(request)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001  (ours: the caller is told to repeat)
            log.error("callback failed", error=type(error).__name__)
            answer = _answer(500, "our own fault: send it again")
        self.answers[answer.status] += 1
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        until = asyncio.get_running_loop().time() + ANSWER_SECONDS
        if request.method == "GET":
            return await self._page(request.path)
        if request.method != "POST":
            return _answer(405, "post a callback", {"Allow": "GET, POST"})
        said = request.headers.get("Authorization", "")
        if self._access is not None and not self._access.admits(said):
            return _last(_answer(401, "credentials are needed", _ASK))
        try:
            receipts = read(await _body(request))
        except _Refused as refused:
            return _last(_answer(refused.status, str(refused)))
        except Unreadable as unreadable:
            return _answer(400, str(unreadable))
        return await self._keep(receipts, until)

    async def _keep(self, receipts: list[Receipt], until: float) -> web.Response:
        if not receipts:
            return web.Response(status=200)
        try:
            async with asyncio.timeout_at(until):
                await self._keeper.keep(receipts)
        except TimeoutError:
            late = Problem("E659", f"not after {ANSWER_SECONDS:g} seconds")
            self._health.failed(BulksendError(late))
        except BulksendError as error:
            self._health.failed(error)
        else:
            self._health.stored()
            self.events += len(receipts)
            return web.Response(status=200)
        return _answer(503, "it cannot be stored now: send it again")

    async def _page(self, path: str) -> web.Response:
        if path != HEALTH:
            return _answer(404, f"there is {HEALTH}; callbacks are posted")
        is_well = await self._health.is_well()
        state = {"status": "ok" if is_well else "failing", "events": self.events}
        return web.Response(
            status=200 if is_well else 503,
            body=orjson.dumps(state),
            headers=_JSON,
        )


class _Refused(Exception):  # noqa: N818  (it names the answer)
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Full(asyncio.Protocol):
    """One connection too many: closed at once, and Bandwidth tries again."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def _body(request: web.BaseRequest) -> bytes:
    """The body, not longer and not slower than allowed."""
    _check_size(request.content_length or 0)
    content = request.content
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in content.iter_any():
                size += len(part)
                _check_size(size)
                parts.append(part)
    except TimeoutError:
        raise _Refused(408, f"not whole after {BODY_SECONDS:g} s") from None
    return b"".join(parts)


def _check_size(size: int) -> None:
    if size > LARGEST_BODY:
        raise _Refused(413, f"at most {LARGEST_BODY:,} bytes")


def _answer(
    status: int, why: str, headers: dict[str, str] | None = None
) -> web.Response:
    body = orjson.dumps({"error": why})
    return web.Response(status=status, body=body, headers=_JSON | (headers or {}))


def _last(answer: web.Response) -> web.Response:
    """The connection ends with this answer, whatever else was sent on it already."""
    answer.force_close()
    return answer

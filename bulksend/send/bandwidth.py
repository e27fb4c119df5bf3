"""The HTTP client: posts one message and returns a verdict.

What was handed over
--------------------
aiohttp keeps the headers back until the body is written, and sends both in one write.
So the moment at which the body is asked to write itself is the border: before it not one
byte has left, after it the server may have all of them.  `_TrackedBody` marks it.  That is
stricter than a tracing hook, which fires for the headers before they are written.

An answer that is there before that moment belongs to no message of ours: a server that
closes an idle connection with a last word, or says the same twice.  aiohttp would take it
for the answer to the next message, so such a connection gets nothing.

aiohttp repeats a request on a broken kept-alive connection by itself, but only for
idempotent methods: never a POST (held by a test).

What every message shares is made once: the address, the headers, and one alarm in place
of two timers for each (all may take equally long, so the first in is the first due).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, cast

import aiohttp
from aiohttp.payload import BytesPayload

from bulksend.send.signin import SignIn
from bulksend.send.verdict import Reached, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Any

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.client_proto import ResponseHandler

    from bulksend.send.signin import Credentials

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
LONGEST_ANSWER = 1 << 20
"""Bytes; Bandwidth's have a few hundred.  What a gateway says beyond is not read."""

KEEP_ALIVE_SECONDS = 4.0
"""Idle connections are not used after so long: servers close theirs after five seconds or
more, and a POST that meets a closing connection is an unknown."""


async def _at_once() -> None:
    """No pace."""


class _TrackedBody(BytesPayload):
    """A body that leaves when it may, and knows whether it was handed over.

    Args:
        turn: Awaited when all is ready to leave.
    """

    def __init__(self, body: bytes, turn: Callable[[], Awaitable[None]]) -> None:
        super().__init__(body, content_type="application/json")
        self._turn = turn
        self.handed = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        await self._turn()
        transport = writer.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the connection was closing")
        if cast("ResponseHandler", transport.get_protocol()).should_close:
            raise aiohttp.ClientConnectionResetError("it spoke before it was asked")
        self.handed = True
        await super().write_with_length(writer, content_length)


class _Alarm:
    """Cancels tasks that have waited for too long; one timer for all of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._due: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[Any]) -> None:
        self._due[task] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._ring)

    def rang(self, task: asyncio.Task[Any]) -> bool:
        """Watch *task* no more; whether it was cancelled for being late."""
        is_late = task in self._late
        self._late.discard(task)
        self._due.pop(task, None)
        if is_late:
            task.uncancel()
        return is_late

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        for task, due in list(self._due.items()):
            if due > now:
                self._timer = self._loop.call_at(due, self._ring)
                return
            del self._due[task]
            self._late.add(task)
            task.cancel()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Client:
    """A pool of kept-alive connections to one account.  Use with ``async with``.

    Args:
        clock: Monotonic seconds, for the token's age.

        patience: Seconds that a post may take, a new connection included.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Callable[[], float],
        patience: float | None = None,
    ) -> None:
        self._patience = ANSWER_SECONDS if patience is None else patience
        self._credentials = credentials
        self._clock = clock
        self._url = f"{credentials.url}/users/{credentials.account_id}/messages"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the engine bounds what is under way
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                ttl_dns_cache=300,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            headers={
                "User-Agent": "bulksend",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )
        self._alarm = _Alarm(self._patience)
        self._sign_in = SignIn(self._credentials, self._session, clock=self._clock)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.close()
        await self._session.close()

    @property
    def account(self) -> str:
        """The account's id: what the pace is kept for."""
        return self._credentials.account_id

    async def sign_in(self) -> None:
        """Fail early: raises GateRefused where no token can be had."""
        await self._sign_in.header()

    async def renew(self, generation: int) -> bool:
        """A fresh token after a 401; False where there is none to be had."""
        return await self._sign_in.renew(generation)

    @property
    def generation(self) -> int:
        return self._sign_in.generation

    async def post(
        self, body: bytes, turn: Callable[[], Awaitable[None]] = _at_once
    ) -> Verdict:
        """Post one message.  Being cancelled means: stop waiting, and say what is known.

        Args:
            turn: Awaited when all is ready to leave; nothing has left if it is cancelled.

        Raises:
            GateRefused: The sign-in failed; nothing left.
        """
        payload = _TrackedBody(body, turn)
        task = asyncio.current_task()
        assert task is not None
        cause = ""
        try:
            signed = self._sign_in.fresh() or await self._sign_in.header()
            if signed != self._session.headers.get("Authorization"):
                self._session.headers["Authorization"] = signed
            self._alarm.watch(task)
            answer = await self._session.post(
                self._url, data=payload, allow_redirects=False
            )
            # Nothing may be awaited between: else the body could leave meanwhile.
            if payload.handed:
                return judge(
                    Reached.ANSWERED, status=answer.status, body=await _read(answer)
                )
            answer.close()
            cause = "the server spoke before it was asked"
        except asyncio.CancelledError:
            cause = "stopped while waiting"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            cause = _cause(error)
        finally:
            if self._alarm.rang(task):
                cause = "timed out"
        return judge(Reached.SENT if payload.handed else Reached.NOWHERE, cause=cause)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body as far as it came: the status alone already proves what it proves.

    Where all of it came, the connection is free again; or else it is closed.
    """
    said, content = b"", answer.content
    try:
        while len(said) < LONGEST_ANSWER:
            said += await content.readany()
            if content.at_eof():
                return said
    except (asyncio.CancelledError, aiohttp.ClientError, TimeoutError, OSError):
        said = b""
    answer.close()
    return said


def _cause(error: BaseException) -> str:
    """A few words without an address or a secret."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name could not be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    if isinstance(error, TimeoutError):
        return "timed out"
    return "the connection broke"

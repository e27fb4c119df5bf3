"""The HTTP client: posts one message and returns a verdict.

What was handed over
--------------------
aiohttp keeps the headers back until the body is written, and sends both in one write.
So the moment at which the body is asked to write itself is the border: before it not one
byte has left, after it the server may have all of them.  `_TrackedBody` marks it.  That is
stricter than a tracing hook, which fires for the headers before they are written.

aiohttp repeats a request on a broken kept-alive connection by itself, but only for
idempotent methods: never a POST (held by a test).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp.payload import BytesPayload

from bulksend.send.signin import SignIn
from bulksend.send.verdict import Reached, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from aiohttp.abc import AbstractStreamWriter

    from bulksend.send.signin import Credentials

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 15.0
"""Idle connections are dropped well before servers do it: a POST that meets a closing
connection is an unknown."""


class _TrackedBody(BytesPayload):
    """A body that knows whether it was handed over."""

    handed = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        transport = writer.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the connection was closing")
        self.handed = True
        await super().write_with_length(writer, content_length)


class Client:
    """A pool of kept-alive connections to one account.  Use with ``async with``.

    Args:
        clock: Monotonic seconds, for the token's age.

        patience: Seconds that an answer may take.
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
            timeout=aiohttp.ClientTimeout(
                total=CONNECT_SECONDS + 2 * self._patience,
                sock_connect=CONNECT_SECONDS,
                sock_read=self._patience,
            ),
            headers={"User-Agent": "bulksend", "Accept": "application/json"},
            skip_auto_headers=("Accept-Encoding",),
        )
        self._sign_in = SignIn(self._credentials, self._session, clock=self._clock)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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

    async def post(self, body: bytes) -> Verdict:
        """Post one message.  Being cancelled means: stop waiting, and say what is known.

        Raises:
            GateRefused: The sign-in failed; nothing left.
        """
        payload = _TrackedBody(body, content_type="application/json")
        try:
            authorization = await self._sign_in.header()
            async with self._session.post(
                self._url,
                data=payload,
                headers={"Authorization": authorization},
                allow_redirects=False,
            ) as answer:
                return judge(
                    Reached.ANSWERED, status=answer.status, body=await _read(answer)
                )
        except asyncio.CancelledError:
            return _silence(payload, "stopped while waiting")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _silence(payload, _cause(error))


def _silence(payload: _TrackedBody, cause: str) -> Verdict:
    return judge(Reached.SENT if payload.handed else Reached.NOWHERE, cause=cause)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body as far as it came: the status alone already proves what it proves."""
    try:
        return await answer.read()
    except (asyncio.CancelledError, aiohttp.ClientError, TimeoutError, OSError):
        return b""


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

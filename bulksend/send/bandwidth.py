"""The HTTP client: posts one message and returns a verdict.

What was handed over is `Exchange.handed`'s business (see `wire`), what it proves is
`judge`'s.  Here is what Bandwidth wants to read: path, sign-in, JSON.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import aiohttp

from bulksend.send.signin import SignIn
from bulksend.send.verdict import Reached, Verdict, judge
from bulksend.send.wire import Exchange, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bulksend.send.signin import Credentials

ANSWER_SECONDS = 30.0
SIGN_IN_SECONDS = 30.0


class Client:
    """One account at one address.  Use with ``async with``.

    Args:
        clock: Monotonic seconds, for the token's age.
    """

    def __init__(self, credentials: Credentials, *, clock: Callable[[], float]) -> None:
        self._credentials = credentials
        self._clock = clock
        self._signed_with = ""
        self._head = b""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(  # for the token alone
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=SIGN_IN_SECONDS),
            headers={"User-Agent": "bulksend", "Accept": "application/json"},
        )
        self._sign_in = SignIn(self._credentials, self._session, clock=self._clock)
        self._wire = Wire(self._credentials.url, answer_seconds=ANSWER_SECONDS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._wire.close()
        await self._session.close()

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
        exchange = Exchange()
        try:
            signed = self._sign_in.fresh() or await self._sign_in.header()
            await self._wire.post(exchange, self._request(signed, body))
        except asyncio.CancelledError:
            exchange.cause = "stopped while waiting"
        except (OSError, TimeoutError, UnicodeError) as error:
            exchange.cause = _cause(error)
        return _verdict(exchange)

    def _request(self, signed: str, body: bytes) -> bytes:
        if signed != self._signed_with:  # a new token: once an hour
            self._head, self._signed_with = self._head_with(signed), signed
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def _head_with(self, signed: str) -> bytes:
        parts = urlsplit(self._credentials.url)
        lines = (
            f"POST {parts.path}/users/{self._credentials.account_id}/messages HTTP/1.1",
            f"Host: {parts.netloc.rpartition('@')[2]}",
            "User-Agent: bulksend",
            "Accept: application/json",
            "Accept-Encoding: identity",
            f"Authorization: {signed}",
            "Content-Type: application/json",
            "Content-Length: ",
        )
        return "\r\n".join(lines).encode()


def _verdict(exchange: Exchange) -> Verdict:
    if exchange.status is not None:
        return judge(Reached.ANSWERED, status=exchange.status, body=exchange.body)
    reached = Reached.SENT if exchange.handed else Reached.NOWHERE
    return judge(reached, cause=exchange.cause)


def _cause(error: BaseException) -> str:
    """A few words without an address or a secret."""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "the name could not be resolved"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, TimeoutError):
        return "timed out"
    return "no connection"

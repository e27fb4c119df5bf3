"""One POST over aiohttp's connections, without the session that would go round it.

Theory
------
For each message `ClientSession.post` would make a request, a response, a task that writes
and copies of all headers, and ask about cookies, redirects, proxies and timers: two
thirds of what a post costs (benchmarks/README.md).  Here every message goes to one address
with the same headers, and nothing is followed.  So this takes from aiohttp what does the
work: the pool (`BaseConnector.connect`), the writer (`StreamWriter`), the connection and
its parser (`ResponseHandler`).

aiohttp makes its own requests of them, but does not promise to keep them as they are.  So
pyproject names the versions that this was tried with, and a test compares what leaves,
byte by byte, with what a session sends.

What was handed over
--------------------
Head and body leave in one write.  So the moment of that write is the border: before it not
one byte has left, after it the server may have all of them.

An answer that is there before that moment belongs to no message of ours: a server that
closes an idle connection with a last word, or says the same twice.  The parser would give
it out as the answer to the next message, so such a connection gets nothing.

A coding that we did not ask for is taken off here, and not by the parser: that gives an
answer up whose coding it has no library for, with the status that proves everything.

A session repeats a request on a broken kept-alive connection by itself, though never a
POST; here there is nothing that could.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import hdrs
from aiohttp.http import HttpProcessingError, StreamWriter
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection
    from aiohttp.streams import StreamReader

BODY_SECONDS = 5.0
"""For what of an answer did not come with its head: that has proven what it proves, and
nobody waits longer for words, least of all where a broken chunk means that none come."""

LONGEST_ANSWER = 1 << 20
"""Bytes; Bandwidth's have a few hundred.  What a gateway says beyond is not read."""

_BITS = {"gzip": (31,), "deflate": (15, -15)}
"""zlib's: with a gzip header, with a header of its own, or bare as some servers do it."""

FAILURES = (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError)
"""What `Wire` and `Exchange` raise where there is no answer."""


class SpokeFirst(aiohttp.ClientConnectionError):
    """The server has said something before it was asked."""


class Wire:
    """Posts to one address.

    Args:
        headers: What each request says, besides its length and who signs it.

        timeout: Of which only what bounds a new connection is looked at.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        connector: aiohttp.BaseConnector,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = connector
        self._timeout = timeout
        where = URL(url)
        self._request = aiohttp.ClientRequest(
            hdrs.METH_POST, where, headers=headers, loop=self._loop
        )
        self._line = f"POST {where.raw_path_qs} HTTP/1.1"

    async def open(self, signed: str, size: int) -> Exchange:
        """A connection, and the head that goes before a body of *size* bytes."""
        connection = await self._connector.connect(self._request, [], self._timeout)
        protocol = connection.protocol
        assert protocol is not None
        writer = StreamWriter(protocol, self._loop)
        headers = self._request.headers.copy()
        headers[hdrs.AUTHORIZATION] = signed
        headers[hdrs.CONTENT_LENGTH] = str(size)
        await writer.write_headers(
            self._line, headers
        )  # kept back, to go with the body
        return Exchange(connection, writer)


class Exchange:
    """A message that can leave, and its answer.  To be closed, whatever comes."""

    __slots__ = ("_coding", "_connection", "_content", "_writer", "date", "handed")

    def __init__(self, connection: Connection, writer: StreamWriter) -> None:
        self._connection = connection
        self._writer = writer
        self._content: StreamReader | None = None
        self._coding: str | None = None
        self.date: str | None = None
        self.handed = False

    async def ask(self, body: bytes) -> int:
        """Let it leave, and wait for the answer's status.

        Nothing is waited for before it leaves: what was found then is still so.
        """
        protocol = self._connection.protocol
        if protocol is None or not protocol.is_connected():
            raise aiohttp.ClientConnectionResetError("the connection was closing")
        if protocol.should_close:
            raise SpokeFirst
        # A parser of its own from here on: half an answer that is there belongs to none.
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        self.handed = True
        await self._writer.write(body, drain=False)
        status = 100
        while status < 200 and status != 101:
            message, self._content = await protocol.read()
            status = message.code
        self._coding = message.compression
        self.date = message.headers.get(hdrs.DATE)
        return status

    async def read(self) -> bytes:
        """The answer's body; nothing where not all came, or it is too long.

        The status alone proves what it proves, so this never raises.  Where all came, the
        connection is free again.
        """
        said, content = b"", self._content
        assert content is not None
        try:
            async with asyncio.timeout(None if content.is_eof() else BODY_SECONDS):
                while len(said) < LONGEST_ANSWER:
                    said += await content.readany()
                    if content.at_eof():
                        self._connection.release()
                        return _unpacked(said, self._coding) if self._coding else said
        except (asyncio.CancelledError, *FAILURES):
            return b""
        return said

    def close(self) -> None:
        """Give the connection up, unless it is free already."""
        self._connection.close()


def _unpacked(said: bytes, coding: str) -> bytes:
    """What was packed; nothing where it is damaged; as it is where only others know how."""
    ways = _BITS.get(coding.lower())
    if ways is None:
        return said
    for bits in ways:
        unpacking = zlib.decompressobj(bits)
        try:
            plain = unpacking.decompress(said, LONGEST_ANSWER)
        except zlib.error:
            continue
        if unpacking.eof:
            return plain
    return b""


def cause_of(error: BaseException) -> str:
    """Why nobody answered, in a few words without an address or a secret."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name could not be resolved"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    if isinstance(error, SpokeFirst):
        return "the server spoke before it was asked"
    if isinstance(error, TimeoutError):
        return "timed out"
    return "the connection broke"

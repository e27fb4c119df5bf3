"""Connections to one address, kept alive, for one purpose: post, and know how far it got.

Why not a general client
------------------------
Two questions decide here, and a general client answers neither cheaply.  *Was one byte
handed over?*  `Exchange.handed` is set in the line before the transport gets the bytes,
all of them in one write: before it nothing can have left, after it everything may have.
*What does it cost?*  A general client spends four times the CPU of the rest of bulksend
on each message (benchmarks/README.md).

What is left is small: the parsing is llhttp's, in `httptools`; which address answers
first is `aiohappyeyeballs`'s.  Nothing is followed, repeated, decoded or remembered.

An answer counts from the moment its head is whole: the status proves what it proves,
whether or not the body comes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohappyeyeballs import AddrInfoType

CONNECT_SECONDS = 10.0
NAME_SECONDS = 60.0
"""A name is looked up again after so long."""

KEEP_ALIVE_SECONDS = 4.0
"""An idle connection is not used after so long: servers close theirs after five or more,
and a post that meets a closing connection is an unknown."""

MOST_ANSWER_BYTES = 1 << 18
SECOND_FAMILY_SECONDS = 0.25
"""RFC 8305 §5: the wait before the other address family is tried too."""


class Exchange:
    """One request, and what is known of its answer; ``ended`` when no more will come."""

    __slots__ = ("body", "cause", "ended", "handed", "status")

    def __init__(self, ended: asyncio.Future[None] | None = None) -> None:
        self.ended = ended
        self.handed = False
        self.status: int | None = None
        self.body = b""
        self.cause = ""

    def end(self, cause: str = "") -> None:
        self.cause = cause
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)


class Link(asyncio.Protocol):
    """One connection, and at most one exchange on it at a time."""

    transport: asyncio.Transport

    def __init__(self, wire: Wire, connected: socket.socket) -> None:
        self._wire = wire
        self._socket = connected
        self._parser = HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._received = 0
        self.lost = asyncio.get_running_loop().create_future()
        self.idle_since = 0.0

    def send(self, exchange: Exchange, request: bytes) -> None:
        """Hand *request* over, unless it can be seen that the connection is closing."""
        if self.is_gone():
            exchange.end("the connection was closing")
            return
        self._exchange = exchange
        self._received = 0
        exchange.handed = True
        self.transport.write(request)

    def is_gone(self) -> bool:
        """Whether the other side has closed it, as far as has been heard."""
        if self.transport.is_closing():
            return True
        try:  # the loop may not have come round to it yet
            return self._socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def give_up(self, cause: str) -> None:
        """Wait for no more; what came so far stands."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.end(cause)
        self.transport.abort()

    # -- what the transport says ------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of a stream connection
        self._wire.opened(self)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._exchange is None or self._received > MOST_ANSWER_BYTES:
            self.give_up("the answer was too long")  # or to nothing that was asked
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self.give_up("the answer was not HTTP")

    def connection_lost(self, _: Exception | None) -> None:
        self._wire.closed(self)
        self.lost.set_result(None)
        if self._exchange is not None:
            self.give_up("the connection broke")

    # -- what the parser says ---------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._exchange is None:  # a second answer: whose would the next one be?
            self.transport.abort()

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._exchange is not None and (status >= 200 or status == 101):
            self._exchange.status = status  # 100 and its like only announce one

    def on_body(self, part: bytes) -> None:
        if self._exchange is not None:
            self._exchange.body += part

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is None or exchange.status is None:
            return
        self._exchange = None
        self._wire.answered(self)
        exchange.end()
        # An answer to what was not wholly read yet leaves the rest of it on the way.
        unread = self.transport.get_write_buffer_size()
        if self._parser.should_keep_alive() and not unread:
            self._wire.rest(self)
        else:
            self.transport.close()


class Wire:
    """All connections to one address.

    Args:
        address: Scheme, host and port; the path is each request's own.

        answer_seconds: How long an answer may take, from the request to its last byte.
    """

    def __init__(self, address: str, *, answer_seconds: float) -> None:
        parts = urlsplit(address)
        self._host = parts.hostname or ""
        self._tls = _tls() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._answer_seconds = answer_seconds
        self._loop = asyncio.get_running_loop()
        self._links: set[Link] = set()
        self._idle: deque[Link] = deque()
        self._waiting: dict[Link, float] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._addresses: Sequence[AddrInfoType] = ()
        self._looked_up = float("-inf")
        self._looking_up = asyncio.Lock()

    async def post(self, exchange: Exchange, request: bytes) -> None:
        """Until the exchange has ended.  Cancelled, it waits for no more.

        Raises:
            OSError: There is no connection; `ssl.SSLError` and `socket.gaierror` are
                two kinds of it.
            TimeoutError: There was none in time.
        """
        link = self._resting()
        if link is None:
            async with asyncio.timeout(CONNECT_SECONDS):
                link = await self._connect()
        exchange.ended = self._loop.create_future()
        link.send(exchange, request)
        if exchange.handed:
            self._await_answer(link)
        try:
            await exchange.ended
        except asyncio.CancelledError:
            link.give_up("stopped while waiting")
            raise

    async def close(self) -> None:
        """Break every connection."""
        if self._alarm is not None:
            self._alarm.cancel()
        links = list(self._links)
        for link in links:
            link.give_up("stopped")
        if links:
            await asyncio.wait([link.lost for link in links], timeout=1)

    # -- what the links say -------------------------------------------------------------

    def opened(self, link: Link) -> None:
        self._links.add(link)

    def closed(self, link: Link) -> None:
        self._links.discard(link)
        self._waiting.pop(link, None)

    def answered(self, link: Link) -> None:
        self._waiting.pop(link, None)

    def rest(self, link: Link) -> None:
        """Keep *link* for the next post; those that rested too long go."""
        link.idle_since = self._loop.time()
        self._idle.append(link)
        while self._idle[0].idle_since < link.idle_since - KEEP_ALIVE_SECONDS:
            self._idle.popleft().transport.close()

    # -- inside -------------------------------------------------------------------------

    def _resting(self) -> Link | None:
        """The connection used last: few stay open, and those are sure to be open."""
        oldest = self._loop.time() - KEEP_ALIVE_SECONDS
        while self._idle:
            link = self._idle.pop()
            if link.idle_since >= oldest and not link.is_gone():
                return link
            link.transport.close()
        return None

    async def _connect(self) -> Link:
        connected = await start_connection(
            await self._look_up(), happy_eyeballs_delay=SECOND_FAMILY_SECONDS
        )
        try:
            _, link = await self._loop.create_connection(
                lambda: Link(self, connected),
                sock=connected,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        except BaseException:
            connected.close()
            raise
        return link

    async def _look_up(self) -> Sequence[AddrInfoType]:
        async with self._looking_up:  # one question, however many wait for its answer
            now = self._loop.time()
            if now - self._looked_up > NAME_SECONDS:
                self._addresses = await self._loop.getaddrinfo(
                    self._host, self._port, type=socket.SOCK_STREAM
                )
                self._looked_up = now
            return self._addresses

    def _await_answer(self, link: Link) -> None:
        """Set the alarm; all wait equally long, so the first in is the first due."""
        self._waiting[link] = self._loop.time() + self._answer_seconds
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._answer_seconds, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self._loop.time()
        for link, due in list(self._waiting.items()):
            if due > now:
                self._alarm = self._loop.call_at(due, self._ring)
                return
            del self._waiting[link]
            link.give_up("timed out")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context

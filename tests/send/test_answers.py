"""Answers that no well-behaved server gives, byte by byte: what each proves.

The law: an accepted message never looks failed, what is not proven is unknown, and
nothing is posted twice.  aiohttp reads the answers, as it does in a real run.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest
from aiohttp import connector
from aiohttp.client_proto import ResponseHandler

from bulksend.journal.states import Event
from bulksend.send import wire
from bulksend.send.bandwidth import Client
from bulksend.send.verdict import Action, Verdict
from tests.send.raw_server import (
    ACCEPTED,
    RawServer,
    answer,
    basic,
    body,
    certified,
    client_for,
    post_once,
    replying,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

ID = "14762070468292kw2fuqty55yp2b2"
OURS = b'{"type":"some-type","description":"Some words"}'
PACKED = gzip.compress(ACCEPTED)
ZLIB = zlib.compress(ACCEPTED)
BROTLI = b"\x8b\x02\x80" + bytes(range(60, 120)) + b"\x03"
ZSTD = b"\x28\xb5\x2f\xfd" + bytes(range(60, 120))
LONGEST = wire.LONGEST_ANSWER
BLANKS = b" " * 8 * LONGEST
NOT_SENT = "Not sent: the server spoke before it was asked."


def said(status: int, content: bytes, *headers: str, version: str = "1.1") -> bytes:
    """An answer with just these headers: its length is not said."""
    lines = [f"HTTP/{version} {status} X", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def length(count: int) -> str:
    return f"Content-Length: {count}"


def packed(status: int, content: bytes, coding: str = "gzip") -> bytes:
    return answer(status, content, f"Content-Encoding: {coding}")


def chunked(rest: bytes, *headers: str) -> bytes:
    return said(202, rest, "Transfer-Encoding: chunked", *headers)


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


class Case(NamedTuple):
    """One answer; *told* is the message's id in it."""

    name: str
    said: bytes
    event: Event
    action: Action = Action.GO_ON
    code: str = "no_answer"
    told: str | None = None


def taken(name: str, said: bytes, told: str | None = ID) -> Case:
    return Case(name, said, Event.ACCEPT, code="202", told=told)


def unknown(name: str, said: bytes, code: str = "no_answer") -> Case:
    return Case(name, said, Event.LOSE, code=code)


def refused(name: str, said: bytes) -> Case:
    return Case(name, said, Event.REFUSE, code="400")


def released(name: str, said: bytes) -> Case:
    return Case(name, said, Event.RELEASE, Action.RETRY, "500")


CASES = [
    # -- packed, although we ask for it unpacked
    taken("gzip", packed(202, PACKED)),
    taken("deflate", packed(202, ZLIB, "deflate")),
    taken("deflate, bare", packed(202, ZLIB[2:-4], "deflate")),
    taken("gzip in a gzip", packed(202, gzip.compress(PACKED), "gzip, gzip"), None),
    taken("no gzip", packed(202, b"no gzip"), None),
    taken("gzip, damaged", packed(202, PACKED[:20] + b"\xff" + PACKED[21:]), None),
    taken("gzip, wrong sum", packed(202, PACKED[:-8] + bytes(8)), None),
    taken("gzip, cut", packed(202, PACKED[:-15]), None),
    taken("gzip of nothing", packed(202, b""), None),
    taken("a coding nobody knows", packed(202, ACCEPTED, "rot13")),
    taken("GZIP in capitals", packed(202, PACKED, "GZip")),
    taken("no deflate", packed(202, b"zzzz", "deflate"), None),
    taken("brotli, which we cannot read", packed(202, BROTLI, "br"), None),
    taken("brotli that is none", packed(202, ACCEPTED, "br")),
    taken("zstd, which we do not read", packed(202, ZSTD, "zstd"), None),
    refused("a 400 in brotli", packed(400, BROTLI, "br")),
    unknown("a 500 in brotli", packed(500, BROTLI, "br"), "500"),
    released("a 500 in gzip", packed(500, gzip.compress(OURS))),
    taken("a gzip bomb", packed(202, gzip.compress(BLANKS + ACCEPTED)), None),
    refused("a gzip bomb in a 400", packed(400, gzip.compress(BLANKS + OURS))),
    unknown("a gzip bomb in a 500", packed(500, gzip.compress(BLANKS + OURS)), "500"),
    released("gzip in a 500", packed(500, gzip.compress(OURS))),
    unknown("no gzip in a 500", packed(500, OURS), "500"),
    refused("no gzip in a 400", packed(400, OURS)),
    # -- HTTP/1.0 and others
    taken("1.0", said(202, ACCEPTED, length(len(ACCEPTED)), version="1.0")),
    taken("1.0, until it closes", said(202, ACCEPTED, version="1.0")),
    released("500 by 1.0, until it closes", said(500, OURS, version="1.0")),
    unknown("0.9", ACCEPTED),
    unknown("9.9", said(202, ACCEPTED, version="9.9")),
    unknown("small letters", answer(202, ACCEPTED).replace(b"HTTP", b"http")),
    # -- before the answer
    taken("100 first", b"HTTP/1.1 100 Continue\r\n\r\n" + answer(202, ACCEPTED)),
    taken("103 thrice", said(103, b"", "Link: </a>") * 3 + answer(202, ACCEPTED)),
    taken("102 for long", said(102, b"") * 1_000 + answer(202, ACCEPTED)),
    taken("100 with a length", said(100, b"", length(5)) + answer(202, ACCEPTED)),
    refused("100, then 400", said(100, b"") + answer(400, OURS)),
    unknown("100, then none", said(100, b"")),
    unknown("101", said(101, b"", "Upgrade: x", "Connection: upgrade"), "101"),
    taken("an upgrade offered", answer(202, ACCEPTED, "Upgrade: h2c")),
    taken("empty lines first", b"\r\n\r\n" + answer(202, ACCEPTED)),
    unknown("a word first", b"junk" + answer(202, ACCEPTED)),
    # -- in chunks
    taken("chunks", chunked(chunk(ACCEPTED[:9]) + chunk(ACCEPTED[9:]) + chunk(b""))),
    taken("trailers", chunked(chunk(ACCEPTED) + b"0\r\nX-Sum: 1\r\n\r\n")),
    unknown("too many", chunked(chunk(ACCEPTED) + b"0\r\n" + b"X: 1\r\n" * 999)),
    unknown("trailers of no kind", chunked(chunk(ACCEPTED) + b"0\r\nno kind\r\n\r\n")),
    taken("no last chunk", chunked(chunk(ACCEPTED)), None),
    taken("a chunk cut", chunked(chunk(ACCEPTED)[:20]), None),
    taken("gzip cut in chunks", chunked(chunk(PACKED[:-15]) + chunk(b""),
                                        "Content-Encoding: gzip"), None),
    unknown("a chunk's size is none", chunked(b"zz\r\nabc\r\n0\r\n\r\n")),
    unknown("a chunk's size below 0", chunked(b"-5\r\nabc\r\n0\r\n\r\n")),
    unknown("a chunk's size beyond 64 bits", chunked(b"f" * 20 + b"\r\nabc\r\n")),
    unknown("a chunk longer than it says", chunked(b"2\r\nabcdef\r\n0\r\n\r\n")),
    unknown("chunks and a length", chunked(chunk(ACCEPTED) + chunk(b""), length(9))),
    # -- headers
    unknown("too many headers", answer(202, ACCEPTED, *["X: y"] * 500)),
    unknown("too long a header", answer(202, ACCEPTED, "X: " + "y" * 20_000)),
    unknown("too long a reason", b"HTTP/1.1 202 " + b"A" * 20_000 + b"\r\n\r\n"),
    unknown("a header without end", b"HTTP/1.1 202 X\r\nX: " + b"y" * 3 * LONGEST),
    unknown("NUL in a header", answer(202, ACCEPTED, "X: a\0b")),
    unknown("a header without a name", answer(202, ACCEPTED, ": y")),
    taken("a cookie that is none", answer(202, ACCEPTED, "Set-Cookie: =;;=\xff;")),
    taken("a type that is none", answer(202, ACCEPTED, "Content-Type: ;;\xff")),
    # -- lengths
    taken("no length, until it closes", said(202, ACCEPTED)),
    taken("longer than what comes", said(202, ACCEPTED, length(999)), None),
    unknown("shorter than what comes", said(202, ACCEPTED, length(5))),
    unknown("beyond 64 bits", said(202, ACCEPTED, length(10**22))),
    unknown("below 0", said(202, ACCEPTED, length(-1))),
    unknown("of letters", said(202, ACCEPTED, "Content-Length: abc")),
    unknown("two lengths", answer(202, ACCEPTED, length(3))),
    unknown("500, longer than what comes", said(500, OURS, length(999)), "500"),
    # -- the status line
    unknown("letters for a status", b"HTTP/1.1 2o2 X\r\n\r\n"),
    unknown("two digits", said(20, ACCEPTED)),
    unknown("four digits", said(2020, ACCEPTED)),
    taken("no reason", answer(202, ACCEPTED).replace(b"202 X", b"202")),
    # -- more than one answer
    taken("202 twice", answer(202, ACCEPTED) * 2),
    taken("202, then 400", answer(202, ACCEPTED) + answer(400, OURS)),
    taken("202, then 500", answer(202, ACCEPTED) + answer(500, OURS)),
    refused("400, then 202", answer(400, OURS) + answer(202, ACCEPTED)),
    unknown("202, then a word", answer(202, ACCEPTED) + b"junk!"),
    # -- elsewhere, or nothing
    *(
        unknown(str(status), answer(status, b"", "Location: /elsewhere"), str(status))
        for status in (300, 301, 302, 303, 304, 307, 308)
    ),
    unknown("308 to no address", answer(308, b"", "Location: http://["), "308"),
    unknown("204", said(204, b""), "204"),
    unknown("205", answer(205, ACCEPTED), "205"),
    # -- longer than what is read
    taken("too long", answer(202, b" " * 2 * LONGEST + ACCEPTED), None),
    refused("too long in a 400", answer(400, b" " * 2 * LONGEST + OURS)),
    unknown("too long in a 500", answer(500, b" " * 2 * LONGEST + OURS), "500"),
    # -- NUL
    taken("NUL in the id", answer(202, b'{"id":"a\\u0000b"}'), "ab"),
    taken("an id of NUL", answer(202, b'{"id":"\\u0000"}'), None),
    taken("a bare NUL", answer(202, b'{"id":"a\0b"}'), None),
    unknown("200, an id of NUL", answer(200, b'{"id":"\\u0000"}'), "200"),
    refused("NUL in words", answer(400, b'{"type":"\\u0000","description":"a\\u0000b"}')),
    refused("NUL in a field", answer(400, b'{"type":"t","fieldErrors":[{"fieldName":'
                                          b'"to\\u0000","description":"\\u0000"}]}')),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_answer_proves_what_its_row_says(case: Case) -> None:
    """And the message was posted once, by one connection."""
    async with replying(case.said) as server:
        verdict = await post_once(server.url)

    assert (verdict.event, verdict.action) == (case.event, case.action)
    assert (verdict.code, verdict.message_id) == (case.code, case.told)
    assert "\0" not in (verdict.error or "")
    assert (server.connections, len(server.requests)) == (1, 1)


@pytest.mark.parametrize(
    "case", [one for one in CASES if len(one.said) < 500], ids=lambda case: case.name
)
async def test_an_answer_in_pieces_proves_the_same_or_less(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the trouble counts: a 202 whose rest is broken is a 202."""
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.5)

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await server.read(reader)
        for start in range(0, len(case.said), 7):
            writer.write(case.said[start : start + 7])
            await writer.drain()
            await asyncio.sleep(0)

    now = asyncio.get_running_loop().time
    async with (
        RawServer(play) as server,
        Client(basic(server.url), clock=now, patience=30) as client,
    ):
        verdict = await client.post(body())

    is_202 = b" 202 X\r\n" in case.said
    assert verdict.event in (case.event, Event.ACCEPT if is_202 else Event.LOSE)
    assert verdict.message_id in (None, case.told, ID if is_202 else None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "event"), [(202, Event.ACCEPT), (500, Event.LOSE), (400, Event.REFUSE)]
)
@pytest.mark.parametrize("rest", [b"zz\r\nabc\r\n", b"5\r\n{", b""])
async def test_nobody_waits_long_for_the_rest_of_an_answer(
    status: int, event: Event, rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its head is there: a chunk that is broken, cut or missing changes no verdict."""
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.05)
    head_is_read, ended = asyncio.Event(), asyncio.Event()
    read = wire.Exchange.read

    async def told(exchange: wire.Exchange) -> bytes:
        head_is_read.set()
        return await read(exchange)

    monkeypatch.setattr(wire.Exchange, "read", told)

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await server.read(reader)
        head = b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" % status
        writer.write(head)
        await head_is_read.wait()
        writer.write(rest)
        await ended.wait()

    now = asyncio.get_running_loop().time
    async with (
        RawServer(play) as server,
        Client(basic(server.url), clock=now, patience=3_600) as client,
    ):
        verdict = await client.post(body())
        ended.set()

    assert (verdict.event, verdict.message_id) == (event, None)


# -- an answer before the body ------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 200_000])
@pytest.mark.parametrize(
    ("status", "event"),
    [(202, Event.ACCEPT), (400, Event.REFUSE), (413, Event.REFUSE), (500, Event.LOSE)],
)
async def test_an_answer_to_the_head_alone_counts(
    status: int, event: Event, size: int
) -> None:
    """The body was handed over and not read: the status proves what it always does.

    The server closes on what it has not read, so the answer itself may be lost.
    """

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(status, b"", "Connection: close"))

    async with RawServer(play) as server, client_for(basic(server.url)) as client:
        verdict = await client.post(b"x" * size)

    assert verdict.event is event or (size > 100 and verdict.event is Event.LOSE)
    assert server.connections == 1


class Talker(RawServer):
    """Answers the first request of each connection; says *last* when it is told to."""

    def __init__(
        self,
        last: bytes,
        *,
        answers_first: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(self._talk, tls=tls)
        self._last = last
        self._answers_first = answers_first
        self.speak = asyncio.Event()

    async def _talk(
        self, _: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        is_first = self.connections == 1
        if self._answers_first or not is_first:
            await self.read(reader)
            writer.write(answer(202, ACCEPTED))
        if is_first:
            await self.speak.wait()
            writer.write(self._last)
        await self.read(reader)


@pytest.fixture(params=["reader first", "writer first"])
def heard(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> asyncio.Event:
    """Set when bytes come in: before or after aiohttp's own reader hears of them."""
    event, real = asyncio.Event(), ResponseHandler.data_received

    def data_received(self: ResponseHandler, data: bytes) -> None:
        if request.param == "writer first":
            event.set()
        real(self, data)
        event.set()

    monkeypatch.setattr(ResponseHandler, "data_received", data_received)
    return event


LAST_WORDS = [answer(status, OURS) for status in (202, 400, 401, 403, 408, 429, 500)]
LAST_WORDS += [
    said(400, b"", length(999)),
    answer(500, OURS, "Connection: close"),
    answer(400, OURS) * 2,
]


def _never_left(verdict: Verdict) -> None:
    assert (verdict.event, verdict.action) == (Event.RELEASE, Action.RETRY)
    assert verdict.message_id is None
    assert (verdict.error or "").startswith("Not sent: ")


@pytest.mark.parametrize("last", LAST_WORDS)
async def test_what_an_idle_connection_says_is_not_the_next_messages_answer(
    last: bytes, heard: asyncio.Event
) -> None:
    """A second 202 accepts nothing, a stray 400 refuses nothing, and nothing doubles."""
    async with Talker(last) as server, client_for(basic(server.url)) as client:
        assert (await client.post(body("first"))).event is Event.ACCEPT
        heard.clear()
        server.speak.set()
        await heard.wait()
        verdict = await client.post(body("second"))
        assert (await client.post(body("third"))).event is Event.ACCEPT

    _never_left(verdict)
    assert verdict.error == NOT_SENT
    assert server.tags == ["first", "third"]


async def test_it_is_the_same_through_tls(
    heard: asyncio.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Bandwidth speaks: taken, kept, and deaf to a stray answer."""
    certificate, key = await certified(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(connector, "_SSL_CONTEXT_VERIFIED", trusting)
    async with (
        Talker(answer(400, OURS), tls=served) as server,
        client_for(basic(server.url)) as client,
    ):
        assert (await client.post(body("first"))).message_id == ID
        heard.clear()
        server.speak.set()
        await heard.wait()
        verdict = await client.post(body("second"))
        assert (await client.post(body("third"))).message_id == ID

    _never_left(verdict)
    assert verdict.error == NOT_SENT
    assert server.tags == ["first", "third"]


@pytest.mark.parametrize("last", LAST_WORDS)
@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "new"])
async def test_what_is_said_while_a_message_waits_for_its_turn_is_not_its_answer(
    last: bytes, is_kept: bool, heard: asyncio.Event
) -> None:
    """Not even where its turn comes in the same moment: it leaves by no such connection."""
    async with (
        Talker(last, answers_first=is_kept) as server,
        client_for(basic(server.url)) as client,
    ):

        async def turn() -> float:
            heard.clear()
            server.speak.set()
            await heard.wait()
            return 0.0

        if is_kept:
            assert (await client.post(body("first"))).event is Event.ACCEPT
        verdict = await client.post(body("second"), turn)
        assert (await client.post(body("third"))).event is Event.ACCEPT

    _never_left(verdict)
    assert server.tags == ["first", "third"][not is_kept :]


STRAY = answer(202, ACCEPTED.replace(b"1476", b"9999"))
HALVES = [
    (STRAY[:20], STRAY[20:], Event.LOSE),  # its rest is no answer, so nothing is proven
    (STRAY[:1], STRAY[1:], Event.LOSE),
    (STRAY[:60], STRAY[60:], Event.RELEASE),  # its head was there: nothing left
    (said(204, b"")[:-1], b"\n", Event.REFUSE),  # its rest is an empty line
]


@pytest.mark.parametrize(("before", "after", "event"), HALVES)
async def test_half_an_answer_that_was_there_before_is_no_part_of_the_true_one(
    before: bytes, after: bytes, event: Event, heard: asyncio.Event
) -> None:
    """A kept connection begins a stray 202, and ends it after the post; the truth is 400."""
    may_begin = asyncio.Event()

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await server.read(reader)
        writer.write(answer(202, ACCEPTED))
        await may_begin.wait()
        writer.write(before)
        await server.read(reader)
        writer.write(after + answer(400, OURS))

    async with RawServer(play) as server, client_for(basic(server.url)) as client:

        async def turn() -> float:
            heard.clear()
            may_begin.set()
            await heard.wait()
            return 0.0

        assert (await client.post(body("first"))).message_id == ID
        verdict = await client.post(body("second"), turn)

    assert (verdict.event, verdict.message_id) == (event, None)
    assert server.tags == ["first", "second"][: 1 + (event is not Event.RELEASE)]


async def test_a_turn_that_never_comes_ends_with_the_patience() -> None:
    """Whatever is said meanwhile; the message is given up, and does not leave later."""
    now = asyncio.get_running_loop().time
    async with (
        Talker(answer(400, OURS), answers_first=False) as server,
        Client(basic(server.url), clock=now, patience=0.2) as client,
    ):

        async def turn() -> float:
            server.speak.set()
            return await asyncio.Future[float]()

        verdict = await client.post(body("first"), turn)

    _never_left(verdict)
    assert verdict.error == "Not sent: timed out."
    assert server.tags == []


# -- a kept connection that the server closes just then --------------------------------------


def _keeping(links: list[asyncio.StreamWriter]) -> RawServer:
    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        links.append(writer)
        while True:
            await server.read(reader)
            writer.write(answer(202, ACCEPTED))

    return RawServer(play)


async def _posted_while(
    close: Callable[[socket.socket], Awaitable[float]],
) -> tuple[Verdict, int]:
    """The verdict on a message whose kept connection is closed in its turn; posts seen."""
    links: list[asyncio.StreamWriter] = []
    async with _keeping(links) as server, client_for(basic(server.url)) as client:
        assert (await client.post(body("first"))).event is Event.ACCEPT
        link = links[0].get_extra_info("socket")
        verdict = await client.post(body("second"), partial(close, link))
        seen = len(server.requests) - 1
        assert (await client.post(body("third"))).event is Event.ACCEPT
        assert server.connections == 2
    return verdict, seen


async def test_a_close_that_was_seen_in_time_proves_that_nothing_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The end was read before the bytes were handed over: to be sent again."""
    is_lost, real = asyncio.Event(), ResponseHandler.connection_lost

    def connection_lost(self: ResponseHandler, error: BaseException | None) -> None:
        real(self, error)
        is_lost.set()

    monkeypatch.setattr(ResponseHandler, "connection_lost", connection_lost)

    async def close(link: socket.socket) -> float:
        link.shutdown(socket.SHUT_RDWR)
        await is_lost.wait()
        return 0.0

    verdict, seen = await _posted_while(close)

    _never_left(verdict)
    assert seen == 0


async def test_a_close_that_was_not_seen_in_time_proves_nothing() -> None:
    """Closed by the server, its end still unread here: unknown, and not posted again."""

    async def close(link: socket.socket) -> float:
        link.shutdown(socket.SHUT_RDWR)
        return 0.0

    verdict, seen = await _posted_while(close)

    assert (verdict.event, verdict.code) == (Event.LOSE, "no_answer")
    assert seen == 0

"""What an answer proves that ends early under TLS: cut records, close_notify, alerts.

The server is OpenSSL's, in a thread, with its bytes in our hands: each case says what of
them goes out, and how the connection ends.  Both event loops are asked, since each has a
TLS of its own: a real run is uvloop's.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import uvloop
from aiohttp import connector

from bulksend.journal.states import Event
from bulksend.send.verdict import Action
from tests.send.raw_server import ACCEPTED, answer, basic, body, certified, client_for
from tests.send.test_answers import ID, OURS, length, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bulksend.send.bandwidth import Client
    from bulksend.send.verdict import Verdict

PATIENCE_SECONDS = 20.0
TOLD = answer(202, ACCEPTED)
HEAD, BODY = TOLD[: -len(ACCEPTED)], ACCEPTED


@dataclass
class Line:
    """The server's end of one connection: TLS by OpenSSL, the wire by hand."""

    wire: socket.socket
    tls: ssl.SSLObject
    comes: ssl.MemoryBIO
    goes: ssl.MemoryBIO

    def records(self, plain: bytes) -> bytes:
        """*plain* as it would go out."""
        self.tls.write(plain)
        return self.goes.read()

    def say(self, plain: bytes) -> None:
        self.wire.sendall(self.records(plain))

    def say_half(self, plain: bytes) -> None:
        """Of its record the first half, so that nobody can read any of it."""
        records = self.records(plain)
        self.wire.sendall(records[: len(records) // 2])

    def say_spoiled(self, plain: bytes) -> None:
        records = self.records(plain)
        self.wire.sendall(records[:-1] + bytes([records[-1] ^ 1]))

    def notify(self) -> None:
        """Say close_notify: nothing more comes, and nothing was cut off."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:  # the other side's, which we do not wait for
            self.wire.sendall(self.goes.read())

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def hear(self) -> bool:
        """Take in what comes; False where the other side has ended."""
        some = self.wire.recv(1 << 16)
        self.comes.write(some)
        return bool(some)

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.wire.sendall(self.goes.read())
                if not self.hear():
                    raise ConnectionError from None
            else:
                self.wire.sendall(self.goes.read())
                return

    def request(self) -> bytes:
        """Head and body, which has a length."""
        plain = b""
        while True:
            head, found, rest = plain.partition(b"\r\n\r\n")
            if found:
                (size,) = (
                    int(one.partition(b":")[2])
                    for one in head.lower().splitlines()
                    if one.startswith(b"content-length:")
                )
                if len(rest) >= size:
                    return plain
            try:
                plain += self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                if not self.hear():
                    raise ConnectionError from None


@dataclass
class Server:
    """Plays the n-th of *plays* on the n-th connection, after its first request."""

    context: ssl.SSLContext
    plays: list[Callable[[Line], None]]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[Server]:
        with socket.create_server(("127.0.0.1", 0)) as listens:
            self.url = f"https://127.0.0.1:{listens.getsockname()[1]}"
            thread = threading.Thread(target=self._serve, args=[listens])
            thread.start()
            try:
                yield self
            finally:
                listens.shutdown(socket.SHUT_RDWR)
                thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()

    def _serve(self, listens: socket.socket) -> None:
        for play in self.plays:
            try:
                wire, _ = listens.accept()
            except OSError:  # nobody came any more
                return
            wire.settimeout(PATIENCE_SECONDS)
            self.connections += 1
            comes, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.context.wrap_bio(comes, goes, server_side=True)
            line = Line(wire, tls, comes, goes)
            with wire:
                try:
                    line.shake_hands()
                    self.requests.append(line.request())
                    play(line)
                except ssl.SSLError:  # its last word may be an alert
                    wire.sendall(goes.read())
                except ConnectionError:
                    pass


class Case(NamedTuple):
    """How the server ends, and what that proves."""

    name: str
    play: Callable[[Line], None]
    event: Event
    told: str | None = None


def then(
    *steps: tuple[Callable[..., None], bytes] | Callable[[Line], None],
) -> Callable[[Line], None]:
    def play(line: Line) -> None:
        for step in steps:
            if isinstance(step, tuple):
                step[0](line, step[1])
            else:
                step(line)

    return play


SAY, HALF, SPOILED = Line.say, Line.say_half, Line.say_spoiled
BARE = said(202, ACCEPTED)
"""Without a length: it ends where the connection does."""

REFUSAL = said(400, b"", length(len(OURS)))
ERROR = said(500, b"", length(len(OURS)))

CASES = [
    # -- all of the answer came
    Case("a 202, and close_notify", then((SAY, TOLD), Line.notify), Event.ACCEPT, ID),
    Case("a 202, and no close_notify", then((SAY, TOLD)), Event.ACCEPT, ID),
    Case("a 202 up to close_notify", then((SAY, BARE), Line.notify), Event.ACCEPT, ID),
    Case("a 202 up to the end", then((SAY, BARE)), Event.ACCEPT, ID),
    # -- its status came: it proves what it proves, and the words may be lost
    Case("a 202 that breaks off", then((SAY, HEAD), (HALF, BODY)), Event.ACCEPT),
    Case("a head, and close_notify", then((SAY, HEAD), Line.notify), Event.ACCEPT),
    Case("a 400 that breaks off", then((SAY, REFUSAL), (HALF, OURS)), Event.REFUSE),
    # -- a 500 proves something by its words alone, and they did not come
    Case("a 500 that breaks off", then((SAY, ERROR), (HALF, OURS)), Event.LOSE),
    Case("a 500, and close_notify", then((SAY, ERROR), Line.notify), Event.LOSE),
    # -- half a record is none: nobody could read the status in it
    Case("half a record", then((HALF, TOLD)), Event.LOSE),
    Case("half a record of a 400", then((HALF, answer(400, OURS))), Event.LOSE),
    Case("half a record, and a reset", then((HALF, TOLD), Line.reset), Event.LOSE),
    Case("a spoiled record", then((SPOILED, answer(400, OURS))), Event.LOSE),
    Case("half a head", then((SAY, HEAD[:20])), Event.LOSE),
    # -- nothing was said at all
    Case("close_notify alone", then(Line.notify), Event.LOSE),
    Case("the end, without a word", then(), Event.LOSE),
    Case("a reset", then(Line.reset), Event.LOSE),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return asyncio.run(certified(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def context(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """The server's; and its certificate is trusted."""
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    monkeypatch.setattr(connector, "_SSL_CONTEXT_VERIFIED", trusting)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    return served


LOOPS = pytest.mark.parametrize(
    "run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"]
)


def post(url: str, *tags: str, run: Callable[..., Any]) -> list[Verdict]:
    async def one_by_one() -> list[Verdict]:
        async with client_for(basic(url)) as client:
            return [await client.post(body(tag)) for tag in tags]

    verdicts: list[Verdict] = run(one_by_one())
    return verdicts


@LOOPS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_an_answer_proves_that_ends_early(
    case: Case,
    version: ssl.TLSVersion,
    context: ssl.SSLContext,
    run: Callable[..., Any],
) -> None:
    """The status, where all of it came; else nothing: unknown, and posted once."""
    context.minimum_version = context.maximum_version = version
    server = Server(context, [case.play, case.play])
    with server.serving():
        (verdict,) = post(server.url, "one", run=run)

    assert (verdict.event, verdict.message_id) == (case.event, case.told)
    assert verdict.action is Action.GO_ON
    assert len(server.requests) == server.connections == 1


@LOOPS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_connection_that_was_closed_by_notice_takes_no_message(
    version: ssl.TLSVersion, context: ssl.SSLContext, run: Callable[..., Any]
) -> None:
    """The server said close_notify and holds the line: the next message goes by another."""
    context.minimum_version = context.maximum_version = version
    is_over = threading.Event()

    def hold(line: Line) -> None:
        line.say(TOLD)
        line.notify()
        is_over.wait(PATIENCE_SECONDS)

    server = Server(context, [hold, then((SAY, TOLD))])

    async def two(url: str) -> list[Verdict]:
        async with client_for(basic(url)) as client:
            first = await client.post(body("first"))
            await asyncio.wait_for(_noticed(client), PATIENCE_SECONDS)
            is_over.set()
            return [first, await client.post(body("second"))]

    with server.serving():
        verdicts: list[Verdict] = run(two(server.url))

    assert [one.message_id for one in verdicts] == [ID, ID]
    assert len(server.requests) == server.connections == 2


@LOOPS
def test_a_message_that_crosses_a_close_notify_is_unknown(
    context: ssl.SSLContext, run: Callable[..., Any]
) -> None:
    """The notice came after it was handed over: it may have been read, and stays once."""

    def cross(line: Line) -> None:
        line.say(TOLD)
        server.requests.append(line.request())
        line.notify()

    server = Server(context, [cross, then((SAY, TOLD))])
    with server.serving():
        first, second = post(server.url, "first", "second", run=run)

    assert (first.event, second.event) == (Event.ACCEPT, Event.LOSE)
    assert (len(server.requests), server.connections) == (2, 1)


@LOOPS
@pytest.mark.parametrize(
    ("version", "event"),
    [
        # The handshake itself fails: nothing has left.
        (ssl.TLSVersion.TLSv1_2, Event.RELEASE),
        # Ours is over before the server has looked, and the message is on its way.
        (ssl.TLSVersion.TLSv1_3, Event.LOSE),
    ],
)
def test_a_server_that_wants_a_certificate_of_ours(
    version: ssl.TLSVersion,
    event: Event,
    context: ssl.SSLContext,
    certificate: tuple[Path, Path],
    run: Callable[..., Any],
) -> None:
    """It says so by an alert; whether anything was read then, TLS 1.3 does not tell."""
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate[0])
    server = Server(context, [then((SAY, TOLD))] * 2)
    with server.serving():
        (verdict,) = post(server.url, "one", run=run)

    assert verdict.event is event
    assert not server.requests


async def _noticed(client: Client) -> None:
    """Until no connection in the pool is alive."""
    pool = client._session.connector
    assert pool is not None
    while any(proto.is_connected() for few in pool._conns.values() for proto, _ in few):  # noqa: ASYNC110
        await asyncio.sleep(0.001)  # nothing tells of it

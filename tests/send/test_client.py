"""The HTTP client over real sockets: what each way of failing proves.

The simulator plays Bandwidth's faults.  What no HTTP server would do is done by
`RawServer`, which sees every byte that really arrived.
"""

from __future__ import annotations

import asyncio
import base64
import math
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.errors import GateRefused
from bulksend.journal.states import Event
from bulksend.send import bandwidth
from bulksend.send.bandwidth import Client
from bulksend.send.message import Envelope, Message
from bulksend.send.signin import Credentials
from bulksend.send.verdict import Action, Verdict
from bulksend.send.wire import Exchange
from bulksend.simulator.scenario import Scenario
from bulksend.simulator.server import Simulator, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

ACCOUNT = "9900000"
APPLICATION = "93de2206-9669-4e07-948d-329f4b722ee2"
ACCEPTED = b'{"id":"14762070468292kw2fuqty55yp2b2","segmentCount":1}'


def body(tag: str = "k2") -> bytes:
    message = Message(2, "+19195550101", "+19195550100", "Hi Ann", None, tag, 1)
    return Envelope("c", APPLICATION).body(message, 0)


def basic(url: str) -> Credentials:
    return Credentials(ACCOUNT, url=url, username="user", password="very-secret")


@asynccontextmanager
async def client_for(credentials: Credentials) -> AsyncIterator[Client]:
    async with Client(credentials, clock=asyncio.get_running_loop().time) as client:
        yield client


async def post_once(url: str, *, tag: str = "k2") -> Verdict:
    async with client_for(basic(url)) as client:
        return await client.post(body(tag))


def answer(status: int, content: bytes = b"", *headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(content)}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + content


class Request(NamedTuple):
    """One request as it arrived; the body as far as it came."""

    head: str
    body: bytes


class RawServer:
    """Counts connections and requests; *play* does what it likes with each."""

    def __init__(
        self,
        play: Callable[
            [RawServer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]
        ],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._play = play
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[Request] = []
        self.connections = 0
        self.arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._tls
        )
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def tags(self) -> list[str]:
        """Of the messages that arrived, in order."""
        return [orjson.loads(one.body)["tag"] for one in self.requests]

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._play(self, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.partition(":")[2])
            for line in head.splitlines()
            if line.lower().startswith("content-length:")
        )
        request = Request(head, await reader.readexactly(length))
        self.requests.append(request)
        self.arrived.set()
        return request


def replying(*answers: bytes) -> RawServer:
    """Answers the n-th request of each connection, then closes it."""

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for one in answers:
            await server.read(reader)
            writer.write(one)
            await writer.drain()

    return RawServer(play)


async def _silent(
    server: RawServer, reader: asyncio.StreamReader, _: asyncio.StreamWriter
) -> None:
    await server.read(reader)
    await asyncio.Event().wait()


async def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody trusts, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", *options.split(), *name]
    making = await asyncio.create_subprocess_exec(
        *command, "-keyout", key, "-out", certificate, stderr=subprocess.DEVNULL
    )
    assert await making.wait() == 0
    return certificate, key


@asynccontextmanager
async def simulating(**options: Any) -> AsyncIterator[Simulator]:
    async with await serve(Scenario(**options), rng=Random(7)) as simulator:
        yield simulator


# -- what is sent -------------------------------------------------------------------------


async def test_a_message_is_posted_as_bandwidth_wants_it() -> None:
    """Path, sign-in, JSON, our bytes as they are, and nothing that tells who we are."""
    async with replying(answer(202, ACCEPTED)) as server:
        verdict = await post_once(server.url)

    (request,) = server.requests
    lines = request.head.splitlines()
    assert lines[0] == f"POST /users/{ACCOUNT}/messages HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    signed = base64.b64encode(b"user:very-secret").decode()
    assert headers == {
        "Host": server.url.removeprefix("http://"),
        "User-Agent": "bulksend",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Authorization": f"Basic {signed}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body())),
    }
    assert request.body == body()
    assert verdict == Verdict(
        Event.ACCEPT,
        Action.GO_ON,
        "202",
        message_id="14762070468292kw2fuqty55yp2b2",
    )


@pytest.mark.parametrize("path", ["", "/api/v2", "/a%20b/ü?x=1&y=%C3%BC#z"])
async def test_what_leaves_is_what_a_session_would_send(path: str) -> None:
    """The line, each header, the body: byte by byte, in whatever order the headers are."""
    async with replying(*[answer(202, ACCEPTED)] * 3) as server:
        credentials = basic(server.url + path)
        async with client_for(credentials) as client:
            for tag in ("k2", "k10"):
                await client.post(body(tag))
        headers = {
            **bandwidth.HEADERS,
            "Content-Type": "application/json",
            "Authorization": aiohttp.encode_basic_auth("user", "very-secret"),
        }
        async with aiohttp.ClientSession() as session:
            for tag in ("k2", "k10"):
                url = f"{credentials.url}/users/{ACCOUNT}/messages"
                await session.post(url, data=body(tag), headers=headers)

    ours, theirs = server.requests[:2], server.requests[2:]
    assert [one.body for one in ours] == [one.body for one in theirs]
    assert [sorted(one.head.splitlines()) for one in ours] == [
        sorted(one.head.splitlines()) for one in theirs
    ]


async def test_connections_are_kept() -> None:
    """Many messages, one connection; a cookie is not taken."""
    kept = answer(202, ACCEPTED, "Set-Cookie: a=b")
    async with replying(*[kept] * 5) as server, client_for(basic(server.url)) as client:
        for _ in range(5):
            assert (await client.post(body())).event is Event.ACCEPT

    assert server.connections == 1
    assert not any("ookie" in request.head for request in server.requests)


# -- the simulator's faults ---------------------------------------------------------------


class Fault(NamedTuple):
    options: dict[str, Any]
    event: Event
    action: Action
    code: str
    accepted: int


FAULTS = [
    Fault({}, Event.ACCEPT, Action.GO_ON, "202", 1),
    Fault({"slow": 1.0, "slow_seconds": 0.1}, Event.ACCEPT, Action.GO_ON, "202", 1),
    Fault({"garbled_202": 1.0}, Event.ACCEPT, Action.GO_ON, "202", 1),
    Fault({"lost_before": 1.0}, Event.LOSE, Action.GO_ON, "no_answer", 0),
    Fault({"lost_after": 1.0}, Event.LOSE, Action.GO_ON, "no_answer", 1),
    Fault({"silent": 1.0}, Event.LOSE, Action.GO_ON, "no_answer", 1),
    Fault({"error_500": 1.0}, Event.RELEASE, Action.RETRY, "500", 0),
    Fault(
        {"rate": 1.0, "queue_seconds": 0.0}, Event.RELEASE, Action.SLOW_DOWN, "429", 0
    ),
    Fault({"accounts": frozenset({"1"})}, Event.RELEASE, Action.SIGN_IN, "401", 0),
    Fault({"forbidden": frozenset({ACCOUNT})}, Event.RELEASE, Action.HALT, "403", 0),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str([*fault.options]))
async def test_each_fault_gives_its_verdict(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what Bandwidth really did never contradicts it."""
    monkeypatch.setattr(bandwidth, "ANSWER_SECONDS", 0.3)
    async with simulating(**fault.options) as simulator:
        verdict = await post_once(simulator.url)
        witness = simulator.bandwidth.witness

        assert (verdict.event, verdict.action, verdict.code) == fault[1:4]
        assert len(witness.accepted) == fault.accepted
        assert len(witness.attempts) == 1
        if fault.event is Event.ACCEPT and "garbled_202" not in fault.options:
            assert verdict.message_id == witness.accepted[0].id


async def test_a_gateways_502_proves_nothing() -> None:
    """Half of them were accepted behind the page; each is unknown."""
    async with simulating(gateway_502=1.0) as simulator:
        async with client_for(basic(simulator.url)) as client:
            verdicts = [await client.post(body()) for _ in range(20)]

        assert {(v.event, v.code) for v in verdicts} == {(Event.LOSE, "502")}
        assert 0 < len(simulator.bandwidth.witness.accepted) < 20


async def test_with_any_mixture_of_faults_no_verdict_is_a_lie() -> None:
    """Released or refused: not accepted.  Accepted: accepted, under that id."""
    shares = ["lost_before", "lost_after", "error_500", "gateway_502", "garbled_202"]
    async with simulating(**dict.fromkeys(shares, 0.12)) as simulator:
        async with client_for(basic(simulator.url)) as client:
            verdicts = await asyncio.gather(
                *(client.post(body(str(n))) for n in range(300))
            )
        found = {one.tag: one.id for one in simulator.bandwidth.witness.accepted}

    for tag, verdict in enumerate(verdicts):
        if verdict.event is Event.ACCEPT:
            assert verdict.message_id in (None, found[str(tag)])
        elif verdict.event is not Event.LOSE:
            assert str(tag) not in found
    assert len(Counter(verdict.event for verdict in verdicts)) == 3


# -- nothing left -------------------------------------------------------------------------


def _proves_nothing_left(verdict: Verdict, cause: str) -> None:
    assert (verdict.event, verdict.action) == (Event.RELEASE, Action.RETRY)
    assert verdict.error == f"Not sent: {cause}."


async def test_a_refused_connection_never_left() -> None:
    """Nobody listens: to be sent again, and no address in the words."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        verdict = await post_once(f"http://127.0.0.1:{port}")

    _proves_nothing_left(verdict, "no connection")


async def test_a_name_that_does_not_resolve_never_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The resolver's failure is told apart from the network's."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    verdict = await post_once("https://messaging.bandwidth.invalid/api/v2")

    _proves_nothing_left(verdict, "the name could not be resolved")


@pytest.mark.parametrize(
    "hello", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x16\x03"]
)
async def test_a_server_that_speaks_no_tls_got_nothing(hello: bytes) -> None:
    """The handshake fails: nothing of the message has left."""

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(100)
        writer.write(hello)

    async with RawServer(play) as server:
        verdict = await post_once(server.url.replace("http:", "https:"))

    assert (verdict.event, verdict.action) == (Event.RELEASE, Action.RETRY)
    assert server.connections == 1


async def test_a_certificate_that_cannot_be_trusted_gets_nothing(
    tmp_path: Path,
) -> None:
    """A stranger's certificate: TLS failed, and not one byte of ours was read."""
    certificate, key = await certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    seen: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        verdict = await post_once(f"https://127.0.0.1:{port}")
    finally:
        server.close()

    _proves_nothing_left(verdict, "TLS failed")
    assert b"".join(seen) == b""


async def test_stopping_while_the_name_is_looked_up_never_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Being cancelled before there is a connection releases the message."""
    is_asked = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        is_asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    post = asyncio.create_task(post_once("http://bandwidth.invalid"))
    await is_asked.wait()
    post.cancel()

    _proves_nothing_left(await post, "stopped while waiting")


async def test_stopping_while_signing_in_never_left() -> None:
    """The token is not there yet, so the message cannot have left."""
    async with RawServer(_silent) as server:
        credentials = Credentials(
            ACCOUNT,
            url=server.url,
            token_url=f"{server.url}/oauth2/token",
            client_id="id",
            client_secret="very-secret",
        )
        async with client_for(credentials) as client:
            post = asyncio.create_task(client.post(body()))
            await server.arrived.wait()
            post.cancel()

            _proves_nothing_left(await post, "stopped while waiting")


async def test_a_sign_in_that_fails_is_raised_before_anything_leaves() -> None:
    """GateRefused is the engine's business; no POST was made."""
    async with replying(*[answer(401, b"{}")] * 2) as server:
        credentials = Credentials(
            ACCOUNT,
            url=server.url,
            token_url=server.url,
            client_id="i",
            client_secret="s",
        )
        async with client_for(credentials) as client:
            with pytest.raises(GateRefused, match="E501"):
                await client.post(body())
            with pytest.raises(GateRefused, match="E501"):
                await client.sign_in()

    assert {request.head.split()[1] for request in server.requests} == {"/"}


async def test_stopping_while_it_waits_for_its_turn_never_left() -> None:
    """Connected, and nothing written: to be sent again, by a connection of its own."""
    is_waiting = asyncio.Event()

    async def turn() -> float:
        is_waiting.set()
        return await asyncio.Future[float]()

    async with (
        replying(answer(202, ACCEPTED)) as server,
        client_for(basic(server.url)) as client,
    ):
        post = asyncio.create_task(client.post(body("first"), turn))
        await is_waiting.wait()
        post.cancel()
        _proves_nothing_left(await post, "stopped while waiting")
        assert (await client.post(body("second"))).event is Event.ACCEPT

    assert server.tags == ["second"]


async def test_a_message_that_must_wait_for_long_takes_a_connection_just_before() -> (
    None
):
    """A kept one would grow old meanwhile, and be closed as the bytes leave."""
    waits = iter([0.3, 0.26, 0.0])

    async def turn() -> float:
        return next(waits)

    async with (
        replying(*[answer(202, ACCEPTED)] * 9) as server,
        client_for(basic(server.url)) as client,
    ):
        await client.post(body("first"))
        assert (await client.post(body("second"), turn)).event is Event.ACCEPT

    assert server.connections == 3
    assert server.tags == ["first", "second"]


async def test_a_wait_for_its_turn_is_no_patience_spent() -> None:
    """However long: what is bounded is how long a server may take."""
    waits = iter([bandwidth.READY_SECONDS + 0.5, 0.0])

    async def turn() -> float:
        return next(waits)

    async with (
        replying(answer(202, ACCEPTED)) as server,
        Client(
            basic(server.url), clock=asyncio.get_running_loop().time, patience=20
        ) as client,
    ):
        assert (await client.post(body(), turn)).event is Event.ACCEPT


async def test_what_may_not_leave_any_more_leaves_nothing() -> None:
    """Given back, which is no failure; the next one goes out."""

    async def turn() -> float:
        return math.inf

    async with (
        replying(answer(202, ACCEPTED)) as server,
        client_for(basic(server.url)) as client,
    ):
        held = await client.post(body("first"), turn)
        assert (await client.post(body("second"))).event is Event.ACCEPT

    assert (held.event, held.action) == (Event.RELEASE, Action.GIVE_BACK)
    assert server.tags == ["second"]


async def test_a_body_that_the_server_never_reads_is_not_called_unsent() -> None:
    """More than the kernel takes, and nobody reads: some of it left, so it is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with Client(
            basic(url), clock=asyncio.get_running_loop().time, patience=0.3
        ) as client:
            verdict = await client.post(b"x" * 9_000_000)

    _is_unknown(verdict, "timed out")


# -- it may have left -----------------------------------------------------------------------


def _is_unknown(verdict: Verdict, cause: str = "") -> None:
    assert (verdict.event, verdict.action) == (Event.LOSE, Action.GO_ON)
    assert cause in (verdict.error or "")
    assert "very-secret" not in repr(verdict)
    assert "127.0.0.1" not in repr(verdict)


async def test_a_server_that_closes_without_reading_proves_nothing() -> None:
    """The bytes were handed over; that nobody read them cannot be known."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)

        async def accept_and_close() -> None:
            link, _ = await loop.sock_accept(listening)
            has_bytes = asyncio.Event()
            loop.add_reader(link, has_bytes.set)
            await has_bytes.wait()
            loop.remove_reader(link)
            link.close()

        closing = asyncio.create_task(accept_and_close())
        port = listening.getsockname()[1]
        verdict = await post_once(f"http://127.0.0.1:{port}")
        await closing

    _is_unknown(verdict, "the connection broke")


async def test_a_silent_server_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time for an answer it is unknown, and was sent once."""
    monkeypatch.setattr(bandwidth, "ANSWER_SECONDS", 0.2)
    async with RawServer(_silent) as server:
        _is_unknown(await post_once(server.url), "timed out")

    assert len(server.requests) == 1


async def test_stopping_while_waiting_for_the_answer_proves_nothing() -> None:
    """A cancelled post gives its verdict; the row is not left without one."""
    async with RawServer(_silent) as server:
        post = asyncio.create_task(post_once(server.url))
        await server.arrived.wait()
        post.cancel()

        _is_unknown(await post, "stopped while waiting")


async def test_a_redirect_is_not_followed() -> None:
    """A POST is never made twice, wherever it is sent to."""
    moved = answer(307, b"", "Location: /elsewhere")
    async with replying(moved, answer(202, ACCEPTED)) as server:
        _is_unknown(await post_once(server.url))

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 ",
        b"HTTP/1.1 202 Accepted\r\nContent-",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 99999 What\r\n\r\n",
        b"HTTP/1.1 502 X\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 500 X\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none_proves_nothing(said: bytes) -> None:
    """Broken off, of another protocol, too long: unknown, never an exception."""
    async with replying(said) as server:
        _is_unknown(await post_once(server.url))

    assert len(server.requests) == 1


@settings(
    derandomize=True,
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    said=st.lists(
        st.sampled_from(
            [b"HTTP/1.1 ", b"202", b"500", b" X", b"\r\n", b"\r\n\r\n", b"Content-Length: ",
             b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"5", b"-1", b"{}",
             b"Connection: close", b"HTTP/1.0 ", b"\x00", b"\xff"]
        )
        | st.binary(max_size=8),
        max_size=12,
    ).map(b"".join)
)  # fmt: skip
def test_no_answer_at_all_ends_in_an_exception(said: bytes) -> None:
    """Whatever bytes come back: a verdict, and released only for a documented status."""

    async def play() -> Verdict:
        async with replying(said) as server:
            return await post_once(server.url)

    verdict = asyncio.run(play())

    assert isinstance(verdict, Verdict)
    if verdict.event is Event.RELEASE:
        assert verdict.code in ("401", "429", "500", "503")


# -- the status alone proves ----------------------------------------------------------------


@pytest.mark.parametrize("ending", ["breaks off", "hangs", "is stopped"])
async def test_a_202_counts_although_its_body_does_not_come(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted, its id found later: the connection broke, hung, or we were stopped."""
    monkeypatch.setattr(bandwidth, "ANSWER_SECONDS", 0.2 if ending == "hangs" else 30)
    has_begun = asyncio.Event()
    real = Exchange.read

    async def read(self: Exchange) -> bytes:
        has_begun.set()
        return await real(self)

    monkeypatch.setattr(Exchange, "read", read)

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await server.read(reader)
        writer.write(b'HTTP/1.1 202 X\r\nContent-Length: 999\r\n\r\n{"id":"147')
        await writer.drain()
        if ending != "breaks off":
            await asyncio.Event().wait()

    async with RawServer(play) as server:
        post = asyncio.create_task(post_once(server.url))
        if ending == "is stopped":
            await has_begun.wait()
            await asyncio.sleep(0)  # it waits for the rest of the body
            post.cancel()
        verdict = await post

    assert (verdict.event, verdict.message_id) == (Event.ACCEPT, None)


# -- never twice ------------------------------------------------------------------------------


async def test_a_post_is_not_repeated_on_a_kept_connection_that_breaks() -> None:
    """Idempotent requests are repeated by aiohttp itself.  A POST must not be."""

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await server.read(reader)
        writer.write(answer(202, ACCEPTED))
        await server.read(reader)  # and close without a word

    async with RawServer(play) as server, client_for(basic(server.url)) as client:
        assert (await client.post(body("first"))).event is Event.ACCEPT
        _is_unknown(await client.post(body("second")))

        assert [orjson.loads(one.body)["tag"] for one in server.requests] == [
            "first",
            "second",
        ]
        assert server.connections == 1
        assert (await client.post(body("third"))).event is Event.ACCEPT
        assert server.connections == 2


async def test_a_kept_connection_that_closes_around_a_post_never_doubles_it() -> None:
    """Closed a little before, while, or after: what is released was never seen."""
    pauses = Random(3)

    async def play(
        server: RawServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await server.read(reader)
        writer.write(answer(202, ACCEPTED))
        for _ in range(pauses.randrange(12)):
            await asyncio.sleep(0)

    async with RawServer(play) as server, client_for(basic(server.url)) as client:
        verdicts = {}
        for number in range(400):
            verdicts[str(number)] = await client.post(body(str(number)))
            for _ in range(pauses.randrange(4)):
                await asyncio.sleep(0)
        seen = Counter(orjson.loads(one.body)["tag"] for one in server.requests)

    assert max(seen.values()) == 1
    for tag, verdict in verdicts.items():
        if verdict.event is Event.ACCEPT:
            assert tag in seen
        else:
            assert verdict.event is Event.LOSE or tag not in seen
    assert len({verdict.event for verdict in verdicts.values()}) > 1

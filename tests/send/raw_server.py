"""A server that sees every byte, and what a client is made of to talk to it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson
import pytest

from bulksend.send.bandwidth import Client
from bulksend.send.message import Envelope, Message
from bulksend.send.signin import Credentials
from bulksend.simulator.scenario import Scenario
from bulksend.simulator.server import Simulator, serve

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from bulksend.send.verdict import Verdict


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


async def silent(
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

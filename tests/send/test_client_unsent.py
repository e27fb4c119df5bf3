"""The HTTP client over real sockets: what proves that nothing has left."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import GateRefused
from bulksend.journal.states import Event
from bulksend.send import bandwidth
from bulksend.send.bandwidth import Client
from bulksend.send.signin import Credentials
from bulksend.send.verdict import Action, Verdict
from tests.send.raw_server import (
    ACCEPTED,
    ACCOUNT,
    RawServer,
    answer,
    basic,
    body,
    certified,
    client_for,
    post_once,
    replying,
    silent,
)

if TYPE_CHECKING:
    from pathlib import Path


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
    async with RawServer(silent) as server:
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

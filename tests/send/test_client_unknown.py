"""The HTTP client over real sockets: what proves nothing, and what counts all the same."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulksend.journal.states import Event
from bulksend.send import bandwidth
from bulksend.send.bandwidth import Client
from bulksend.send.verdict import Action, Verdict
from bulksend.send.wire import Exchange
from tests.send.raw_server import (
    ACCEPTED,
    RawServer,
    answer,
    basic,
    body,
    client_for,
    post_once,
    replying,
    silent,
)


async def test_a_body_that_the_server_never_reads_is_not_called_unsent() -> None:
    """More than the kernel takes, and nobody reads: some of it left, so it is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with Client(
            basic(url), clock=asyncio.get_running_loop().time, patience=0.3
        ) as client:
            verdict = await client.post(b"x" * 9_000_000)

    _is_unknown(verdict, "timed out")


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
    async with RawServer(silent) as server:
        _is_unknown(await post_once(server.url), "timed out")

    assert len(server.requests) == 1


async def test_stopping_while_waiting_for_the_answer_proves_nothing() -> None:
    """A cancelled post gives its verdict; the row is not left without one."""
    async with RawServer(silent) as server:
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

"""The HTTP client over real sockets: what it sends, and the verdict of each fault.

The simulator plays Bandwidth's faults.  What no HTTP server would do is done by
`RawServer`, which sees every byte that really arrived.
"""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from typing import Any, NamedTuple

import aiohttp
import pytest

from bulksend.journal.states import Event
from bulksend.send import bandwidth
from bulksend.send.verdict import Action, Verdict
from tests.send.raw_server import (
    ACCEPTED,
    ACCOUNT,
    answer,
    basic,
    body,
    client_for,
    post_once,
    replying,
    simulating,
)


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

"""Callbacks as Bandwidth sends them: what becomes of a message, at least once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiohttp import web

from bulksend.simulator.answers import iso_millis
from bulksend.simulator.fates import FAILURES, callbacks, fate_of
from bulksend.simulator.scenario import Scenario
from bulksend.simulator.server import Simulator, serve
from tests.simulator.calls import ANN, BOB, SENDER, bandwidth, parsed, post, search

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bulksend.simulator.witness import Accepted

MANY = 400


def accepted(size: int = 1, **changes: Any) -> list[Accepted]:
    world = bandwidth(rate=None)
    for _ in range(size):
        assert post(world, **changes).status == 202
    return world.witness.accepted


def told(record: Accepted, **options: Any) -> list[dict[str, Any]]:
    return [one.event for one in callbacks(record, Scenario(**options), iso_millis)]


def test_a_delivery_has_the_documented_shape() -> None:
    """The tag comes back, the text does not; time, type, to, description, message."""
    (record,) = accepted(tag="spring-7#0a1b2c3d-7")
    (event,) = told(record)
    assert event == {
        "time": iso_millis(record.wall + 0.001),
        "type": "message-delivered",
        "to": ANN,
        "description": "Message delivered to handset.",
        "message": {
            "id": record.id,
            "owner": SENDER,
            "applicationId": record.application_id,
            "time": iso_millis(record.wall),
            "segmentCount": 1,
            "direction": "out",
            "to": [ANN],
            "from": SENDER,
            "text": "",
            "tag": "spring-7#0a1b2c3d-7",
        },
    }


def test_a_group_message_brings_one_ending_a_number() -> None:
    """With the same message id, and the numbers of all."""
    (record,) = accepted(to=[ANN, BOB])
    events = told(record)
    endings = [one for one in events if one["type"] == "message-delivered"]
    assert [one["to"] for one in endings] == [ANN, BOB]
    assert all(one["message"]["to"] == [ANN, BOB] for one in events)
    assert [one["type"] for one in events].count("message-sending") == 2


# option, and the types that a message then brings
ENDINGS: tuple[tuple[dict[str, float], list[str]], ...] = (
    ({"undelivered": 1.0}, ["message-failed"]),
    ({"overdue": 1.0}, ["message-failed", "message-delivered"]),
    ({"dropped": 1.0}, []),
    ({"stops": 1.0}, ["message-delivered", "message-received"]),
    ({"callback_strange": 1.0}, ["message-of-tomorrow", "message-delivered"]),
)


@pytest.mark.parametrize(("options", "types"), ENDINGS)
def test_each_share_brings_its_events(
    options: dict[str, float], types: list[str]
) -> None:
    """In the order in which they happen."""
    (record,) = accepted()
    events = told(record, **options)
    assert [one["type"] for one in events] == types
    times = [one["time"] for one in events]
    assert times == sorted(times)


def test_a_fate_is_always_the_same_and_its_share_holds() -> None:
    """Whoever asks twice hears the same; a fifth is a fifth."""
    scenario = Scenario(undelivered=0.2)
    records = accepted(MANY)
    fates = [fate_of(one, ANN, scenario) for one in records]
    assert fates == [fate_of(one, ANN, scenario) for one in records]
    failed = [one for one in fates if one.status == "FAILED"]
    assert 0.1 < len(failed) / MANY < 0.3
    assert {one.code for one in failed} <= set(FAILURES)


def test_the_search_tells_the_same_fate() -> None:
    """Status and error code, and both can be searched for."""
    world = bandwidth(rate=None, undelivered=0.5, dropped=0.2)
    for number in range(40):
        post(world, to=[f"+1919{2_000_000 + number}"])
    found = parsed(search(world, "destinationTn=%2B1919&limit=100"))["messages"]
    for one, record in zip(reversed(found), world.witness.accepted, strict=True):
        fate = fate_of(record, record.to[0], world.scenario)
        assert (one["messageStatus"], one["errorCode"]) == (fate.status, fate.code)
    wanted = Counter(one["messageStatus"] for one in found)
    for status in ("DELIVERED", "FAILED", "SENDING"):
        query = f"destinationTn=%2B1919&messageStatus={status}"
        assert parsed(search(world, query))["totalCount"] == wanted[status]


# -- over the wire ----------------------------------------------------------------------


class Ear:
    """A server that hears callbacks, and refuses the first *refusals* of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.heard: list[tuple[str, bytes]] = []
        self.answered: Counter[int] = Counter()

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        status = 503 if self.refusals > 0 else 200
        self.refusals -= 1
        self.answered[status] += 1
        if status == 200:
            self.heard.append((request.headers.get("Authorization", ""), body))
        return web.Response(status=status)


@asynccontextmanager
async def calling(ear: Ear, **options: Any) -> AsyncIterator[Simulator]:
    """A simulator that posts its callbacks to *ear*."""
    server = await asyncio.get_running_loop().create_server(
        web.Server(ear, access_log=None), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    scenario = Scenario(
        rate=None,
        callback_url=f"http://127.0.0.1:{port}/",
        callback_retry=0.001,
        **options,
    )
    try:
        async with await serve(scenario, rng=random.Random(7)) as simulator:
            yield simulator
    finally:
        server.close()


async def settled(simulator: Simulator) -> None:
    async with asyncio.timeout(60):
        while simulator.callbacks.waiting:  # noqa: ASYNC110  (a count, not an event)
            await asyncio.sleep(0.005)


def fill(simulator: Simulator, size: int) -> None:
    for number in range(size):
        post(simulator.bandwidth, tag=f"#0a1b2c3d-{number}")


async def test_no_message_is_forgotten_before_its_callbacks() -> None:
    """However many come at once: each is told of, and then only the latest are kept."""
    ear = Ear()
    async with calling(ear, remembers=5) as one:
        fill(one, 200)
        assert len(one.bandwidth.witness.accepted) == 200
        await settled(one)
        fill(one, 1)
        await settled(one)
        assert len(one.bandwidth.witness.accepted) < 10
    assert ear.answered == {200: 201}


async def test_refused_callbacks_are_posted_again_until_they_are_taken() -> None:
    """At least once each, with the credentials of the application."""
    ear = Ear(refusals=70)
    async with calling(ear, callback_user="bw", callback_password="sesame") as one:
        fill(one, 50)
        await settled(one)
    assert ear.answered == {200: 50, 503: 70}
    events = [orjson.loads(body)[0] for _, body in ear.heard]
    assert {one["message"]["tag"] for one in events} == {
        f"#0a1b2c3d-{number}" for number in range(50)
    }
    assert {said for said, _ in ear.heard} == {"Basic Ync6c2VzYW1l"}


async def test_some_are_posted_twice_and_in_another_order() -> None:
    """Doubled by their share; delays from bounds shuffle them."""
    ear = Ear()
    async with calling(ear, callback_doubled=0.5, callback_delay=(0.0, 0.05)) as one:
        fill(one, 60)
        await settled(one)
    times = Counter(body for _, body in ear.heard)
    assert len(times) == 60
    assert 10 < sum(count == 2 for count in times.values()) < 50
    tags = [orjson.loads(body)[0]["message"]["tag"] for _, body in ear.heard]
    assert tags != sorted(tags, key=lambda tag: int(tag.rpartition("-")[2]))


def test_shares_that_cannot_be_are_refused() -> None:
    """Endings over 1, shares out of range, falling bounds: E580 for each."""
    from bulksend.errors import InputError

    wrong: list[dict[str, Any]] = [
        {"undelivered": 0.6, "dropped": 0.6},
        {"stops": 1.5},
        {"callback_delay": (2.0, 1.0)},
        {"callback_retry": -1.0},
    ]
    for options in wrong:
        with pytest.raises(InputError) as caught:
            Scenario(**options)
        assert caught.value.problems[0].code == "E580"

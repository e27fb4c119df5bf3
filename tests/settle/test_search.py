"""The client of the message search: polite, patient, and not to be confused."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bulksend.errors import GateRefused, Stopped
from bulksend.journal.states import Event
from bulksend.send.signin import Credentials
from bulksend.settle import search as module
from bulksend.settle.evidence import Found
from bulksend.settle.search import MessageSearch, iso
from bulksend.simulator.scenario import Scenario
from bulksend.simulator.server import serve
from tests.simulator.calls import ANN, BOB, SENDER, post

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

NOW = 1_790_000_000_000


def credentials(url: str) -> Credentials:
    return Credentials("9900000", url=url, username="user", password="secret")


def searching(url: str, *, by: Credentials | None = None, **more: Any) -> MessageSearch:
    said: dict[str, Any] = {
        "clock": lambda: 0.0,
        "now": lambda: NOW,
        "rng": random.Random(7),
        "calls_a_second": 10_000.0,
    }
    return MessageSearch(by or credentials(url), **said | more)


@asynccontextmanager
async def answering(
    answer: Callable[[web.BaseRequest], web.Response],
) -> AsyncIterator[str]:
    """A server that answers every search with *answer*."""

    async def handle(request: web.BaseRequest) -> web.Response:
        return answer(request)

    server = await asyncio.get_running_loop().create_server(
        web.Server(handle, access_log=None), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def record(**changes: Any) -> dict[str, Any]:
    said = {
        "messageId": "a",
        "sourceTn": SENDER,
        "destinationTn": ANN,
        "messageStatus": "DELIVERED",
        "messageType": "sms",
        "messageLength": 9,
        "errorCode": 0,
        "receiveTime": "2026-11-26T10:00:00.123Z",
    } | changes
    return {name: value for name, value in said.items() if value is not ...}


def page(*records: Any, token: str | None = None) -> web.Response:
    info = {"nextPageToken": token} if token else {}
    return web.json_response({"pageInfo": info, "messages": list(records)})


def test_dates_have_their_milliseconds() -> None:
    """Or Bandwidth answers 400."""
    assert iso(NOW) == "2026-09-21T14:13:20.000Z"
    assert iso(NOW + 7) == "2026-09-21T14:13:20.007Z"


async def test_records_to_ten_numbers_come_in_one_call() -> None:
    """From the simulator: every field that proves something, and nobody else's."""
    async with await serve(Scenario(rate=None), rng=random.Random(7)) as simulator:
        for to in (ANN, BOB, "+19195550103"):
            assert post(simulator.bandwidth, to=[to]).status == 202
        first, *_ = simulator.bandwidth.witness.accepted
        async with searching(simulator.url) as search:
            found, _ = await search.to([ANN, BOB], since=0)
            newest = await search.newest(since=0)
            calls = search.calls
    assert {one.to for one in found} == {ANN, BOB}
    at = int(first.wall * 1000)
    assert found[0] == Found(
        first.id, ANN, SENDER, at, is_mms=False, length=9, is_over=True
    )
    assert (newest, calls) == (at, 2)


async def test_a_phone_with_several_numbers_is_asked_for_by_each() -> None:
    """What it was sent may stand under another than the plan's; that is no stranger's."""
    asked: list[str] = []

    def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.query["destinationTn"])
        return page(*([record(destinationTn="+5215512345678")] * (len(asked) == 1)))

    ours = [
        "+525512345678",
        "+5491123456789",
        *(f"+5511987654{n:03}" for n in range(8)),
    ]
    async with answering(answer) as url, searching(url) as search:
        found, unread = await search.to(ours, 0)
    assert [one.to for one in found] == ["+5215512345678"]
    assert unread == 0
    numbers = ",".join(asked).split(",")
    assert [len(one.split(",")) for one in asked] == [10, 10]
    others = {"+5215512345678", "+541123456789", "+551187654000"}
    assert others | set(ours) <= set(numbers)


async def test_pages_are_followed_and_dates_go_on_where_they_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each message is seen, though no offset goes beyond the furthest."""
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "FURTHEST", 6)
    async with await serve(Scenario(rate=None), rng=random.Random(7)) as simulator:
        for second in range(17):
            post(simulator.bandwidth, seconds=float(second))
        expected = {one.id for one in simulator.bandwidth.witness.accepted}
        async with searching(simulator.url) as search:
            pages = [page async for page in search.since(0)]
    seen = [one.found.message_id for page in pages for one in page]
    assert set(seen) == expected
    assert len(seen) < 2 * len(expected)


async def test_many_in_one_millisecond_end_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than the furthest offset at one moment: it moves on instead of circling."""
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "FURTHEST", 4)
    async with await serve(Scenario(rate=None), rng=random.Random(7)) as simulator:
        for _ in range(9):
            post(simulator.bandwidth)
        async with searching(simulator.url) as search, asyncio.timeout(30):
            pages = [page async for page in search.since(0)]
    assert 0 < len(pages) < 20


# status, error code as said; the event, and the code
FATES = (
    ("DELIVERED", 0, Event.DELIVER, None),
    ("FAILED", 4720, Event.FAIL, 4720),
    ("UNDELIVERED", 4702, Event.FAIL, 4702),
    ("DLR_EXPIRED", None, Event.FAIL, 9902),
    ("SENT", 0, Event.ACCEPT, None),
    ("QUEUED", None, Event.ACCEPT, None),
    ("OF_TOMORROW", 0, Event.ACCEPT, None),
    (None, None, Event.ACCEPT, None),
)


@pytest.mark.parametrize(("status", "said", "event", "code"), FATES)
async def test_a_status_says_what_it_proves(
    status: str | None, said: int | None, event: Event, code: int | None
) -> None:
    """A record alone proves that Bandwidth took the message."""
    answer = page(record(messageStatus=status, errorCode=said))
    async with answering(lambda _: answer) as url, searching(url) as search:
        ((sight,),) = [one async for one in search.since(0)]
    assert (sight.event, sight.error_code) == (event, code)
    assert sight.found.is_over is (event is not Event.ACCEPT)


async def test_records_that_say_too_little_are_counted() -> None:
    """Of wrong types, without id, number or time; the others are read."""
    odd = [None, 7, {}, record(messageId=None), record(receiveTime="now"), record()]
    fine = record(messageId="b", sourceTn=..., messageType="rcs", messageLength="9")
    async with answering(lambda _: page(*odd, fine)) as url, searching(url) as search:
        found, unread = await search.to([ANN], 0)
    assert found[1] == Found("b", ANN, "", found[0].received_at, is_over=True)
    assert (len(found), unread) == (2, 5)


HIDDEN = [
    ("as many as it says", {"totalCount": 1, "messages": [record()]}, 0),
    ("more than it shows", {"totalCount": 3, "messages": [record()]}, 2),
    ("none of three", {"totalCount": 3, "messages": []}, 3),
    ("nothing said", {"messages": [record()]}, 0),
    ("somebody else", {"messages": [record(destinationTn=ANN[1:])]}, 1),
]


@pytest.mark.parametrize(("said", "unread"), [one[1:] for one in HIDDEN])
async def test_records_that_may_be_anybodys_are_counted(
    said: dict[str, Any], unread: int
) -> None:
    """Beside them no message is absent: what it says to have, and who was not asked for."""
    async with (
        answering(lambda _: web.json_response(said)) as url,
        searching(url) as search,
    ):
        assert (await search.to([ANN, BOB], 0)).unread == unread


def listed(names: str, total: int | None, token: str | None = None) -> dict[str, Any]:
    """A page of messages with these ids; *total* is what it says there are in all."""
    said = {} if total is None else {"totalCount": total}
    info = {"nextPageToken": token} if token else {}
    records = [record(messageId=name) for name in names]
    return said | {"pageInfo": info, "messages": records}


# What two pages show and say to be there; the records that may be anybody's.
SHIFTED = [
    pytest.param(("AB", 3), ("C", 3), 0, id="all"),
    pytest.param(("AB", None), ("C", None), 0, id="all, and no total"),
    pytest.param(("AB", 3), ("CD", 4), 0, id="one more at the end"),
    pytest.param(("AB", 3), ("BC", 4), 1, id="one came in before the second page"),
    pytest.param(("AB", None), ("BC", None), 1, id="the same, and no total"),
    pytest.param(("AB", 3), ("BC", 3), 1, id="one told twice, of three"),
    pytest.param(("AB", 4), ("D", 3), 1, id="one went, and the next was passed over"),
]


@pytest.mark.parametrize(("first", "second", "unread"), SHIFTED)
async def test_pages_that_shift_show_nobody_to_be_absent(
    first: tuple[str, int | None], second: tuple[str, int | None], unread: int
) -> None:
    """The search takes records in while it is read: one may fall between two pages."""

    def answer(request: web.BaseRequest) -> web.Response:
        is_second = "pageToken" in request.query
        said = listed(*second) if is_second else listed(*first, token="2")
        return web.json_response(said)

    async with answering(answer) as url, searching(url) as search:
        assert (await search.to([ANN], 0)).unread == unread


@pytest.mark.parametrize(
    "said", [{}, {"status": "ok"}, {"messages": {}}, {"totalCount": 3}, [], None]
)
async def test_an_answer_without_records_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, said: Any
) -> None:
    """E546: a gateway's word for "all is well" shows nobody to be absent."""
    monkeypatch.setattr(MessageSearch, "_pause", lambda *_: 0.0)
    answer = web.json_response
    async with answering(lambda _: answer(said)) as url, searching(url) as search:
        with pytest.raises(Stopped, match="E546"):
            await search.to([ANN], 0)
    nothing = {"totalCount": 0}
    async with answering(lambda _: answer(nothing)) as url, searching(url) as search:
        assert await search.to([ANN], 0) == ([], 0)


@pytest.mark.parametrize("records", [[], [record()]], ids=["empty", "the same"])
async def test_pages_without_an_end_are_left(
    monkeypatch: pytest.MonkeyPatch, records: list[dict[str, object]]
) -> None:
    """E546, and nothing is concluded from them."""
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "FURTHEST", 4)
    said = {"messages": records, "pageInfo": {"nextPageToken": "more"}}
    async with (
        answering(lambda _: web.json_response(said)) as url,
        searching(url) as search,
        asyncio.timeout(30),
    ):
        with pytest.raises(Stopped) as stopped:
            await search.to([ANN], 0)
    assert stopped.value.problems[0].found == "its pages have no end"


# Retry-After as it may come, and the seconds that are waited; None: as long as we like.
WAITS = (
    ("37", 37.0),
    ("0", 0.0),
    ("9" * 400, 600.0),
    ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
    ("Thu, 01 Jan 2025 00:00:30 GMT", 0.0),
    ("Thu, 01 Jan 2126 00:00:30 GMT", 600.0),
    ("soon", None),
    ("-5", None),
    ("\u0663", None),
    ("", None),
    (None, None),
)


@pytest.mark.parametrize(("said", "seconds"), WAITS)
def test_it_is_told_how_long_to_wait(said: str | None, seconds: float | None) -> None:
    """In seconds, or until a date; ten minutes at most; what is neither says nothing."""
    assert module._retry_after(said, 1_767_225_600_000) == seconds


async def test_a_throttled_search_waits_as_long_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retry-After, then the same question again."""
    waited: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await real(0)

    answers = [web.Response(status=429, headers={"Retry-After": "37"}), page(record())]
    async with answering(lambda _: answers.pop(0)) as url, searching(url) as search:
        monkeypatch.setattr("bulksend.settle.search.asyncio.sleep", sleep)
        assert len((await search.to([ANN], 0)).found) == 1
    assert 37.0 in waited


@pytest.mark.parametrize("status", [500, 502, 503, 200, 408, 425, 429])
async def test_a_search_that_is_ill_is_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """E546, exit 4: what was found until then is kept, and it can be run again."""
    monkeypatch.setattr(MessageSearch, "_pause", lambda *_: 0.0)
    calls: list[int] = []

    def answer(_request: web.BaseRequest) -> web.Response:
        calls.append(1)
        return web.Response(status=status, text="<html>a gateway's page</html>")

    async with answering(answer) as url, searching(url) as search:
        with pytest.raises(Stopped) as stopped:
            await search.newest(0)
    assert stopped.value.problems[0].code == "E546"
    assert len(calls) == module.TRIES


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_told_in_its_own_words(status: int) -> None:
    """E545, at once; numbers in it are masked."""
    said = {"type": "x", "description": "no such thing for +19195550101"}
    async with (
        answering(lambda _: web.json_response(said, status=status)) as url,
        searching(url) as search,
    ):
        with pytest.raises(GateRefused) as refused:
            await search.newest(0)
    (problem,) = refused.value.problems
    assert problem.code == "E545"
    assert problem.found == f"{status}: no such thing for +191…01"


async def test_a_new_token_that_is_refused_too_is_a_refusal() -> None:
    """E545 after one renewal: the account says no, and no outage is waited for."""
    asked: list[str] = []

    def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        if request.path == "/token":
            return web.json_response({"access_token": f"t{len(asked)}"})
        said = {"type": "x", "description": "no messaging role"}
        return web.json_response(said, status=401)

    async with answering(answer) as url:
        by_token = replace(
            credentials(url),
            client_id="id",
            client_secret="s",
            token_url=f"{url}/token",
        )
        async with searching(url, by=by_token) as search:
            with pytest.raises(GateRefused) as refused:
                await search.newest(0)
    assert refused.value.problems[0].code == "E545"
    assert [path == "/token" for path in asked] == [True, False, True, False]


@pytest.mark.parametrize(
    ("ahead", "skew"), [(0, 0), (1, 0), (90, 90_000), (-90, -89_001)]
)
async def test_the_other_clock_is_measured(ahead: int, skew: int) -> None:
    """From the Date of its answers, in whole seconds."""
    from email.utils import formatdate

    date = formatdate(NOW / 1000 + ahead, usegmt=True)

    def answer(_request: web.BaseRequest) -> web.Response:
        return web.json_response({"messages": []}, headers={"Date": date})

    async with answering(answer) as url, searching(url) as search:
        await search.newest(0)
        assert search.skew == skew


async def test_a_search_without_a_date_proves_no_absence() -> None:
    """E549: no clock but ours would tell how long it has been."""

    def answer(_request: web.BaseRequest) -> web.Response:
        return web.json_response({"messages": []}, headers={"Date": "soon"})

    async with answering(answer) as url, searching(url) as search:
        await search.newest(0)
        problem = search.problem()
        assert problem is not None
        assert (problem.code, search.theirs.seen()) == ("E549", None)


def test_the_budget_is_kept() -> None:
    """Below 3,500 calls in any five minutes, with room for others."""
    assert module.CALLS_A_SECOND * 300 + 1 < 3_500

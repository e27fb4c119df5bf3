"""The listener over real sockets: right answers, and nothing kept that was not answered."""

from __future__ import annotations

import asyncio
import base64
import io
import random
import ssl
import threading
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import orjson
import pytest

from bulksend.errors import BulksendError, InputError, Problem
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.settle import health
from bulksend.settle import keeping as keeping_module
from bulksend.settle import listener as listening
from bulksend.settle.keeping import Keeping
from bulksend.settle.listener import Access, Listener
from bulksend.settle.listening import door
from bulksend.settle.receipts import read
from bulksend.settle.taking import Taking
from tests.settle.callbacks import body, event, make_certificate, reply
from tests.settle.test_results import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from bulksend.settle.certificate import Certificate as Shown
    from bulksend.settle.receipts import Receipt

ACCESS = Access("bw", "open sesame")
RIGHT = {"Authorization": aiohttp.encode_basic_auth("bw", "open sesame")}
JSON = {"Content-Type": "application/json; charset=utf-8"}


class Kept:
    """A keeper that keeps in memory."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

        self.tries = 0
        self.is_stuck = False

    async def keep(self, receipts: Sequence[Receipt]) -> None:
        self.receipts.extend(receipts)

    async def try_out(self) -> None:
        self.tries += 1
        await self.keep([])


class Full(Kept):
    """A keeper on a full disk."""

    is_full = True

    async def keep(self, receipts: Sequence[Receipt]) -> None:
        if self.is_full:
            raise BulksendError(Problem("E601", "the disk is full"))
        await super().keep(receipts)


class Certificate(NamedTuple):
    """One of one's own, as the two ends of a connection have it."""

    shown: Shown
    trusted: ssl.SSLContext


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    cert, key = make_certificate(tmp_path)
    shown = door({}, auth=False, tls=(cert, key)).tls
    assert shown is not None
    return Certificate(shown, ssl.create_default_context(cafile=cert))


class Desk:
    """A listener, and a client that signs in."""

    def __init__(self, listener: Listener, session: aiohttp.ClientSession) -> None:
        self.listener = listener
        self.session = session
        self.url = f"http://127.0.0.1:{listener.port}/bandwidth/callbacks"

    async def post(self, said: bytes, headers: dict[str, str] = RIGHT) -> int:
        async with self.session.post(
            self.url, data=io.BytesIO(said), headers=JSON | headers
        ) as answer:
            await answer.read()
            return answer.status

    async def health(self) -> int:
        url = f"http://127.0.0.1:{self.listener.port}/health"
        async with self.session.get(url) as answer:
            said = (await answer.json())["status"]
            assert said == ("ok" if answer.status == 200 else "failing")
            return answer.status

    async def raw(self, said: bytes) -> bytes:
        """What comes back for bytes as they stand, until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        writer.write(said)
        await writer.drain()
        found = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return found


@asynccontextmanager
async def desk(
    keeper: Any = None,
    access: Access | None = ACCESS,
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Desk]:
    listener = Listener(keeper or Kept(), access)
    await listener.listen("127.0.0.1", 0, tls=tls)
    try:
        async with aiohttp.ClientSession() as session:
            yield Desk(listener, session)
    finally:
        await listener.close()


async def test_a_callback_is_kept_and_then_answered() -> None:
    """200 with nothing in it, for every type, known or not."""
    kept = Kept()
    async with desk(kept) as at:
        for kind in ("message-delivered", "message-failed", "message-of-tomorrow"):
            assert await at.post(body(event(kind))) == 200
        assert await at.post(body(event(), reply("Stop"))) == 200
    assert len(kept.receipts) == 5


async def test_what_cannot_be_stored_is_asked_for_again() -> None:
    """503, for as long as it cannot; the health page says so, and says when it can."""
    full = Full()
    async with desk(full) as at:
        assert await at.health() == 503
        assert await at.post(body(event())) == 503
        assert await at.post(b"[]") == 200
        assert await at.health() == 503
        full.is_full = False
        assert await at.post(body(event())) == 200
        assert await at.health() == 200


async def test_health_is_found_out_by_storing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing is posted; once for all that ask within a few seconds."""
    full = Full()
    async with desk(full) as at:
        assert await asyncio.gather(*(at.health() for _ in range(20))) == [503] * 20
        assert await at.health() == 503
        assert full.tries == 1
        full.is_full = False
        monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
        assert await at.health() == 200
        full.is_stuck = True
        assert await at.health() == 503


async def test_health_does_not_wait_for_a_disk_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """503 while a try, or a commit, takes longer than it should; then all is well."""
    go_on = threading.Event()
    monkeypatch.setattr(keeping_module, "TRY_SECONDS", 0.0)
    monkeypatch.setattr(keeping_module, "STORE_SECONDS", 0.0)
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    keeping = Keeping(lambda _: assert_waits(go_on))
    async with desk(keeping) as at:
        assert await at.health() == 503
        posting = asyncio.create_task(at.post(body(event())))
        assert await at.health() == 503
        go_on.set()
        assert await posting == 200
        assert await at.health() == 200
    await keeping.close()


async def test_an_answer_comes_before_bandwidth_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """503 where the commit is not done by then, which it may be later."""
    go_on = threading.Event()
    stored: list[Receipt] = []
    monkeypatch.setattr(listening, "ANSWER_SECONDS", 0.05)

    def store(group: list[Receipt]) -> None:
        assert_waits(go_on)
        stored.extend(group)

    keeping = Keeping(store)
    async with desk(keeping) as at:
        assert await at.post(body(event())) == 503
        assert at.listener.events == 0
        go_on.set()
    await keeping.close()
    assert len(stored) == 1


def assert_waits(go_on: threading.Event) -> None:
    assert go_on.wait(30)


def basic(said: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(said).decode()}"}


STRANGERS: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": ""},
    {"Authorization": "Basic"},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Bearer open sesame"},
    {"Authorization": RIGHT["Authorization"].replace("Basic", "Digest")},
    basic(b"bw:open sesam"),
    basic(b"bw:open sesame "),
    basic(b"BW:open sesame"),
    basic(b"bw"),
    basic(b":"),
    basic("bw:öffne dich".encode()),
    basic(b"\xff\xfe:\xff"),
)


@pytest.mark.parametrize("headers", STRANGERS, ids=str)
async def test_strangers_are_turned_away(headers: dict[str, str]) -> None:
    """401 with the question, and nothing is kept."""
    kept = Kept()
    async with desk(kept) as at:
        assert await at.post(body(event()), headers) == 401
        assert await at.post(body(event())) == 200
    assert len(kept.receipts) == 1


async def test_an_open_listener_asks_nobody() -> None:
    """--no-auth."""
    async with desk(access=None) as at:
        assert await at.post(body(event()), {}) == 200


def test_the_access_tells_no_secret() -> None:
    """Neither in its repr nor in an error that shows it."""
    assert "sesame" not in repr(ACCESS)


async def test_other_methods_and_pages() -> None:
    """405 names what is there; GET has the health page only."""
    async with desk() as at:
        async with at.session.put(at.url, data=b"x", headers=RIGHT) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
        async with at.session.get(at.url) as answer:
            assert answer.status == 404


async def test_a_large_body_is_refused_before_and_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """413, whether its length is told or not."""
    monkeypatch.setattr(listening, "LARGEST_BODY", 1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    async with desk() as at:
        assert await at.post(b" " * 1001) == 413
        async with at.session.post(at.url, data=pieces(), headers=RIGHT) as answer:
            assert answer.status == 413
        assert await at.post(body(event())) == 200


async def test_slow_clients_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """408 for half a body; a head that never ends is closed without an answer."""
    monkeypatch.setattr(listening, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(listening, "IDLE_SECONDS", 0.05)
    head = (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        f"Authorization: {RIGHT['Authorization']}\r\n"
    ).encode()
    async with desk() as at:
        answer = await at.raw(head + b"\r\n[")
        assert answer.startswith(b"HTTP/1.1 408")
        assert await at.raw(head) == b""
        assert await at.raw(b"") == b""


async def test_a_handshake_that_does_not_end_is_let_go(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate
) -> None:
    """Whoever says nothing, or half a hello, is closed; who comes then is served."""
    monkeypatch.setattr(listening, "HANDSHAKE_SECONDS", 0.2)
    half_a_hello = bytes.fromhex("16030100c8010000c40303")
    async with desk(tls=certificate.shown.context) as at:
        answers = await asyncio.gather(*map(at.raw, (b"", half_a_hello)))
        assert answers == [b"", b""]
        url = at.url.replace("http:", "https:")
        async with at.session.post(
            url, data=body(event()), headers=RIGHT, ssl=certificate.trusted
        ) as answer:
            assert answer.status == 200


async def test_a_renewed_certificate_is_shown_to_who_comes_next(
    tmp_path: Path, certificate: Certificate
) -> None:
    """Without a restart; half of a new pair, or a file that is gone, changes nothing."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    new = make_certificate(tmp_path / "new")
    trusts_new = ssl.create_default_context(cafile=new[0])

    async def is_trusted(by: ssl.SSLContext) -> bool:
        async with aiohttp.ClientSession() as session:
            url = at.url.replace("http:", "https:")
            try:
                async with session.post(
                    url, data=body(event()), headers=RIGHT, ssl=by
                ) as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectorCertificateError:
                return False

    async with desk(tls=certificate.shown.context) as at:
        assert not certificate.shown.renew()
        key.unlink()
        assert not certificate.shown.renew()
        new[1].replace(key)
        assert not certificate.shown.renew()
        assert await is_trusted(certificate.trusted)
        new[0].replace(cert)
        assert certificate.shown.renew()
        assert not certificate.shown.renew()
        assert await is_trusted(trusts_new)
        assert not await is_trusted(certificate.trusted)


async def test_one_connection_too_many_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And those that are there go on."""
    monkeypatch.setattr(listening, "MOST_CONNECTIONS", 1)
    async with desk() as at:
        assert await at.post(body(event())) == 200  # keeps its connection
        assert await at.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert await at.post(body(event())) == 200


async def test_a_taken_port_is_said_before_anything_else() -> None:
    """E541, with the port."""
    async with desk() as at:
        with pytest.raises(InputError) as caught:
            await Listener(Kept(), ACCESS).listen("127.0.0.1", at.listener.port)
    assert caught.value.problems[0].code == "E541"
    assert str(at.listener.port) in caught.value.problems[0].found


@pytest.mark.parametrize("host", ["nosuch.invalid", "a..b"])
async def test_a_host_that_is_none_is_said(host: str) -> None:
    """E541, in the resolver's words, or in ours where it is no name at all."""
    with pytest.raises(InputError) as caught:
        await Listener(Kept(), ACCESS).listen(host, 0)
    assert caught.value.problems[0].code == "E541"
    assert "unknown error" not in caught.value.problems[0].found


async def test_a_stop_answers_what_is_under_way() -> None:
    """A callback that is being stored when the stop comes gets its 200."""
    storing, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Kept):
        async def keep(self, receipts: Sequence[Receipt]) -> None:
            storing.set()
            await go_on.wait()
            await super().keep(receipts)

    slow = Slow()
    async with desk(slow) as at:
        posting = asyncio.create_task(at.post(body(event())))
        await storing.wait()
        closing = asyncio.create_task(at.listener.close())
        await asyncio.sleep(0)
        go_on.set()
        assert await posting == 200
        await closing
    assert len(slow.receipts) == 1


# -- a thousand bad bodies --------------------------------------------------------------

SECRET = "4155550199"
"""Stands in each bad body; it must not come out anywhere."""


def _not_json(chance: random.Random) -> tuple[bytes, int]:
    return f'{{"to": "+1{SECRET}", {chance.random()}'.encode(), 400


def _noise(chance: random.Random) -> tuple[bytes, int]:
    return b"\xff" + chance.randbytes(200) + SECRET.encode(), 400


def _deep(chance: random.Random) -> tuple[bytes, int]:
    depth = chance.randint(300, 20_000)
    return b"[" * depth + f'"{SECRET}"'.encode() + b"]" * depth, 400


def _huge(chance: random.Random) -> tuple[bytes, int]:
    size = listening.LARGEST_BODY + chance.randint(1, 10)
    return SECRET.encode().ljust(size), 413


def _no_event(chance: random.Random) -> tuple[bytes, int]:
    said: list[Any] = [7, "x", None, {}, {"type": None}, {"to": f"+1{SECRET}"}, [[]]]
    return orjson.dumps([chance.choice(said)]), 400


def _wrong_types(chance: random.Random) -> tuple[bytes, int]:
    odd: list[Any] = [None, 7, -1, 1e300, [], {}, [[]], "", "x" * 9000, True]
    changes = {
        name: chance.choice(odd)
        for name in ("time", "to", "errorCode", "carrierName", "description")
    }
    inner = {f"message_{name}": chance.choice(odd) for name in ("id", "to", "tag")}
    kind = chance.choice(["message-failed", "message-received", "of-tomorrow"])
    return body(event(kind, **changes, **inner)), 200


def _no_message(chance: random.Random) -> tuple[bytes, int]:
    odd: list[Any] = [None, 7, [], "x", {}]
    return body(event("message-delivered", message=chance.choice(odd))), 200


def _half_good(chance: random.Random) -> tuple[bytes, int]:
    """One element that cannot be read, of every kind, among good ones."""
    odd = chance.choice(
        [
            b"[" * 400 + b"]" * 400,
            b'{"type": "of-tomorrow", "x": ' + b"[" * 2000 + b"]" * 2000 + b"}",
            rb'{"type": "message-received", "x": "\ud83d"}',
            b'{"type": "caf\xe9"}',
            b'{"type": oops}',
        ]
    )
    some = [orjson.dumps(event(message_id=f"h{chance.random()}")) for _ in range(3)]
    some.insert(chance.randint(0, 3), odd)
    return b"[" + b",".join(some) + b"]", 200


BAD: tuple[Callable[[random.Random], tuple[bytes, int]], ...] = (
    _not_json,
    _noise,
    _deep,
    _huge,
    _no_event,
    _wrong_types,
    _no_message,
    _half_good,
)
WEIGHTS = (20, 20, 20, 1, 20, 20, 20, 20)


async def test_a_thousand_bad_bodies(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each gets its status, what was good is in the journal, and nothing is told."""
    chance = random.Random(7)
    home = Home(tmp_path, tmp_path / "journal.sqlite")
    taking = Taking(home, lambda: NOW)
    keeping = Keeping(taking)
    expected: Counter[int] = Counter()
    taken: set[tuple[str, int]] = set()
    async with desk(keeping) as at:
        for number in range(1000):
            said, status = chance.choices(BAD, WEIGHTS)[0](chance)
            if number % 50 == 0:
                said, status = body(event(message_id=f"good-{number}")), 200
            stranger = status != 200 and chance.random() < 0.1
            headers = chance.choice(STRANGERS) if stranger else RIGHT
            status = 401 if stranger else status
            try:
                found = await at.post(said, headers)
            except aiohttp.ClientError:  # refused while the body was still on its way
                found = status
                assert status in (401, 413)
                await at.session.close()
                at.session = aiohttp.ClientSession()
            assert found == status, (number, said[:80])
            expected[status] += 1
            if status == 200:
                taken |= {(one.message_id, one.digest) for one in read(said)}
        await at.session.close()
        assert at.listener.answers == expected
    await keeping.run(taking.close)
    await keeping.close()
    with Journal.open(home.journal) as journal:
        assert sum(map(sum, journal.receipts.counts().values())) == len(taken)
    assert expected.keys() == {200, 400, 401, 413}
    told = capfd.readouterr()
    assert SECRET not in told.out + told.err
    assert "sesame" not in told.out + told.err
    assert "Traceback" not in told.out + told.err


# -- group commit -----------------------------------------------------------------------


async def test_callbacks_gather_while_a_commit_is_under_way() -> None:
    """Many callers, few commits, and each returns only after its own."""
    stored: list[int] = []
    keeping = Keeping(lambda group: stored.append(len(group)))

    async def one() -> None:
        before = sum(stored)
        await keeping.keep(receipts())
        assert sum(stored) > before

    await asyncio.gather(*(one() for _ in range(200)))
    await keeping.close()
    assert sum(stored) == 200
    assert len(stored) < 100


def receipts() -> list[Receipt]:
    return read(body(event()))


async def test_a_failed_commit_fails_for_those_in_it_only() -> None:
    """The next ones try anew; nobody waits for ever."""
    fail = [True]

    def store(_group: list[Receipt]) -> None:
        if fail[0]:
            raise BulksendError(Problem("E601", "the disk is full"))

    keeping = Keeping(store)
    for _ in range(2):
        with pytest.raises(BulksendError):
            await keeping.keep(receipts())
    fail[0] = False
    await keeping.keep(receipts())
    await keeping.keep([])
    await keeping.close()


async def test_more_than_can_be_stored_is_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """E542, at once; what waits is stored all the same."""
    from bulksend.settle import keeping as module

    monkeypatch.setattr(module, "MOST_WAITING", 3)
    stored: list[Receipt] = []
    keeping = Keeping(stored.extend)
    callers = [asyncio.create_task(keeping.keep(receipts())) for _ in range(6)]
    found = await asyncio.gather(*callers, return_exceptions=True)
    await keeping.close()
    turned_away = [one for one in found if isinstance(one, BulksendError)]
    assert len(turned_away) == 6 - len(stored)
    assert {one.problems[0].code for one in turned_away} == {"E542"}


async def test_after_a_refusal_nothing_more_is_heard_on_that_connection() -> None:
    """A good callback that was sent behind a stranger's, or behind one too large."""
    kept = Kept()
    good = body(event())

    def head(headers: dict[str, str], length: int) -> bytes:
        said = headers | {"Host": "x", "Content-Length": str(length)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        return f"POST / HTTP/1.1\r\n{lines}\r\n".encode()

    async with desk(kept) as at:
        for bad in (
            head(basic(b"a:b"), 2) + b"[]",
            head(RIGHT, listening.LARGEST_BODY + 1),
        ):
            said = await at.raw(bad + head(RIGHT, len(good)) + good)
            assert said.count(b"HTTP/1.1 ") == 1
    assert kept.receipts == []

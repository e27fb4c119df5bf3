"""The sign-in: a token is fetched once, kept fresh, and never told to anybody."""

from __future__ import annotations

import asyncio
import base64
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import aiohttp
import orjson
import pytest
from structlog.testing import capture_logs

from bulksend.errors import BulksendError, GateRefused, InputError, Stopped
from bulksend.send import signin
from bulksend.send.signin import API_URL, NEEDED, TOKEN_URL, Credentials, SignIn
from tests.send.raw_server import RawServer, answer, replying, simulating

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "very-secret"  # gitleaks:allow


class Clock:
    """Monotonic seconds that a test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def token(name: str, lifetime: object = 3_600) -> bytes:
    said = {"access_token": name, "token_type": "Bearer", "expires_in": lifetime}
    return answer(200, orjson.dumps(said), "Content-Type: application/json")


@asynccontextmanager
async def signing_in(
    token_url: str, clock: Clock | None = None, **more: str
) -> AsyncIterator[SignIn]:
    named = more or {"client_id": "id", "client_secret": SECRET}
    credentials = Credentials("1", token_url=token_url, **named)
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield SignIn(credentials, session, clock=clock or Clock())


# -- credentials ----------------------------------------------------------------------------


def test_credentials_are_read_from_bandwidths_own_names() -> None:
    """All of them; blanks around them and a slash at the end do no harm."""
    found = Credentials.from_environment(
        {
            "BW_ACCOUNT_ID": " 9900000 ",
            "BW_CLIENT_ID": "id",
            "BW_CLIENT_SECRET": f"{SECRET}\n",
            "BW_MESSAGING_URL": "http://127.0.0.1:8/api/v2/",
            "BW_TOKEN_URL": "http://127.0.0.1:8/token",
            "BW_USERNAME": "user",
            "BW_PASSWORD": "pass",
        }
    )

    assert found == Credentials(
        "9900000",
        "http://127.0.0.1:8/api/v2",
        "http://127.0.0.1:8/token",
        "id",
        SECRET,
        "user",
        "pass",
    )
    assert found.uses_token, "the token wins where both are there"


def test_the_addresses_are_bandwidths_unless_set() -> None:
    """An empty variable is one that is not set."""
    found = Credentials.from_environment(
        {
            "BW_ACCOUNT_ID": "1",
            "BW_USERNAME": "user",
            "BW_PASSWORD": "pass",
            "BW_TOKEN_URL": "",
            "BW_CLIENT_ID": " ",
        }
    )

    assert (found.url, found.token_url) == (API_URL, TOKEN_URL)
    assert not found.uses_token


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, f"BW_ACCOUNT_ID, {NEEDED}"),
        ({"BW_ACCOUNT_ID": "1"}, NEEDED),
        ({"BW_ACCOUNT_ID": "1", "BW_USERNAME": "user"}, NEEDED),
        ({"BW_ACCOUNT_ID": "1", "BW_CLIENT_SECRET": "x"}, NEEDED),
        ({"BW_ACCOUNT_ID": "1", "BW_CLIENT_ID": "id"}, "BW_CLIENT_SECRET"),
        ({"BW_USERNAME": "user", "BW_PASSWORD": "pass"}, "BW_ACCOUNT_ID"),
    ],
)
def test_what_is_missing_is_named_all_at_once(
    environment: dict[str, str], missing: str
) -> None:
    """E500 with each variable that must be set."""
    with pytest.raises(InputError) as raised:
        Credentials.from_environment(environment)

    (problem,) = raised.value.problems
    assert (problem.code, problem.found) == ("E500", f"not set: {missing}")


def test_no_repr_tells_a_secret() -> None:
    """Names may be seen; secrets and passwords may not."""
    credentials = Credentials(
        "1", client_id="id", client_secret=SECRET, username="user", password=SECRET
    )

    assert SECRET not in repr(credentials)
    assert SECRET not in str(credentials)
    assert "user" in repr(credentials)


# -- Basic ------------------------------------------------------------------------------------


async def test_basic_needs_no_server_and_knows_nothing_fresher() -> None:
    """The header is there at once; after a 401 there is no other."""
    async with signing_in("", username="ann@example.com", password=SECRET) as sign_in:
        expected = base64.b64encode(f"ann@example.com:{SECRET}".encode()).decode()

        assert await sign_in.header() == f"Basic {expected}"
        assert await sign_in.renew(sign_in.generation) is False
        assert await sign_in.header() == f"Basic {expected}"


async def test_basic_is_warned_of_once_since_it_ends() -> None:
    """With the day on which Bandwidth ends it, and without the password."""
    with capture_logs() as told:
        async with signing_in("http://x", username="user", password=SECRET) as sign_in:
            await sign_in.header()
            await sign_in.renew(sign_in.generation)
    assert [one["bandwidth_ends_it"] for one in told] == ["2026-12-02"]
    assert SECRET not in str(told)


# -- tokens -----------------------------------------------------------------------------------


async def test_a_token_is_asked_for_as_rfc_6749_has_it() -> None:
    """Client credentials, by Basic and a form; the answer becomes the header."""
    async with replying(token("t1")) as server, signing_in(server.url) as sign_in:
        assert await sign_in.header() == "Bearer t1"

    (request,) = server.requests
    signed = base64.b64encode(f"id:{SECRET}".encode()).decode()
    assert f"Authorization: Basic {signed}" in request.head.splitlines()
    assert parse_qs(request.body.decode()) == {"grant_type": ["client_credentials"]}


async def test_the_simulators_token_opens_the_simulator() -> None:
    """One token for many messages, through both real sides."""
    async with (
        simulating(credentials=frozenset({("id", SECRET)})) as simulator,
        signing_in(simulator.token_url) as sign_in,
        aiohttp.ClientSession() as session,
    ):
        headers = {"Authorization": await sign_in.header()}
        url = f"{simulator.url}/users/1/messages?messageDirection=OUTBOUND"
        async with session.get(url, headers=headers) as answer_:
            assert answer_.status == 200


async def test_many_that_wait_share_one_fetch() -> None:
    """Fifty messages at once, one request, one header."""
    async with replying(token("t1")) as server, signing_in(server.url) as sign_in:
        headers = await asyncio.gather(*(sign_in.header() for _ in range(50)))

    assert set(headers) == {"Bearer t1"}
    assert len(server.requests) == 1
    assert sign_in.generation == 1


@pytest.mark.parametrize(
    ("lifetime", "fresh"), [(3_600, 3_540), (600, 540), (100, 90), (10, 9)]
)
async def test_a_token_is_renewed_before_its_end(lifetime: int, fresh: float) -> None:
    """A minute before, or a tenth of a short life: never under a token that ended."""
    clock = Clock()
    tokens = [token("t1", lifetime), token("t2", lifetime)]
    async with replying(*tokens) as server, signing_in(server.url, clock) as sign_in:
        await sign_in.header()
        clock.now += fresh - 0.001
        assert await sign_in.header() == "Bearer t1"
        clock.now += 0.001
        assert await sign_in.header() == "Bearer t2"


async def test_a_token_without_a_lifetime_is_taken_for_an_hour() -> None:
    """RFC 6749 allows to leave expires_in out."""
    clock = Clock()
    bare = answer(200, b'{"access_token":"t1"}')
    async with (
        replying(bare, token("t2")) as server,
        signing_in(server.url, clock) as sign_in,
    ):
        await sign_in.header()
        clock.now += 3_539
        assert await sign_in.header() == "Bearer t1"
        clock.now += 1
        assert await sign_in.header() == "Bearer t2"


async def test_after_a_401_one_fetch_serves_all_that_met_it() -> None:
    """Those that come later with the old generation find the new token there."""
    tokens = [token("t1"), token("t2"), token("t3")]
    async with replying(*tokens) as server, signing_in(server.url) as sign_in:
        await sign_in.header()
        seen = sign_in.generation

        assert await asyncio.gather(*(sign_in.renew(seen) for _ in range(20))) == (
            [True] * 20
        )
        assert await sign_in.header() == "Bearer t2"
        assert await sign_in.renew(seen) is True
        assert len(server.requests) == 2
        assert await sign_in.renew(sign_in.generation) is True
        assert await sign_in.header() == "Bearer t3"


# -- what can go wrong --------------------------------------------------------------------------


async def test_wrong_credentials_are_said() -> None:
    """E501, and what the token address answered."""
    async with (
        simulating(credentials=frozenset({("id", "other")})) as simulator,
        signing_in(simulator.token_url) as sign_in,
    ):
        with pytest.raises(GateRefused, match="E501 the token address answered 401"):
            await sign_in.header()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (answer(400, b"{}"), "E501"),
        (answer(403, b"{}"), "E501"),
        (answer(404, b"{}"), "E502"),
        (answer(429, b"{}"), "E502"),
        (answer(500, b"{}"), "E502"),
        (answer(503, b"<html>"), "E502"),
        (answer(302, b"", "Location: /login"), "E502"),
        (answer(200, b""), "E502"),
        (answer(200, b"<html>"), "E502"),
        (answer(200, b"\xff\xfe"), "E502"),
        (answer(200, b"[]"), "E502"),
        (answer(200, b"{}"), "E502"),
        (answer(200, b'{"access_token":null}'), "E502"),
        (answer(200, b'{"access_token":""}'), "E502"),
        (answer(200, b'{"access_token":"a\\r\\nX-Evil: 1"}'), "E502"),
        (token("t1", "soon"), "E502"),
        (b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{", "E502"),
        (b"nonsense", "E502"),
        (b"", "E502"),
    ],
)
async def test_an_answer_that_is_no_token_is_a_coded_refusal(
    said: bytes, code: str
) -> None:
    """Refused credentials stay refused; a server that is not well is tried again."""
    async with replying(said) as server, signing_in(server.url) as sign_in:
        with pytest.raises(BulksendError) as raised:
            await sign_in.header()

    assert raised.value.problems[0].code == code
    assert raised.value.exit_code == {"E501": 3, "E502": 4}[code]
    assert len(server.requests) == 1
    _tells_nothing(raised.value)


async def test_an_address_that_cannot_be_reached_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """E502: nobody listens, nobody answers, or it is no address."""
    monkeypatch.setattr(signin, "ANSWER_SECONDS", 0.3)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/token"

        async def silent(
            server: RawServer, reader: asyncio.StreamReader, _: asyncio.StreamWriter
        ) -> None:
            await server.read(reader)
            await asyncio.Event().wait()

        async with RawServer(silent) as server:
            said = {nobody: "no connection", server.url: "timed out"}
            for url in (nobody, server.url, "not an address", "ftp://127.0.0.1/"):
                async with signing_in(url) as sign_in:
                    with pytest.raises(Stopped) as raised:
                        await sign_in.header()
                assert raised.value.problems[0].code == "E502", url
                assert said.get(url, "") in raised.value.problems[0].found
                _tells_nothing(raised.value)


async def test_a_failure_is_not_kept() -> None:
    """When the address is well again, the next message gets its token."""
    async with (
        replying(answer(503), token("t1")) as server,
        signing_in(server.url) as sign_in,
    ):
        with pytest.raises(Stopped):
            await sign_in.header()

        assert await sign_in.header() == "Bearer t1"


async def test_a_token_that_lives_is_kept_while_no_new_one_is_to_be_had() -> None:
    """The next try comes later and later; only its own end ends it."""
    clock = Clock()
    bad = answer(503, b"<html>")
    async with (
        replying(token("t1", 600), bad, bad, token("t2", 600), bad) as server,
        signing_in(server.url, clock) as sign_in,
    ):
        assert await sign_in.header() == "Bearer t1"
        clock.now += 541  # time for a fresh one
        asked = []
        for _ in range(4):
            said = await asyncio.gather(*(sign_in.header() for _ in range(20)))
            asked.append(len(server.requests))
            assert set(said) <= {"Bearer t1", "Bearer t2"}
            clock.now += 1.5

        assert asked == [2, 3, 3, 4]
        assert await sign_in.header() == "Bearer t2"
        clock.now += 600
        with pytest.raises(Stopped, match="E502"):
            await sign_in.header()


@pytest.mark.parametrize("name", ["BW_MESSAGING_URL", "BW_TOKEN_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "ftp://127.0.0.1/",
        "http://",
        "https://a:x/",
        "http://[a",
        "http://a\u2028b/",
    ],
)
def test_an_address_that_is_none_is_said_before_anything_is_sent(
    name: str, address: str
) -> None:
    """E500 names the variable."""
    named = {"BW_ACCOUNT_ID": "1", "BW_USERNAME": "u", "BW_PASSWORD": SECRET}
    with pytest.raises(InputError) as raised:
        Credentials.from_environment(named | {name: address})

    (problem,) = raised.value.problems
    assert (problem.code, problem.found) == ("E500", f"{name} is no address")


def _tells_nothing(error: BaseException | None) -> None:
    """No secret in what a person or a log may see of it."""
    signed = base64.b64encode(f"id:{SECRET}".encode()).decode()
    for word in (SECRET, signed, "X-Evil"):
        assert word not in f"{error} {error!r}"

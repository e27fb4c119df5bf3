"""The simulator over real sockets: what a plain client sees, and what the log says."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from bulksend.errors import InputError
from bulksend.simulator.lifetime import in_thread
from bulksend.simulator.scenario import Scenario
from bulksend.simulator.server import Simulator, serve
from tests.simulator.calls import ACCOUNT, ANN, BASIC, body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HEALTHY = Scenario(rate=None)
RESET = "reset"
SOON, LATE = aiohttp.ClientTimeout(total=0.3), aiohttp.ClientTimeout(total=60)


@asynccontextmanager
async def simulated(
    scenario: Scenario = HEALTHY, *, log_path: Path | None = None
) -> AsyncIterator[tuple[Simulator, aiohttp.ClientSession]]:
    rng = random.Random(7)
    async with (
        await serve(scenario, rng=rng, log_path=log_path) as simulator,
        aiohttp.ClientSession(headers={"Authorization": BASIC}) as session,
    ):
        yield simulator, session


async def send(
    simulator: Simulator,
    session: aiohttp.ClientSession,
    give_up: aiohttp.ClientTimeout = LATE,
    **changes: Any,
) -> tuple[int | str, bytes]:
    """Status and body, or how it went wrong."""
    url = f"{simulator.url}/users/{ACCOUNT}/messages"
    try:
        async with session.post(url, json=body(**changes), timeout=give_up) as answer:
            return answer.status, await answer.read()
    except TimeoutError:
        return "timeout", b""
    except aiohttp.ClientOSError as exc:
        if exc.errno != errno.ECONNRESET:
            raise
        return RESET, b""


async def told(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        assert answer.status == 200
        return await answer.read()


SEEN: list[tuple[str, int | str, int, int]] = [
    # fault, what the client sees, messages accepted, status in the log
    ("lost_before", RESET, 0, 0),
    ("lost_after", RESET, 1, 0),
    ("error_500", 500, 0, 500),
    ("slow", "timeout", 1, 202),
    ("silent", "timeout", 1, 0),
    ("garbled_202", 202, 1, 202),
    ("gateway_502", 502, 1, 502),  # by this seed; the other half is not
]


@pytest.mark.parametrize(("fault", "seen", "accepted", "status"), SEEN)
async def test_a_fault_looks_on_the_wire_as_it_should(
    fault: str, seen: int | str, accepted: int, status: int
) -> None:
    """A reset is a reset, silence is silence, and the log knows the truth."""
    options: dict[str, Any] = {fault: 1.0}
    async with simulated(Scenario(**options)) as (simulator, session):
        give_up = SOON if seen == "timeout" else LATE
        answer, _ = await send(simulator, session, give_up)

        stats = orjson.loads(await told(session, f"{simulator.origin}/_stats"))
        log = await told(session, f"{simulator.origin}/_log?kind=attempts")

    assert answer == seen
    assert stats["accepted"] == accepted
    assert stats["faults"] == {fault: 1}
    (attempt,) = map(orjson.loads, log.splitlines())
    assert (attempt["fault"], attempt["status"]) == (fault, status)
    assert (attempt["message_id"] is not None) == bool(accepted)


async def test_a_garbled_202_is_no_json_and_a_gateway_speaks_html() -> None:
    """Both have a status to read and no body to trust."""
    async with simulated(Scenario(garbled_202=1.0)) as (simulator, session):
        _, garbled = await send(simulator, session)
    async with simulated(Scenario(gateway_502=1.0)) as (simulator, session):
        _, page = await send(simulator, session)

    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(garbled)
    assert page.startswith(b"<html>")


async def test_a_slow_answer_comes_in_the_end() -> None:
    """Slow is late, not lost: a client that waits gets its 202."""
    async with simulated(Scenario(slow=1.0, slow_seconds=0.05)) as (simulator, session):
        started = time.monotonic()
        status, _ = await send(simulator, session)

    assert status == 202
    assert time.monotonic() - started >= 0.05


async def test_the_connection_survives_everything_but_a_reset() -> None:
    """Keep-alive holds across 202, 400, 404 and 415: one socket for all of them."""
    async with simulated() as (simulator, session):
        url = f"{simulator.url}/users/{ACCOUNT}/messages"
        for to, status in (([ANN], 202), ([], 400), ([ANN], 202)):
            assert (await send(simulator, session, to=to))[0] == status
        async with session.post(url, data=b"x") as answer:
            assert answer.status == 415
        async with session.get(f"{simulator.origin}/nowhere") as answer:
            assert answer.status == 404

        assert len(simulator._web.connections) == 1


async def test_the_log_is_told_as_json_lines() -> None:
    """More lines than one chunk holds, in order, of either kind and no other."""
    async with simulated() as (simulator, session):
        for n in range(1200):
            to = [f"+1919555{n:04d}"]
            assert (await send(simulator, session, to=to))[0] == 202

        accepted = await told(session, f"{simulator.origin}/_log")
        attempts = await told(session, f"{simulator.origin}/_log?kind=attempts")
        async with session.get(f"{simulator.origin}/_log?kind=other") as answer:
            assert answer.status == 404

    lines = [orjson.loads(line) for line in accepted.splitlines()]
    assert [line["to"] for line in lines] == [[f"+1919555{n:04d}"] for n in range(1200)]
    assert {line["kind"] for line in lines} == {"accepted"}
    assert len(attempts.splitlines()) == 1200


async def test_closing_cuts_off_what_is_under_way_at_once() -> None:
    """A silent request does not hold the simulator up."""
    async with simulated(Scenario(silent=1.0)) as (simulator, session):
        url = f"{simulator.url}/users/{ACCOUNT}/messages"
        waiting = asyncio.ensure_future(session.post(url, json=body()))
        while not simulator.bandwidth.witness.attempts:  # noqa: ASYNC110 - none to wait for
            await asyncio.sleep(0)

        started = time.monotonic()
        await simulator.close()

        assert time.monotonic() - started < 5.0
        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting


async def test_a_port_in_use_is_an_error_with_a_way_out() -> None:
    """No traceback of asyncio's, and the log file is not left open."""
    async with simulated() as (simulator, _):
        with pytest.raises(InputError) as caught:
            await serve(Scenario(), rng=random.Random(1), port=simulator.port)

    (problem,) = caught.value.problems
    assert problem.code == "E581"
    assert str(simulator.port) in problem.found


async def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Told before anything is served."""
    with pytest.raises(InputError) as caught:
        await serve(
            Scenario(), rng=random.Random(1), log_path=tmp_path / "no" / "log.jsonl"
        )

    assert caught.value.problems[0].code == "E582"


async def test_the_log_file_has_a_message_before_its_answer_leaves(
    tmp_path: Path,
) -> None:
    """A reset client finds in the file what it could not be told."""
    path = tmp_path / "log.jsonl"
    async with simulated(Scenario(lost_after=1.0), log_path=path) as (
        simulator,
        session,
    ):
        assert (await send(simulator, session, tag="t-1"))[0] == RESET
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]

    assert [line["kind"] for line in lines] == ["accepted", "attempt"]
    assert lines[0]["tag"] == "t-1"
    assert lines[0]["id"] == lines[1]["message_id"]


def test_a_thread_serves_for_as_long_as_its_block() -> None:
    """For tests and for `provider: simulator`: no loop of the caller's is needed."""
    with in_thread(Scenario(), random.Random(7)) as simulator:
        status, _ = asyncio.run(_send_once(simulator))
        assert status == 202
        assert simulator.bandwidth.witness.accepted[0].to == (ANN,)
        assert simulator.url == f"http://127.0.0.1:{simulator.port}/api/v2"
        assert simulator.token_url.endswith(f":{simulator.port}/api/v1/oauth2/token")

    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(_send_once(simulator))


async def _send_once(simulator: Simulator) -> tuple[int | str, bytes]:
    async with aiohttp.ClientSession(headers={"Authorization": BASIC}) as session:
        return await send(simulator, session)


PROCESS = """
import pathlib, random, sys
from bulksend.simulator.lifetime import run_forever
from bulksend.simulator.scenario import Scenario
run_forever(
    Scenario(), random.Random(7), log_path=pathlib.Path(sys.argv[1]),
    ready=lambda simulator: print(simulator.url, simulator.token_url, flush=True),
)
print("done")
"""


@pytest.mark.parametrize(
    ("sign", "code", "last"),
    [
        (signal.SIGTERM, 0, "done\n"),
        (signal.SIGINT, 0, "done\n"),
        (signal.SIGKILL, -signal.SIGKILL, ""),
    ],
)
def test_a_process_ends_cleanly_and_its_log_outlives_even_a_kill(
    tmp_path: Path, sign: signal.Signals, code: int, last: str
) -> None:
    """SIGINT and SIGTERM end with 0; after SIGKILL the file has every message."""
    path = tmp_path / "log.jsonl"
    command = [sys.executable, "-c", PROCESS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, token_url = process.stdout.readline().split()
        told_202 = asyncio.run(_post_many(url, 50))
        os.kill(process.pid, sign)
        rest = process.stdout.read()

    assert (process.returncode, rest) == (code, last)
    assert token_url.endswith("/api/v1/oauth2/token")
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    logged = {line["id"] for line in lines if line["kind"] == "accepted"}
    assert logged == told_202
    assert len(logged) == 50


async def _post_many(url: str, count: int) -> set[str]:
    async def post(session: aiohttp.ClientSession) -> str:
        target = f"{url}/users/{ACCOUNT}/messages"
        async with session.post(target, json=body()) as answer:
            return str(orjson.loads(await answer.read())["id"])

    async with aiohttp.ClientSession(headers={"Authorization": BASIC}) as session:
        return set(await asyncio.gather(*(post(session) for _ in range(count))))

"""`bulksend listen` as a process beside runs: what it hears ends up in the rows."""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import resource
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import polars as pl
import pytest

from bulksend.home import Home
from bulksend.journal.store import Journal
from tests.flow.desk import counts, crowd, ended, served, until
from tests.settle.callbacks import event, make_certificate, reply
from tests.suites.arrivals import watched
from tests.suites.postgres_server import Server, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

__all__ = ["postgres"]

USER, PASSWORD = "bw", "open-sesame-7"
ACCESS = {"BW_CALLBACK_USERNAME": USER, "BW_CALLBACK_PASSWORD": PASSWORD}
RIGHT = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}


class Listening:
    """A listener in a process of its own."""

    def __init__(self, desk: Desk, *options: str, port: int = 0) -> None:
        self.process = desk.start("listen", "--port", str(port), *options)
        assert self.process.stdout
        found = re.search(r":(\d+)/", self.process.stdout.readline())
        assert found, ended(self.process)
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}/bandwidth"

    @property
    def callbacks(self) -> dict[str, Any]:
        """What makes the simulator call it back."""
        return {
            "callback_url": self.url,
            "callback_user": USER,
            "callback_password": PASSWORD,
        }

    def post(self, *events: dict[str, Any]) -> int:
        request = urllib.request.Request(
            self.url, orjson.dumps(events), RIGHT | {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def health(self) -> int:
        url = f"http://127.0.0.1:{self.port}/health"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        ran = ended(self.process)
        assert ran.code == 0, ran
        return ran.all


@contextmanager
def listening(desk: Desk, *options: str) -> Iterator[Listening]:
    desk.environment |= ACCESS
    one = Listening(desk, *options)
    yield one
    if one.process.poll() is None:
        one.stop()


def journal_of(desk: Desk) -> Journal:
    return Journal.open(Home.find(desk.folder, {}).journal)


def until_settled(simulator: Simulator, process: subprocess.Popen[str]) -> None:
    """Until every callback of the simulator's was acknowledged."""
    until(lambda: not simulator.callbacks.waiting, process)


def test_what_became_of_each_message_is_in_its_row(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Delivered, failed with what to do, 9902 and then delivered; all over the wire."""
    with listening(desk) as at:
        simulator = bandwidth(
            **at.callbacks,
            callback_delay=(0.0, 0.3),
            callback_doubled=0.2,
            undelivered=0.3,
            overdue=0.2,
            callback_strange=0.1,
        )
        desk.people(crowd(200))
        desk.campaign()
        ran = desk.call("run", "hello.yaml", "--yes", "--json")
        until_settled(simulator, at.process)
        out = at.stop()

    assert "callbacks taken in" in out
    assert "open-sesame" not in out
    run = ran.json["run"]
    after = desk.call("results", run, "--json")
    fates = {one.to[0]: one for one in simulator.bandwidth.witness.accepted}
    found = {
        to: (status, code)
        for to, status, code in desk.results()
        .select("to", "status", "error_code")
        .iter_rows()
    }
    from bulksend.simulator.fates import fate_of

    for to, record in fates.items():
        fate = fate_of(record, to, simulator.bandwidth.scenario)
        assert found[to] == (
            ("failed", str(fate.code)) if fate.code else ("delivered", None)
        ), to
    assert set(counts(after)) == {"delivered", "failed"}
    failed = desk.results().filter(pl.col("status") == "failed")
    assert all(len(words) > 20 for words in failed["error"])
    with journal_of(desk) as journal:
        told = journal.receipts.counts()
        assert sum(told.get("message-of-tomorrow", ())) > 0
        assert journal.receipts.doubled(1) == 0


def test_a_stop_reaches_a_run_that_is_under_way(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The reply, and the code 4775: nothing more for them; START lets them back in."""
    simulator = bandwidth()
    size = 300
    desk.people(crowd(size))
    desk.campaign(send={"rate": "100/s"})
    first, second, third = (f"+1919{2_000_000 + size - n}" for n in (1, 2, 3))
    with listening(desk) as at:
        run = desk.start("run", "hello.yaml", "--yes", "--json")
        accepted = simulator.bandwidth.witness.accepted
        until(lambda: len(accepted) >= 5, run)
        assert at.post(reply(" stop ", message_from=first)) == 200
        failure = event("message-failed", to=second, errorCode=4775, message_tag=...)
        assert at.post(failure, reply("Stop", message_from=third)) == 200
        assert at.post(reply("Start", message_from=third, time="2026-11-26T10:09:00Z"))
        run.communicate(timeout=60)

    texted = {one.to[0] for one in accepted}
    assert {first, second} & texted == set()
    assert third in texted
    reasons = desk.results().filter(pl.col("to").is_in([first, second]))
    assert set(reasons["reason"]) == {"opted_out"}
    checked = desk.call("suppress", "check", first, "--json").json
    assert checked["entries"][0]["source"] == "reply STOP"
    checked = desk.call("suppress", "check", second, "--json").json
    assert checked["entries"][0]["source"] == "receipt 4775"


def test_who_says_stop_gets_nothing_a_second_later(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Everybody at once, beside a run: from the answer to the callback on."""
    bandwidth()
    size = 500
    desk.people(crowd(size))
    desk.campaign(send={"rate": "100/s"})
    people = [f"+1919{2_000_000 + n}" for n in range(size)]
    stops = [reply("STOP", message_from=one) for one in people]
    with listening(desk) as at:
        run = desk.start("run", "hello.yaml", "--yes", "--json")
        until(lambda: sent(desk), run)
        assert at.post(*stops) == 200
        answered = time.time_ns() // 1_000_000
        said = json.loads(run.communicate(timeout=60)[0])

    assert said["accepted"] + said["excluded"] == size
    assert said["excluded"] > size / 2
    with journal_of(desk) as journal:
        posted = [one.posted_at or 0 for one in journal.entries(1, 0, size + 2)]
    assert max(posted) - answered <= 1_000


@pytest.mark.slow
def test_no_worker_texts_whoever_said_stop_a_second_ago(
    desk: Desk, postgres: Server
) -> None:
    """Three of them, with their journal in a server: by the clock of the wire."""
    size = 900
    desk.people(crowd(size))
    desk.campaign(send={"rate": "150/s"})
    people = [f"+1919{2_000_000 + n}" for n in range(size)]
    with served(desk.folder) as server, watched(server.origin) as arrivals:
        desk.environment |= server.environment | {"BULKSEND_JOURNAL": postgres.schema()}
        desk.environment["BW_MESSAGING_URL"] = f"{arrivals.origin}/api/v2"
        plan = desk.call("plan", "hello.yaml", "--shards", "3", "--json").json["plan"]
        with listening(desk) as at:
            each = [
                desk.start("send", plan, "--shard", str(shard), "--yes", "--json")
                for shard in range(3)
            ]
            until(lambda: len(arrivals.moments) > size / 6, each[0])
            answered: dict[str, float] = {}
            for one in people:
                assert at.post(reply("STOP", message_from=one)) == 200
                answered[one] = time.time()
            ended_as = [ended(one) for one in each]
        posts = arrivals.posts
    assert {one.code for one in ended_as} == {0}
    assert sum(one.json["excluded"] for one in ended_as) > size / 10
    texts = [(at, to) for at, said in posts for to in people if to.encode() in said]
    assert len(texts) == sum(one.json["accepted"] for one in ended_as)
    assert max(at - answered[to] for at, to in texts) <= 1.0


def sent(desk: Desk) -> bool:
    """Whether the run has begun to send."""
    with journal_of(desk) as journal:
        return any(one.accepted_at for one in journal.entries(1, 0, 10))


def test_callbacks_of_others_are_kept_and_change_nothing(desk: Desk) -> None:
    """Another journal's tag, no tag, an unknown type: kept, counted, answered 200."""
    with listening(desk) as at:
        assert (
            at.post(event(), event(message_tag="theirs"), event("of-tomorrow")) == 200
        )
        assert at.post(event()) == 200
    with journal_of(desk) as journal:
        assert journal.receipts.counts() == {
            "message-delivered": (0, 2),
            "of-tomorrow": (0, 1),
        }


def test_a_full_disk_loses_nothing_that_was_acknowledged(desk: Desk) -> None:
    """503 while there is no room, 200 when there is again; each 200 is in the journal."""
    anything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    kept: set[str] = set()
    with listening(desk) as at:

        def post(turn: int) -> int:
            ids = [f"m{turn}-{place}" for place in range(50)]
            status = at.post(*(reply("x" * 500, message_id=one) for one in ids))
            kept.update(ids if status == 200 else ())
            return status

        full = (400_000, resource.RLIM_INFINITY)
        resource.prlimit(at.process.pid, resource.RLIMIT_FSIZE, full)
        answers = [post(turn) for turn in range(20)]
        assert set(answers) == {200, 503}
        resource.prlimit(at.process.pid, resource.RLIMIT_FSIZE, anything)
        assert post(99) == 200
    with journal_of(desk) as journal:
        assert journal.receipts.counts() == {"message-received": (0, len(kept))}


# what is wrong, the options, the environment, the code
REFUSALS: tuple[tuple[str, tuple[str, ...], dict[str, str], str], ...] = (
    ("no credentials", (), {}, "E540"),
    ("half of them", (), {"BW_CALLBACK_USERNAME": "bw"}, "E540"),
    ("nothing in one", (), ACCESS | {"BW_CALLBACK_PASSWORD": "  "}, "E540"),
    ("open to the world", ("--no-auth", "--host", "0.0.0.0"), {}, "E540"),
    ("no certificate", ("--tls-cert", "a", "--tls-key", "b"), ACCESS, "E543"),
    ("no such address", ("--host", "192.0.2.1"), ACCESS, "E541"),
)


@pytest.mark.parametrize(
    ("options", "environment", "code"),
    [one[1:] for one in REFUSALS],
    ids=[one[0] for one in REFUSALS],
)
def test_a_listener_that_cannot_be_trusted_does_not_start(
    desk: Desk, options: tuple[str, ...], environment: dict[str, str], code: str
) -> None:
    """Exit 2 before a port is open."""
    desk.environment |= environment
    ran = desk.process("listen", "--port", "0", *options)
    assert ran.code == 2, ran
    assert f"{code} " in ran.err


def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked(desk: Desk) -> None:
    """E543 with the way out; no prompt that nobody would answer at a service's start."""
    _, key = make_certificate(desk.folder)
    locked = key.with_name("locked.pem")
    subprocess.run(
        [
            *("openssl", "pkey", "-in", key, "-aes256"),
            *("-passout", "pass:x", "-out", locked),
        ],
        check=True,
        capture_output=True,
    )
    desk.environment |= ACCESS
    tls = ("--tls-cert", "cert.pem", "--tls-key", "locked.pem")
    ran = desk.process("listen", "--port", "0", *tls)
    assert ran.code == 2, ran
    assert "E543 " in ran.err
    assert "the key has a passphrase" in ran.err
    assert "Enter PEM" not in ran.all


def test_a_stop_does_not_wait_for_a_journal_that_is_locked(desk: Desk) -> None:
    """What is not on the disk by then was not acknowledged: Bandwidth brings it again."""
    with listening(desk) as at:
        assert at.post(event(message_id="m1")) == 200
        place = str(Home.find(desk.folder, {}).journal)
        with closing(sqlite3.connect(place, isolation_level=None)) as sql:
            sql.execute("begin immediate")
            with ThreadPoolExecutor(1) as pool:
                posting = pool.submit(at.post, event(message_id="m2"))
                until(lambda: at.health() == 503, at.process)
                began = time.monotonic()
                at.process.send_signal(signal.SIGTERM)
                ran = ended(at.process)
                assert time.monotonic() - began < 15  # the lock is waited for 30 s
                with suppress(OSError):  # the connection ended without an answer
                    assert posting.result() == 503
            sql.execute("rollback")
    assert ran.code == 4, ran
    with journal_of(desk) as journal:
        assert journal.receipts.counts() == {"message-delivered": (0, 1)}


def test_a_listener_ends_when_a_newer_program_upgrades_its_journal(desk: Desk) -> None:
    """E602 and how to go on, after a 503: Bandwidth brings it again to the next one."""
    with listening(desk) as at:
        assert at.post(event()) == 200
        place = str(Home.find(desk.folder, {}).journal)
        with sqlite3.connect(place) as sql:
            sql.execute("update meta set value = '99'")
        sql.close()

        assert at.post(event()) == 503
        ran = ended(at.process)

    assert ran.code not in {0, 1}, ran
    assert "E602 " in ran.err
    assert "A newer bulksend" in ran.err


def test_it_speaks_tls(desk: Desk) -> None:
    """With a certificate of one's own; plain HTTP is then no way in."""
    make_certificate(desk.folder)
    import ssl

    trust = ssl.create_default_context(cafile=str(desk.folder / "cert.pem"))
    with listening(desk, "--tls-cert", "cert.pem", "--tls-key", "key.pem") as at:
        health = f"https://127.0.0.1:{at.port}/health"
        with urllib.request.urlopen(health, context=trust, timeout=30) as answer:
            assert answer.status == 200


# -- killed -----------------------------------------------------------------------------

CALLBACKS = 100_000
POSTERS = 8
EACH = 25
"""Events a post: the test is about durability, not about connections."""


@pytest.mark.slow
@pytest.mark.crash
def test_every_acknowledged_callback_survives_three_kills(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """100,000 callbacks, 5 % twice, shuffled, `kill -9` at three moments."""
    bandwidth()
    rows = 2_000
    desk.people(crowd(rows))
    desk.campaign(send={"rate": "5000/s"})
    ran = desk.call("run", "hello.yaml", "--yes", "--json")
    assert counts(ran) == {"accepted": rows}
    tags = dict(desk.results().select("row", "tag").iter_rows())
    sent = desk.results().select("row", "message_id", "to").rows()
    chance = random.Random(7)
    bodies, fates = _storm(sent, tags, chance)

    desk.environment |= ACCESS
    acknowledged = asyncio.run(_pour(desk, bodies))

    with journal_of(desk) as journal:
        kept = set(
            journal.database.connection.execute(  # type: ignore[attr-defined]
                "select message_id, at from receipts"
            )
        )
        told = journal.receipts.counts()
    assert acknowledged == {key for keys, _ in bodies for key in keys}
    assert acknowledged <= kept
    assert sum(ours for ours, _ in told.values()) == len(kept)
    desk.call("results", ran.json["run"])
    found = dict(desk.results().select("message_id", "status").iter_rows())
    assert found == fates
    assert Counter(fates.values())["failed"] > 100


def _storm(
    sent: list[tuple[str, str, str]], tags: dict[str, str], chance: random.Random
) -> tuple[list[tuple[list[tuple[str, int]], bytes]], dict[str, str]]:
    """Bodies, each with the keys of its events; and how each message ends."""
    fates: dict[str, str] = {}
    events: list[tuple[tuple[str, int], dict[str, Any]]] = []
    per_row = math.ceil(CALLBACKS / 1.05 / len(sent))
    for row, message_id, to in sent:
        fails = chance.random() < 0.2
        fates[message_id] = "failed" if fails else "delivered"
        for number in range(per_row):
            last = number == per_row - 1
            kind = "message-sending"
            if last:
                kind = "message-failed" if fails else "message-delivered"
            elif not fails and number == per_row - 2:
                kind = "message-failed"  # 9902: a receipt that timed out
            at = 1_795_687_202_000 + number
            stamp = f"2026-11-26T10:00:02.{number:03}Z"
            said = event(
                kind, time=stamp, to=to, message_id=message_id, message_tag=tags[row]
            )
            if kind == "message-failed":
                said["errorCode"] = 4720 if fails else 9902
            events.append(((message_id, at), said))
    events += chance.sample(events, len(events) // 20)
    assert len(events) >= CALLBACKS
    chance.shuffle(events)
    groups = [events[start : start + EACH] for start in range(0, len(events), EACH)]
    return (
        [
            ([key for key, _ in some], orjson.dumps([e for _, e in some]))
            for some in groups
        ],
        fates,
    )


async def _pour(
    desk: Desk, bodies: list[tuple[list[tuple[str, int]], bytes]]
) -> set[tuple[str, int]]:
    """Post all of it, while the listener is killed three times; what was acknowledged."""
    at = Listening(desk)
    port = at.port
    acknowledged: set[tuple[str, int]] = set()
    waiting = list(enumerate(bodies))
    kills = [len(bodies) // 5, len(bodies) // 2, len(bodies) * 4 // 5]
    done = 0

    async def post(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while waiting:
            number, (keys, said) = waiting.pop()
            try:
                async with session.post(at.url, data=said, headers=RIGHT) as answer:
                    assert answer.status == 200
            except (aiohttp.ClientError, OSError):
                waiting.append((number, (keys, said)))  # Bandwidth brings it again
                await asyncio.sleep(0.05)
                continue
            acknowledged.update(keys)
            done += 1

    async def kill() -> None:
        nonlocal at
        while kills:
            if done >= kills[0]:
                kills.pop(0)
                at.process.kill()
                await asyncio.to_thread(at.process.communicate)
                at = await asyncio.to_thread(Listening, desk, port=port)
            await asyncio.sleep(0.01)

    async with aiohttp.ClientSession() as session:
        killer = asyncio.create_task(kill())
        await asyncio.gather(*(post(session) for _ in range(POSTERS)))
        await killer
    await asyncio.to_thread(at.stop)
    return acknowledged


def test_it_is_told_apart_from_strangers(desk: Desk) -> None:
    """401 over the wire, and nothing is kept."""
    with listening(desk) as at:
        request = urllib.request.Request(at.url, orjson.dumps([event()]))
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        assert refused.value.code == 401
        refused.value.close()
    with journal_of(desk) as journal:
        assert journal.receipts.counts() == {}


def test_a_run_that_too_many_people_leave_is_stopped(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Every tenth answers STOP: E547, exit 3, and the rest is not sent; status shows it."""
    with listening(desk) as at:
        simulator = bandwidth(
            **at.callbacks,
            stops=0.1,
        )
        desk.people(crowd(1_500))
        desk.campaign(send={"rate": "100/s"})
        ran = ended(desk.start("run", "hello.yaml", "--yes", "--json"))
        until_settled(simulator, at.process)

    assert (ran.code, ran.json["problems"][0]["code"]) == (3, "E547"), ran
    assert ran.json["not_sent"] > 500
    status = desk.call("status")
    assert "opted out in 24 h, of" in status.out
    assert "may suspend a campaign" in status.out
    rates = [one["opt_outs"] for one in desk.call("status", "--json").json]
    assert rates[0]["share"] == rates[0]["opted_out"] / rates[0]["people"] > 0.04

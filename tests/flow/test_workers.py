"""A campaign sent by the workers of a Dask cluster: real processes, and what kills them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from bulksend import Home, InputError, Options, cluster, load_campaign, run_on_workers
from bulksend.assignment import Assignment
from bulksend.cluster import Likeness
from bulksend.crowd import Shards, ending
from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.home import Address
from bulksend.journal.owner import Owner
from bulksend.journal.store import Journal
from bulksend.on_worker import Said, _is_mendable
from bulksend.planning import plan_campaign
from tests.flow.desk import Desk, codes, counts, ended, served, until
from tests.suites.postgres_server import Server, free_port, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bulksend.underway import Progress, Underway

__all__ = ["postgres"]

ROWS = 300
STARTING_SECONDS = 180
"""Each worker, and each shard in it, starts as a program of its own."""


def people(count: int) -> str:
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(count))
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


def senders(url: str) -> set[int]:
    """The processes that have a lease now."""
    with psycopg.connect(url) as sql:
        found = sql.execute("select owner from leases where expires > 0").fetchall()
    return {json.loads(owner)["pid"] for (owner,) in found}


class Onlooker:
    """Who watches the progress, and kills a worker when so many messages are done."""

    def __init__(self, url: str, kill_at: int) -> None:
        self._url = url
        self._kill_at = kill_at
        self.seen: list[Progress] = []

    async def look(self, sending: Underway) -> None:
        while True:
            if (one := sending.progress()) is not None:
                self.seen.append(one)
                if one.done >= self._kill_at and (found := senders(self._url)):
                    os.kill(min(found), signal.SIGKILL)
                    self._kill_at = ROWS + 1
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.crash
def test_what_one_process_began_goes_on_by_workers_and_back(
    desk: Desk, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run`, killed; then workers, of which one is killed; 0 doubled, every row has a fate.

    It is one run and one plan.  Progress is that of all workers, and what was done before
    is in it.
    """
    monkeypatch.setattr("bulksend.crew.ALONE_SECONDS", STARTING_SECONDS)
    url = postgres.schema()
    with served(tmp_path) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": url}
        desk.people(people(ROWS))
        desk.campaign(send={"rate": "100/s"})
        alone = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(60), alone)
        alone.kill()
        ended(alone)
        before = len(server.lines())
        for name, value in desk.environment.items():
            monkeypatch.setenv(name, value)
        onlooker = Onlooker(url, kill_at=before + 40)
        done = run_on_workers(
            load_campaign(desk.folder / "hello.yaml"),
            "local:2",
            options=Options(beside=onlooker.look),
        )
        again = desk.call("run", "hello.yaml", "--yes", "--json")
        sent = Counter(line["to"][0] for line in server.lines())

    assert done.exit_code in (0, 5), done
    assert again.json["run"] == done.run
    assert counts(again) == {name: n for name, n in done.counts.items() if n}
    fates = Counter(desk.results()["status"].to_list())
    assert max(sent.values()) == 1
    assert sum(fates.values()) == ROWS
    assert set(fates) <= {"accepted", "unknown"}
    assert len(sent) - fates["accepted"] <= fates["unknown"]
    assert {one.total for one in onlooker.seen} == {ROWS}
    assert before < max(one.done for one in onlooker.seen) <= ROWS


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((0, 0), None),
        ((2, 2), 2),  # such as credentials that no worker has
        ((0, 2), 3),
        ((2, 3), 3),
        ((0, 4), 4),
        ((2, 3, 4), 4),  # somebody may go on
    ],
)
def test_what_stopped_the_shards_together(
    codes: tuple[int, ...], code: int | None
) -> None:
    """2 where none of them began; 4 as soon as a later try helps one; each problem once."""
    wrong = Problem("E500", "BW_ACCOUNT_ID")
    stopped = ending([Said(one, (wrong,) if one else ()) for one in codes])

    assert (stopped and stopped.exit_code) == code
    assert stopped is None or list(stopped.problems) == [wrong]


def test_shards_wait_for_nobody_but_shards(desk: Desk) -> None:
    """E610 where one process sends the run: it may take hours, and nobody would be told."""
    desk.people(people(20))
    checked = plan_campaign(desk.campaign(provider="simulator"))
    output = desk.folder / "results.csv"
    asked = Assignment(checked.plan, checked.campaign, checked.home, {}, output)
    now = time.time_ns() // 1_000_000
    run = asked.begin_run(now=now)
    with Journal.open(checked.home.journal) as journal:
        journal.leases.take(run.campaign, Owner.me(run.run), now=now)
    shards = Shards(None, asked, Options())
    held = shards.send(run)

    assert held is not None
    assert [one.code for one in held.problems] == ["E610"]
    assert not shards.has_begun


@pytest.mark.parametrize(
    ("workers", "journal", "code"),
    [
        ("everywhere", "", "E594"),
        ("local:0", "", "E594"),
        ("dask://scheduler", "", "E594"),
        ("dask://127.0.0.1:{port}", "", "E593"),
        ("dask://127.0.0.1:{port}", "postgresql://u@127.0.0.1:1/j", "E591"),
    ],
)
def test_workers_that_are_none_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, workers: str, journal: str, code: str
) -> None:
    """Before anything is planned or sent; a scheduler that is away is said."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.2)
    desk.people(people(3))
    loaded = load_campaign(desk.campaign(provider="simulator"))

    away = code == "E591"
    with pytest.raises(Stopped if away else InputError, match=code):
        run_on_workers(
            loaded,
            workers.format(port=free_port()),
            environment=desk.environment | {"BULKSEND_JOURNAL": journal},
        )


@contextmanager
def _answering(words: bytes | None) -> Iterator[int]:
    """A port where somebody says *words* to whoever calls, or nothing and waits."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = []

        def answer() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                kept.append(caller)
                if words is not None:
                    caller.sendall(words)
                    caller.close()

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for caller in kept:
                caller.close()


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [(None, 4), (b"", 2), (b"HTTP/1.1 400 Bad Request\r\n\r\n", 2)],
    ids=["silent", "shut", "web"],
)
def test_what_is_no_scheduler_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: bytes | None, exit_code: int
) -> None:
    """E591 of whatever answers there, or never does: Dask's own client would wait on.

    One that is away may be back for a later try.
    """
    if words is None:  # only who never answers is waited for to the end
        monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    desk.people(people(3))
    desk.campaign(provider="simulator")
    desk.environment = {"BULKSEND_JOURNAL": "postgresql://u@127.0.0.1:1/j"}
    with _answering(words) as port:
        workers = ("--workers", f"dask://127.0.0.1:{port}")
        ran = desk.call("run", "hello.yaml", *workers, "--json")

    assert (ran.code, codes(ran)) == (exit_code, ["E591"])


def test_without_dask_it_says_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E590 with the extra's name."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    desk.people(people(3))
    loaded = load_campaign(desk.campaign(provider="simulator"))

    with pytest.raises(InputError, match=r"E590[\s\S]*bulksend\[dask\]"):
        run_on_workers(loaded, "local:2", environment=desk.environment)


def test_workers_that_differ_are_all_named(tmp_path: Path) -> None:
    """E592 for another version, a folder that is missing, another journal, and for none."""
    home = Home(tmp_path, Address("postgresql://u@db/j"))
    here = cluster.versions()
    found = {
        "tcp://a": Likeness(here, has_room=True, journal=""),
        "tcp://b": Likeness("bulksend 0.0.1", has_room=False, journal=""),
        "tcp://c": Likeness(here, has_room=True, journal="another journal"),
    }
    with pytest.raises(InputError) as refused:
        cluster._compare(found, tmp_path, home)
    with pytest.raises(InputError, match=r"E592 .*no worker"):
        cluster._compare({}, tmp_path, home)

    said = [problem.found for problem in refused.value.problems]
    assert said == [
        "bulksend 0.0.1 at tcp://b",
        "tcp://b does not see this folder",
        "another journal at tcp://c",
    ]
    cluster._compare({"tcp://a": found["tcp://a"]}, tmp_path, home)


@pytest.mark.parametrize(
    ("stopped", "is_mendable"),
    [
        (Stopped(Problem("E601", "another process was in the way")), True),
        (BulksendError(Problem("E601", "it is damaged")), False),
        (Stopped(Problem("E502", "no answer")), True),
        (Stopped(Problem("E512", "20 messages in a row")), False),
        (Stopped(Problem("E592", "another journal")), False),
    ],
)
def test_what_a_later_try_of_a_shard_may_find_mended(
    stopped: BulksendError, is_mendable: bool
) -> None:
    """Dask tries again at once: never what would only lose more messages."""
    assert _is_mendable(stopped) is is_mendable

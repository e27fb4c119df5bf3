"""A whole Airflow: PostgreSQL, scheduler, API server, DAG processor; and what kills tasks.

Four mapped shards share 200 segments a second.  One is killed with -9, one stands still
with its supervisor for longer than Airflow waits, one is cleared while it runs.  What was
sent is counted by the server that took it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import psycopg
import pytest

from tests.flow.desk import ROOT, served
from tests.flow.test_listen import listening
from tests.settle.callbacks import event
from tests.suites.arrivals import densest, watched
from tests.suites.postgres_server import Server, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flow.desk import Desk
    from tests.flow.test_listen import Listening

pytestmark = [pytest.mark.airflow_stack, pytest.mark.slow, pytest.mark.crash]

ROWS, RATE, SHARDS = 6_000, 200, 4
MOST = 206
"""In any second: the rate and a hundredth, and what a machine that runs an Airflow beside
it shifts between leaving and arriving.  To the segment it is held in virtual time
(`test_shared`); what is asked here is whether four tasks share one rate."""

SECRETS = ("j0urnal-s3cret", "b4ndwidth-s3cret")
"""Of the journal's connection, and of the account."""

TELLING = re.compile(rf"\b1919\d{{7}}\b|see you at|{'|'.join(SECRETS)}")
"""What neither a log nor an XCom may hold: a number, a text, a secret."""

FROZEN_SECONDS = 32.0
"""Longer than the lease and than Airflow's patience, as it is set below."""

DAG_FILE = """
from datetime import timedelta
from airflow.sdk import DAG
from bulksend.airflow import BulksendTaskGroup

with DAG("stack", schedule=None) as dag:
    BulksendTaskGroup(
        campaign="{campaign}",
        shards={shards},
        retry_delay=timedelta(seconds=1),
        wait_for_receipts=timedelta(minutes=5),
        journal_conn_id="journal",
    )
"""


class Stack:
    """A running Airflow."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.port = free_port()
        self.environment = environment | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{self.port}",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": (
                f"http://127.0.0.1:{self.port}/execution/"
            ),
            "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-this-test-and-of-no-other-one",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "PYTHONPATH": str(ROOT),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.home / f"{arguments[0]}.log").open("wb")
        with log:
            return subprocess.Popen(
                self.command(*arguments),
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @cached_property
    def _token(self) -> str:
        return str(self._call("/auth/token", None, {})["access_token"])

    def ask(self, path: str, body: Any = None) -> Any:
        """The REST API's answer."""
        known = {"Authorization": f"Bearer {self._token}"}
        return self._call(f"/api/v2{path}", body, known)

    def _call(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers | {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def try_number(self, shard: int) -> int:
        path = f"/dags/stack/dagRuns/once/taskInstances/campaign.send/{shard}"
        return int(self.ask(path)["try_number"])

    def logs(self) -> str:
        """The last lines of every log, for a failure's sake."""
        found = []
        for path in sorted(self.home.rglob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-25:]
            found += [f"--- {path.relative_to(self.home)}", *lines]
        return "\n".join(found)[-20_000:]


@contextmanager
def stack(home: Path, environment: dict[str, str]) -> Iterator[Stack]:
    airflow = Stack(home, environment)
    subprocess.run(
        airflow.command("db", "migrate"),
        env=airflow.environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    started = [
        airflow.start("api-server", "-p", str(airflow.port), "-w", "1"),
        airflow.start("dag-processor"),
        airflow.start("scheduler"),
        airflow.start("triggerer"),
    ]
    try:
        yield airflow
    finally:
        for one in started:
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def until(true: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if true():
                return
        assert time.monotonic() < deadline, f"too late: {what}"
        time.sleep(0.3)  # asking oftener would keep Airflow from its work


def senders(journal: Server) -> dict[int, int]:
    """The process of each shard that has a lease now."""
    with psycopg.connect(journal.url()) as sql:
        found = sql.execute(
            "select shard, owner from bulksend.leases where expires > "
            "extract(epoch from clock_timestamp()) * 1000"
        ).fetchall()
    return {shard: json.loads(owner)["pid"] for shard, owner in found}


def parent(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def test_a_killed_a_frozen_and_a_cleared_shard_text_nobody_twice(
    desk: Desk, tmp_path: Path
) -> None:
    """0 doubled, every row has a fate, and four senders keep one rate.

    The rate is that of arrival, by the kernel's clock: a server on a busy machine reads
    late, and then much at once.
    """
    from airflow import __version__

    if __version__.startswith("2."):
        pytest.skip("the stack is Airflow 3's")
    with (
        running() as database,
        _heard(desk, database) as at,
        served(desk.folder) as server,
        watched(server.origin) as arrivals,
    ):
        server.environment["BW_MESSAGING_URL"] = f"{arrivals.origin}/api/v2"
        with psycopg.connect(database.url(), autocommit=True) as sql:
            sql.execute("create database airflow")
        campaign = _campaign(desk, server.environment)
        home = tmp_path / "airflow"
        (home / "dags").mkdir(parents=True)
        dag = DAG_FILE.format(campaign=campaign, shards=SHARDS)
        (home / "dags" / "stack.py").write_text(dag)
        where = f"postgresql+psycopg://bulksend@127.0.0.1:{database.port}/airflow"
        environment = os.environ | server.environment
        environment |= {
            "AIRFLOW_CONN_JOURNAL": (
                f"postgres://bulksend:{SECRETS[0]}@127.0.0.1:{database.port}/postgres"
            ),
            "BW_PASSWORD": SECRETS[1],
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": where,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": where,
        }
        with stack(home, environment) as airflow:
            try:
                _disturbed_run(airflow, database, server.has)
                _bring(at, server.lines())
                _ended_run(airflow)
            except AssertionError:
                sys.stdout.write(airflow.logs())
                raise
        lines, said = server.lines(), xcoms(database)

    sent = Counter(line["to"][0] for line in lines)
    frame = desk.results()
    fates = Counter(frame["status"].to_list())
    most = densest(arrivals.moments)
    doubled = sum(count > 1 for count in sent.values())
    sys.stdout.write(
        f"{len(sent):,} texted, {doubled} twice, fates {dict(fates)}, "
        f"most in any second {most}\n"
    )
    assert max(sent.values()) == 1
    assert frame.height == ROWS
    assert set(fates) <= {"delivered", "unknown"}
    known = set(frame.filter(frame["status"] == "delivered")["to"])
    assert known <= set(sent)
    assert len(sent) - len(known) <= fates["unknown"]
    assert most <= MOST
    assert f"{ROWS}" in said
    logs = {path: path.read_text(errors="replace") for path in home.rglob("*.log")}
    of_tasks = [text for path, text in logs.items() if "campaign.send" in str(path)]
    assert len(list(filter(None, of_tasks))) >= SHARDS
    for place, text in {Path("XCom"): said, **logs}.items():
        assert not TELLING.search(text), place


@contextmanager
def _heard(desk: Desk, journal: Server) -> Iterator[Listening]:
    desk.environment["BULKSEND_JOURNAL"] = journal.url()
    with listening(desk) as at:
        yield at


def _bring(at: Listening, lines: list[dict[str, Any]]) -> None:
    """A receipt of every message, by the listener's own door."""
    told = [
        event(to=one["to"][0], message_id=one["id"], message_tag=one["tag"])
        for one in lines
    ]
    for some in range(0, len(told), 500):
        assert at.post(*told[some : some + 500]) == 200


def xcoms(database: Server) -> str:
    """All that tasks have handed to Airflow."""
    where = database.url().replace("/postgres", "/airflow")
    with psycopg.connect(where) as sql:
        found = sql.execute("select key, value::text from xcom order by key").fetchall()
    return "\n".join(" ".join(map(str, one)) for one in found)


def _campaign(desk: Desk, environment: dict[str, str]) -> Path:
    desk.environment = environment
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(ROWS))
    desk.people("\n".join(["id,name,mobile,at", *lines]) + "\n")
    return desk.campaign(send={"rate": f"{RATE}/s"})


def _disturbed_run(airflow: Stack, journal: Server, has: Any) -> None:
    path = "/dags/stack/dagRuns"
    until(lambda: airflow.ask("/dags/stack"), 180, "the DAG was never read")
    airflow.ask(path, {"dag_run_id": "once", "logical_date": None})
    until(has(100), 180, "nothing was sent")
    until(lambda: len(senders(journal)) == SHARDS, 30, "not all shards began")
    at_work = senders(journal)
    os.kill(at_work[0], signal.SIGKILL)
    frozen = (parent(at_work[1]), at_work[1])
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    thaw = time.monotonic() + FROZEN_SECONDS
    try:
        airflow.ask(
            "/dags/stack/clearTaskInstances",
            {
                "dag_run_id": "once",
                "task_ids": [["campaign.send", 2]],
                "dry_run": False,
                "only_failed": False,
                "only_running": False,
                "reset_dag_runs": False,
            },
        )
        until(lambda: time.monotonic() > thaw, FROZEN_SECONDS + 5, "time stands still")
    finally:
        for pid in reversed(frozen):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    results = f"{path}/once/taskInstances/campaign.results"
    until(
        lambda: airflow.ask(results)["state"] == "deferred",
        150,
        "the receipts were never waited for",
    )


def _ended_run(airflow: Stack) -> None:
    path = "/dags/stack/dagRuns"
    until(
        lambda: airflow.ask(f"{path}/once")["state"] in ("success", "failed"),
        60,
        "the DAG run never ended",
    )
    assert airflow.ask(f"{path}/once")["state"] == "success"
    links = airflow.ask(f"{path}/once/taskInstances/campaign.results/links")
    report = url2pathname(urlsplit(links["extra_links"]["Report"]).path)
    assert Path(report).read_text().startswith("<!doctype html>")
    assert [airflow.try_number(shard) > 1 for shard in range(SHARDS)] == [
        True,
        True,
        True,
        False,
    ]

"""A Dask cluster that others have started: it plans, it sends, and its workers die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from bulksend.cluster import connected
from bulksend.crew import Crew
from bulksend.errors import InputError, Problem, Stopped
from bulksend.home import Home
from tests.flow.desk import ROOT, Desk, ended, served, until
from tests.flow.test_workers import STARTING_SECONDS
from tests.suites.postgres_server import Server, free_port, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["postgres"]

FILES, ROWS = 3, 100


class Started(NamedTuple):
    """A scheduler's address, and the processes."""

    address: str
    workers: list[subprocess.Popen[bytes]]
    scheduler: subprocess.Popen[bytes]


@contextmanager
def started(environment: dict[str, str], folder: Path) -> Iterator[Started]:
    """``dask scheduler`` and two ``dask worker`` on the loopback, in another folder."""
    port = free_port()
    with ExitStack() as stack:

        def run(*words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        here = ("--host", "127.0.0.1", "--no-dashboard")
        scheduler = run("scheduler", *here, "--port", str(port))
        address = f"127.0.0.1:{port}"
        kind = ("--nthreads", "4", "--no-nanny", "--local-directory", str(folder))
        workers = [run("worker", address, *here, *kind) for _ in range(2)]
        yield Started(address, workers, scheduler)


def _people(desk: Desk) -> None:
    """Three files; the first ten people of each stand in the next one again."""
    for place in range(FILES):
        numbers = range(place * (ROWS - 10), place * (ROWS - 10) + ROWS)
        lines = [f"{n},P{n},+1919{2_000_000 + n},9:15" for n in numbers]
        text = "\n".join(["id,name,mobile,at", *lines]) + "\n"
        (desk.folder / f"people-{place}.csv").write_text(text)


def _with_a_lease(url: str) -> set[int]:
    with psycopg.connect(url) as sql:
        found = sql.execute("select owner from leases where expires > 0").fetchall()
    return {json.loads(owner)["pid"] for (owner,) in found}


@pytest.mark.slow
@pytest.mark.crash
def test_a_cluster_plans_and_sends_and_loses_a_worker(
    desk: Desk, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is that of one machine; 0 doubled over its files, every row has a fate."""
    monkeypatch.setattr("tests.flow.desk.PATIENCE_SECONDS", STARTING_SECONDS)
    url, folder = postgres.schema(), tmp_path / "elsewhere"
    folder.mkdir()
    with served(tmp_path) as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": url}
        _people(desk)
        desk.campaign(recipients={"path": "people-*.csv"}, send={"rate": "100/s"})
        alone = desk.process("plan", "hello.yaml", "--shards", "8", "--json").json
        plan = desk.folder / alone["plan"]
        kept = plan.rename(tmp_path / "alone.parquet")
        with started(desk.environment, folder) as cluster:
            scheduler = f"dask://{cluster.address}"
            made = ("plan", "hello.yaml", "--shards", "8", "--workers", scheduler)
            planned = desk.process(*made, "--json")
            assert planned.json["plan"] == alone["plan"]
            assert_frame_equal(pl.read_parquet(plan), pl.read_parquet(kept))

            scheduler = f"tcp://{cluster.address}"
            sending = ("run", "hello.yaml", "--workers", scheduler, "--yes", "--json")
            running = desk.start(*sending)
            until(server.has(60), running)
            os.kill(min(_with_a_lease(url)), signal.SIGKILL)
            done = ended(running)
        sent = Counter(line["to"][0] for line in server.lines())

    assert done.code in (0, 5), done
    fates = Counter(desk.results()["status"].to_list())
    people = FILES * ROWS - 10 * (FILES - 1)
    assert max(sent.values()) == 1
    assert fates["excluded"] == 10 * (FILES - 1)
    assert fates["accepted"] + fates["unknown"] == people
    assert len(sent) - fates["accepted"] <= fates["unknown"] < 40
    assert list((desk.folder / ".bulksend" / "workrooms").iterdir()) == []


@pytest.mark.slow
@pytest.mark.crash
def test_a_lost_scheduler_ends_the_run_and_the_next_one_goes_on(
    desk: Desk, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E566 at once; the workers drain, so nothing is unknown; then the rest, once."""
    monkeypatch.setattr("tests.flow.desk.PATIENCE_SECONDS", STARTING_SECONDS)
    url, folder = postgres.schema(), tmp_path / "elsewhere"
    folder.mkdir()
    with served(tmp_path, "--latency", "0.2") as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": url}
        _people(desk)
        desk.campaign(recipients={"path": "people-*.csv"}, send={"rate": "40/s"})
        sending = ("run", "hello.yaml", "--yes", "--json", "--workers")
        with started(desk.environment, folder) as cluster:
            running = desk.start(*sending, f"dask://{cluster.address}")
            until(server.has(40), running)
            cluster.scheduler.kill()
            lost = ended(running)
            for worker in cluster.workers:
                worker.wait(STARTING_SECONDS)
        drained = len(server.lines())
        again = desk.process(*sending, "local:1")
        sent = Counter(line["to"][0] for line in server.lines())

    assert lost.code == 4, lost
    assert [problem["code"] for problem in lost.json["problems"]] == ["E566"]
    assert 40 <= drained < len(sent)
    assert again.code == 0, again
    assert again.json["accepted"] == len(sent)
    assert max(sent.values()) == 1


def dies_once(room: Path, number: int) -> int:
    """A step whose worker is killed at the second piece's first try."""
    mark = room / "died"
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def finds_fault(room: Path, number: int) -> int:
    if number:
        raise InputError(Problem("E222", f"piece {number}"))
    return number


def breaks(room: Path, number: int) -> int:
    raise ZeroDivisionError


@pytest.mark.slow
@pytest.mark.crash
def test_a_piece_whose_worker_dies_is_done_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order; what is wrong with the input comes back whole, what breaks as E595.

    Where no worker is left nobody waits for ever: E566.
    """
    monkeypatch.setattr("bulksend.cluster.END_SECONDS", STARTING_SECONDS)
    home = Home(tmp_path, tmp_path / "journal.sqlite")
    with connected("local:2", home) as cluster:
        assert cluster.room is not None
        crew = Crew(cluster.client, cluster.room)
        assert crew.each(dies_once, 5) == [0, 1, 4, 9, 16]
        with pytest.raises(InputError) as refused:
            crew.each(finds_fault, 2)
        with pytest.raises(Stopped, match="E595 ZeroDivisionError"):
            crew.each(breaks, 1)
        cluster.client.cluster.scale(0)
        monkeypatch.setattr("bulksend.crew.ALONE_SECONDS", 0.5)
        with pytest.raises(Stopped, match=r"E566 .*no worker"):
            crew.each(finds_fault, 1)

    assert [problem.found for problem in refused.value.problems] == ["piece 1"]
    assert not cluster.room.exists()

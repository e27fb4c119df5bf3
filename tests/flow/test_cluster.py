"""A Dask cluster that others have started: it plans, it sends, and its workers die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest
from distributed import Client
from polars.testing import assert_frame_equal

from bulksend.cluster import connected, versions
from bulksend.crew import Crew
from bulksend.errors import InputError, Problem, Stopped
from bulksend.home import Address, Home
from bulksend.journal.store import Journal
from bulksend.on_worker import Errand, Said, send_shard
from tests.flow.desk import ROOT, Desk, codes, counts, ended, served, until
from tests.flow.test_workers import STARTING_SECONDS, people, senders
from tests.suites.arrivals import densest, watched
from tests.suites.postgres_server import Server, free_port, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["postgres"]

FILES, ROWS = 3, 800
AGAIN = 100
RATE = 200
MOST = 202
"""In any second: the rate, and a hundredth."""

WORKERS = 3


class Started(NamedTuple):
    """A scheduler's address, and the processes."""

    address: str
    workers: list[subprocess.Popen[bytes]]
    scheduler: subprocess.Popen[bytes]


@contextmanager
def started(
    environment: dict[str, str],
    folder: Path,
    count: int = 2,
    *,
    strangers: Sequence[str] = (),
) -> Iterator[Started]:
    """``dask scheduler`` and its workers on the loopback, in another folder.

    Args:
        strangers: The PYTHONPATH of each further worker; they come last.
    """
    port = free_port()
    with ExitStack() as stack:

        def run(*words: str, path: str = str(ROOT)) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                env=os.environ | {"PYTHONPATH": path} | environment,
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
        paths = (*[str(ROOT)] * count, *strangers)
        workers = [run("worker", address, *here, *kind, path=path) for path in paths]
        with Client(f"tcp://{address}", timeout=STARTING_SECONDS) as client:
            client.wait_for_workers(len(workers), timeout=STARTING_SECONDS)
        yield Started(address, workers, scheduler)


def _strangers(folder: Path) -> list[str]:
    """Where a worker finds another version of bulksend, and where it finds none."""
    other, none = folder / "other", folder / "none"
    about = other / "bulksend-0.0.9.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: bulksend\nVersion: 0.0.9\n")
    none.mkdir()
    (none / "sitecustomize.py").write_text("import sys; sys.modules['bulksend'] = None")
    return [f"{other}{os.pathsep}{ROOT}", str(none)]


def _people(desk: Desk) -> None:
    """Three files; the first hundred people of each stand in the one before, too."""
    for place in range(FILES):
        first = place * (ROWS - AGAIN)
        numbers = range(first, first + ROWS)
        lines = [f"{n},P{n},+1919{2_000_000 + n},9:15" for n in numbers]
        text = "\n".join(["id,name,mobile,at", *lines]) + "\n"
        (desk.folder / f"people-{place}.csv").write_text(text)


@pytest.mark.slow
@pytest.mark.crash
def test_a_cluster_plans_and_sends_and_loses_a_worker(
    desk: Desk, tmp_path: Path, postgres: Server
) -> None:
    """0 doubled, every row has a fate, and all workers together keep one rate.

    First two more are there, one with another bulksend and one without any: both are
    named, and nothing is sent.  The plan is that of one machine.
    """
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with served(tmp_path) as server, watched(server.origin) as arrivals:
        desk.environment = server.environment | {
            "BW_MESSAGING_URL": f"{arrivals.origin}/api/v2",
            "BULKSEND_JOURNAL": postgres.schema(),
        }
        _people(desk)
        desk.campaign(recipients={"path": "people-*.csv"}, send={"rate": f"{RATE}/s"})
        alone = desk.call("plan", "hello.yaml", "--json").json
        plan = desk.folder / alone["plan"]
        kept = plan.rename(tmp_path / "alone.parquet")
        strangers = _strangers(tmp_path)
        with started(desk.environment, folder, WORKERS, strangers=strangers) as cluster:
            workers = ("--workers", f"dask://{cluster.address}")
            refused = desk.call("run", "hello.yaml", *workers, "--yes", "--json")
            for worker in cluster.workers[WORKERS:]:
                worker.kill()
                worker.wait()
            planned = desk.call("plan", "hello.yaml", *workers, "--json")
            assert planned.json["plan"] == alone["plan"]
            assert_frame_equal(pl.read_parquet(plan), pl.read_parquet(kept))

            running = desk.start("run", "hello.yaml", *workers, "--yes", "--json")
            until(server.has(500), running)
            os.kill(min(senders(desk.environment["BULKSEND_JOURNAL"])), signal.SIGKILL)
            done = ended(running)
            ends = [worker.poll() for worker in cluster.workers[:WORKERS]]
        sent = Counter(line["to"][0] for line in server.lines())

    assert ends.count(-signal.SIGKILL) == 1
    assert (refused.code, codes(refused)) == (2, ["E592", "E592"])
    assert {"0.0.9" in one["found"] for one in refused.json["problems"]} == {
        True,
        False,
    }
    assert done.code in (0, 5), done
    fates = Counter(desk.results()["status"].to_list())
    most = densest(arrivals.moments)
    doubled = sum(count > 1 for count in sent.values())
    sys.stdout.write(
        f"{len(sent):,} texted, {doubled} twice, fates {dict(fates)}, most in any "
        f"second {most}, {_all_at_once(arrivals.moments):.1f}/s on average\n"
    )
    assert doubled == 0
    assert fates["excluded"] == AGAIN * (FILES - 1)
    assert fates["accepted"] + fates["unknown"] == FILES * ROWS - fates["excluded"]
    assert len(sent) - fates["accepted"] <= fates["unknown"]
    assert most <= MOST
    assert list((desk.folder / ".bulksend" / "workrooms").iterdir()) == []


def _all_at_once(moments: list[float]) -> float:
    """Messages a second, without the first and the last tenth."""
    tenth = len(moments) // 10
    inner = moments[tenth:-tenth]
    return (len(inner) - 1) / (inner[-1] - inner[0])


@pytest.mark.slow
@pytest.mark.crash
def test_a_lost_scheduler_ends_the_run_and_the_next_one_goes_on(
    desk: Desk, tmp_path: Path, postgres: Server
) -> None:
    """E566 at once; the workers drain, so nothing is unknown; `run` alone goes on."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with served(tmp_path, "--latency", "0.2") as server:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": postgres.schema()}
        desk.people(people(150))
        desk.campaign(send={"rate": "40/s"})
        sending = ("run", "hello.yaml", "--yes", "--json")
        with started(desk.environment, folder) as cluster:
            running = desk.start(*sending, "--workers", f"dask://{cluster.address}")
            until(server.has(40), running)
            cluster.scheduler.kill()
            lost = ended(running)
            for worker in cluster.workers:
                worker.wait(STARTING_SECONDS)
        drained = len(server.lines())
        again = desk.call(*sending)
        sent = Counter(line["to"][0] for line in server.lines())

    assert lost.code == 4, lost
    assert [problem["code"] for problem in lost.json["problems"]] == ["E566"]
    assert "Traceback" not in lost.err
    assert 40 <= drained < len(sent) == 150
    assert (again.code, counts(again)) == (0, {"accepted": 150})
    assert max(sent.values()) == 1


@pytest.mark.slow
def test_a_worker_with_another_journal_begins_nothing(
    desk: Desk, tmp_path: Path, postgres: Server
) -> None:
    """E592 of each errand, also by a worker that has joined since: nobody is texted.

    So with a copy of the journal from before the run, and by another version.
    """
    folder, other = tmp_path / "elsewhere", Address(postgres.schema())
    folder.mkdir()
    with served(tmp_path) as server, ExitStack() as stack:
        desk.environment = server.environment | {"BULKSEND_JOURNAL": other.url}
        desk.people(people(20))
        desk.campaign()
        plan = str(desk.folder / desk.call("plan", "hello.yaml", "--json").json["plan"])
        run = Path(plan).stem
        with Journal.open(other) as journal:
            there = journal.introduce()
        cluster = stack.enter_context(started(desk.environment, folder, 1))
        client = stack.enter_context(Client(f"tcp://{cluster.address}"))
        errand = Errand(
            plan, 0, "stop", "", run, "the head's", versions(), 0, None, False
        )

        def said(one: Errand) -> Said:
            future = client.submit(send_shard, one, pure=False)
            ended: Said = future.result(STARTING_SECONDS)
            return ended

        refused = [
            said(errand),
            said(replace(errand, journal=there)),
            said(replace(errand, journal=there, versions="bulksend 0.0.9")),
        ]
        with Journal.open(other) as journal:
            assert journal.runs.all() == []
        with pytest.raises(InputError, match=r"E592 .*another journal"):
            stack.enter_context(
                connected(
                    f"dask://{cluster.address}",
                    Home(desk.folder, Address(postgres.schema())),
                )
            )
        assert server.lines() == []
        sent = desk.call("send", plan, "--shard", "0", "--yes", "--json")
        again = said(replace(errand, journal=there))

    assert {one.exit_code for one in refused} == {4}
    words = [[(one.code, one.found) for one in said.problems] for said in refused]
    at = next(iter(words[0]))[1].partition(" at ")[2]
    assert words == [
        [("E592", f"another journal at {at}")],
        [("E592", f"a journal that does not know of {run} at {at}")],
        [("E592", f"{versions()} at {at}")],
    ]
    assert sent.code == again.exit_code == 0


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

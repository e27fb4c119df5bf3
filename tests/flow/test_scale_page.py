"""What docs/scale.md shows is run, line by line; only names of machines are ours."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from bulksend.home import Home
from tests.flow.desk import ROOT, counts
from tests.suites.postgres_server import Server, free_port, postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk, Ran

__all__ = ["postgres"]

PAGE = (ROOT / "docs" / "scale.md").read_text("utf-8")
BY_HAND, HERE, CLUSTER, PLANNED = (
    [line.partition(" #")[0].strip() for line in block.splitlines()]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
)


@pytest.fixture
def page(desk: Desk, bandwidth: Bandwidth, postgres: Server) -> Desk:
    """A desk with the page's campaign, and what `export` says."""
    bandwidth()
    desk.people()
    desk.campaign("sale.yaml", send={"rate": "100/s"})
    (export,) = (line for line in BY_HAND if line.startswith("export "))
    name, _, address = export.removeprefix("export ").partition("=")
    assert address.startswith("postgresql://")
    desk.environment[name] = postgres.schema()
    return desk


def typed(desk: Desk, line: str) -> Ran:
    program, *arguments = shlex.split(line)
    assert program == "bulksend"
    return desk.call(*arguments)


def test_by_hand(page: Desk) -> None:
    """A plan, its shards, the results."""
    plan, send, results = BY_HAND[1:]
    planned = typed(page, plan).json
    shards = [
        typed(page, line.replace("PLAN", planned["plan"]))
        for line in (send.replace("--shard 0", f"--shard {n}") for n in range(8))
    ]
    written = typed(page, results.replace("RUN", planned["run"]))

    assert [one.code for one in (*shards, written)] == [0] * 9
    assert "7 rows = 4 accepted + 3 excluded" in written.out
    assert page.results().height == 7


@pytest.mark.slow
def test_with_dask(page: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler's line, the worker's, planning and the run; then processes here."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name, value in page.environment.items():
        monkeypatch.setenv(name, value)
    port, here = free_port(), ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler, worker, run = (
        line.replace("scheduler:8786", f"127.0.0.1:{port}") for line in CLUSTER
    )
    scheduler = scheduler.replace("8786", str(port))
    with ExitStack() as stack:
        for line in (scheduler, worker):
            program, *arguments = shlex.split(line)
            assert program == "dask"
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments, *here],
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        _wait_for_worker(port)
        (plan,) = PLANNED
        planned = typed(page, plan.replace("scheduler:8786", f"127.0.0.1:{port}"))
        ran = typed(page, f"{run} --json")
    again = typed(page, f"{HERE[0]} --json")

    assert planned.code == 0
    assert (ran.code, counts(ran)) == (0, {"accepted": 4, "excluded": 3})
    assert counts(again) == counts(ran)
    assert not list(Home.find(page.folder, {}).folder.glob("workrooms/*"))


def _wait_for_worker(port: int) -> None:
    from distributed import Client

    with Client(f"tcp://127.0.0.1:{port}", timeout=60) as client:
        client.wait_for_workers(1, timeout=120)

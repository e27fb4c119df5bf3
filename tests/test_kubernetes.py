"""The manifest in examples/: what Kubernetes takes, and its command as a pod runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml

from tests.flow.desk import PATIENCE_SECONDS, Desk, served, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
MANIFEST: dict[str, Any] = yaml.safe_load(
    (ROOT / "examples/kubernetes/indexed-job.yml").read_text("utf-8")
)
JOB = MANIFEST["spec"]
(POD,) = JOB["template"]["spec"]["containers"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def _pod(desk: Desk, plan: str, index: int, **more: str) -> subprocess.Popen[str]:
    """The container's command, with the environment of a pod and nothing else."""
    environment = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin"}
    said = {"PLAN": plan, "JOB_COMPLETION_INDEX": str(index)}
    process = subprocess.Popen(
        [*POD["command"], *POD["args"]],
        cwd="/",
        env=environment | desk.environment | said | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    desk.started.append(process)
    return process


def _code(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode


def test_kubernetes_takes_it() -> None:
    """By the newest version's own schema, where no key may stand that it does not know."""
    newest = kubernetes_validate.latest_version()
    kubernetes_validate.validate(MANIFEST, newest, strict=True)
    assert JOB["completions"] == JOB["parallelism"]


@pytest.mark.slow
def test_its_pods_send_the_plan(desk: Desk) -> None:
    """Each its shard, and a pod that has to go drains: it ends as one to be replaced."""
    with served(desk.folder, "--latency", "0.2") as server:
        desk.environment = dict(server.environment)
        lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(160))
        desk.people("\n".join(["id,name,mobile,at", *lines]) + "\n")
        desk.campaign(send={"rate": "20/s"})
        shards = str(JOB["completions"])
        planned = desk.call("plan", "hello.yaml", "--shards", shards, "--json").json
        plan = str(desk.folder / planned["plan"])
        evicted = _pod(desk, plan, 0)
        until(server.has(3), evicted)
        evicted.send_signal(signal.SIGTERM)
        told = time.monotonic()
        drained = _code(evicted)
        waited = time.monotonic() - told
        (after,) = desk.call("status", "--json").json
        last = JOB["completions"] - 1
        pods = [_pod(desk, plan, index) for index in (0, last, last + 1)]
        codes = [_code(one) for one in pods]
        (done,) = desk.call("status", "--json").json
        sent = [line["to"][0] for line in server.lines()]

    (rule,) = JOB["podFailurePolicy"]["rules"]
    hopeless = rule["onExitCodes"]["values"]
    assert drained not in (0, *hopeless)
    assert waited < JOB["template"]["spec"]["terminationGracePeriodSeconds"]
    assert 0 < after["accepted"] < 20
    assert after["unknown"] == 0
    assert codes[:2] == [0, 0]
    assert codes[2] in hopeless
    assert done["accepted"] == len(sent) == len(set(sent)) == 40


@pytest.mark.parametrize(
    ("ended", "code"), [(0, 0), (1, 0), (5, 0), (2, 2), (3, 3), (4, 4), (137, 137)]
)
def test_an_end_is_an_end(desk: Desk, ended: int, code: int) -> None:
    """What was refused or is unknown is done; anything else is tried again, or given up."""
    program = desk.write("bulksend", f"#!/bin/sh\nexit {ended}\n")
    program.chmod(0o755)
    assert _code(_pod(desk, "", 0, PATH=f"{desk.folder}:/usr/bin:/bin")) == code

"""The Kubernetes manifest in examples/: an Indexed Job whose command sends a shard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.flow.desk import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.desk import Desk

MANIFEST = ROOT / "examples" / "kubernetes" / "indexed-job.yml"


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return said


def _container(job: dict[str, Any]) -> dict[str, Any]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def test_the_job_gives_each_pod_an_index_and_another_try(job: dict[str, Any]) -> None:
    """What batch/v1 asks of an Indexed Job with a back-off for each index."""
    spec = job["spec"]
    container = _container(job)
    (rule,) = spec["podFailurePolicy"]["rules"]

    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert spec["completionMode"] == "Indexed"
    assert 0 < spec["parallelism"] <= spec["completions"]
    assert spec["backoffLimitPerIndex"] > 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # the policy needs it
    assert rule["action"] == "FailIndex"
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert sorted(rule["onExitCodes"]["values"]) == rule["onExitCodes"]["values"]
    mounts = {one["name"] for one in container["volumeMounts"]}
    assert mounts == {one["name"] for one in spec["template"]["spec"]["volumes"]}


def _pod(job: dict[str, Any], desk: Desk, plan: str, index: int) -> int:
    """The container's own command, with what Kubernetes sets."""
    container = _container(job)
    found = desk.environment | {"PLAN": plan, "JOB_COMPLETION_INDEX": str(index)}
    done = subprocess.run(
        [*container["command"], *container["args"]],
        env=os.environ | {"PATH": f"{desk.folder}:{os.environ['PATH']}"} | found,
        cwd=desk.folder,
        check=False,
        capture_output=True,
    )
    return done.returncode


@pytest.mark.slow
def test_its_command_sends_the_shard_of_its_index(
    job: dict[str, Any], desk: Desk
) -> None:
    """Each index its own part; one that is none ends with a code that no retry mends."""
    program: Path = desk.folder / "bulksend"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m bulksend "$@"\n'
    )
    program.chmod(0o755)
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(6))
    desk.people("\n".join(["id,name,mobile,at", *lines]) + "\n")
    desk.campaign(provider="simulator")
    said = desk.process("plan", "hello.yaml", "--shards", "2", "--json")
    plan = json.loads(said.out)["plan"]

    assert [_pod(job, desk, plan, index) for index in (0, 1)] == [0, 0]
    values = job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"]
    assert _pod(job, desk, plan, 2) in values
    run = json.loads(said.out)["run"]
    assert desk.process("results", run, "--json").json["accepted"] == 6

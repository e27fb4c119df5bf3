"""The DAG that `bulksend schedule --airflow` prints, run by Airflow: who tries again."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bulksend.planning import load_campaign
from bulksend.scheduling import schedule_form
from tests.airflow.here import load, run_dag

if TYPE_CHECKING:
    from tests.flow.desk import Desk

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

PROGRAM = """\
import pathlib, sys
tries = pathlib.Path("tries")
told = tries.read_text() if tries.exists() else ""
tries.write_text(told + " ".join(sys.argv[1:]) + "\\n")
sys.exit({ends}[told.count("\\n")])
"""
"""Stands in for bulksend: notes how it was called, and ends as it is told."""

ENDS = [
    # the codes that it ends with, one after the other · how the task ends
    ([0], "success"),
    ([1], "failed"),
    ([2], "failed"),
    ([3], "failed"),  # a gate, or a breaker that stopped it
    ([5], "failed"),
    ([4, 0], "success"),  # stopped half-way: resumed
    ([137, 4, 0], "success"),  # killed
    ([4, 3], "failed"),
]


@pytest.mark.parametrize(("ends", "state"), ENDS)
def test_only_what_was_stopped_half_way_is_tried_again(
    desk: Desk, ends: list[int], state: str
) -> None:
    """What a gate or a breaker stopped fails at once, with nine tries left."""
    desk.people()
    slots = {"cron": "0 10 * * MON", "zone": "America/New_York"}
    loaded = load_campaign(desk.campaign(schedule=slots), environment={})
    program = desk.write("program.py", PROGRAM.format(ends=ends))
    text = schedule_form(loaded, "airflow", program=(sys.executable, str(program)))

    dag = load("printed", text)["dag"]
    dag.get_task("run").retry_delay = timedelta(0)

    assert run_dag(dag) == {state: 1}
    tries = (desk.folder / "tries").read_text().splitlines()
    assert tries == [f"run {desk.folder / 'hello.yaml'} --yes"] * len(ends)

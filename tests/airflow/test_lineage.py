"""What OpenLineage's own provider emits while a campaign runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bulksend.airflow.lineage import lineage
from tests.airflow.here import people, put
from tests.flow.desk import ROOT

if TYPE_CHECKING:
    from tests.flow.desk import Desk

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

pytest.importorskip("airflow.providers.openlineage.extractors")

PROGRAM = """
import sys
from runpy import run_path

print(run_path(sys.argv[1])["dag_bulksend_hello"].test().state)
"""


def test_events_name_lists_and_results_and_no_number_or_text(desk: Desk) -> None:
    """Of a whole run, by a process of its own: the provider listens from its start."""
    desk.people(people(3))
    desk.write("opt-outs.csv", "mobile\n+19192000002\n")
    campaign = desk.campaign(
        provider="simulator",
        recipients={"suppress": ["opt-outs.csv"]},
        message={"text": "Hi {{ name }}, the sesame is at {{ at }}."},
    )
    dags = put(
        "lineage",
        f"""
from bulksend.airflow import campaign_dags

campaign_dags(globals(), "{campaign}", allow_local_journal=True)
""",
    )
    events = desk.folder / "events.json"
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    said = {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(dags)],
        cwd=desk.folder,
        env=os.environ | said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "success" in ran.stdout, ran.stderr

    told = events.read_text()
    (end,) = [
        event
        for event in map(json.loads, told.splitlines())
        if event["eventType"] == "COMPLETE" and event["job"]["name"].endswith(".send")
    ]
    names = ("hello.yaml", "list.csv", "opt-outs.csv")
    assert [one["name"] for one in end["inputs"]] == [
        str(desk.folder / name) for name in names
    ]
    results = str(desk.folder / "results" / "hello.csv")
    assert [one["name"] for one in end["outputs"]] == [results]
    for secret in ("9192", "sesame", "9195550100", "P1"):
        assert secret not in told


def test_objects_are_named_by_bucket_and_key() -> None:
    """As OpenLineage's specification has it."""
    told = lineage(["s3://crm/lists/a.csv", "/srv/list.csv"], ["gs://crm/out/", ""])

    assert [(one.namespace, one.name) for one in told.inputs] == [
        ("s3://crm", "lists/a.csv"),
        ("file", "/srv/list.csv"),
    ]
    assert [(one.namespace, one.name) for one in told.outputs] == [("gs://crm", "out")]

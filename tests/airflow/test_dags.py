"""Campaigns as DAGs, run by `dag.test()` on whichever Airflow is installed here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

import pytest

import bulksend
from bulksend.airflow import BulksendOperator
from tests.airflow.here import (
    Run,
    Ti,
    asset_events,
    load,
    people,
    put,
    run_dag,
    run_file,
    use,
)
from tests.flow.desk import ROOT

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk


pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]


def test_a_task_group_sends_each_message_once(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plan, three shards, results, in a group of somebody's; once more, nobody is texted."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people(people(40))
    campaign = desk.campaign()
    source = f"""
from airflow.providers.common.compat.sdk import DAG, TaskGroup
from bulksend.airflow import BulksendTaskGroup

with DAG("group", schedule=None) as dag, TaskGroup("outer"):
    BulksendTaskGroup(
        campaign="{campaign}", shards=3, outlet="hello", journal_conn_id="{journal}",
        deferrable=True, retries=2,
    )
"""
    first, second = run_file("group", source), run_file("group", source)

    assert first == second == {"success": 5}
    assert [
        event["accepted"] for event in asset_events("bulksend://campaign/hello")
    ] == [
        40,
        40,
    ]
    assert simulator.bandwidth.witness.stats().accepted == 40
    assert desk.results().height == 40
    texts = {one.text for one in simulator.bandwidth.witness.accepted}
    assert (
        "Hi P7, see you at 9:15." in texts
    )  # braces are bulksend's, in mapped tasks too


def test_an_operator_sends_and_says_counts_and_places_only(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a person goes to Airflow; braces in a campaign are bulksend's own."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people()
    campaign = desk.campaign(message={"text": "Hi {{ name }}, ${GREETING}"})
    run = run_file(
        "one",
        f"""
from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendOperator

with DAG("one", schedule=None) as dag:
    BulksendOperator(
        task_id="send",
        campaign="{campaign}",
        slot="{{{{ dag.dag_id }}}}",
        variables={{"GREETING": "from {{{{ dag.dag_id }}}}"}},
        journal_conn_id="{journal}",
    )
""",
    )

    assert run == {"success": 1}
    accepted = simulator.bandwidth.witness.accepted
    assert len(accepted) == 5
    assert "Hi Ana, from one" in {one.text for one in accepted}
    operator = BulksendOperator(
        task_id="send",
        campaign=str(campaign),
        slot="one",
        variables={"GREETING": "from one"},
        journal_conn_id=journal,
    )
    said = operator.execute({"dag_run": Run(), "ti": Ti()})
    assert said["accepted"] == 5
    assert "-one-" in said["run"]
    assert "9192" not in json.dumps(said)


BROKEN: dict[str, str | bytes] = {
    "broken one": "name: [",
    "empty": "",
    "no text": b"\xff\xfe\x00",
    "a list": "- name",
    "a key that is a list": "? [a]\n: b\nschedule: {cron: 99 * * * *, zone: UTC}",
    "no zone": 'name: x\nschedule: {cron: "* * * * *", zone: Mars/Base}',
    "holds itself": "name: x\nschedule: &a {cron: *a, zone: UTC}",
    "deep": "a: " + "[" * 5_000,
}


def test_each_campaign_file_is_a_dag_and_a_bad_one_breaks_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    """Its schedule in its zone; what is wrong with a file its own run says."""
    (desk.folder / "campaigns").mkdir()
    desk.people()
    desk.campaign(
        "campaigns/weekly.yaml",
        provider="simulator",
        schedule={"cron": "* * * * *", "zone": "America/New_York"},
        recipients={"path": "../list.csv"},
    )
    for name, text in BROKEN.items():
        desk.write(f"campaigns/{name}.yaml", text)
    (desk.folder / "campaigns" / "folder.yaml").mkdir()
    desk.write("campaigns/whole.yaml", "name: whole")
    module = load(
        "factory",
        f"""
from bulksend.airflow import campaign_dags

campaign_dags(globals(), "{desk.folder}/campaigns/*.yaml", journal_conn_id="{journal}")
""",
    )
    dags = {name: dag for name, dag in module.items() if name.startswith("dag_")}
    broken = {f"dag_bulksend_{name.replace(' ', '_')}" for name in (*BROKEN, "folder")}
    assert set(dags) == {"dag_bulksend_weekly", "dag_bulksend_whole", *broken}
    assert {name for name, dag in dags.items() if "broken" in dag.tags} == broken
    kinds = {type(dags[name].timetable).__name__ for name in broken}
    assert kinds == {"NullTimetable"}
    weekly = dags["dag_bulksend_weekly"]
    assert "America/New_York" in f"{weekly.timetable!r}{weekly.timetable.__dict__}"
    assert "weekly.yaml" in weekly.doc_md
    assert "{{ name }}" not in weekly.doc_md
    assert run_dag(weekly) == {"success": 1}
    assert run_dag(dags["dag_bulksend_broken_one"]) == {"failed": 1}


def test_a_dag_file_is_read_without_what_sends() -> None:
    """Airflow reads it all day: neither preparation nor engine nor a client is imported."""
    example = ROOT / "examples" / "airflow" / "in_shards.py"
    program = (
        f"import runpy, sys; runpy.run_path({str(example)!r}); print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(ran.stdout.split())
    assert "bulksend.airflow.group" in loaded
    assert not loaded & {"polars", "aiohttp", "psycopg", "obstore", "phonenumbers"}


def test_every_file_is_a_dag_of_its_own_whatever_it_is_called(
    desk: Desk, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of one name in two folders are two DAGs; braces in a path are no template."""
    use(desk, monkeypatch)
    desk.people()
    for name in ("east/sale", "west/sale", "{{ first_name }}"):
        desk.campaign(
            f"{name}.yaml",
            provider="simulator",
            name=name.strip("{ }").replace("/", "-"),
        )
    shutil.copy(desk.folder / "list.csv", desk.folder / "east")
    source = f"""
from bulksend.airflow import campaign_dags

campaign_dags(globals(), "{desk.folder}/**/*.yaml", journal_conn_id="{journal}")
"""
    module = load("factory", source)

    dags = {name: dag for name, dag in module.items() if name.startswith("dag_")}
    sales = [name for name in dags if name.startswith("dag_bulksend_sale_")]
    assert len(sales) == len(set(sales)) == 2
    assert dags.keys() == {*sales, "dag_bulksend__first_name_"}
    assert run_dag(dags["dag_bulksend__first_name_"]) == {"success": 1}


@pytest.mark.parametrize("shards", [1, 2])
def test_a_slot_that_was_missed_is_not_sent_late(
    desk: Desk,
    bandwidth: Bandwidth,
    journal: str,
    monkeypatch: pytest.MonkeyPatch,
    shards: int,
) -> None:
    """A backfill of last week texts nobody (E422); the slot that is due goes out."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people()
    campaign = desk.campaign(schedule={"cron": "* * * * *", "zone": "UTC"})
    module = load(
        "backfill",
        f"""
from datetime import timedelta

from bulksend.airflow import campaign_dags

campaign_dags(
    globals(), "{campaign}", shards={shards}, journal_conn_id="{journal}",
    retries=3, retry_delay=timedelta(0),
)
""",
    )
    dag = module["dag_bulksend_hello"]

    states = run_dag(dag, timedelta(days=7))

    assert states["failed"] >= 1
    assert "success" not in states
    assert simulator.bandwidth.witness.stats().accepted == 0
    assert set(run_dag(dag)) == {"success"}
    assert simulator.bandwidth.witness.stats().accepted == 4


@pytest.mark.parametrize("later", [timedelta(), timedelta(hours=3)])
def test_a_plan_of_a_slot_is_begun_in_its_time_only(
    desk: Desk,
    bandwidth: Bandwidth,
    journal: str,
    monkeypatch: pytest.MonkeyPatch,
    later: timedelta,
) -> None:
    """By a plan's path, whole or in shards: what is late fails at once (E422)."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people()
    desk.campaign(schedule={"cron": "* * * * *", "zone": "UTC"}, results="{run}.csv")
    plan = bulksend.plan_campaign(desk.folder / "hello.yaml", shards=2).plan

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + later

    monkeypatch.setattr("bulksend.pipeline.datetime", Later)
    run = run_file(
        "late",
        f"""
from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendOperator, SendShardOperator

said = {{"plan": "{plan.path.absolute()}", "journal_conn_id": "{journal}", "retries": 9}}
with DAG("late", schedule=None) as dag:
    SendShardOperator.partial(task_id="shard", **said).expand(shard=[0, 1]) >> (
        BulksendOperator(task_id="whole", trigger_rule="all_done", **said)
    )
""",
    )
    assert run == ({"failed": 3} if later else {"success": 3})
    accepted = simulator.bandwidth.witness.stats().accepted
    assert accepted == (0 if later else 4)


def test_the_examples_run_as_they_are(
    desk: Desk, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied into the DAG folder, each of them sends to everybody of its list.

    All that is changed is that a slot of its schedule is due now.
    """
    url = os.environ["AIRFLOW_CONN_JOURNAL"]
    monkeypatch.setenv("AIRFLOW_CONN_BULKSEND_JOURNAL", url)
    monkeypatch.setenv("BULKSEND_HOME", str(desk.folder / "home"))
    folder = Path(os.environ["AIRFLOW_HOME"], "dags")
    shutil.copytree(ROOT / "examples" / "airflow", folder, dirs_exist_ok=True)

    reminder = folder / "campaigns" / "reminder.yaml"
    reminder.write_text(reminder.read_text().replace("0 10 * * MON-FRI", "* * * * *"))

    every = run_path(str(folder / "every_campaign.py"))["dag_bulksend_reminder"]
    assert run_dag(every) == {"success": 1}
    shards = run_path(str(folder / "in_shards.py"))["dag"]
    assert run_dag(shards) == {"success": 6}

    found = sorted((folder / "results").glob("*.csv"))
    assert len(found) == 2
    for path in found:
        assert path.read_text().count("accepted") >= 3


@pytest.mark.parametrize(
    ("people_of", "ends"),
    [(people(3), "success"), ("", "failed")],  # an empty list: 2, and no retry
)
def test_the_dag_that_schedule_prints_is_one_to_airflow(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    *,
    people_of: str,
    ends: str,
) -> None:
    """A real DagBag takes it; its task runs the campaign, and fails at once on bad input."""
    from airflow.models import DagBag

    desk.people(people_of)
    said = {"cron": "* * * * *", "zone": "UTC"}
    desk.campaign(schedule=said, results=None, provider="simulator")
    use(desk, monkeypatch)
    words = [sys.executable, "-m", "bulksend", "schedule", "hello.yaml", "--airflow"]
    printed = subprocess.run(
        words, cwd=desk.folder, check=True, capture_output=True, text=True
    ).stdout
    path = put("printed", printed)
    bag = DagBag(dag_folder=str(path.parent))
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    (task,) = dag.tasks
    assert (dag.dag_id, task.retries, dag.catchup) == ("bulksend-hello", 10, False)
    assert run_dag(dag) == {ends: 1}

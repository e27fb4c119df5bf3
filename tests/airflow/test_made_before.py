"""A plan that was made before, and a run of other input that was left half sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from bulksend.airflow import BulksendOperator, SendShardOperator
from tests.airflow.here import Run, Ti, people, use
from tests.flow.desk import PEOPLE_NUMBERS

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]


def told(operator: Any) -> dict[str, Any]:
    said: dict[str, Any] = operator.execute({"dag_run": Run(), "ti": Ti()})
    return said


def planned(desk: Desk) -> str:
    """Of `hello.yaml`, in two parts."""
    made = desk.call("plan", "hello.yaml", "--shards", "2", "--json")
    return str(desk.folder / made.json["plan"])


def test_a_plan_is_sent_as_it_was_looked_at(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One task sends it, with results and report; a list that changed needs a word."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people()
    desk.campaign()
    plan = planned(desk)
    desk.people(people(9))
    said = {"plan": plan, "journal_conn_id": journal}

    for stale in (
        BulksendOperator(task_id="send", **said),
        SendShardOperator(task_id="part", shard=1, **said),
    ):
        with pytest.raises(AirflowFailException, match=r"E626.*list\.csv"):
            told(stale)
    assert simulator.bandwidth.witness.stats().accepted == 0

    part = SendShardOperator(task_id="part", shard=1, as_planned=True, **said)
    first = told(part)["accepted"]
    assert 0 < first < 4
    whole = told(BulksendOperator(task_id="send", as_planned=True, **said))

    assert whole["accepted"] == 4
    texted = sorted(one.to[0] for one in simulator.bandwidth.witness.accepted)
    assert texted == sorted(PEOPLE_NUMBERS)
    assert desk.results().height == 7
    assert Path(whole["report"]).parent == desk.folder / "results"


def test_a_run_of_other_input_is_left_behind_where_that_is_meant(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E622, and no retry; with `replan` the new list is sent, to nobody a second time."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people(people(3))
    campaign = desk.campaign(results="results/{run}.csv")
    plan = planned(desk)
    told(SendShardOperator(task_id="half", plan=plan, shard=0, journal_conn_id=journal))
    desk.people(people(5))

    whole = {"task_id": "send", "campaign": str(campaign), "journal_conn_id": journal}
    with pytest.raises(AirflowFailException, match="E622"):
        told(BulksendOperator(**whole))
    told(BulksendOperator(replan=True, **whole))

    texted = [one.to[0] for one in simulator.bandwidth.witness.accepted]
    assert len(texted) == len(set(texted)) == 5


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"campaign": "a.yaml", "plan": "p"},
        {"campaign": "a.yaml", "as_planned": True},
    ],
)
def test_what_shall_be_sent_is_one_thing(said: dict[str, Any]) -> None:
    """Said while the DAG file is read."""
    with pytest.raises(ValueError, match="a plan"):
        BulksendOperator(task_id="send", **said)

"""Tasks that wait for receipts without a worker; Airflow's own triggerer code runs it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from bulksend.airflow import BulksendOperator, trigger
from bulksend.airflow.trigger import Receipts
from tests.airflow.here import Run, Ti, people, run_file, use
from tests.flow.test_listen import listening
from tests.settle.callbacks import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.flow.test_listen import Listening

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigger, "LOOK_SECONDS", 0.1)


def _bring(at: Listening, simulator: Simulator) -> None:
    """A receipt of every message that was taken."""
    accepted = simulator.bandwidth.witness.accepted
    told = [
        event(to=one.to[0], message_id=one.id, message_tag=one.tag) for one in accepted
    ]
    assert at.post(*told) == 200


def _at_first_look(
    monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]
) -> list[int | None]:
    """Do something when the trigger has looked once; what each look found."""
    seen: list[int | None] = []
    look = Receipts._look

    def spied(self: Receipts, row: int) -> int | None:
        seen.append(look(self, row))
        if len(seen) == 1:
            then()
        return seen[-1]

    monkeypatch.setattr(Receipts, "_look", spied)
    return seen


def test_a_task_group_waits_for_receipts_before_the_results(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come after the sending: the results have them, and so has the last count."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people(people(30))
    campaign = desk.campaign()
    desk.environment["BULKSEND_JOURNAL"] = _url()
    with listening(desk) as at:
        seen = _at_first_look(monkeypatch, lambda: _bring(at, simulator))
        run = run_file(
            "heard",
            f"""
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendTaskGroup

with DAG("heard", schedule=None) as dag:
    BulksendTaskGroup(
        campaign="{campaign}", shards=2, journal_conn_id="{journal}",
        wait_for_receipts=timedelta(days=1),
    )
""",
        )

    assert run == {"success": 4}
    assert seen == [2, None]
    assert set(desk.results()["status"]) == {"delivered"}


def test_after_the_receipts_nobody_new_is_texted(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list may have grown while a task waited; and the same run is reported on."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people(people(4))
    campaign = desk.campaign()
    desk.environment["BULKSEND_JOURNAL"] = _url()
    with listening(desk) as at:

        def later() -> None:
            _bring(at, simulator)
            desk.people(people(9))

        _at_first_look(monkeypatch, later)
        run = run_file(
            "grown",
            f"""
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendOperator

with DAG("grown", schedule=None) as dag:
    BulksendOperator(
        task_id="send", campaign="{campaign}", journal_conn_id="{journal}",
        wait_for_receipts=timedelta(days=1), on_unknown="fail",
    )
""",
        )

    assert run == {"success": 1}
    assert simulator.bandwidth.witness.stats().accepted == 4
    assert desk.results()["status"].to_list() == ["delivered"] * 4


def patient(desk: Desk, journal: str) -> BulksendOperator:
    """Sends to three people, and waits for a day."""
    desk.people(people(3))
    return BulksendOperator(
        task_id="send",
        campaign=str(desk.campaign()),
        journal_conn_id=journal,
        wait_for_receipts=DAY,
    )


def test_a_trigger_holds_no_secret_and_is_patient(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Airflow stores is names and a time; a journal that is away is asked again."""
    bandwidth()
    use(desk, monkeypatch)
    operator = patient(desk, journal)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({"dag_run": Run(), "ti": Ti()})

    path, said = deferred.value.trigger.serialize()
    run = said["run_name"]
    assert deferred.value.method_name == "execute_heard"
    assert 0.9 * DAY.total_seconds() < said["moment"] - time.time()
    assert said | {"moment": 0} == {
        "run_name": run,
        "moment": 0,
        "beside": str(desk.folder),
        "bulksend_conn_id": "",
        "journal_conn_id": journal,
    }
    module, _, name = path.rpartition(".")
    again = getattr(import_module(module), name)(**json.loads(json.dumps(said)))
    assert _look(again) == 2
    elsewhere = Receipts(**said | {"beside": str(desk.folder / "not" / "here")})
    assert _look(elsewhere) == 2, "a triggerer needs no campaign's folder"

    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://u:t0p-s3cret@127.0.0.1:1/x")
    away = Receipts(**said | {"journal_conn_id": "gone", "moment": time.time() + 0.3})
    assert _event(away) == {"run": run, "beside": str(desk.folder)}
    monkeypatch.chdir(desk.folder)
    blind = Receipts(**said | {"journal_conn_id": ""})
    assert "E690" in _event(blind)["problem"]


def test_what_no_receipt_came_for_is_accepted_when_the_time_is_over(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results are written then, also where nobody could look for receipts."""
    bandwidth()
    use(desk, monkeypatch)
    operator = patient(desk, journal)
    context = {"dag_run": Run(), "ti": Ti()}
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    (desk.folder / "results" / "hello.csv").unlink()

    run = deferred.value.trigger.run_name
    event = {"run": run, "beside": str(desk.folder)}
    said = operator.execute_heard(context, event)

    assert said["accepted"] == desk.results().height == 3
    (desk.folder / "results" / "hello.csv").unlink()
    with pytest.raises(AirflowFailException, match="E690"):
        operator.execute_heard(context, event | {"problem": "E690: unseen"})
    assert desk.results().height == 3
    operator.wait_for_receipts = timedelta(microseconds=1)
    assert operator.execute(context)["accepted"] == 3


def test_the_simulator_of_a_campaign_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hears its receipts; and a group may keep its journal on the machine."""
    use(desk, monkeypatch)
    desk.people(people(3))
    campaign = desk.campaign(provider="simulator")
    run = run_file(
        "desk",
        f"""
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendTaskGroup

with DAG("desk", schedule=None) as dag:
    BulksendTaskGroup(
        campaign="{campaign}", shards=1, allow_local_journal=True,
        wait_for_receipts=timedelta(days=1),
    )
""",
    )

    assert run == {"success": 3}
    assert desk.results().height == 3


def _look(receipts: Receipts) -> int | None:
    return receipts._look(0)


def _event(receipts: Receipts) -> Any:
    """What it fires with."""

    async def first() -> Any:
        return (await anext(receipts.run())).payload

    return asyncio.run(first())


def _url() -> str:
    return os.environ["AIRFLOW_CONN_JOURNAL"].replace("postgres://", "postgresql://")

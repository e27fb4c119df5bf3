"""Tasks that wait, and tasks that are stopped."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, TaskDeferred

from bulksend import Home
from bulksend.airflow import BulksendHook, BulksendOperator, sender
from bulksend.airflow.drain import Drain
from bulksend.airflow.sender import Sender
from bulksend.journal.owner import Owner
from bulksend.journal.store import Journal
from tests.airflow.here import Run, Ti, people, run_file, use
from tests.flow.desk import served
from tests.flow.test_hours import window

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk


pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]


@pytest.mark.parametrize("how", ["on_kill", "raised"])
def test_a_task_that_is_stopped_drains_and_is_no_success(
    desk: Desk, journal: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Under four seconds, whichever way Airflow stops it; the next try ends the rest."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        use(desk, monkeypatch)
        desk.people(people(240))
        campaign = desk.campaign(send={"rate": "100/s"})

        def operator() -> BulksendOperator:
            return BulksendOperator(
                task_id="send", campaign=str(campaign), journal_conn_id=journal
            )

        first = operator()
        context = {"dag_run": Run(), "ti": Ti()}
        asked: list[float] = []

        def stop() -> None:
            while not server.has(50)():
                time.sleep(0.02)
            asked.append(time.monotonic())
            first.on_kill()

        waited = Drain.run

        def interrupted(self: Drain, send: Any) -> Any:
            self._done.wait = _raising(self._done.wait, server, asked)  # type: ignore[method-assign]
            return waited(self, send)

        if how == "raised":
            monkeypatch.setattr(Drain, "run", interrupted)
            with pytest.raises(KeyboardInterrupt):
                first.execute(context)
            monkeypatch.setattr(Drain, "run", waited)
        else:
            helper = threading.Thread(target=stop)
            helper.start()
            with pytest.raises(AirflowException, match=r"stopped|E631"):
                first.execute(context)
            helper.join()
        assert time.monotonic() - asked[0] < 4

        said = operator().execute(context)

        assert said["accepted"] == 240
        sent = Counter(line["to"][0] for line in server.lines())
        assert (len(sent), max(sent.values())) == (240, 1)


def _raising(wait: Any, server: Any, asked: list[float]) -> Any:
    """A wait that is interrupted once, as Airflow 2 does it."""

    def interrupted(timeout: float | None = None) -> Any:
        while not asked:
            if server.has(50)():
                asked.append(time.monotonic())
                raise KeyboardInterrupt
            time.sleep(0.02)
        return wait(timeout)

    return interrupted


def test_a_deferrable_task_waits_for_the_lease_in_a_trigger(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow's own triggerer code runs it; then the task goes on, and sends."""
    simulator = bandwidth()
    monkeypatch.setattr(sender, "LEASE_WAIT_SECONDS", 0.5)
    use(desk, monkeypatch)
    desk.people(people(4))
    campaign = desk.campaign()
    home = Home.find(desk.folder, BulksendHook("", journal).environment())
    now = time.time_ns() // 1_000_000
    with Journal.open(home.journal) as held:
        other = replace(Owner.me("other"), host="elsewhere", machine="elsewhere")
        epoch = held.leases.take("bandwidth/hello", other, now=now)
    waits: list[float] = []
    wait = Sender._wait_until

    def waited(self: Sender, moment: float, **again: str) -> None:
        waits.append(moment - time.time())
        if len(waits) == 2:
            _end(home, epoch)
        wait(self, moment, **again)

    monkeypatch.setattr(Sender, "_wait_until", waited)
    run = run_file(
        "deferred",
        f"""
from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendOperator

with DAG("deferred", schedule=None) as dag:
    BulksendOperator(
        task_id="send", campaign="{campaign}", journal_conn_id="{journal}",
        deferrable=True,
    )
""",
    )

    assert run == {"success": 1}
    assert len(waits) == 2
    assert simulator.bandwidth.witness.stats().accepted == 4


def _end(home: Home, epoch: int) -> None:
    with Journal.open(home.journal) as journal:
        journal.leases.end("bandwidth/hello", epoch)


def test_a_deferrable_task_waits_for_the_hours_without_a_worker(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the next window opens, by a trigger that Airflow can store and load.

    What was begun is finished by its plan, whatever becomes of the list overnight.
    """
    simulator = bandwidth()
    use(desk, monkeypatch)
    desk.people()
    campaign = desk.campaign(send={"window": window(3)})
    operator = BulksendOperator(
        task_id="send",
        campaign=str(campaign),
        journal_conn_id=journal,
        deferrable=True,
    )

    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({"dag_run": Run(), "ti": Ti()})

    name, said = deferred.value.trigger.serialize()
    assert name == "bulksend.airflow.trigger.Until"
    assert 3600 < said["moment"] - time.time() < 24 * 3600
    assert deferred.value.method_name == "execute_again"
    again = json.loads(json.dumps(deferred.value.kwargs))
    desk.people(people(9))
    for _ in range(2):
        with pytest.raises(TaskDeferred) as still:
            operator.execute_again({"dag_run": Run(), "ti": Ti()}, None, **again)
        assert still.value.kwargs == again
    assert again == {"plan": str(next(desk.folder.glob(".bulksend/plans/*.parquet")))}
    assert simulator.bandwidth.witness.stats().accepted == 0

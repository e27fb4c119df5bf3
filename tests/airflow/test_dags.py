"""Campaigns as DAGs, run by `dag.test()` on whichever Airflow is installed here."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    TaskDeferred,
)

from bulksend import Home
from bulksend.airflow import (
    BulksendHook,
    BulksendNotifier,
    BulksendOperator,
    PlanOperator,
    operators,
)
from bulksend.airflow.drain import Drain
from bulksend.airflow.provider import get_provider_info
from bulksend.journal.owner import Owner
from bulksend.journal.store import Journal
from bulksend.storage.objects import Objects
from tests.flow.desk import ROOT, served
from tests.flow.test_hours import window
from tests.storage.refusing import LEAK, Answer, refusing

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.suites.postgres_server import Server

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

MOMENT = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)


def _people(count: int) -> str:
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(count))
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


def _use(desk: Desk, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in (desk.environment | more).items():
        monkeypatch.setenv(name, value)


def _load(name: str, source: str) -> dict[str, Any]:
    """A DAG file in Airflow's folder, as Airflow reads it."""
    folder = Path(os.environ["AIRFLOW_HOME"], "dags")
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    path = folder / f"{name}.py"
    path.write_text(source)
    return run_path(str(path))


def _run(name: str, source: str) -> Counter[str]:
    """Run the DAG `dag` in that file; how its tasks ended."""
    return _test(_load(name, source)["dag"])


def _test(dag: Any) -> Counter[str]:
    """Each call is a run of its own."""
    moment = MOMENT + next(_LATER) * timedelta(minutes=1)
    run = dag.test(**{"logical_date" if _is_new() else "execution_date": moment})
    return Counter(str(ti.state) for ti in run.get_task_instances())


_LATER = count()


def _is_new() -> bool:
    from airflow import __version__

    return not __version__.startswith("2.")


@pytest.fixture
def journal(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a connection to a journal."""
    url = postgres.schema().replace("postgresql://", "postgres://")
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", url)
    return "journal"


def test_a_task_group_sends_each_message_once(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plan, three shards, results; the same DAG run again texts nobody."""
    simulator = bandwidth()
    _use(desk, monkeypatch)
    desk.people(_people(40))
    campaign = desk.campaign()
    source = f"""
from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendTaskGroup

with DAG("group", schedule=None) as dag:
    BulksendTaskGroup(
        campaign="{campaign}", shards=3, outlet="hello", journal_conn_id="{journal}"
    )
"""
    first, second = _run("group", source), _run("group", source)

    assert first == second == {"success": 5}
    assert simulator.bandwidth.witness.stats().accepted == 40
    assert desk.results().height == 40


def test_an_operator_sends_and_says_counts_and_places_only(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a person goes to Airflow; braces in a campaign are bulksend's own."""
    simulator = bandwidth()
    _use(desk, monkeypatch)
    desk.people()
    campaign = desk.campaign(message={"text": "Hi {{ name }}, ${GREETING}"})
    run = _run(
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
    assert accepted[0].text == "Hi Ana, from one"
    operator = BulksendOperator(
        task_id="send",
        campaign=str(campaign),
        slot="one",
        variables={"GREETING": "from one"},
        journal_conn_id=journal,
    )
    said = operator.execute({"dag_run": _Run(), "ti": _Ti()})
    assert said["accepted"] == 5
    assert "-one-" in said["run"]
    assert "9192" not in json.dumps(said)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"journal_conn_id": "nowhere"}, "E563"),
        ({"journal_conn_id": ""}, "E690"),
        ({"campaign": "none.yaml"}, "E100"),
    ],
)
def test_what_no_retry_can_help_fails_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], code: str
) -> None:
    """Wrong input is AirflowFailException; a server that is away is tried again."""
    desk.people()
    said: dict[str, Any] = {
        "campaign": str(desk.campaign(provider="simulator")),
        "allow_local_journal": code == "E100",
    } | changes
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", "postgres://u:t0p-s3cret@127.0.0.1:1/x")
    operator = BulksendOperator(task_id="send", **said)

    kind = AirflowException if code == "E563" else AirflowFailException
    with pytest.raises(kind, match=code) as failed:
        operator.execute({"dag_run": _Run(), "ti": None})

    assert isinstance(failed.value, AirflowFailException) == (code != "E563")
    assert "t0p-s3cret" not in str(failed.value)


STORES = {
    "expired": (Answer(400, "ExpiredToken"), "E695", AirflowFailException),
    "refused": (Answer(403, "AccessDenied"), "E694", AirflowFailException),
    "no bucket": (Answer(404, "NoSuchBucket"), "E693", AirflowFailException),
    "busy": (Answer(503, "SlowDown"), "E698", AirflowException),
}


@pytest.mark.parametrize(("answer", "code", "kind"), STORES.values(), ids=STORES)
def test_a_store_is_asked_again_only_where_that_can_help(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    code: str,
    kind: type[Exception],
) -> None:
    """By the connection's credentials, which are in no message."""
    pytest.importorskip("obstore")
    monkeypatch.setattr("bulksend.home.Objects", partial(Objects, retries=0))
    desk.campaign(
        provider="simulator",
        recipients={"path": "s3://crm/list.csv", "phone": "mobile"},
    )
    with refusing(answer) as url:
        monkeypatch.setenv(
            "AIRFLOW_CONN_CRM",
            json.dumps(
                {
                    "conn_type": "aws",
                    "login": "AKIA",
                    "password": LEAK,
                    "extra": {"endpoint_url": url},
                }
            ),
        )
        operator = PlanOperator(
            task_id="plan",
            campaign=str(desk.folder / "hello.yaml"),
            storage_conn_id="crm",
            allow_local_journal=True,
        )
        with pytest.raises(kind, match=code) as failed:
            operator.execute({"dag_run": _Run(), "ti": None})
    assert isinstance(failed.value, AirflowFailException) == (code != "E698")
    assert LEAK not in str(failed.value)


class _Run:
    data_interval_end = MOMENT
    logical_date = MOMENT


class _Ti:
    task_id, try_number = "send", 1

    def xcom_push(self, key: str, value: object) -> None:
        """Nobody reads it here."""


@pytest.mark.parametrize("how", ["on_kill", "raised"])
def test_a_task_that_is_stopped_drains_and_is_no_success(
    desk: Desk, journal: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Under four seconds, whichever way Airflow stops it; the next try ends the rest."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        _use(desk, monkeypatch)
        desk.people(_people(500))
        campaign = desk.campaign(send={"rate": "100/s"})

        def operator() -> BulksendOperator:
            return BulksendOperator(
                task_id="send", campaign=str(campaign), journal_conn_id=journal
            )

        first = operator()
        context = {"dag_run": _Run(), "ti": _Ti()}
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

        assert said["accepted"] == 500
        sent = Counter(line["to"][0] for line in server.lines())
        assert (len(sent), max(sent.values())) == (500, 1)


def test_a_deferrable_task_waits_for_the_lease_in_a_trigger(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow's own triggerer code runs it; then the task goes on, and sends."""
    simulator = bandwidth()
    monkeypatch.setattr(operators, "LEASE_WAIT_SECONDS", 1.0)
    _use(desk, monkeypatch)
    desk.people(_people(4))
    campaign = desk.campaign()
    home = Home.find(desk.folder, BulksendHook("", journal).environment())
    now = time.time_ns() // 1_000_000
    with Journal.open(home.journal) as held:
        other = replace(Owner.me("other"), host="elsewhere", machine="elsewhere")
        epoch = held.leases.take("bandwidth/hello", other, now=now)
        release = threading.Timer(4.0, _end, (home, epoch))
        release.start()
        run = _run(
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
        release.join()

    assert run == {"success": 1}
    assert simulator.bandwidth.witness.stats().accepted == 4


def _end(home: Home, epoch: int) -> None:
    with Journal.open(home.journal) as journal:
        journal.leases.end("bandwidth/hello", epoch)


def test_a_deferrable_task_waits_for_the_hours_without_a_worker(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the next window opens, by a trigger that Airflow can store and load."""
    simulator = bandwidth()
    _use(desk, monkeypatch)
    desk.people()
    campaign = desk.campaign(send={"window": window(3), "rules": None})
    operator = BulksendOperator(
        task_id="send",
        campaign=str(campaign),
        journal_conn_id=journal,
        deferrable=True,
    )

    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({"dag_run": _Run(), "ti": _Ti()})

    name, said = deferred.value.trigger.serialize()
    assert name == "bulksend.airflow.trigger.Until"
    assert 2 * 3600 < said["moment"] - time.time() < 24 * 3600
    assert deferred.value.method_name == "execute_again"
    assert simulator.bandwidth.witness.stats().accepted == 0


def test_lineage_names_lists_and_results_and_no_numbers(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What OpenLineage is told of a task, by its own classes."""
    pytest.importorskip("airflow.providers.openlineage.extractors")
    bandwidth()
    _use(desk, monkeypatch)
    desk.people()
    campaign = desk.campaign()
    operator = BulksendOperator(
        task_id="send", campaign=str(campaign), journal_conn_id=journal
    )
    operator.execute({"dag_run": _Run(), "ti": _Ti()})

    told = operator.get_openlineage_facets_on_complete(_Ti())

    assert [one.name for one in told.inputs] == [str(campaign).lstrip("/")]
    assert "9192" not in repr(told)


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


def test_each_campaign_file_is_a_dag_and_a_bad_one_breaks_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    """Its schedule in its zone; what is wrong with a file its own run says."""
    (desk.folder / "campaigns").mkdir()
    desk.people()
    desk.campaign(
        "campaigns/weekly.yaml",
        provider="simulator",
        schedule={"cron": "0 10 * * MON", "zone": "America/New_York"},
        recipients={"path": "../list.csv"},
    )
    desk.write("campaigns/broken one.yaml", "name: [")
    began = time.perf_counter()
    module = _load(
        "factory",
        f"""
from bulksend.airflow import campaign_dags

campaign_dags(globals(), "{desk.folder}/campaigns/*.yaml", journal_conn_id="{journal}")
""",
    )
    took = time.perf_counter() - began
    dags = {name: dag for name, dag in module.items() if name.startswith("dag_")}
    assert set(dags) == {"dag_bulksend_weekly", "dag_bulksend_broken_one"}
    weekly = dags["dag_bulksend_weekly"]
    assert "America/New_York" in f"{weekly.timetable!r}{weekly.timetable.__dict__}"
    assert "{{ name }}" in weekly.doc_md
    assert took < 1
    run = _test(weekly)
    assert run == {"success": 1}


def test_the_hook_maps_a_connection_to_what_bulksend_reads(
    bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its test signs in and opens the journal; a wrong secret is said, not raised."""
    simulator = bandwidth(credentials=frozenset([("id-7", "sesame-7")]))
    known = {
        "conn_type": "bulksend",
        "login": "id-7",
        "password": "sesame-7",
        "host": simulator.url,
        "extra": {
            "account_id": "1",
            "application_id": "an-application",
            "token_url": simulator.token_url,
            "journal_conn_id": journal,
        },
    }
    monkeypatch.setenv("AIRFLOW_CONN_BULKSEND_DEFAULT", json.dumps(known))
    assert BulksendHook().test_connection()[0], BulksendHook().test_connection()

    wrong = json.dumps(known | {"password": "wr0ng"})
    monkeypatch.setenv("AIRFLOW_CONN_BULKSEND_DEFAULT", wrong)
    works, said = BulksendHook().test_connection()

    assert not works
    assert "E501" in said
    assert "wr0ng" not in said


def test_the_notifier_tells_each_once(
    bandwidth: Bandwidth, journal: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same try of a task tells nobody twice; the next one tells again."""
    simulator = bandwidth()
    _use(desk, monkeypatch, BW_MESSAGING_APPLICATION_ID="an-application")
    notifier = BulksendNotifier(
        sender="+19195550100",
        to=["+19192345671", "+19192345672"],
        text="It {{ failed }}",
        bulksend_conn_id="",
        journal_conn_id=journal,
    )
    context = {"run_id": "manual__2026-11-26T10:00:00+00:00", "ti": _Ti()}

    notifier.notify(context)
    notifier.notify(context)

    assert simulator.bandwidth.witness.stats().accepted == 2


def test_airflow_knows_the_provider() -> None:
    """The form, the hook and the link, by the package's own metadata."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert "bulksend" in manager.hooks
    info = get_provider_info()
    fields = info["connection-types"][0]["conn-fields"]
    assert set(fields) == {
        "account_id",
        "application_id",
        "token_url",
        "journal_conn_id",
        "home",
        "storage_conn_id",
    }
    assert "bulksend.airflow.link.ReportLink" in manager.extra_links_class_names


def test_the_examples_run_as_they_are(
    desk: Desk, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied into the DAG folder, each of them sends to everybody of its list."""
    url = os.environ["AIRFLOW_CONN_JOURNAL"]
    monkeypatch.setenv("AIRFLOW_CONN_BULKSEND_JOURNAL", url)
    monkeypatch.setenv("BULKSEND_HOME", str(desk.folder / "home"))
    folder = Path(os.environ["AIRFLOW_HOME"], "dags")
    shutil.copytree(ROOT / "examples" / "airflow", folder, dirs_exist_ok=True)

    every = run_path(str(folder / "every_campaign.py"))["dag_bulksend_reminder"]
    assert _test(every) == {"success": 1}
    shards = run_path(str(folder / "in_shards.py"))["dag"]
    assert _test(shards) == {"success": 6}

    found = sorted((folder / "results").glob("*.csv"))
    assert len(found) == 2
    for path in found:
        assert path.read_text().count("accepted") >= 3

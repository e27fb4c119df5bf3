"""What Airflow knows of the package: connections, forms, notices, lineage."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psycopg
import pytest

from bulksend import InputError
from bulksend.airflow import BulksendHook, BulksendNotifier
from bulksend.airflow.notifier import _slot
from bulksend.airflow.provider import get_provider_info
from bulksend.journal.store import Journal
from tests.airflow.here import Ti, use

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk
    from tests.suites.postgres_server import Server


pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]


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


@pytest.mark.parametrize(
    ("extra", "login"),
    [
        ({"keepalives_idle": 30, "sslmode": "disable"}, None),
        ({"keepalives": True, "connect_timeout": "5", "cursor": "dictcursor"}, None),
        ({"sslpassword": "hunterX", "sslmode": "prefer"}, None),
        ({"service_account_token": "hunterX", "iam": {"role": "hunterX"}}, None),
        ({"application_name": "a b&c=d"}, "o/dd@n?me"),
    ],
)
def test_a_postgres_connection_is_used_as_airflow_uses_it(
    postgres: Server,
    monkeypatch: pytest.MonkeyPatch,
    extra: dict[str, object],
    login: str | None,
) -> None:
    """What libpq understands goes to it, the rest does not; no secret is ever shown."""
    schema = postgres.schema()
    with psycopg.connect(schema, autocommit=True) as sql:
        sql.execute('drop role if exists "o/dd@n?me"')
        sql.execute('create role "o/dd@n?me" superuser login')
    known = {
        "conn_type": "postgres",
        "host": "127.0.0.1",
        "port": postgres.port,
        "login": login or "bulksend",
        "password": "s3/c?r#e@t",
        "schema": "postgres",
        "extra": extra
        | {"options": schema.partition("options=")[2].replace("%3D", "=")},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PG", json.dumps(known))

    home = BulksendHook("", "pg").home(Path())

    with Journal.open(home.journal) as opened:
        assert opened.runs.all() == []
    shown = str(home.journal)
    assert not [secret for secret in ("hunterX", "s3", "e@t") if secret in shown]


@pytest.mark.parametrize(
    ("host", "port", "place"),
    [
        ("db", None, "db"),
        ("a,b", 6000, "a:6000,b:6000"),
        ("::1", 5432, "[::1]:5432"),
        ("/var/run/pg", 5432, "%2Fvar%2Frun%2Fpg:5432"),
        ("", None, ""),
    ],
)
def test_a_host_stands_in_the_url_as_libpq_reads_it(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int | None, place: str
) -> None:
    """One port is that of all hosts; an address of IPv6 and a socket's folder too."""
    known = {"conn_type": "postgres", "host": host, "port": port, "schema": "j"}
    monkeypatch.setenv("AIRFLOW_CONN_PG", json.dumps(known))

    url = BulksendHook("", "pg").environment()["BULKSEND_JOURNAL"]

    assert url == f"postgresql://{place}/j"
    wanted = host.split(",") if host else [None]
    said = psycopg.conninfo.conninfo_to_dict(url)
    assert str(said.get("host") or "").split(",") == [one or "" for one in wanted]


def test_the_notifier_tells_each_once(
    bandwidth: Bandwidth, journal: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same try of a task tells nobody twice; the next one tells again."""
    simulator = bandwidth()
    use(desk, monkeypatch, BW_MESSAGING_APPLICATION_ID="an-application")
    notifier = BulksendNotifier(
        sender="+19195550100",
        to=["+19192345671", "+19192345672"],
        text="It {{ failed }}",
        bulksend_conn_id="",
        journal_conn_id=journal,
    )
    context = {"run_id": "manual__2026-11-26T10:00:00+00:00", "ti": Ti()}

    notifier.notify(context)
    notifier.notify(context)

    assert simulator.bandwidth.witness.stats().accepted == 2

    forgetful = BulksendNotifier(
        sender="+19195550100", to=["+19192345671"], bulksend_conn_id=""
    )
    with pytest.raises(InputError, match="E690"):
        forgetful.notify(context)

    later = context | {"run_id": "manual__2026-11-27T10:00:00+00:00"}
    notifier.notify(later)
    assert simulator.bandwidth.witness.stats().accepted == 4


@pytest.mark.parametrize("what", ["a folder for all", "a link"])
def test_a_notice_is_made_where_nobody_else_writes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """E682: in /tmp anybody may make that folder first, and the list in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(desk.folder))
    place = desk.folder / f"bulksend-notices-{os.getuid()}"
    other = desk.folder / "other"
    other.mkdir(mode=0o700)
    if what == "a link":
        place.symlink_to(other)
    else:
        other.rename(place)
        place.chmod(0o777)
    notifier = BulksendNotifier(sender="+19195550100", to=["+19192345671"])
    notifier.bulksend_conn_id = ""
    with pytest.raises(InputError, match="E682"):
        notifier.notify({"run_id": "a", "ti": Ti()})
    assert not list(place.iterdir())


def test_each_failure_has_a_notice_of_its_own() -> None:
    """Another day, DAG, task, shard or try; whatever the length of the names."""
    one: dict[str, object] = {
        "dag_id": "d",
        "task_id": "t" * 90,
        "map_index": 0,
        "try_number": 1,
    }
    others: list[dict[str, object]] = [
        {"dag_id": "e"},
        {"task_id": "u"},
        {"map_index": 3},
        {"try_number": 2},
    ]
    tasks = [SimpleNamespace(**one | other) for other in ({}, *others)]
    slots = {_slot({"run_id": "r1", "ti": task}) for task in tasks}
    assert len(slots | {_slot({"run_id": "r2", "ti": tasks[0]})}) == 6
    assert all(len(slot) <= 64 for slot in slots)


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

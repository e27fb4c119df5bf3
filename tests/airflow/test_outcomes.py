"""What became of the messages: whether the DAG run is a success, and where it is told."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from bulksend.airflow import BulksendOperator, link
from bulksend.airflow.link import ReportLink, web_address
from bulksend.storage.location import where
from tests.airflow.here import Run, people, run_file, use

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

GROUP = """
from airflow.providers.common.compat.sdk import DAG
from bulksend.airflow import BulksendTaskGroup

with DAG("{name}", schedule=None) as dag:
    BulksendTaskGroup(
        campaign="{campaign}", shards=2, journal_conn_id="{journal}",
        on_unknown="{choice}",
    )
"""


@pytest.mark.parametrize("choice", ["warn", "fail"])
def test_unknown_outcomes_fail_the_run_where_that_is_asked_for(
    desk: Desk,
    bandwidth: Bandwidth,
    journal: str,
    monkeypatch: pytest.MonkeyPatch,
    choice: str,
) -> None:
    """The last task decides how a DAG run ended; the results are written in any case."""
    simulator = bandwidth(lost_after=0.2)
    use(desk, monkeypatch)
    desk.people(people(200))
    campaign = desk.campaign()
    source = GROUP.format(
        name=f"lossy_{choice}", campaign=campaign, journal=journal, choice=choice
    )

    run = run_file(f"lossy_{choice}", source)

    statuses = desk.results()["status"].value_counts()
    counts = dict(statuses.iter_rows())
    assert set(counts) == {"accepted", "unknown"}
    assert simulator.bandwidth.witness.stats().accepted == 200
    assert run == ({"success": 4} if choice == "warn" else {"success": 1, "failed": 3})


def test_a_word_that_means_nothing_is_refused() -> None:
    """While the DAG file is read, and not after a campaign was sent."""
    with pytest.raises(ValueError, match="warn or fail"):
        BulksendOperator(task_id="send", campaign="x.yaml", on_unknown="ignore")


class Pushed:
    """A task instance that keeps what is pushed, as Airflow's database does."""

    task_id, try_number = "send", 1

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}

    def xcom_push(self, key: str, value: object) -> None:
        self.said[key] = value


def test_the_link_opens_the_report(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address is one that a browser knows; what Airflow keeps is counts and places."""
    bandwidth()
    use(desk, monkeypatch)
    desk.people(people(3))
    operator = BulksendOperator(
        task_id="send", campaign=str(desk.campaign()), journal_conn_id=journal
    )
    ti = Pushed()

    said = operator.execute({"dag_run": Run(), "ti": ti})

    monkeypatch.setattr(
        link, "XCom", SimpleNamespace(get_value=lambda key, **_: ti.said[key])
    )
    address = ReportLink().get_link(operator, ti_key=None)
    page = Path(url2pathname(urlsplit(address).path)).read_text()
    assert page.startswith("<!doctype html>")
    assert said["run"] in page
    assert said["report"] == str(desk.folder / "results" / f"{said['run']}.html")
    assert all(isinstance(value, int | str) for value in said.values())
    assert "9192" not in json.dumps(said | ti.said)


@pytest.mark.parametrize(
    ("place", "environment", "address"),
    [
        (
            "s3://crm/a/b c.html",
            {},
            "https://s3.console.aws.amazon.com/s3/object/crm?prefix=a%2Fb%20c.html",
        ),
        (
            "s3://crm/r.html",
            {"AWS_ENDPOINT_URL": "http://minio:9000/"},
            "http://minio:9000/crm/r.html",
        ),
        ("gs://crm/r.html", {}, "https://storage.cloud.google.com/crm/r.html"),
        (
            "az://crm/r.html",
            {"AZURE_STORAGE_ACCOUNT_NAME": "acme"},
            "https://acme.blob.core.windows.net/crm/r.html",
        ),
        ("/srv/a b.html", {}, "file:///srv/a%20b.html"),
    ],
)
def test_a_report_in_a_store_is_linked_where_the_store_shows_it(
    place: str, environment: dict[str, str], address: str
) -> None:
    """No browser knows s3://."""
    assert web_address(where(place), environment) == address

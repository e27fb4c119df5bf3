"""What docs/airflow.md shows is run as it stands there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.airflow.here import Run, Ti, is_new, load, run_dag, use
from tests.flow.desk import ROOT

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

PAGE = (ROOT / "docs" / "airflow.md").read_text()
GROUP, PLAN, FACTORY, WAITING, NOTIFIER = re.findall(
    r"```python\n(.*?)```", PAGE, re.DOTALL
)


def test_the_pages_dag_files_send(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With connections of the names that stand there; only the campaign's path is ours."""
    simulator = bandwidth()
    use(desk, monkeypatch)
    monkeypatch.setenv(
        "AIRFLOW_CONN_BULKSEND_DEFAULT", f"bulksend://?account_id=1&home={desk.folder}"
    )
    url = os.environ[f"AIRFLOW_CONN_{journal.upper()}"]
    monkeypatch.setenv("AIRFLOW_CONN_BULKSEND_JOURNAL", url)
    desk.people()
    campaign = desk.campaign(
        "campaigns/sale.yaml",
        recipients={"path": "../list.csv"},
        results="results/{run}.csv",
    )
    source = GROUP.replace("/srv/campaigns/sale.yaml", str(campaign))
    if not is_new():
        source = source.replace("from airflow.sdk import", "from airflow import")

    assert run_dag(load("page", source)["dag"]) == {"success": 6}
    assert simulator.bandwidth.witness.stats().accepted == 4

    source = FACTORY.replace("campaigns/*.yaml", f"{desk.folder}/campaigns/*.yaml")
    again = load("factory", source)["dag_bulksend_sale"]
    assert run_dag(again) == {"success": 1}
    assert simulator.bandwidth.witness.stats().accepted == 4  # nobody gets it twice
    (made,) = (desk.folder / "plans").glob("*.parquet")
    said = re.sub(r'"/srv/.*parquet"', repr(str(made)), PLAN.strip())
    source = f"from bulksend.airflow import BulksendOperator\n\nsend = {said}\n"
    sent = load("plan", source)["send"].execute({"dag_run": Run(), "ti": Ti()})
    assert sent["accepted"] == 4
    assert simulator.bandwidth.witness.stats().accepted == 4
    assert load("notifier", NOTIFIER)["on_failure_callback"].to == ["+19192345671"]
    assert WAITING.startswith("BulksendTaskGroup(..., wait_for_receipts=")

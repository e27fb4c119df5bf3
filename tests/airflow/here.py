"""The Airflow that is installed here: DAG files as it reads them, run by `dag.test()`."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from tests.flow.desk import Desk

MOMENT = datetime.now(UTC).replace(microsecond=0)


def people(count: int) -> str:
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(count))
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


def use(desk: Desk, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in (desk.environment | more).items():
        monkeypatch.setenv(name, value)


def load(name: str, source: str) -> dict[str, Any]:
    """A DAG file in Airflow's folder, as Airflow reads it."""
    return run_path(str(put(name, source)))


def put(name: str, source: str) -> Path:
    """The only DAG file in Airflow's folder."""
    folder = Path(os.environ["AIRFLOW_HOME"], "dags")
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    path = folder / f"{name}.py"
    path.write_text(source)
    return path


def run_file(name: str, source: str) -> Counter[str]:
    """Run the DAG `dag` in that file; how its tasks ended."""
    return run_dag(load(name, source)["dag"])


def run_dag(dag: Any, ago: timedelta = timedelta()) -> Counter[str]:
    """Each call is a run of its own.

    Args:
        ago: For a backfill: how long ago it was due.
    """
    moment = MOMENT - ago - next(_LATER) * timedelta(seconds=1)
    if not is_new():  # or it knows no asset of its outlets
        type(dag).bulk_write_to_db([dag])
    run = dag.test(**{"logical_date" if is_new() else "execution_date": moment})
    return Counter(str(ti.state) for ti in run.get_task_instances())


_LATER = count()


def asset_events(uri: str) -> list[dict[str, Any]]:
    """What was said with each event of an asset, in order."""
    from airflow.utils.session import create_session

    if is_new():
        from airflow.models.asset import AssetEvent, AssetModel
    else:
        from airflow.models.dataset import DatasetEvent as AssetEvent
        from airflow.models.dataset import DatasetModel as AssetModel
    id_of = AssetEvent.asset_id if is_new() else AssetEvent.dataset_id
    with create_session() as sql:
        found = sql.query(AssetEvent).join(AssetModel, AssetModel.id == id_of)
        events = found.filter(AssetModel.uri == uri).order_by(AssetEvent.id)
        return [dict(event.extra) for event in events]


def is_new() -> bool:
    from airflow import __version__

    return not __version__.startswith("2.")


class Run:
    data_interval_end = MOMENT
    logical_date = MOMENT


class Ti:
    task_id, try_number = "send", 1

    def xcom_push(self, key: str, value: object) -> None:
        """Nobody reads it here."""

"""An Airflow of the tests' own.

Its tests run in environments that have Airflow, and in no other:

VENV/bin/python -m pytest tests/airflow -o filterwarnings=default
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import bandwidth, desk
from tests.suites.postgres_server import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.suites.postgres_server import Server

__all__ = ["bandwidth", "desk", "postgres"]

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]

if find_spec("airflow"):
    os.environ |= {
        "AIRFLOW_HOME": tempfile.mkdtemp(prefix="bulksend-airflow-"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:1/execution/",
    }


@pytest.fixture(scope="session")
def airflow() -> Iterator[None]:
    """Its database, made once."""
    from airflow.utils.db import initdb

    initdb()
    logging.getLogger("airflow").setLevel(logging.WARNING)
    yield
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)


@pytest.fixture
def journal(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a connection to a journal."""
    url = postgres.schema().replace("postgresql://", "postgres://")
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", url)
    return "journal"

"""docs/storage.md does what it says: its campaign, its commands and its reader, on moto."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import PEOPLE, ROOT
from tests.storage.store import Bucket

if TYPE_CHECKING:
    from tests.flow.desk import Desk

PAGE = (ROOT / "docs/storage.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_page_runs(desk: Desk, s3: str) -> None:
    """The campaign from list to report, and the reader of a folder of results."""
    crm = Bucket.make(s3, "crm")
    desk.environment |= crm.environment
    crm.put("exports/2026-11-26/1.csv", PEOPLE)
    crm.put("opt-outs.csv", "mobile\n+19192345672\n")
    desk.write("sale.yaml", blocks("yaml")[0])
    commands = re.findall(r"^bulksend (.*?)(?: +#.*)?$", blocks("sh")[0], re.MULTILINE)
    assert [one.split()[0] for one in commands] == ["check", "run", "report"]
    for command in commands:
        ran = desk.call(*command.split())
        assert ran.code == 0, ran
    [run] = (key[8:-8] for key in crm.keys if key.endswith(".parquet"))
    assert crm.get(f"results/{run}.html")
    done = desk.call("results", "--results", crm.at("results/sale/"))
    assert done.code == 0, done

    reader = blocks("python")[0]
    assert "manifest" in reader
    said = subprocess.run(
        [sys.executable, "-c", reader],
        env=os.environ | crm.environment | {"AWS_ALLOW_HTTP": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "{'accepted': 4, 'excluded': 3} 7\n"


def test_the_page_names_every_variable_that_matters() -> None:
    """Credentials, at least: what is read and not said helps nobody."""
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_KEY"),
        *(
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_SAS_TOKEN",
            "AZURE_CLIENT_SECRET",
        ),
    ):
        assert f"`{name}`" in PAGE

"""Callbacks that belong to no row, or two messages to one, are shown where people look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from bulksend.cli import cli
from bulksend.home import Home
from bulksend.journal.receipts import Kept
from bulksend.journal.store import Journal
from bulksend.settle.strangers import unknown_callbacks
from bulksend.view.report import report_run
from tests.prepare.planning import number, plan
from tests.settle.test_results import NOW, begun

if TYPE_CHECKING:
    from pathlib import Path


def test_they_are_counted(tmp_path: Path) -> None:
    """In `status`, `settle` and the report; a person's reply is none of them."""
    home = Home(tmp_path / ".bulksend", tmp_path / "journal.sqlite")
    assert unknown_callbacks(home) == 0
    made = plan(tmp_path, f"phone\n{number(2)}\n", message={"text": "Hi"}).plan
    told = Kept("x", 1, "message-delivered", NOW, NOW)
    with begun(tmp_path, made, 1) as (journal, run, _):
        ours = told._replace(run_id=run.id, row=2)
        journal.receipts.keep(
            [
                told,
                told._replace(message_id="y", digest=2, type="message-failed"),
                told._replace(message_id="z", digest=3, type="message-received"),
                ours._replace(message_id="a", digest=4),
                ours._replace(message_id="b", digest=5),
            ]
        )
    assert unknown_callbacks(home) == 2

    def ran(*arguments: str) -> str:
        where = ["--folder", str(tmp_path), "--journal", str(home.journal)]
        return CliRunner().invoke(cli, [*arguments, *where]).output

    assert "2 callbacks were about messages of no run here" in ran("status")
    assert json.loads(ran("status", "--json"))[0]["unknown_callbacks"] == 2
    assert json.loads(ran("settle", run.run, "--json"))["doubled"] == 1
    assert "1 texted twice" in ran("settle", run.run)
    with Journal.open(home.journal) as journal:
        journal.runs.set_results(run.id, str(tmp_path / "results.csv"))
    page = report_run(run.run, home=home)
    assert "Two messages of <strong>1 row</strong> are known" in page.read_text()  # type: ignore[union-attr]

"""A purge, as an operator does it: what goes, what stays, and who is texted after it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from bulksend.journal.store import Journal
from tests.flow.desk import PEOPLE_NUMBERS
from tests.settle.test_results import NOW

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk


def test_nobody_is_texted_again_after_a_purge(desk: Desk, bandwidth: Bandwidth) -> None:
    """The same campaign, planned anew, is refused; with one more person, one is sent."""
    server = bandwidth()
    desk.people()
    desk.campaign()
    assert desk.call("run", "hello.yaml", "--yes").code == 0
    journal = desk.folder / ".bulksend" / "journal.sqlite"
    with Journal.open(journal) as opened:
        (run,) = opened.runs()
        opened.database.execute("finish_run", run_id=run.id, now=NOW)

    asked = desk.call("purge", "--older-than", "1d")
    assert asked.code == 3
    assert "E410" in asked.err
    assert (desk.folder / "results/hello.csv").exists()
    ran = desk.call("purge", "--older-than", "1d", "--yes", "--json")
    assert (ran.code, ran.json["runs"]) == (0, [run.run])
    assert not (desk.folder / "results/hello.csv").exists()
    everything = b"".join(
        path.read_bytes()
        for path in (desk.folder / ".bulksend").rglob("*")
        if path.is_file()
    )
    assert not any(one[1:].encode() in everything for one in PEOPLE_NUMBERS)

    again = desk.call("run", "hello.yaml", "--yes", "--json")
    assert (again.code, [one["code"] for one in again.json["problems"]]) == (
        2,
        ["E675"],
    )
    said = json.loads(desk.call("status", "--json").out)
    assert [one["accepted"] for one in said] == [4]

    people = (desk.folder / "list.csv").read_text()
    desk.people(people + "8,Gil,919-234-5678,11:00\n")
    more = desk.call("run", "hello.yaml", "--yes", "--json", "--results", "more.csv")
    assert more.json["accepted"] == 1
    assert len(server.bandwidth.witness.accepted) == 5


def test_what_caps_count_is_not_purged(desk: Desk, bandwidth: Bandwidth) -> None:
    """One in seven days stays so, however young a run somebody purges; and says why."""
    bandwidth()
    desk.people()
    desk.campaign(send={"per_person": ["1 in 7d"]})
    assert desk.call("run", "hello.yaml", "--yes").code == 0
    with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as opened:
        (run,) = opened.runs()
        three_days_ago = time.time_ns() // 1_000_000 - 3 * 86_400_000
        opened.database.execute("finish_run", run_id=run.id, now=three_days_ago)

    ran = desk.call("purge", "--older-than", "2d", "--yes", "--json")

    assert (ran.code, ran.json["runs"]) == (0, [])
    (kept,) = ran.json["kept"]
    assert "per_person" in kept["why"]

"""A purge, as an operator does it: what goes, what stays, and who is texted after it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from socket import gethostname
from typing import TYPE_CHECKING

from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept
from bulksend.journal.store import Journal
from bulksend.send.clocks import wall_ms
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
        (run,) = opened.runs.all()
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


def test_an_override_is_told_before_it_is_sent_and_after_it_is_purged(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """That no rules about hours hold, and why: in check, report, explain, and for good."""
    bandwidth()
    desk.people()
    why = "tests run at any hour"
    desk.campaign()
    checked = desk.call("check", "hello.yaml")
    assert f"no rules at all, since: {why}" in " ".join(checked.out.split())
    ran = desk.call("run", "hello.yaml", "--yes")
    assert why in " ".join(ran.all.split())
    run = desk.call("status", "--json").json[0]["run"]
    assert desk.call("report", run, "--output", "r.html").code == 0
    assert why in (desk.folder / "r.html").read_text()
    (row,) = desk.call("explain", PEOPLE_NUMBERS[1], "--json").json["rows"]
    assert (row["any_hour"], row["hours"]) == (why, None)
    assert (
        f"no rules of bulksend's held, since: {why}"
        in desk.call("explain", PEOPLE_NUMBERS[1]).out
    )

    with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as opened:
        (kept,) = opened.runs.all()
        opened.database.execute("finish_run", run_id=kept.id, now=NOW)
    assert desk.call("purge", "--older-than", "1d", "--yes").code == 0
    with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as opened:
        (kept,) = opened.runs.all()
    assert kept.purged_at is not None
    assert kept.any_hour == why
    said = desk.call("status", "--json").json[0]
    assert said["any_hour"] == why


def test_where_whose_rules_and_when_are_told_of_a_row(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The place, the rules there and the window it was posted in; as counts in the report."""
    bandwidth()
    desk.people()
    desk.campaign(send={"rules": None, "window": {"from": "09:00", "to": "20:00"}})
    ran = desk.call("run", "hello.yaml", "--yes", "--no-wait", "--json")
    assert ran.code in {0, 4}  # it may be night in New York
    (row,) = desk.call("explain", PEOPLE_NUMBERS[1], "--json").json["rows"]
    told = row["hours"]
    assert told["place"] == "number US-NC America/New_York"
    assert told["rules"] == ["us-federal"]
    assert told["closes"] - told["opens"] == 11 * 3_600_000
    assert row["any_hour"] == ""
    people = desk.call("explain", PEOPLE_NUMBERS[1])
    assert "by us-federal" in " ".join(people.out.split())
    assert desk.call("report", ran.json["run"], "--output", "r.html").code == 0
    report = (desk.folder / "r.html").read_text()
    assert "number US-NC America/New_York" in report
    assert "us-federal" in report


def test_what_caps_count_is_not_purged(desk: Desk, bandwidth: Bandwidth) -> None:
    """One in seven days stays so, however young a run somebody purges; and says why."""
    bandwidth()
    desk.people()
    desk.campaign(send={"per_person": ["1 in 7d"]})
    assert desk.call("run", "hello.yaml", "--yes").code == 0
    with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as opened:
        (run,) = opened.runs.all()
        three_days_ago = time.time_ns() // 1_000_000 - 3 * 86_400_000
        opened.database.execute("finish_run", run_id=run.id, now=three_days_ago)

    ran = desk.call("purge", "--older-than", "2d", "--yes", "--json")

    assert (ran.code, ran.json["runs"]) == (0, [])
    (kept,) = ran.json["kept"]
    assert "per_person" in kept["why"]


def test_a_purge_shows_the_replies_that_it_takes(desk: Desk) -> None:
    """Their number before it asks, and in its JSON; a second purge finds none."""
    said = '{"from": "+19195550199", "text": "Is it you, Ann?"}'
    with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as opened:
        opened.receipts.keep([Kept("", 1, "message-received", NOW, NOW, 77, said=said)])
    asked = desk.call("purge", "--older-than", "2d")
    assert (asked.code, "1 callback about no run" in asked.out) == (3, True)
    ran = desk.call("purge", "--older-than", "2d", "--yes", "--json")
    assert (ran.code, ran.json["callbacks"]) == (0, 1)
    assert "Nothing to remove." in desk.call("purge", "--older-than", "2d").out


def test_no_byte_of_the_home_has_a_number_or_a_text_after_a_purge(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Whatever was done here: plans, rows to mend, tests, replies, killed writers' files.

    Freed pages of the journal and its log are looked into as well.
    """
    bandwidth()
    desk.people()
    desk.campaign()
    tester, writer = "+19195550101", "+19195550199"
    assert desk.call("test", "hello.yaml", "--yes", "--to", tester).code == 0
    ran = desk.call("run", "hello.yaml", "--yes", "--json")
    assert desk.call("results", ran.json["run"], "--results", "copy.xlsx").code == 0
    assert desk.call("explain", PEOPLE_NUMBERS[0]).code == 0
    assert desk.call("report", ran.json["run"], "--output", "r.html").code == 0
    desk.campaign(message={"text": "Never sent, {{ name }}: see you at {{ at }}."})
    assert desk.call("check", "hello.yaml").code == 0

    home = desk.folder / ".bulksend"
    said = f'{{"from": "{writer}", "text": "see you at noon"}}'
    replies = [
        Kept("", digest, "message-received", NOW, NOW, digest, said=said)
        for digest in range(2_000)
    ]
    with Journal.open(home / "journal.sqlite") as opened:
        for first in range(0, len(replies), 50):
            opened.receipts.keep(replies[first::40])
        for run in opened.runs.all():
            opened.database.execute("finish_run", run_id=run.id, now=NOW)
    left = f"{writer} see you at"
    gone = f"4194305@{gethostname()}.unfinished"  # above any process's number
    for folder, name in (
        ("plans", f".hello-1.parquet.{gone}"),
        ("tests", f".hello-2.parquet.{gone}"),
        ("plans", ".hello-3.parquet.7@elsewhere.unfinished"),
        ("rejects", "hello-4.csv"),
        ("../results", f".hello.csv.{gone}"),
    ):
        (home / folder / name).write_text(left)
    for path in home.rglob("*"):
        os.utime(path, (NOW / 1000, NOW / 1000))

    purged = desk.call("purge", "--older-than", "1d", "--yes", "--json")
    assert (purged.code, purged.json["kept"]) == (0, [])

    sought = [one[1:].encode() for one in (*PEOPLE_NUMBERS, tester, writer)]
    sought += [b"see you at", b"919234", b"Ana"]
    files = [path for path in desk.folder.rglob("*") if path.is_file()]
    found = {
        (str(path.relative_to(desk.folder)), one)
        for path in files
        for one in sought
        if one in path.read_bytes()
    }
    ours = {
        (name, one) for name, one in found if name not in {"list.csv", "hello.yaml"}
    }
    assert ours == set()
    assert (desk.folder / "copy.xlsx").exists(), "yours to remove; packed, so not seen"
    assert [path.name for path in home.rglob("*") if path.is_file()] != []


def test_a_journal_that_somebody_sends_by_is_not_written_anew(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """They would wait for it; what that leaves in the file is said."""
    bandwidth()
    desk.people()
    desk.campaign()
    assert desk.call("run", "hello.yaml", "--yes").code == 0
    with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as opened:
        (run,) = opened.runs.all()
        opened.database.execute("finish_run", run_id=run.id, now=NOW)
        other = replace(run, run="other-1", campaign="bandwidth/other", created_at=NOW)
        opened.runs.add(replace(other, finished_at=None))
        opened.leases.take("bandwidth/other", Owner.me("other-1"), now=wall_ms())

        ran = desk.call("purge", "--older-than", "1d", "--yes", "--json")

    assert ran.json["runs"] == [run.run]
    assert "somebody is sending" in ran.json["kept"][-1]["why"]

"""Ten thousand rows, and a sender that is killed: no person gets a text twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from socket import gethostname
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from tests.flow.desk import Desk, Served, counts, ended, served, until
from tests.flow.desk import crowd as people_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow]

ROWS = 10_000
REFUSED = {97: "n/a", 98: "919234", 99: "+1 919 234 5"}
"""By the row's place in each hundred: what stands there instead of a number."""


def crowd() -> tuple[str, list[str]]:
    """A list of `ROWS` people, and the numbers that get a message, in order.

    In each hundred three have no usable number, and two have the number of the first.
    """
    lines, valid = ["id,name,mobile,at"], []
    for index in range(ROWS):
        place = index % 100
        number = f"+1919{2_000_000 + (index - place if place in (50, 51) else index)}"
        if place not in REFUSED and place not in (50, 51):
            valid.append(number)
        lines.append(f"{index},P{index},{REFUSED.get(place, number)},9:{place:02}")
    return "\n".join(lines) + "\n", valid


def numbers(server: Served) -> list[str]:
    return [number for line in server.lines() for number in line["to"]]


def prepare(desk: Desk, server: Served, **campaign: object) -> list[str]:
    desk.environment = server.environment
    text, valid = crowd()
    desk.people(text)
    desk.campaign(**campaign)
    return valid


def test_ten_thousand_rows_in_and_out(desk: Desk) -> None:
    """Rows in = rows out, in order, and one accepted message per distinct number."""
    with served(desk.folder) as server:
        valid = prepare(
            desk, server, send={"rate": "3000/s"}, results="results/hello.parquet"
        )
        ran = desk.process("run", "hello.yaml", "--yes", "--json")

    assert ran.code == 0, ran
    assert counts(ran) == {"accepted": len(valid), "excluded": ROWS - len(valid)}
    assert Counter(numbers(server)) == Counter(valid)
    frame = desk.results("results/hello.parquet")
    assert frame["row"].to_list() == list(range(2, ROWS + 2))
    assert frame["id"].cast(pl.Int64).to_list() == list(range(ROWS))
    accepted = frame.filter(pl.col("status") == "accepted")
    assert accepted["to"].to_list() == valid
    by_number = {line["to"][0]: line for line in server.lines()}
    for to, message_id, text, tag in accepted.select(
        "to", "message_id", "text", "tag"
    ).iter_rows():
        line = by_number[to]
        assert (line["id"], line["text"], line["tag"]) == (message_id, text, tag)


@pytest.mark.crash
def test_a_killed_run_is_resumed_and_nobody_gets_it_twice(desk: Desk) -> None:
    """`kill -9` at five moments, then to the end: every row has one true fate."""
    command = ("run", "hello.yaml", "--yes", "--json")
    with served(desk.folder) as server:
        valid = prepare(desk, server, send={"rate": "2500/s"})
        for accepted in (1, 700, 2_500, 5_000, 8_500):
            sender = desk.start(*command)
            until(server.has(accepted), sender)
            sender.send_signal(signal.SIGKILL)
            assert ended(sender).code == -signal.SIGKILL
        ran = desk.process(*command)

    sent = numbers(server)
    assert max(Counter(sent).values()) == 1
    assert set(sent) <= set(valid)
    found = counts(ran)
    assert set(found) <= {"accepted", "unknown", "excluded"}
    assert found["accepted"] + found.get("unknown", 0) == len(valid)
    assert ran.code == (5 if "unknown" in found else 0)
    # What is unknown was claimed by a killed sender, and is bounded by what it claims.
    assert found.get("unknown", 0) < 5 * 500

    frame = desk.results()
    assert [int(row) for row in frame["row"]] == list(range(2, ROWS + 2))
    by_status = dict(frame.group_by("status").agg("to").iter_rows())
    ids = {line["to"][0]: line["id"] for line in server.lines()}
    accepted_rows = frame.filter(pl.col("status") == "accepted")
    for to, message_id in accepted_rows.select("to", "message_id").iter_rows():
        assert ids[to] == message_id
    # Whatever was accepted and is not known to be, is called unknown.
    assert set(sent) - set(by_status["accepted"]) <= set(by_status.get("unknown", []))

    again = desk.call(*command)
    assert (again.code, counts(again)) == (ran.code, found)
    assert len(numbers(server)) == len(sent)


@pytest.mark.crash
def test_a_run_killed_before_the_first_message_begins_anew(desk: Desk) -> None:
    """Killed while nothing was accepted yet: the next run sends to all of them."""
    with served(desk.folder, "--latency", "5") as server:
        valid = prepare(desk, server)
        desk.people("id,name,mobile,at\n1,Ana,9192345671,9\n2,Ben,9192345672,9\n")
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        journal = desk.folder / ".bulksend" / "journal.sqlite"
        until(journal.exists, sender)
        sender.kill()
        ended(sender)
    assert len(valid) > 2
    assert not numbers(server)

    with served(_fresh(desk.folder)) as server:
        desk.environment = server.environment
        ran = desk.process("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 2})
    assert len(numbers(server)) == 2


def _dead() -> int:
    """The id of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    return gone.pid


def _fresh(folder: Path) -> Path:
    (folder / "second").mkdir()
    return folder / "second"


@pytest.mark.crash
def test_what_a_killed_writer_left_behind_does_not_stand_in_the_way(
    desk: Desk,
) -> None:
    """Half-written plan and results files are replaced, not read."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people()
        desk.campaign()
        plan = desk.call("plan", "hello.yaml", "--json").json["plan"]
        folder, _, name = plan.rpartition("/")
        desk.write(f"{folder}/.{name}.{_dead()}@{gethostname()}.unfinished", "half")
        (desk.folder / plan).unlink()
        desk.write(
            f"results/.hello.csv.{_dead()}@{gethostname()}.unfinished", "row,id\n2,"
        )

        ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 4, "excluded": 3}), ran
    assert not list(desk.folder.rglob("*unfinished*"))
    assert len(desk.results()) == 7


@pytest.mark.crash
@pytest.mark.parametrize("then", [(), ("--only", "failed")])
def test_a_killed_retry_of_what_failed_goes_on(
    desk: Desk, then: tuple[str, ...]
) -> None:
    """By a plain `run` and by the same `--only`: each is tried again, nobody twice more."""
    command = ("run", "hello.yaml", "--yes", "--json")
    desk.people(people_of(60))
    with served(desk.folder, "--latency", "0.2") as server:
        desk.environment = server.environment
        desk.campaign(send={"rate": "40/s"})
        assert counts(desk.process(*command)) == {"accepted": 60}
        with Journal.open(desk.folder / ".bulksend" / "journal.sqlite") as journal:
            (run,) = journal.runs.all()
            failed = [
                Evidence(
                    run.id, row, Event.FAIL, run.created_at, Source.RECEIPT, "{}"
                )._replace(error_code="4785")
                for row in range(2, 42)
            ]
            journal.decisions.apply(failed, now=run.created_at)
        sender = desk.start(*command, "--only", "failed")
        until(server.has(70), sender)
        sender.kill()
        ended(sender)
        told = desk.call("status", "--json").json[0]
        last = desk.process(*command, *then)

    again = Counter(line["to"][0] for line in server.lines()[60:])
    assert max(again.values()) == 1
    assert 40 - told["unknown"] <= len(again) <= 40, "some were claimed, and not posted"
    assert told["accepted"] >= 20
    assert told["not_sent"] > 0
    assert told["accepted"] + told["unknown"] + told["not_sent"] == 60
    found = counts(last)
    assert found["accepted"] + found.get("unknown", 0) == 60, last
    assert found.get("unknown", 0) == told["unknown"]
    assert last.code == (5 if told["unknown"] else 0)

"""Stopped by a signal, or refused because another sender is at work."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tests.flow.desk import (
    TOKEN,
    Desk,
    Ran,
    counts,
    crowd,
    ended,
    no_traceback,
    served,
    until,
)

if TYPE_CHECKING:
    from subprocess import Popen

pytestmark = [pytest.mark.slow]

STOPS_WITHIN_SECONDS = 4.0


def in_time(seconds: float) -> bool:
    """Within four seconds; a machine that has too much to do gets as many more."""
    is_busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    return seconds < STOPS_WITHIN_SECONDS * (2 if is_busy else 1)


@pytest.mark.crash
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_drains_and_the_next_run_completes(desk: Desk, name: str) -> None:
    """Exit 4 within 4 s, every row in a true state; run again: the rest, once."""
    command = ("run", "hello.yaml", "--yes", "--json")
    with served(desk.folder, "--latency", "0.3") as server:
        desk.environment = server.environment
        desk.people(crowd(600))
        desk.campaign(send={"rate": "200/s"})
        sender = desk.start(*command)
        until(server.has(150), sender)
        began = time.monotonic()
        sender.send_signal(getattr(signal, name))
        ran = ended(sender)
        took = time.monotonic() - began
        sent = [line["to"][0] for line in server.lines()]

        assert ran.code == 4, ran
        assert in_time(took)
        no_traceback(ran)
        found = counts(ran)
        # Draining waited for every answer: nothing is unknown, nothing is claimed.
        assert found == {"accepted": len(sent), "not_sent": 600 - len(sent)}
        assert [problem["code"] for problem in ran.json["problems"]] == ["E631"]
        statuses = Counter(desk.results()["status"])
        assert statuses == Counter(found)

        again = desk.process(*command)

    assert (again.code, counts(again)) == (0, {"accepted": 600}), again
    everyone = Counter(line["to"][0] for line in server.lines())
    assert (len(everyone), max(everyone.values())) == (600, 1)


@pytest.mark.crash
def test_a_second_signal_changes_nothing(desk: Desk) -> None:
    """Whoever presses Ctrl-C three times gets the same true end."""
    with served(desk.folder, "--latency", "1") as server:
        desk.environment = server.environment
        desk.people(crowd(600))
        desk.campaign(send={"rate": "100/s"})
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(20), sender)
        for _ in range(3):
            sender.send_signal(signal.SIGINT)
        ran = ended(sender)

    assert ran.code == 4, ran
    no_traceback(ran)
    found = counts(ran)
    assert found["accepted"] == len(server.lines())
    assert set(found) == {"accepted", "not_sent"}


@pytest.mark.crash
def test_a_signal_ends_the_wait_for_a_server_that_is_silent(desk: Desk) -> None:
    """What got no answer by the end of the drain is unknown, and never sent again."""
    command = ("run", "hello.yaml", "--yes", "--json")
    with served(desk.folder, "--silent", "1") as server:
        desk.environment = server.environment | TOKEN  # which tells the time
        for name in ("BW_USERNAME", "BW_PASSWORD"):
            del desk.environment[name]
        desk.people(crowd(40))
        desk.campaign(send={"rate": "20/s"})
        sender = desk.start(*command)
        until(server.has(10), sender)
        began = time.monotonic()
        sender.send_signal(signal.SIGTERM)
        ran = ended(sender)
        took = time.monotonic() - began
        sent = len(server.lines())

    assert ran.code == 4, ran
    assert in_time(took)
    found = counts(ran)
    assert found == {"unknown": sent, "not_sent": 40 - sent}

    (desk.folder / "second").mkdir()
    with served(desk.folder / "second") as server:
        desk.environment = server.environment
        again = desk.process(*command)
    assert (again.code, counts(again)) == (5, {"unknown": sent, "accepted": 40 - sent})
    assert len(server.lines()) == 40 - sent


@pytest.mark.crash
def test_of_two_senders_the_second_is_refused(desk: Desk) -> None:
    """E610 names process and host; the first goes on, and its files are left alone."""
    command = ("run", "hello.yaml", "--yes", "--json")
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(600))
        desk.campaign(send={"rate": "60/s"})
        first = desk.start(*command)
        until(server.has(1), first)

        second = desk.call(*command)

        assert first.poll() is None, "the first was too fast for this test"
        assert second.code == 3, second
        (problem,) = second.json["problems"]
        assert problem["code"] == "E610"
        assert str(first.pid) in problem["found"]
        assert socket.gethostname() in problem["found"]
        assert not (desk.folder / "results" / "hello.csv").exists()
        assert len(server.lines()) < 600
        first.send_signal(signal.SIGTERM)
        stopped = ended(first)
        assert stopped.code == 4, stopped

        # A fresh lease does not keep the same machine waiting.
        third = desk.start(*command)
        until(server.has(len(server.lines()) + 1), third)
        os.kill(third.pid, signal.SIGKILL)
        ended(third)
        last = desk.start(*command)
        until(server.has(len(server.lines()) + 1), last)
        last.send_signal(signal.SIGTERM)
        assert ended(last).code == 4

    everyone = Counter(line["to"][0] for line in server.lines())
    assert max(everyone.values()) == 1


@pytest.mark.crash
@pytest.mark.parametrize("rate", ["1/min", "2/s"])
def test_a_signal_ends_the_wait_for_a_permit(desk: Desk, rate: str) -> None:
    """At one text a minute nobody waits a minute for the end."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(20))
        desk.campaign(send={"rate": rate})
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(1), sender)
        began = time.monotonic()
        sender.send_signal(signal.SIGTERM)
        ran = ended(sender)

    assert in_time(time.monotonic() - began)
    assert ran.code == 4, ran
    sent = len(server.lines())
    assert counts(ran) == {"accepted": sent, "not_sent": 20 - sent}


@pytest.mark.crash
def test_a_signal_ends_the_wait_for_a_token(desk: Desk) -> None:
    """A token address that says nothing keeps nobody for half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        desk.environment = TOKEN | {
            "BW_MESSAGING_URL": f"http://127.0.0.1:{port}/api/v2",
            "BW_TOKEN_URL": f"http://127.0.0.1:{port}/oauth2/token",
        }
        desk.people(crowd(20))
        desk.campaign()
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        line, _ = silent.accept()
        with line:
            assert line.recv(10)
            began = time.monotonic()
            sender.send_signal(signal.SIGTERM)
            ran = ended(sender)

    assert in_time(time.monotonic() - began)
    assert ran.code == 4, ran
    assert [problem["code"] for problem in ran.json["problems"]] == ["E631"]
    no_traceback(ran)


def test_two_campaigns_share_a_home(desk: Desk) -> None:
    """Two senders of two campaigns in one journal do not stand in each other's way."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(200))
        for name in ("one", "two"):
            desk.campaign(
                f"{name}.yaml",
                name=name,
                message={"text": f"{name} for {{{{ name }}}}"},
                send={"rate": "400/s"},
                results=f"{name}.csv",
            )
        senders = [
            desk.start("run", f"{name}.yaml", "--yes", "--json")
            for name in ("one", "two")
        ]
        ran = [ended(sender) for sender in senders]

    assert [each.code for each in ran] == [0, 0], ran
    assert [counts(each) for each in ran] == [{"accepted": 200}] * 2
    assert len(server.lines()) == 400
    listed = desk.call("status", "--json").json
    assert sorted(each["run"].partition("-")[0] for each in listed) == ["one", "two"]


@pytest.mark.crash
def test_a_killed_run_can_be_looked_at(desk: Desk) -> None:
    """`status` and `results` tell of a run whose sender died, before it is resumed."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(400))
        desk.campaign(send={"rate": "100/s"})
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(50), sender)
        sender.kill()
        ended(sender)
        sent = len(server.lines())
        (listed,) = desk.call("status", "--json").json
        ran = desk.call("results", listed["run"], "--json")

    found = counts(ran)
    assert ran.code == 4, ran
    assert found["accepted"] <= sent <= found["accepted"] + found.get("unknown", 0)
    assert Counter(desk.results()["status"]) == Counter(found)


@pytest.mark.crash
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_planning(desk: Desk, name: str) -> None:
    """In the middle of Polars' own work too: exit 4, a word, no plan, nothing sent."""
    lines = [f"{n},P{n},+1919{2_000_000 + n},9" for n in range(500_000)]
    desk.people("\n".join(["id,name,mobile,at", *lines]) + "\n")
    desk.campaign(provider="simulator")
    sender = desk.start("run", "hello.yaml")
    unfinished = desk.folder / ".bulksend" / "plans"
    until(lambda: unfinished.exists() and bool([*unfinished.iterdir()]), sender)
    sender.send_signal(getattr(signal, name))
    ran = ended(sender)

    assert ran.code == 4, ran
    assert "Stopped" in ran.err
    # A panic of Polars' own threads may be told: it unwraps what our signal raised there.
    assert not re.search("^Traceback", ran.all, re.MULTILINE)
    assert not (desk.folder / ".bulksend" / "journal.sqlite").exists()


@pytest.mark.crash
def test_a_signal_ends_the_wait_for_the_right_hour(desk: Desk) -> None:
    """Nobody may be texted for hours: it does not sleep until then."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(20))
        is_morning = datetime.now(ZoneInfo("America/New_York")).hour < 12
        window = ("20:00", "22:00") if is_morning else ("02:00", "04:00")
        desk.campaign(send={"window": dict(zip(("from", "to"), window, strict=True))})
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        _said(sender, "waiting for a window")
        took, ran = _stopped(sender)

    assert in_time(took)
    assert (ran.code, counts(ran)) == (4, {"not_sent": 20}), ran
    assert not server.lines()


@pytest.mark.crash
def test_a_signal_ends_the_wait_for_another_sender(desk: Desk) -> None:
    """`--wait` waits for the lease, and not for its own end."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(600))
        desk.campaign(send={"rate": "2/s"})
        first = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(1), first)
        second = desk.start("run", "hello.yaml", "--yes", "--json", "--wait")
        _said(second, "waiting")
        took, ran = _stopped(second)
        assert first.poll() is None

    assert in_time(took)
    assert ran.code == 4, ran
    assert [problem["code"] for problem in ran.json["problems"]] == ["E631"]


@pytest.mark.crash
def test_a_signal_ends_a_sender_whose_journal_is_locked(desk: Desk) -> None:
    """Somebody keeps the journal for ever: it ends all the same, and loses nothing."""
    command = ("run", "hello.yaml", "--yes", "--json")
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(200))
        desk.campaign(send={"rate": "100/s"})
        sender = desk.start(*command)
        until(server.has(20), sender)
        journal = desk.folder / ".bulksend" / "journal.sqlite"
        with closing(sqlite3.connect(journal, isolation_level=None)) as sql:
            sql.execute("begin immediate")
            took, ran = _stopped(sender)
            sql.execute("rollback")
        sent = Counter(line["to"][0] for line in server.lines())
        again = desk.process(*command)

    assert in_time(took)
    assert ran.code == 4, ran
    assert "run it again to resume" in ran.err
    everyone = Counter(line["to"][0] for line in server.lines())
    assert max(everyone.values()) == 1
    found = counts(again)
    assert again.code in {0, 5}, again
    assert found["accepted"] + found.get("unknown", 0) == 200
    assert set(sent) <= set(everyone)


def wide(rows: int) -> str:
    """A list whose workbook takes a machine of any speed longer than a stop may."""
    more = ",".join(f"c{n}" for n in range(20))
    same = ",".join(str(n) for n in range(20))
    lines = (f"{n},P{n},+1{2_012_000_000 + n},9,{same}" for n in range(rows))
    return "\n".join([f"id,name,mobile,at,{more}", *lines]) + "\n"


@pytest.mark.crash
def test_a_signal_breaks_off_results_that_take_long(desk: Desk) -> None:
    """A million rows: within 4 s, a word about the results, and `results` writes them."""
    rows = 1_000_000
    desk.people(wide(rows))
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.campaign(send={"rate": "2/s"}, results="results.xlsx")
        sender = desk.start("run", "hello.yaml", "--yes", "--json")
        until(server.has(1), sender)
        took, ran = _stopped(sender)

    assert in_time(took)
    assert ran.code == 4, ran
    assert [problem["code"] for problem in ran.json["problems"]] == ["E631", "E628"]
    found = counts(ran)
    assert found["accepted"] == len(server.lines())
    assert sum(found.values()) == rows
    assert not list(desk.folder.glob("results*"))
    assert not list(desk.folder.glob(".results*"))


API = """
import json, os, signal, sys
from bulksend import Options, run_campaign
from bulksend.airflow.drain import Drain

def send(beside=None):
    return run_campaign("hello.yaml", options=Options(beside=beside))

if sys.argv[1] == "thread":
    drain = Drain()
    signal.signal(signal.SIGTERM, lambda *_: drain.stop())
    ended = drain.run(send)
else:
    ended = send()
print(json.dumps(ended.as_dict()))
sys.stdout.flush()
os._exit(ended.exit_code)
"""
"""`run_campaign` where its caller is: in the main thread, or beside it as in Airflow."""


@pytest.mark.crash
@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_stop_is_as_short_in_python(desk: Desk, where: str) -> None:
    """Results that take long are broken off there too; every row in a true state."""
    rows = 700_000
    desk.people(wide(rows))
    desk.write("api.py", API)
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.campaign(send={"rate": "50/s"}, results="results.xlsx")
        sender = desk.python("api.py", where)
        until(server.has(5), sender)
        took, ran = _stopped(sender)

    assert in_time(took)
    assert ran.code == 4, ran
    said = ran._replace(out=ran.out.splitlines()[-1])  # after what it logged
    assert [problem["code"] for problem in said.json["problems"]] == ["E631", "E628"]
    assert counts(said)["accepted"] == len(server.lines())
    assert not list(desk.folder.glob("results*"))
    assert not list(desk.folder.glob(".results*"))


def _said(sender: Popen[str], word: str) -> None:
    """Wait until it logs *word*."""
    assert sender.stderr is not None
    while word not in (line := sender.stderr.readline()):
        assert line, f"it never said {word!r}"


def _stopped(sender: Popen[str]) -> tuple[float, Ran]:
    """Stop it by SIGTERM; how many seconds that took, and what it left."""
    began = time.monotonic()
    sender.send_signal(signal.SIGTERM)
    ran = ended(sender)
    return time.monotonic() - began, ran

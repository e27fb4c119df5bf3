"""A run steered from another terminal: paused, resumed, aborted, waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import ROOT, Desk, codes, counts, crowd, ended, served, until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.slow, pytest.mark.crash]

RUN = ("run", "hello.yaml", "--yes", "--json")


@pytest.mark.parametrize("word", ["pause", "abort"])
def test_a_run_that_is_over_takes_no_order(desk: Desk, word: str) -> None:
    """E615, and nothing stands in the way of whoever runs it again."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(3))
        desk.campaign()
        assert desk.call(*RUN).code == 0

        late = desk.call(word, "hello", "--json")
        assert (late.code, codes(late)) == (2, ["E615"]), late

        (listed,) = desk.call("status", "--json").json
        assert listed["state"] == "done"
        assert desk.call(*RUN).code == 0
        assert len(server.lines()) == 3


def test_a_run_is_paused_resumed_and_aborted(desk: Desk) -> None:
    """Each within seconds, from another process; at the end nobody has it twice."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(2_000))
        desk.campaign(send={"rate": "100/s"})
        sender = desk.start(*RUN)
        until(server.has(50), sender)

        paused = desk.call("pause", "hello", "--json")
        assert (paused.code, paused.json["waiting_for"]) == (0, None), paused
        sent = len(server.lines())
        assert counts(paused) == {"accepted": sent, "not_sent": 2_000 - sent}
        (listed,) = desk.call("status", "--json").json
        assert listed["state"].startswith(f"paused (process {sender.pid} on ")

        # Whoever runs it meanwhile is told so, and nothing is sent.
        assert desk.call(*RUN).code == 3
        assert len(server.lines()) == sent

        resumed = desk.call("resume", listed["run"], "--json")
        assert resumed.code == 0, resumed
        until(server.has(sent + 50), sender)

        aborted = desk.call("abort", listed["run"], "--json")
        ran = ended(sender)
        sent = len(server.lines())
        assert (aborted.code, counts(aborted)) == (0, counts(ran))
        assert counts(ran) == {"accepted": sent, "not_sent": 2_000 - sent}
        assert (ran.code, codes(ran)) == (3, ["E613"])
        assert Counter(desk.results()["status"]) == Counter(counts(ran))
        (listed,) = desk.call("status", "--json").json
        assert listed["state"] == "aborted"

        # Again only by an explicit word.
        again = desk.call(*RUN)
        assert (again.code, codes(again)) == (3, ["E613"])
        assert len(server.lines()) == sent
        assert desk.call("resume", listed["run"]).code == 0
        (listed,) = desk.call("status", "--json").json
        assert listed["state"] == "stopped"
        desk.campaign(send={"rate": "3000/s"})
        last = desk.call(*RUN)
        assert (last.code, counts(last)) == (0, {"accepted": 2_000}), last

    everyone = Counter(line["to"][0] for line in server.lines())
    assert (len(everyone), max(everyone.values())) == (2_000, 1)


def test_an_order_outlives_its_sender(desk: Desk) -> None:
    """A paused sender that is killed: the next one refuses, an abort closes the run."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(500))
        desk.campaign(send={"rate": "100/s"})
        sender = desk.start(*RUN)
        until(server.has(20), sender)
        paused = desk.call("pause", "hello")
        assert paused.code == 0
        assert "results" not in paused.out, "none are written yet"
        sender.kill()
        ended(sender)
        (listed,) = desk.call("status", "--json").json
        assert listed["state"] == "paused"
        # Nothing was under way: a pause leaves nothing to be unknown.
        assert listed["unknown"] == 0

        refused = desk.call(*RUN)
        assert (refused.code, codes(refused)) == (3, ["E612"])
        aborted = desk.call("abort", "hello", "--json")

    assert aborted.code == 0
    assert Counter(desk.results()["status"]) == Counter(counts(aborted))


def test_an_order_for_no_run_says_which_there_are(
    desk: Desk, bandwidth: Callable[..., object]
) -> None:
    """A wrong name, an ambiguous one, and no journal at all: E630, nothing changed."""
    assert desk.call("pause", "hello").code == 2
    bandwidth()
    desk.people(crowd(3))
    desk.campaign(results="{run}.csv")
    assert desk.call(*RUN).code == 0
    desk.people(crowd(4))
    assert desk.call(*RUN).code == 0
    names = [each["run"] for each in desk.call("status", "--json").json]

    for word, said in (("hallo", "`hallo`"), ("hello", "fits hello-")):
        ran = desk.call("abort", word, "--json")
        assert (ran.code, codes(ran)) == (2, ["E630"])
        assert said in ran.json["problems"][0]["found"]

    ran = desk.call("abort", names[0][:-3], "--json")
    assert codes(ran) == ["E615"]  # a name's beginning is enough
    assert names[0] in ran.json["problems"][0]["found"]
    states = {each["run"]: each["state"] for each in desk.call("status", "--json").json}
    assert states == dict.fromkeys(names, "done")


def test_a_second_sender_waits_where_it_is_told_to(desk: Desk) -> None:
    """`run --wait` begins when the first one ends, by whatever end."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(300))
        desk.campaign(send={"rate": "60/s"})
        first = desk.start(*RUN)
        until(server.has(1), first)
        second = desk.start(*RUN, "--wait")
        until(server.has(60), second)
        assert first.poll() is None
        first.send_signal(signal.SIGKILL)
        ended(first)
        ran = ended(second)

    sent = Counter(line["to"][0] for line in server.lines())
    assert max(sent.values()) == 1
    found = counts(ran)
    assert found["accepted"] + found.get("unknown", 0) == 300
    assert ran.code in {0, 5}


def test_a_signal_ends_the_wait_for_another_sender(desk: Desk) -> None:
    """Exit 4, and the first goes on."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(600))
        desk.campaign(send={"rate": "20/s"})
        first = desk.start(*RUN)
        until(server.has(1), first)
        second = desk.start(*RUN, "--wait")
        assert second.stderr is not None
        while "waiting" not in second.stderr.readline():
            assert second.poll() is None
        second.send_signal(signal.SIGTERM)
        ran = ended(second)
        assert first.poll() is None
        first.kill()

    assert (ran.code, codes(ran)) == (4, ["E631"]), ran


PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "bulksend", *sys.argv[1:]],
                         stdout=open("child.out", "w"), stderr=open("child.err", "w"))
print(child.pid, flush=True)
child.wait()
"""


def test_a_run_that_belongs_to_its_parent_ends_with_it(desk: Desk) -> None:
    """The parent is killed: the orphan drains by itself, every row in a true state."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(2_000))
        desk.campaign(send={"rate": "50/s"})
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, *RUN, "--with-parent"],
            cwd=desk.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | desk.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        desk.started.append(parent)
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        until(server.has(20), parent)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 60
        while _is_there(orphan):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        sent = len(server.lines())
        (listed,) = desk.call("status", "--json").json

    assert listed["accepted"] == sent < 2_000
    assert listed["unknown"] == 0
    assert "E614" in (desk.folder / "child.out").read_text()


def _is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"

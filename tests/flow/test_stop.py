"""Stopped by a signal, or refused because another sender is at work."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter

import pytest

from tests.flow.desk import Desk, counts, ended, no_traceback, served, until

pytestmark = [pytest.mark.slow]

STOPS_WITHIN_SECONDS = 5.0


def crowd(size: int) -> str:
    lines = [f"{n},P{n},+1919{2_000_000 + n},9:{n:04}" for n in range(size)]
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


@pytest.mark.crash
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_drains_and_the_next_run_completes(desk: Desk, name: str) -> None:
    """Exit 4 within 5 s, every row in a true state; run again: the rest, once."""
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
        assert took < STOPS_WITHIN_SECONDS
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
        desk.environment = server.environment
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
    assert took < STOPS_WITHIN_SECONDS
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

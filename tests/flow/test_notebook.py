"""The Python API where an event loop is running already, as in a notebook's cell."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from bulksend import (
    Door,
    Home,
    check_connection,
    listen,
    poll_runs,
    resend_run,
    run_campaign,
    send_test,
    settle_runs,
)
from tests.flow.desk import Desk, codes, counts, crowd, ended, served, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Bandwidth


def in_a_cell(work: Callable[[], Any]) -> Any:
    """What *work* gives, called where a loop is running."""

    async def cell() -> Any:
        return work()

    return asyncio.run(cell())


def test_all_that_asks_bandwidth_works_there(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says what it says elsewhere: here that all are lost first, and then found."""
    bandwidth(lost_after=1.0)
    desk.people()
    file = desk.campaign(notify={"webhook": "http://127.0.0.1:9/"})
    monkeypatch.chdir(desk.folder)
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    home = Home.find(desk.folder, desk.environment)

    assert "signed in" in in_a_cell(lambda: check_connection(desk.environment))
    ran = in_a_cell(lambda: run_campaign(file))
    assert ran.counts["unknown"] == 4
    settled = in_a_cell(lambda: settle_runs(home, desk.environment))
    assert settled.counts["accepted"] == 4
    assert in_a_cell(lambda: poll_runs(home, desk.environment)) == {"deliver": 4}
    sent = in_a_cell(lambda: resend_run(home, desk.environment, run=ran.run))
    assert sent == (0, 0)
    tested = in_a_cell(lambda: send_test(file, ["+19195550177"]))
    assert tested.ended.counts["unknown"] == 1


def test_a_listener_ends_there_by_a_signal(desk: Desk) -> None:
    """An interrupt of the cell ends it as Ctrl-C ends the command."""
    home = Home.find(desk.folder, {})
    told: list[int] = []

    def interrupt(port: int) -> None:
        told.append(port)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    where = Door("127.0.0.1", 0, None)
    assert in_a_cell(lambda: listen(home, where, ready=interrupt)) == 0
    assert (len(told), signal.getsignal(signal.SIGINT)) == (1, before)


CELL = """
import asyncio, json, sys
from bulksend import run_campaign

async def cell():
    return run_campaign("hello.yaml")

ended = asyncio.run(cell())
print(json.dumps(ended.as_dict()))
sys.stdout.flush()
sys.exit(ended.exit_code)
"""


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_it_there_too(desk: Desk, name: signal.Signals) -> None:
    """Interrupted in mid-run: what is on the wire ends, and the results are written."""
    with served(desk.folder) as server:
        desk.environment = server.environment
        desk.people(crowd(2_000))
        desk.campaign(send={"rate": "50/s"})
        desk.write("cell.py", CELL)
        sender = desk.python("cell.py")
        until(server.has(5), sender)
        sender.send_signal(name)
        ran = ended(sender)

    assert ran.code == 4, ran
    said = ran._replace(out=ran.out.splitlines()[-1])
    assert codes(said) == ["E631"]
    assert counts(said)["accepted"] == len(server.lines()) == counts_of(desk)


def counts_of(desk: Desk) -> int:
    return int((desk.results()["status"] == "accepted").sum())

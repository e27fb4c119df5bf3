"""One lease from its taking to the run's end, however long anything before the send takes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from bulksend import Options, run_campaign
from bulksend.assignment import Assignment
from bulksend.journal.limits import LimitBook
from bulksend.journal.owner import Owner
from bulksend.journal.store import Journal
from bulksend.send import hold
from tests.flow.desk import PATIENCE_SECONDS, codes, counts, no_traceback

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bulksend.underway import Underway
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

RUN = ("run", "hello.yaml", "--yes", "--json")

LONG = [(Assignment, "late_opt_outs"), (Journal, "ledger")]
"""What is read under the lease, and grows with lists and journals."""


def journal_of(desk: Desk) -> Path:
    (path,) = desk.folder.glob(".bulksend/journal*.sqlite")
    return path


def expires(desk: Desk) -> int:
    """Until when the only lease stands; 0 where there is none."""
    with sqlite3.connect(journal_of(desk)) as sql:
        return int(sql.execute("select max(expires) from leases").fetchone()[0] or 0)


def before(
    patch: pytest.MonkeyPatch, of: type, name: str, act: Callable[[], None]
) -> None:
    """Have *act* done before each call of a method."""
    real = getattr(of, name)

    def both(*given: Any, **named: Any) -> Any:
        act()
        return real(*given, **named)

    patch.setattr(of, name, both)


@pytest.mark.parametrize(("of", "name"), LONG)
def test_the_lease_is_renewed_while_something_long_is_read(
    desk: Desk,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    of: type,
    name: str,
) -> None:
    """It is read until the lease was renewed twice; then all are sent."""
    monkeypatch.setattr(hold, "RENEW_SECONDS", 0.02)

    def long() -> None:
        seen, until = {expires(desk)}, time.monotonic() + PATIENCE_SECONDS
        while len(seen) < 3:
            assert time.monotonic() < until, "nobody renews it"
            seen.add(expires(desk))

    before(monkeypatch, of, name, long)
    bandwidth()
    desk.people()
    desk.campaign()

    ran = desk.call(*RUN)

    assert (ran.code, counts(ran)) == (0, {"accepted": 4, "excluded": 3}), ran


@pytest.mark.parametrize(("of", "name"), LONG)
def test_a_lease_that_is_lost_meanwhile_ends_the_run_in_its_words(
    desk: Desk,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    of: type,
    name: str,
) -> None:
    """E611 at once, whatever is being read then; nothing is sent, nothing is closed."""
    monkeypatch.setattr(hold, "RENEW_SECONDS", 0.02)
    ended = threading.Event()

    def take_over() -> None:
        with Journal.open(journal_of(desk)) as journal:
            (run,) = journal.runs.all()
            ((epoch, *_),) = journal.database.fetch("leases", campaign=run.campaign)
            journal.leases.end(run.campaign, epoch)
            now = time.time_ns() // 1_000_000
            journal.leases.take(run.campaign, Owner.me("another"), now=now)
        ended.wait(PATIENCE_SECONDS)

    before(monkeypatch, of, name, take_over)
    simulator = bandwidth()
    desk.people()
    desk.campaign()

    ran = desk.call(*RUN)
    ended.set()

    no_traceback(ran)
    assert (ran.code, codes(ran)) == (4, ["E611"]), ran
    assert not simulator.bandwidth.witness.accepted


@pytest.mark.parametrize(("of", "name"), LONG)
def test_a_stop_does_not_wait_for_it(
    desk: Desk,
    bandwidth: Bandwidth,
    monkeypatch: pytest.MonkeyPatch,
    of: type,
    name: str,
) -> None:
    """E631, with results in which nobody was texted; what is being read is left alone."""
    begun, ended = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        ended.wait(PATIENCE_SECONDS)

    async def stop(sending: Underway) -> None:
        while not begun.is_set():  # noqa: ASYNC110  (another thread sets it)
            await asyncio.sleep(0.005)
        sending.stop()

    before(monkeypatch, of, name, long)
    simulator = bandwidth()
    desk.people()
    file = desk.campaign()

    environment = {**os.environ, **desk.environment}
    ran = run_campaign(file, environment=environment, options=Options(beside=stop))
    is_read = ended.is_set()
    ended.set()

    assert not is_read
    assert [one.code for one in ran.stopped.problems] == ["E631"]  # type: ignore[union-attr]
    assert ran.counts["not_sent"] == 4
    assert desk.results()["status"].to_list().count("not_sent") == 4
    assert not simulator.bandwidth.witness.accepted


def test_an_index_is_made_before_the_lease(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can renew a lease while a great one is made; so none stands by then."""
    found: list[int] = []
    before(monkeypatch, LimitBook, "prepare", lambda: found.append(expires(desk)))
    bandwidth()
    desk.people()
    desk.campaign(send={"per_person": ["1 per 7 days"]})

    ran = desk.call(*RUN)

    assert (ran.code, found) == (0, [0]), ran

"""`poll`: what became of accepted messages, asked of the search."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bulksend.simulator.fates import fate_of
from tests.flow.desk import counts
from tests.flow.settling import RUN, clock, crowd

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

__all__ = ["clock"]


def test_poll_tells_what_became_of_each_message(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Without an address for callbacks: the search's status, in every row."""
    simulator = bandwidth(undelivered=0.3, dropped=0.1, lost_after=0.02)
    crowd(desk, 1_500)
    desk.campaign(send={"rate": "3000/s"})
    before = counts(desk.call(*RUN))

    ran = desk.call("poll", "--json")
    assert ran.code == 0, ran
    again = desk.call("poll", "--json")
    assert again.json == ran.json

    fates: Counter[str] = Counter()
    for to, status, code, error in (
        desk.results().select("to", "status", "error_code", "error").iter_rows()
    ):
        if status == "unknown":
            continue
        record = next(
            one for one in simulator.bandwidth.witness.accepted if one.to[0] == to
        )
        fate = fate_of(record, to, simulator.bandwidth.scenario)
        expected = {"DELIVERED": "delivered", "FAILED": "failed"}
        assert status == expected.get(fate.status, "accepted"), to
        if fate.code:
            assert (code, error.startswith(code)) == (str(fate.code), True)
        fates[status] += 1
    assert ran.json == {"delivered": fates["delivered"], "failed": fates["failed"]}
    assert fates.total() == before["accepted"]
    stopped = desk.call("suppress", "list", "--json").json["counts"]
    assert stopped["opted_out"] > 0


@pytest.mark.timeout(60)
def test_poll_watches_no_further_than_the_search_shows(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A message of 15 days ago that never got its receipt is not waited for."""
    bandwidth(dropped=1.0)
    crowd(desk, 3)
    desk.campaign()
    assert counts(desk.call(*RUN)) == {"accepted": 3}
    path = desk.folder / ".bulksend" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as journal:
        journal.execute("update messages set accepted_at = accepted_at - 1296000000")
        journal.commit()

    ran = desk.call("poll", "--watch", "--every", "0.1", "--json")
    older = {"delivered": 0, "failed": 0, "without_an_end": 3}
    assert (ran.code, ran.json) == (0, older)
    assert "3 accepted more than 14 days ago" in desk.call("poll").out

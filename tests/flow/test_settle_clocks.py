"""Wrong clocks, where it was sent and where it is settled: they prove no absence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import TOKEN, codes_in, counts
from tests.flow.elsewhen import ByProcess, Clock
from tests.flow.settling import RUN, WAIT_SECONDS, clock, crowd, later, settle

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

__all__ = ["clock"]


HOUR = 3600.0


WRONG = (-25 * HOUR, -40 * 60.0, 40 * 60.0, 10 * HOUR)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_senders_wrong_clock_proves_no_absence(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, wrong: float
) -> None:
    """Its clock is right again when it is settled, and the search has not shown it yet.

    By the sender's own times the wait would be over and the watermark passed.  Without a
    sign-in the first answer tells that its clock is wrong (E548); until then it posts, one
    message at a time.  It is begun anew until one of them gets no answer.
    """
    bandwidth(lost_after=0.6, search_lag=10 * 60)
    later(desk, clock)
    clock.seconds += 10 * 60 + 1
    crowd(desk, 100)
    desk.campaign()
    beside = Clock(clock.seconds + wrong)
    sender = ByProcess(desk.folder, desk.environment, desk.started, beside)
    unknown = 0
    while not unknown:
        ran = sender.call(*RUN)
        assert (ran.code, codes_in(ran.json)) == (3, ["E548"])
        unknown = ran.json["unknown"]

    for _ in range(2):
        said = settle(desk, ran.json["run"], "--wait", "1")
        assert (said["absent"], said["waiting"]) == (0, unknown)
        clock.seconds += 4 * 60
    clock.seconds += 3 * 60
    later(desk, clock)
    clock.seconds += WAIT_SECONDS
    said = settle(desk, ran.json["run"])
    assert (said["absent"], said["accepted"] + said["ambiguous"]) == (0, unknown)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_sender_with_a_wrong_clock_does_not_begin(
    desk: Desk, bandwidth: Bandwidth, wrong: float
) -> None:
    """E548 where a token is fetched first: people's hours stand on that clock."""
    simulator = bandwidth()
    desk.environment = {
        name: value
        for name, value in desk.environment.items()
        if name not in ("BW_USERNAME", "BW_PASSWORD")
    } | TOKEN
    crowd(desk, 5)
    desk.campaign()
    sender = ByProcess(desk.folder, desk.environment, desk.started, Clock(wrong))
    ran = sender.call(*RUN)
    assert (ran.code, codes_in(ran.json)) == (3, ["E548"])
    assert not simulator.bandwidth.witness.attempts
    assert counts(desk.call(*RUN)) == {"accepted": 5}


@pytest.mark.parametrize("wrong", [3 * HOUR, -3 * HOUR])
def test_a_wrong_clock_where_it_is_settled_proves_no_absence(
    desk: Desk, bandwidth: Bandwidth, clock: Clock, wrong: float
) -> None:
    """E548; and what it saw counts for nothing when it is right again."""
    bandwidth(lost_before=0.5)
    crowd(desk, 20)
    desk.campaign()
    ran = desk.call(*RUN)
    unknown = ran.json["unknown"]
    later(desk, clock)
    elsewhere = Clock(clock.seconds + wrong)
    other = ByProcess(desk.folder, desk.environment, desk.started, elsewhere)
    for more in (("--wait", "0"), (), ("--watch",)):
        said = settle(other, ran.json["run"], *more)
        assert (said["absent"], codes_in(said)) == (0, ["E548"])
    assert settle(desk, ran.json["run"])["waiting"] == unknown
    clock.seconds += WAIT_SECONDS
    assert settle(desk, ran.json["run"])["absent"] == unknown

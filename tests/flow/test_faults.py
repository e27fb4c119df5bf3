"""What the network does to a campaign, and what the exit code says of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.flow.desk import Desk, codes, counts, crowd, no_traceback

if TYPE_CHECKING:
    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth

SIZE = 120


def sent(simulator: Simulator) -> Counter[str]:
    return Counter(one.to[0] for one in simulator.bandwidth.witness.accepted)


# the fault, the exit code, whether every message is accepted in the end
MIXTURES = (
    pytest.param({"lost_after": 0.3}, 5, False, id="the answer is lost"),
    pytest.param({"lost_before": 0.3}, 5, False, id="the connection breaks before"),
    pytest.param({"gateway_502": 0.3}, 5, False, id="a gateway speaks"),
    pytest.param({"error_500": 0.05}, 0, True, id="Bandwidth's own 500"),
    pytest.param({"garbled_202": 0.3}, 0, True, id="a 202 that breaks off"),
    pytest.param(
        {"lost_after": 0.1, "lost_before": 0.1, "error_500": 0.1, "gateway_502": 0.1},
        5,
        False,
        id="all of it",
    ),
)


@pytest.mark.parametrize(("faults", "code", "everybody"), MIXTURES)
def test_what_is_unknown_is_never_sent_again(
    desk: Desk,
    bandwidth: Bandwidth,
    faults: dict[str, float],
    code: int,
    everybody: bool,
) -> None:
    """The exit code tells; run again, on a healthy network: nobody gets it twice."""
    simulator = bandwidth(**faults)
    desk.people(crowd(SIZE))
    desk.campaign()
    command = ("run", "hello.yaml", "--yes", "--json")

    first = desk.call(*command)

    assert first.code == code, first
    found = counts(first)
    assert set(found) <= {"accepted", "unknown"}
    reached = sent(simulator)
    assert max(reached.values()) == 1
    frame = desk.results()
    status = dict(frame.select("to", "status").iter_rows())
    # Nothing called accepted was not; nothing that was is called otherwise than unknown.
    assert all(reached[to] for to, said in status.items() if said == "accepted")
    assert all(status[to] in ("accepted", "unknown") for to in reached)
    assert (found == {"accepted": SIZE}) is everybody

    healthy = bandwidth()
    again = desk.call(*command)

    assert (again.code, counts(again)) == (code, found), again
    assert not sent(healthy)
    no_traceback(first)


def test_a_garbled_202_is_accepted_without_an_id(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Reading an answer never decides that an accepted message failed."""
    simulator = bandwidth(garbled_202=1.0)
    desk.people(crowd(5))
    desk.campaign()

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 5}), ran
    assert sum(sent(simulator).values()) == 5
    assert desk.results()["message_id"].null_count() == 5


def test_rows_that_never_got_through_are_sent_by_the_next_run(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A Bandwidth that fails for good stops the run: E510, exit 4; run again: all."""
    ill = bandwidth(error_500=1.0)
    desk.people(crowd(12))
    desk.campaign()
    command = ("run", "hello.yaml", "--yes", "--json")

    first = desk.call(*command)

    assert (first.code, codes(first)) == (4, ["E510"]), first
    assert counts(first) == {"not_sent": 12}
    assert not sent(ill)

    healthy = bandwidth()
    again = desk.call(*command)
    assert (again.code, counts(again)) == (0, {"accepted": 12}), again
    assert max(sent(healthy).values()) == 1


def test_an_account_without_the_role_stops_the_run(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A 403 stops with E503 and exit 3; nothing was sent, and it can be run again."""
    simulator = bandwidth(forbidden=frozenset({"1"}))
    desk.people(crowd(50))
    desk.campaign(send={"rate": "100/s"})

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, codes(ran)) == (3, ["E503"]), ran
    assert not sent(simulator)
    assert len(simulator.bandwidth.witness.attempts) < 50

    healthy = bandwidth()
    again = desk.call("run", "hello.yaml", "--yes", "--json")
    assert counts(again) == {"accepted": 50}, again
    assert max(sent(healthy).values()) == 1


def test_wrong_basic_credentials_stop_the_run(desk: Desk, bandwidth: Bandwidth) -> None:
    """A 401 that no fresh sign-in mends stops with one error; nothing is refused."""
    simulator = bandwidth(credentials=frozenset([("user", "other")]))
    desk.people(crowd(50))
    desk.campaign()

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, codes(ran)) == (3, ["E503"]), ran
    assert counts(ran) == {"not_sent": 50}
    assert not sent(simulator)

    healthy = bandwidth()
    again = desk.call("run", "hello.yaml", "--yes", "--json")
    assert (again.code, counts(again)) == (0, {"accepted": 50}), again
    assert sent(healthy).total() == 50


def test_a_token_that_ends_is_renewed_in_mid_run(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Tokens that live for half a second keep nobody from their message."""
    simulator = bandwidth(token_lifetime=0.5)
    for name in ("BW_USERNAME", "BW_PASSWORD"):
        del desk.environment[name]
    desk.environment |= {"BW_CLIENT_ID": "id-7", "BW_CLIENT_SECRET": "sesame-7"}
    desk.people(crowd(120))
    desk.campaign(send={"rate": "60/s"})

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 120}), ran
    assert max(sent(simulator).values()) == 1


def test_a_full_queue_slows_the_run_down_and_loses_nothing(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """429s are posted again, each person once, and the exit code is 0."""
    simulator = bandwidth(rate=100.0, queue_seconds=0.3)
    desk.people(crowd(SIZE))
    desk.campaign(send={"rate": "400/s"})

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    stats = simulator.bandwidth.witness.stats()
    assert stats.throttled > 0
    assert (ran.code, counts(ran)) == (0, {"accepted": SIZE}), ran
    assert (stats.accepted, stats.numbers) == (SIZE, SIZE)


def test_a_bandwidth_that_cannot_be_reached_leaves_all_rows_to_be_sent(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A closed port for the token stops before anything: E502, exit 4."""
    bandwidth()
    for name in ("BW_USERNAME", "BW_PASSWORD"):
        del desk.environment[name]
    closed = "http://127.0.0.1:9"  # the discard port: nobody listens there
    desk.environment |= {
        "BW_CLIENT_ID": "id-7",
        "BW_CLIENT_SECRET": "sesame-7",
        "BW_TOKEN_URL": f"{closed}/oauth2/token",
    }
    desk.people(crowd(5))
    desk.campaign()

    ran = desk.call("run", "hello.yaml", "--yes", "--json")

    assert (ran.code, codes(ran)) == (4, ["E502"]), ran
    said: dict[str, Any] = ran.json
    assert said.get("not_sent", 5) == 5

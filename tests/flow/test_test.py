"""`bulksend test`: one row's message to people of one's own, beside the campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flow.desk import PEOPLE_NUMBERS, Desk, codes, counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.simulator.server import Simulator

    Bandwidth = Callable[..., Simulator]

TEST = ("test", "hello.yaml", "--json")
ANN, BEN = "+19195550101", "+19195550102"


def test_a_test_is_sent_as_often_as_one_likes_and_the_campaign_knows_nothing(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The row's own text, each time; the tester who is on the list gets the real one."""
    server = bandwidth()
    desk.people()
    desk.campaign()
    tester = PEOPLE_NUMBERS[0]

    for _ in range(2):
        ran = desk.call(*TEST, "--yes", "--row", "3", "--to", tester, "--to", ANN)
        assert (ran.code, counts(ran)) == (0, {"accepted": 2}), ran
        said = [(row["to"], row["text"]) for row in ran.json["messages"]]
        assert said == [(to, "Hi Ben, see you at 9:30.") for to in (tester, ANN)]
    assert desk.call("check", "hello.yaml", "--json").json["already"] == 0
    real = desk.call("run", "hello.yaml", "--yes", "--json")

    assert counts(real) == {"accepted": 4, "excluded": 3}
    log = server.bandwidth.witness.accepted
    assert sum(one.to == (tester,) for one in log) == 3
    assert len({one.tag for one in log}) == len(log) == 8
    names = [each["run"] for each in desk.call("status", "--json").json]
    assert sum(name.startswith("hello-test-") for name in names) == 2


def test_a_test_asks_first(desk: Desk, bandwidth: Bandwidth) -> None:
    """With nobody to ask and no --yes nothing is sent."""
    server = bandwidth()
    desk.people()
    desk.campaign()

    ran = desk.call(*TEST, "--to", ANN)

    assert (ran.code, codes(ran)) == (3, ["E410"])
    assert not server.bandwidth.witness.attempts


def test_a_test_goes_out_at_any_hour_and_says_what_was_wrong(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Hours, budget and schedule are the campaign's, and Bandwidth's words are shown."""
    server = bandwidth(forbidden=frozenset({"1"}))
    desk.people()
    desk.campaign(send={"budget": {"segments": 1}})

    ran = desk.call(*TEST, "--yes", "--to", ANN)

    assert ran.code == 3
    assert codes(ran) == ["E503"]
    assert len(server.bandwidth.witness.attempts) == 1


def test_who_opted_out_gets_no_test(desk: Desk, bandwidth: Bandwidth) -> None:
    """Nor a number that is none; all of it at once, before anything is sent."""
    server = bandwidth()
    desk.people()
    desk.write("stop.csv", f"number\n{BEN}\n")
    desk.campaign(recipients={"suppress": ["stop.csv"]})

    ran = desk.call(*TEST, "--yes", "--to", ANN, "--to", BEN, "--to", "12")

    assert (ran.code, codes(ran)) == (2, ["E414", "E414"])
    assert BEN not in ran.all
    assert not server.bandwidth.witness.attempts

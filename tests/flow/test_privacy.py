"""What is printed and logged tells nobody's number, text or secret."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import PEOPLE, TOKEN, Desk, Ran

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth

NUMBERS = ("9192345671", "9192345672", "9192345673", "9192345677")
WORDS = ("Ana", "Ben", "Flo", "see you", "sesame", "pass-word", "a-token")


def tells(ran: Ran) -> list[str]:
    """Recipients' digits (however they are parted), names, texts and secrets in it."""
    digits = re.sub(r"(?<=\d)[\s().+-]+(?=\d)", "", ran.all)
    return [n for n in NUMBERS if n in digits] + [w for w in WORDS if w in ran.all]


@pytest.mark.parametrize(
    "faults",
    [{}, {"error_500": 0.4}, {"lost_after": 1.0}, {"gateway_502": 1.0}],
    ids=["healthy", "500", "lost", "502"],
)
def test_a_run_tells_nothing_of_anybody(
    desk: Desk, bandwidth: Bandwidth, faults: dict[str, float]
) -> None:
    """Both streams of every command but `preview`, off a terminal, in good and bad days."""
    bandwidth(**faults, credentials=frozenset([("id-7", "sesame-7")]))
    desk.environment |= TOKEN
    desk.people()
    desk.campaign(message={"tag": "visit-{{ id }}"})

    for command in (
        ("check", "hello.yaml"),
        ("plan", "hello.yaml"),
        ("run", "hello.yaml", "--yes"),
        ("run", "hello.yaml", "--yes", "--json"),
        ("status",),
    ):
        assert tells(desk.call(*command)) == [], command


def test_the_log_of_a_process_is_json_and_tells_nothing(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Off a terminal every line on stderr is a problem or a JSON event, numbers masked."""
    bandwidth(lost_after=0.5)
    desk.people()
    desk.campaign(name="sale-2026-11-23")  # digits that are nobody's number

    ran = desk.process("run", "hello.yaml", "--yes", "--json")

    assert tells(ran) == []
    events = [json.loads(line) for line in ran.err.splitlines()]
    assert events, "a run says at least that it began and ended"
    for event in events:
        assert {"event", "level", "timestamp"} <= set(event)
    assert {event["run"] for event in events if "run" in event} == {ran.json["run"]}


def test_an_error_masks_the_number_it_speaks_of(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A header that is a number, a tag that holds one, a refusal that repeats one."""
    simulator = bandwidth()
    desk.campaign()
    for text in (
        PEOPLE.partition("\n")[2],
        "id,name,mobile,at,+19192345671\n1,Ana,9192345672,9,\n",
        PEOPLE + "8,Flo,9192345677\n",
    ):
        desk.people(text)
        assert tells(desk.call("check", "hello.yaml")) == []

    desk.people()
    desk.campaign(message={"tag": "{{ mobile }}-{{ name }}"})
    checked = desk.call("check", "hello.yaml")
    assert tells(checked) == []
    assert not simulator.bandwidth.witness.attempts


def test_wrong_credentials_are_not_repeated(desk: Desk, bandwidth: Bandwidth) -> None:
    """E501 says what was refused, never the id or the secret."""
    bandwidth(credentials=frozenset([("other", "other")]))
    desk.environment |= TOKEN | {"BW_PASSWORD": "pass-word"}
    desk.people()
    desk.campaign()
    for flags in ((), ("--json",)):
        ran = desk.call("run", "hello.yaml", "--yes", *flags)
        assert ran.code == 3
        assert tells(ran) == []
        assert "id-7" not in ran.all


def test_a_fault_of_ours_tells_nothing_either(
    desk: Desk, bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that nobody expected is named by its type, without its words."""
    bandwidth()
    desk.people()
    desk.campaign()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("cannot send to +19192345671: Hi Ana")

    monkeypatch.setattr("bulksend.finishing.place_results", fail)
    ran = desk.call("run", "hello.yaml", "--yes")
    assert ran.code == 4
    assert tells(ran) == []
    assert "RuntimeError" in ran.err

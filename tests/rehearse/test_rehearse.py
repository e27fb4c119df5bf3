"""`bulksend rehearse`: the user's own campaign, killed and resumed, in a scratch home."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import desk
from tests.flow.desk import PEOPLE, codes, crowd

if TYPE_CHECKING:
    from tests.flow.desk import Desk

__all__ = ["desk"]  # the fixture


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.parametrize("provider", ["bandwidth", "simulator"])
def test_a_campaign_is_rehearsed_to_its_proof(desk: Desk, provider: str) -> None:
    """A sample of a longer list, killed twice; nothing of the real home is there after."""
    desk.people(crowd(3_000))
    desk.campaign(
        provider=provider,
        send={"rate": "1/s"},
        message={"expiration": "2020-01-01T00:00:00Z"},
    )
    before = desk.tree()

    ran = desk.process(
        "rehearse", "hello.yaml", "--rows", "150", "--kills", "2", "--json"
    )

    assert ran.code == 0, ran
    proof = ran.json
    assert proof["holds"]
    assert proof["rows"] == 150
    assert proof["accepted"] + proof["unknown"] == 150
    assert proof["kills"] == 2
    assert proof["starts"] >= 3
    assert proof["faults"]
    assert proof["doubled"] == proof["lost"] == proof["wrong"] == 0
    assert desk.tree() == before
    assert not (desk.folder / ".bulksend").exists()


def test_a_campaign_with_problems_is_not_rehearsed(desk: Desk) -> None:
    """The same problems as `check` has, and the same exit codes."""
    desk.people()
    desk.campaign(message={"text": "Hi {{ nobody }}"})
    ran = desk.call("rehearse", "hello.yaml", "--json")
    assert (ran.code, codes(ran)) == (2, ["E302"])

    desk.campaign(send={"budget": {"segments": 1}})
    ran = desk.call("rehearse", "hello.yaml", "--json")
    assert (ran.code, codes(ran)) == (3, ["E400"])

    desk.people(PEOPLE.splitlines()[0] + "\n1,Ana,12,9\n")
    desk.campaign()
    ran = desk.call("rehearse", "hello.yaml", "--json")
    assert (ran.code, codes(ran)) == (2, ["E632"])


@pytest.mark.slow
@pytest.mark.crash
def test_people_read_one_line(desk: Desk) -> None:
    """The proof stands last, in words; the same seed meets the same faults."""
    desk.people(crowd(40))
    desk.campaign(application_id="${BW_MESSAGING_APPLICATION_ID}")

    ran = desk.process("rehearse", "hello.yaml", "--kills", "0", "--seed", "3")

    assert ran.code == 0, ran
    last = ran.out.strip().splitlines()[-1]
    assert last.startswith("Proof holds: 40 rows · ")
    assert " · 0 doubled · 0 lost · 0 wrong · " in last
    assert "BW_MESSAGING_APPLICATION_ID" not in json.dumps(desk.environment)


def test_a_rehearsal_that_does_not_end_proves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E633 and how long it had; it never says that messages were lost."""
    monkeypatch.setattr("bulksend.rehearse.stage.PATIENCE_SECONDS", -60.0)
    desk.people()
    desk.campaign()
    ran = desk.call("rehearse", "hello.yaml", "--json")
    assert (ran.code, codes(ran)) == (2, ["E633"])
    (problem,) = ran.json["problems"]
    assert "did not end" in problem["found"]

"""The notice of a run's end, as a campaign file asks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.flow.desk import PEOPLE_NUMBERS
from tests.settle.test_notice import listening

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk


def test_a_run_tells_when_it_ends_and_only_then(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Once for the run that sent; its exit code stands whatever became of the notice."""
    bandwidth()
    desk.people()
    with listening() as (address, heard):
        desk.environment["HOOK"] = address
        desk.campaign(notify={"webhook": "${HOOK}"})
        assert desk.call("run", "hello.yaml", "--yes").code == 0
        assert desk.call("run", "hello.yaml", "--yes").code == 0  # nothing left to send
    (told,) = heard
    assert (told["accepted"], told["excluded"], told["exit_code"]) == (4, 3, 0)
    assert not any(number in json.dumps(told) for number in PEOPLE_NUMBERS)
    for plan in desk.folder.rglob("*.parquet"):
        assert b"secret-7" not in plan.read_bytes()

    desk.campaign(
        "again.yaml",
        name="again",
        notify={"command": ["/no/such/program"]},
        results="b.csv",
    )
    ran = desk.process("run", "again.yaml", "--yes")
    assert ran.code == 0
    assert "W681" in ran.err

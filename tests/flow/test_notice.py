"""The notice of a run's end, as a campaign file asks for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.prepare.plan import Plan
from tests.flow.desk import PEOPLE_NUMBERS
from tests.settle.test_notice import listening, listening_for_bytes

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


def test_whoever_sends_a_plan_tells_of_its_end(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The plan holds the variable and not its value; where it is missing, a warning."""
    bandwidth()
    desk.people()
    desk.campaign(
        notify={"webhook": "${HOOK}", "command": ["/bin/cat", "$${NOT_ONE}", "${HOOK}"]}
    )
    with listening_for_bytes() as (address, heard):
        desk.environment["HOOK"] = address
        plan = str(
            desk.folder / str(desk.call("plan", "hello.yaml", "--json").json["plan"])
        )
        about = Plan.open(Path(plan)).about
        assert about["notify"] == {
            "webhook": "${HOOK}",
            "command": ["/bin/cat", "$${NOT_ONE}", "${HOOK}"],
        }
        assert b"secret-7" not in Path(plan).read_bytes()

        assert desk.call("send", plan, "--yes").code == 0
        assert [json.loads(body)["state"] for _, body in heard] == ["ended"]

        del desk.environment["HOOK"]
        ran = desk.process("send", plan, "--yes")
    assert ran.code == 0
    assert "${HOOK} is not set" in ran.err


def test_of_several_shards_the_last_one_tells(desk: Desk, bandwidth: Bandwidth) -> None:
    """Once, of the whole run, in whichever order they end; a shard sent again is silent."""
    bandwidth()
    desk.people()
    with listening_for_bytes() as (address, heard):
        desk.environment["HOOK"] = address
        desk.campaign(notify={"webhook": "${HOOK}"})
        plan = desk.call("plan", "hello.yaml", "--shards", "3", "--json").json["plan"]
        for shard, so_far in ((2, 0), (0, 0), (1, 1), (0, 1)):
            ran = desk.call("send", str(plan), "--shard", str(shard), "--yes")
            assert (ran.code, len(heard)) == (0, so_far)
    told = json.loads(heard[0][1])
    assert (told["accepted"], told["excluded"], told["rows"]) == (4, 3, 7)

"""A recurring campaign: each slot once, and none late, by whatever way it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import bulksend
from bulksend import GateRefused, planning
from tests.flow.desk import codes

if TYPE_CHECKING:
    from tests.flow.desk import Desk

RUN = ("run", "hello.yaml", "--yes", "--json")
CHECK = ("check", "hello.yaml", "--json")


def recurring(desk: Desk, *, minutes: float, not_after: str = "2h") -> str:
    """A campaign that was due so many minutes ago, once a year; that slot's name."""
    due = datetime.now(UTC) - timedelta(minutes=minutes)
    desk.people()
    cron = f"{due.minute} {due.hour} {due.day} {due.month} *"
    said = {"cron": cron, "zone": "UTC", "not_after": not_after}
    desk.campaign(schedule=said, results="{run}.csv", provider="simulator")
    return f"{due:%Y-%m-%dT%H%M}"


def next_year(slot: str) -> str:
    return f"{int(slot[:4]) + 1}{slot[4:]}"


def sent(desk: Desk) -> int:
    """How many messages left, of all runs."""
    said = desk.call("status", "--json")
    return sum(run["accepted"] for run in said.json)


def planned(desk: Desk, *more: str) -> str:
    """The path of the plan that `plan` makes."""
    said = desk.call("plan", "hello.yaml", "--json", *more).json["plan"]
    return str(desk.folder / said)


@pytest.mark.parametrize("workers", [(), ("--workers", "local:1")])
def test_what_run_has_sent_a_plan_does_not_send_again(
    desk: Desk, workers: tuple[str, ...]
) -> None:
    """`check` and `plan` are for the slot that `run` takes: nobody is left in it."""
    slot = recurring(desk, minutes=5)
    assert desk.call(*CHECK).json["slot"] == slot
    assert desk.call(*RUN).json["accepted"] == 4
    checked = desk.call(*CHECK).json
    assert (checked["slot"], checked["already"], checked["left"]) == (slot, 4, 0)
    again = desk.call("send", planned(desk, *workers), "--yes", "--json")
    assert again.json["run"].startswith(f"hello-{slot}-")
    assert sent(desk) == 4


def test_what_a_plan_has_sent_run_does_not_send_again(desk: Desk) -> None:
    """Also by the Python API, and with one person more in the list."""
    recurring(desk, minutes=5)
    place = bulksend.plan_campaign(desk.folder / "hello.yaml").plan.place
    assert bulksend.send_plan(place).counts["accepted"] == 4
    assert desk.call(*RUN).code == 0
    assert sent(desk) == 4
    with (desk.folder / "list.csv").open("a") as file:
        file.write("9,Gus,9192345678,11:00\n")
    assert desk.call(*RUN).json["accepted"] == 1
    assert sent(desk) == 5


def test_a_missed_slot_is_neither_planned_nor_sent(desk: Desk) -> None:
    """`run` leaves no plan behind; a plan made in time is not begun late (E422)."""
    slot = recurring(desk, minutes=5, not_after="1 min")
    late = desk.call("run", "hello.yaml", "--yes")
    day = datetime.fromisoformat(slot[:10])
    assert late.code == 3
    assert f"E422 slot {slot} ended {day:%a %d %b %Y}" in late.err
    assert not list((desk.folder / ".bulksend").rglob("*.parquet"))
    plan = planned(desk, "--slot", slot)
    for how in ((), ("--as-planned",), ("--shard", "0")):
        refused = desk.call("send", plan, "--yes", "--json", *how)
        assert (refused.code, codes(refused)) == (3, ["E422"]), how
    assert sent(desk) == 0
    assert desk.call("send", plan, "--yes", "--slot", slot).code == 0
    assert sent(desk) == 4


def test_after_a_missed_slot_a_look_is_at_the_next(desk: Desk) -> None:
    """It says which was missed; what it planned is not begun before it is due (E417)."""
    slot = recurring(desk, minutes=5, not_after="1 min")
    then = next_year(slot)
    checked = desk.call(*CHECK)
    assert checked.code == 0
    assert (checked.json["slot"], checked.json["left"]) == (then, 4)
    [missed] = [one for one in checked.json["notices"] if one["code"] == "W422"]
    assert slot in missed["found"]
    begins = datetime.fromisoformat(checked.json["due"]).timestamp() * 1000
    assert checked.json["forecast"]["course"]["begins"] >= begins
    shown = desk.call("check", "hello.yaml").out
    assert f"{then}, due " in shown
    early = desk.call("send", planned(desk), "--yes", "--json")
    assert (early.code, codes(early)) == (3, ["E417"])
    for look in ("preview", "rehearse"):
        assert desk.call(look, "hello.yaml", "--json").code == 0
    assert sent(desk) == 0


def test_what_was_begun_in_time_goes_on_after_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `run` and by `send`; who came into the list since is late (E422)."""
    slot = recurring(desk, minutes=5)
    plan = planned(desk)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=3)

    with monkeypatch.context() as stopped:
        stopped.setattr("bulksend.means.run_sending", lambda *_: bulksend.Stopped(()))
        desk.call(*RUN)
    assert sent(desk) == 0
    for module in ("bulksend.pipeline", "bulksend.planning"):
        monkeypatch.setattr(f"{module}.datetime", Later)
    assert desk.call(*CHECK).json["slot"] == slot
    assert desk.call("send", plan, "--yes", "--json").json["accepted"] == 4
    assert desk.call(*CHECK).json["slot"] == next_year(slot)
    assert desk.call(*RUN).code == 0
    with (desk.folder / "list.csv").open("a") as file:
        file.write("9,Gus,9192345678,11:00\n")
    late = desk.call(*RUN)
    assert (late.code, codes(late)) == (3, ["E422"])
    assert sent(desk) == 4


def test_a_plan_that_an_older_version_made_for_no_slot_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the slot's text would get it again (E415)."""
    recurring(desk, minutes=5)
    with monkeypatch.context() as older:
        older.setattr(planning, "turn_to_look_at", lambda *_: (None, None))
        plan = planned(desk)
    assert desk.call(*RUN).code == 0
    refused = desk.call("send", plan, "--yes", "--json")
    assert (refused.code, codes(refused)) == (3, ["E415"])
    with pytest.raises(GateRefused, match="E415"):
        bulksend.send_plan(Path(plan))
    assert sent(desk) == 4


def test_send_names_no_other_slot_than_the_plans(desk: Desk) -> None:
    """E416, also where the campaign has no schedule; its own is taken."""
    recurring(desk, minutes=5)
    plan = planned(desk, "--slot", "mine")
    other = desk.call("send", plan, "--yes", "--json", "--slot", "yours")
    assert (other.code, codes(other)) == (2, ["E416"])
    assert desk.call("send", plan, "--yes").code == 0
    desk.campaign(results=None, provider="simulator")
    plan = planned(desk)
    none = desk.call("send", plan, "--yes", "--json", "--slot", "yours")
    assert (none.code, codes(none)) == (2, ["E416"])


def test_testers_get_the_text_at_any_time(desk: Desk) -> None:
    """A test is of no slot's ledger: the slot is sent whole."""
    recurring(desk, minutes=5, not_after="1 min")
    tested = desk.call("test", "hello.yaml", "--to", "+19195550123", "--yes")
    assert tested.code == 0, tested.err

"""An experiment from the command line: sent, heard of, and told by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.settle.arms import interval
from tests.flow.desk import counts
from tests.flow.test_listen import listening, until_settled

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

PEOPLE = "mobile\n" + "".join(f"+1919{2_000_000 + n}\n" for n in range(300))
TEXT = "Acme: {% if arm == 'short' %}Hi{% else %}Good morning{% endif %}"
GREETING = {
    "name": "greeting",
    "arms": {"short": 45, "long": 45, "nobody": 10},
    "holdout": "nobody",
}


def test_each_arm_is_told_as_callbacks_and_replies_had_it(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """By results, `arms`, `explain` and report alike, and as the wire saw it."""
    desk.people(PEOPLE)
    never = {"failed": "100%", "spam": 1_000, "opt_outs": "100%"}
    with listening(desk) as at:
        simulator = bandwidth(**at.callbacks, undelivered=0.2, dropped=0.1, stops=0.1)
        desk.campaign(
            message={"text": TEXT}, experiment=GREETING, send={"stop_at": never}
        )
        ran = desk.call("run", "hello.yaml", "--yes", "--json")
        until_settled(simulator, at.process)
    name = ran.json["run"]
    total = counts(desk.call("results", name, "--json"))
    rows = desk.results()
    assert desk.call("suppress", "export", "stops.csv").code == 0
    stops = desk.results("stops.csv").filter(pl.col("reason") == "opted_out")
    told = {one["name"]: one for one in desk.call("arms", name, "--json").json}
    sent = {one.to[0]: one.text for one in simulator.bandwidth.witness.accepted}

    assert set(told) == set(GREETING["arms"])
    for arm, one in told.items():
        mine = rows.filter(pl.col("arm") == arm)
        fates = dict(mine["status"].value_counts().iter_rows())
        assert one["people"] == len(mine)
        texts = {sent[to] for to in mine["to"] if to in sent}
        if arm == "nobody":
            assert (set(mine["reason"]), texts) == ({"holdout"}, set())
            continue
        assert texts == {"Acme: Hi" if arm == "short" else "Acme: Good morning"}
        assert (one["delivered"], one["failed"]) == (
            fates["delivered"],
            fates["failed"],
        )
        gone = mine.filter(pl.col("to").is_in(stops["number"].implode()))
        assert one["opted_out"] == len(gone) > 0
        assert one["opted_out_share"] == list(interval(len(gone), one["taken"]) or ())
    assert sum(one["delivered"] for one in told.values()) == total["delivered"]

    assert desk.call("report", name, "--output", "r.html").code == 0
    page = (desk.folder / "r.html").read_text()
    said = desk.call("arms", name).out
    for sentence in ("Delivered: ", "Opted out: "):
        assert sentence in page
        assert sentence in said
    held = rows.filter(pl.col("arm") == "nobody")["to"][0]
    assert "arm nobody" in desk.call("explain", held).out

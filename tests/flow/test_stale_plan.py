"""A plan is sent as it was made, unless its input has changed before it was begun."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tests.flow.desk import PEOPLE, PEOPLE_NUMBERS, codes, counts, ended, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

OPT_OUTS = "mobile\n+19192345679\n"


def planned(desk: Desk, **campaign: Any) -> str:
    """A plan of a list, a suppression list and a template in a file."""
    desk.people()
    desk.write("opt-outs.csv", OPT_OUTS)
    desk.write("hello.txt", "Hi {{ name }}.")
    desk.campaign(
        message={"text": None, "file": "hello.txt"},
        recipients={
            "path": "list.csv",
            "phone": "mobile",
            "default_region": "US",
            "suppress": ["opt-outs.csv"],
        },
        **campaign,
    )
    plan: str = desk.call("plan", "hello.yaml", "--json").json["plan"]
    return plan


CHANGES: dict[str, tuple[str, Callable[[Desk], object]]] = {
    "somebody opted out": (
        "opt-outs.csv",
        lambda desk: desk.write("opt-outs.csv", OPT_OUTS + "+19192345671\n"),
    ),
    "the list grew": (
        "list.csv",
        lambda desk: desk.write("list.csv", PEOPLE + "9,Gus,9192345680,8:00\n"),
    ),
    "the text changed": (
        "hello.txt",
        lambda desk: desk.write("hello.txt", "Bye {{ name }}."),
    ),
}


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
def test_a_stale_plan_is_refused_before_it_begins(
    desk: Desk, bandwidth: Bandwidth, case: tuple[str, Callable[[Desk], object]]
) -> None:
    """E626 names what changed, nothing is sent; --as-planned sends it all the same."""
    simulator = bandwidth()
    plan = planned(desk)
    name, change = case
    change(desk)

    refused = desk.call("send", plan, "--yes")

    assert refused.code == 3, refused
    assert "E626" in refused.err
    assert f"{name} changed since this plan was made" in refused.err
    assert not simulator.bandwidth.witness.accepted
    sent = desk.call("send", plan, "--yes", "--as-planned", "--json")
    assert (sent.code, counts(sent)["accepted"]) == (0, 5), sent


def test_a_plan_that_was_begun_is_finished_as_it_was_planned(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The gate asks before a run begins, and not again."""
    bandwidth()
    plan = planned(desk)
    assert desk.call("send", plan, "--yes").code == 0
    desk.write("opt-outs.csv", OPT_OUTS + "+19192345671\n")

    again = desk.call("send", plan, "--yes", "--json")

    assert again.code == 0, again


def test_whoever_opts_out_while_a_plan_is_half_sent_is_not_texted(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """E626 says how to go on: the list into the store, and then as planned."""
    witness = bandwidth().bandwidth.witness
    plan = planned(desk, send={"rate": "1/s"})
    sender = desk.start("send", plan, "--yes")
    until(lambda: bool(witness.accepted), sender)
    sender.terminate()
    assert ended(sender).code == 4
    texted = {number for one in witness.accepted for number in one.to}
    ana = next(one for one in PEOPLE_NUMBERS if one not in texted)
    desk.write("opt-outs.csv", f"{OPT_OUTS}{ana}\n")

    refused = desk.call("send", plan, "--yes", "--json")
    assert (refused.code, codes(refused)) == (3, ["E626"])
    (problem,) = refused.json["problems"]
    assert problem["found"] == "opt-outs.csv changed since this run began"
    assert desk.call("suppress", "import", "opt-outs.csv").code == 0
    desk.call("send", plan, "--yes", "--as-planned")

    assert ana not in {number for one in witness.accepted for number in one.to}
    assert len(witness.accepted) == 4


def test_a_plan_may_travel_without_its_lists(desk: Desk, bandwidth: Bandwidth) -> None:
    """Another machine has the plan and not the lists: nothing says that it is stale."""
    bandwidth()
    plan = planned(desk)
    for name in ("list.csv", "opt-outs.csv", "hello.txt"):
        (desk.folder / name).unlink()

    sent = desk.call("send", plan, "--yes", "--json")

    assert (sent.code, counts(sent)["accepted"]) == (0, 5), sent


@pytest.mark.parametrize("name", ["*.csv", "one.parquet", "one.xlsx", "one.csv.gz"])
def test_lists_of_every_kind_are_known_again(
    desk: Desk, bandwidth: Bandwidth, name: str
) -> None:
    """Unchanged is unchanged: several files, files with types, packed files."""
    bandwidth()
    frame = pl.DataFrame({"mobile": ["+19192345671"], "name": ["Ana"]})
    one = desk.folder / "one.csv"
    frame.write_csv(one)
    frame.write_parquet(desk.folder / "one.parquet")
    frame.write_excel(desk.folder / "one.xlsx")
    (desk.folder / "one.csv.gz").write_bytes(gzip.compress(one.read_bytes()))
    desk.write("two.csv", "mobile,name\n+19192345672,Ben\n")
    desk.campaign(
        message={"text": "Hi {{ name }}."},
        recipients={"path": name, "phone": "mobile"},
    )
    plan = desk.call("plan", "hello.yaml", "--json").json["plan"]

    sent = desk.call("send", plan, "--yes")

    assert sent.code == 0, sent


def test_a_plan_that_somebody_edited_is_refused_before_it_begins(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """E627, also with --as-planned; what it says to do makes the plan again, and sends it."""
    simulator = bandwidth()
    plan = desk.folder / planned(desk)
    words = pl.read_parquet_metadata(plan)["bulksend"]
    touched = pl.read_parquet(plan).with_columns(text=pl.lit("Half price!"))
    plan.chmod(0o644)
    touched.write_parquet(plan, metadata={"bulksend": words})

    for command in (("send", plan, "--as-planned"), ("run", "hello.yaml")):
        refused = desk.call(*command, "--yes", "--json")

        assert (refused.code, codes(refused)) == (2, ["E627"]), refused
        assert "Remove it and plan again" in refused.json["problems"][0]["fix"]
    assert desk.call("status", "--json").json == []
    assert not simulator.bandwidth.witness.accepted

    plan.unlink()
    sent = desk.call("run", "hello.yaml", "--yes", "--json")
    assert (sent.code, counts(sent)["accepted"]) == (0, 5), sent

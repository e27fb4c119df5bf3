"""A plan is sent as it was made, unless its input has changed before it was begun."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tests.flow.desk import PEOPLE, PEOPLE_NUMBERS, codes, counts, ended, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

OPT_OUTS = "mobile\n+19192345679\n"
ANA = "+19192345671"


def planned(
    desk: Desk, *, shards: int = 1, suppress: str = "opt-outs.csv", **campaign: Any
) -> str:
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
            "suppress": [suppress],
        },
        **campaign,
    )
    cut = ("--shards", str(shards)) if shards > 1 else ()
    plan: str = desk.call("plan", "hello.yaml", *cut, "--json").json["plan"]
    return plan


CHANGES: dict[str, tuple[str, Callable[[Desk], object]]] = {
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


def _named(desk: Desk, *lists: str) -> None:
    """The campaign file names these suppression lists now."""
    said = json.loads((desk.folder / "hello.yaml").read_text())
    said["recipients"]["suppress"] = lists
    desk.write("hello.yaml", json.dumps(said))


def _added(desk: Desk) -> None:
    desk.write("more.csv", "Handy\n919 234 5671\n")
    _named(desk, "opt-outs.csv", "more.csv")


def _renamed(desk: Desk) -> None:
    """Under another name, with somebody more."""
    (desk.folder / "opt-outs.csv").unlink()
    desk.write("stop.csv", OPT_OUTS + "+19192345671\n")
    _named(desk, "stop.csv")


JOINED: dict[str, Callable[[Desk], object]] = {
    "a list grew": lambda desk: desk.write("opt-outs.csv", OPT_OUTS + ANA + "\n"),
    "the campaign file names another list": _added,
    "and the old one no more": _renamed,
}


@pytest.mark.parametrize("joined", JOINED.values(), ids=JOINED)
@pytest.mark.parametrize("shards", [1, 2])
def test_whoever_is_on_a_list_when_the_sending_starts_is_not_texted(
    desk: Desk, bandwidth: Bandwidth, joined: Callable[[Desk], object], shards: int
) -> None:
    """Of a plan and its shards, begun or not, in any spelling; the results say why."""
    witness = bandwidth().bandwidth.witness
    plan = planned(desk, shards=shards)
    joined(desk)

    for shard in range(shards):
        part = ("--shard", str(shard)) if shards > 1 else ()
        assert desk.call("send", plan, "--yes", *part).code == 0

    assert ANA not in {number for one in witness.accepted for number in one.to}
    assert len(witness.accepted) == 4
    assert desk.call("results").code == 0
    row = desk.results().row(0, named=True)
    assert (row["status"], row["reason"]) == ("excluded", "suppressed")


def test_whoever_opts_out_while_a_plan_is_half_sent_is_not_texted(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """Killed, the list grown, and resumed: the others are sent as they were planned."""
    witness = bandwidth().bandwidth.witness
    plan = planned(desk, send={"rate": "1/s"})
    sender = desk.start("send", plan, "--yes")
    until(lambda: bool(witness.accepted), sender)
    sender.kill()
    ended(sender)
    texted = {number for one in witness.accepted for number in one.to}
    late = next(one for one in PEOPLE_NUMBERS if one not in texted)
    desk.write("opt-outs.csv", f"{OPT_OUTS}{late}\n")

    resumed = desk.call("send", plan, "--yes", "--json")

    assert resumed.code in {0, 5}, resumed  # the killed one may have left an unknown
    assert late not in {number for one in witness.accepted for number in one.to}
    assert counts(resumed)["excluded"] == 3


def _instead(desk: Desk, name: str, make: Callable[[Path], object]) -> None:
    """Something of another kind by that name."""
    (desk.folder / name).unlink()
    make(desk.folder / name)


def _ends_at_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _leads_nowhere(path: Path) -> None:
    path.symlink_to("gone.csv")


UNREADABLE: dict[str, tuple[str, Callable[[Desk], object]]] = {
    "a folder is in its place": (
        "E200",
        lambda desk: _instead(desk, "opt-outs.csv", Path.mkdir),
    ),
    "a link leads nowhere": (
        "E200",
        lambda desk: _instead(desk, "opt-outs.csv", _leads_nowhere),
    ),
    "a link leads to itself": (
        "E200",
        lambda desk: _instead(desk, "opt-outs.csv", _ends_at_itself),
    ),
    "so does the campaign file, which names the lists": (
        "E100",
        lambda desk: _instead(desk, "hello.yaml", _ends_at_itself),
    ),
    "a list is missing": ("E200", lambda desk: _named(desk, "gone.csv")),
    "a list holds no number": (
        "E251",
        lambda desk: desk.write("opt-outs.csv", "name\nAna\n"),
    ),
    "it is no list": ("E104", lambda desk: _named(desk, {"a": 1})),  # type: ignore[arg-type]
    "a variable is missing": ("E105", lambda desk: _named(desk, "${GONE}/x.csv")),
    "the campaign file is broken": ("E101", lambda desk: desk.write("hello.yaml", "{")),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_nothing_is_sent_where_nobody_can_tell_who_is_on_a_list(
    desk: Desk, bandwidth: Bandwidth, case: tuple[str, Callable[[Desk], object]]
) -> None:
    """Coded, and mended it goes on: also where the plan is to be sent as it is."""
    witness = bandwidth().bandwidth.witness
    plan = planned(desk)
    before = desk.tree()
    code, spoil = case
    spoil(desk)

    for more in ((), ("--as-planned",)):
        refused = desk.call("send", plan, "--yes", "--json", *more)
        assert (refused.code, codes(refused)) == (2, [code]), refused
    assert not witness.attempts

    for name, content in before.items():
        _remove(desk.folder / name)
        desk.write(name, content)
    assert desk.call("send", plan, "--yes").code == 0


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()


def test_one_file_that_cannot_be_read_does_not_hide_the_others(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A pattern, a list of it that grew, and a link beside it to a file that is away."""
    witness = bandwidth().bandwidth.witness
    plan = planned(desk, suppress="opt*.csv")
    desk.write("opt-outs.csv", OPT_OUTS + ANA + "\n")
    away = desk.folder / "opt-too.csv"
    _leads_nowhere(away)

    refused = desk.call("send", plan, "--yes", "--json")

    assert (refused.code, codes(refused)) == (2, ["E200"]), refused
    assert "a link to a file that is not there" in refused.out
    assert not witness.attempts
    away.unlink()
    assert desk.call("send", plan, "--yes").code == 0
    assert ANA not in {number for one in witness.accepted for number in one.to}
    assert len(witness.accepted) == 4


LOCKED: dict[str, tuple[str, str, str]] = {
    "a list": ("opt/outs.csv", "opt/outs.csv", "E200"),
    "its folder": ("opt/outs.csv", "opt", "E200"),
    "the folder of a pattern": ("opt/*.csv", "opt", "E200"),
    "a folder of a pattern": ("*/outs.csv", "opt", "E200"),
    "a folder deep in a pattern": ("op*/**/*.csv", "opt/deep", "E200"),
    "the campaign file": ("opt/outs.csv", "hello.yaml", "E100"),
}
"""What is asked for, what is locked, and what is said."""

IS_ROOT = os.geteuid() == 0
RIGHTS = "-dac_override,-dac_read_search"
AS_ANYBODY = ["setpriv", "--inh-caps", RIGHTS, "--bounding-set", RIGHTS]


@pytest.mark.skipif(
    IS_ROOT and shutil.which("setpriv") is None, reason="root reads everything"
)
@pytest.mark.parametrize("case", LOCKED.values(), ids=LOCKED)
def test_nothing_is_sent_where_a_list_may_not_be_read(
    desk: Desk, bandwidth: Bandwidth, case: tuple[str, str, str]
) -> None:
    """Nobody knows then who is on it; root is without its right to read all."""
    witness = bandwidth().bandwidth.witness
    for name in ("opt/outs.csv", "opt/deep/outs.csv"):
        desk.write(name, OPT_OUTS)
    suppress, locked, code = case
    plan = planned(desk, suppress=suppress)
    (desk.folder / locked).chmod(0)

    send = [sys.executable, "-m", "bulksend", "send", plan, "--yes", "--json"]
    command = [*AS_ANYBODY, *send] if IS_ROOT else send
    replaced = f"import os; os.execvp({command[0]!r}, {command!r})"
    refused = ended(desk.python("-c", replaced))
    (desk.folder / locked).chmod(0o700)

    assert (refused.code, codes(refused)) == (2, [code]), refused
    assert not witness.attempts


SLOW = """
import os, signal, threading
from bulksend.assignment import Assignment
from bulksend.cli import main

def slow(self):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()

Assignment.late_opt_outs = slow
main()
"""
"""The command, with a list that takes for ever, and told to end meanwhile."""


def test_a_stop_does_not_wait_for_a_list_to_be_read(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """E631 with counts and results, nobody texted, and the next one sends to all."""
    witness = bandwidth().bandwidth.witness
    plan = planned(desk)

    stopped = ended(desk.python("-c", SLOW, "send", plan, "--yes", "--json"))

    assert (stopped.code, codes(stopped)) == (4, ["E631"]), stopped
    assert counts(stopped)["not_sent"] == 5
    assert desk.results()["status"].to_list().count("not_sent") == 5
    assert not witness.attempts
    again = desk.call("send", plan, "--yes", "--json")
    assert (again.code, counts(again)["accepted"]) == (0, 5), again


def test_a_campaign_file_of_another_name_is_another_campaign(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """It was reused for the next one, whose lists are not there yet."""
    bandwidth()
    plan = planned(desk)
    said = (desk.folder / "hello.yaml").read_text()
    said = said.replace('"hello"', '"next"').replace("opt-outs.csv", "not-yet.csv")
    desk.write("hello.yaml", said)

    assert desk.call("send", plan, "--yes").code == 0


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

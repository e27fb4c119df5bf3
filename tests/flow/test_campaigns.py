"""Ready campaigns reach their results: each valid row once, and no more the next time."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import bulksend
from tests.flow.desk import (
    BASIC,
    PEOPLE_NUMBERS,
    ROOT,
    TOKEN,
    Desk,
    counts,
    served,
)

if TYPE_CHECKING:
    from bulksend.simulator.server import Simulator
    from tests.flow.conftest import Bandwidth

# campaign, results, what they count, who gets it
READY = (
    pytest.param(
        "reminder",
        "results/reminder.csv",
        {"accepted": 6, "excluded": 4},
        {f"+1919234567{digit}" for digit in "123478"},
        id="reminder",
    ),
    pytest.param(
        "sale",
        "results/spring-sale.parquet",
        {"accepted": 3, "excluded": 2},
        {f"+1919234560{digit}" for digit in "123"},
        id="sale",
    ),
    pytest.param(
        "outage",
        "results/outage.csv",
        {"accepted": 3, "excluded": 2},
        {f"+1919234561{digit}" for digit in "134"},
        id="outage",
    ),
)


def ready(desk: Desk) -> None:
    for name in ("campaigns", "examples"):
        shutil.copytree(
            ROOT / name,
            desk.folder / name,
            ignore=shutil.ignore_patterns("results", ".bulksend"),
        )
    # The sale keeps people's hours; a test runs at any.
    sale = desk.folder / "campaigns/sale.yaml"
    window = re.compile(r"^  window: .*$", re.MULTILINE)
    free = "  rules: {profile: transactional, because: a test}"
    said, count = window.subn(free, sale.read_text("utf-8"))
    assert count == 1
    sale.write_text(said, "utf-8")


def recipients(simulator: Simulator) -> Counter[str]:
    return Counter(
        number for one in simulator.bandwidth.witness.accepted for number in one.to
    )


@pytest.mark.parametrize(("name", "results", "expected", "people"), READY)
@pytest.mark.parametrize("credentials", [BASIC, TOKEN], ids=["basic", "token"])
def test_a_ready_campaign_sends_each_valid_row_once(
    desk: Desk,
    bandwidth: Bandwidth,
    *,
    name: str,
    results: str,
    expected: dict[str, int],
    people: set[str],
    credentials: dict[str, str],
) -> None:
    """Every valid row is sent once; run again: nothing more is sent, exit 0."""
    ready(desk)
    simulator = bandwidth(
        credentials=frozenset([("user", "pass"), ("id-7", "sesame-7")])
    )
    for key in BASIC:
        del desk.environment[key]
    desk.environment |= credentials
    command = ("run", f"campaigns/{name}.yaml", "--yes", "--json")

    first = desk.call(*command)

    assert (first.code, counts(first)) == (0, expected), first
    assert recipients(simulator) == Counter(people)
    frame = desk.results(f"campaigns/{results}")
    assert len(frame) == first.json["rows"]
    assert set(frame.filter(pl.col("status") == "accepted")["to"]) == people

    again = desk.call(*command)

    assert (again.code, counts(again)) == (0, expected), again
    assert (first.json.get("was_over"), again.json["was_over"]) == (None, True)
    assert recipients(simulator) == Counter(people)
    assert frame.equals(desk.results(f"campaigns/{results}"))
    shown = desk.call(*command[:-1]).out
    assert shown.startswith("This run was over before: nothing was sent now.\n")


def test_the_quickstart_reaches_its_results_without_an_account(desk: Desk) -> None:
    """The quickstart ends with exit 0 and a line for each of its 60 rows, twice."""
    ready(desk)
    command = ("run", "examples/quickstart/campaign.yaml", "--json")

    first, again = desk.call(*command), desk.call(*command)

    assert (first.code, again.code) == (0, 0), first
    assert counts(first) == counts(again) == {"accepted": 52, "excluded": 8}
    frame = desk.results("examples/quickstart/results/quickstart.csv")
    assert len(frame) == 60
    accepted = frame.filter(pl.col("status") == "accepted")
    assert accepted["to"].n_unique() == accepted["message_id"].n_unique() == 52
    assert set(frame["attempts"]) == {"0", "1"}


def test_a_ready_campaign_runs_against_a_server_in_another_process(desk: Desk) -> None:
    """The command of the README, word for word, as processes on both sides."""
    ready(desk)
    with served(desk.folder) as server:
        desk.environment = server.environment | {
            "BW_TOKEN_URL": f"{server.origin}/oauth2/token"
        }
        first = desk.process("run", "campaigns/reminder.yaml", "--yes")
        again = desk.process("run", "campaigns/reminder.yaml", "--yes")

    assert (first.code, again.code) == (0, 0), first
    assert "10 rows = 6 accepted + 4 excluded" in first.out
    assert "10 rows = 6 accepted + 4 excluded" in again.out
    sent = [line["to"][0] for line in server.lines()]
    assert sorted(sent) == [f"+1919234567{digit}" for digit in "123478"]
    assert len(server.lines("attempt")) == 6


def test_python_can_do_what_the_command_line_does(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """The Python API plans, looks, sends, resumes and lists, with values."""
    simulator = bandwidth()
    desk.people()
    path = desk.campaign()

    checked = bulksend.plan_campaign(path, environment=desk.environment)
    assert (checked.summary.sendable, checked.gates) == (4, ())
    assert not recipients(simulator)
    shown = bulksend.preview_plan(checked.plan, rows=[2, 6])
    assert [row["text"] for row in shown[:1]] == ["Hi Ana, see you at 9:15."]
    assert shown[1]["why"] == "The number has too few digits."

    asked: list[int] = []

    def refuse(offered: bulksend.Checked) -> bool:
        asked.append(offered.summary.sendable)
        return False

    with pytest.raises(bulksend.GateRefused, match="E410"):
        bulksend.run_campaign(
            path,
            environment=desk.environment,
            options=bulksend.Options(confirm=refuse),
        )
    assert (asked, recipients(simulator)) == ([4], Counter())

    ended = bulksend.run_campaign(path, environment=desk.environment)
    assert (ended.exit_code, ended.counts["accepted"], ended.rows) == (0, 4, 7)
    assert recipients(simulator) == Counter(PEOPLE_NUMBERS)

    again = bulksend.send_plan(checked.plan.path, environment=desk.environment)
    assert again == replace(ended, was_over=True)
    home = bulksend.Home.find(path.parent, desk.environment)
    (listed,) = bulksend.list_runs(home)
    assert listed == replace(ended, state="done")
    elsewhere = desk.folder / "copy.parquet"
    copy = bulksend.write_run(ended.run, home=home, output=elsewhere)
    assert copy.results == str(elsewhere)
    assert len(pl.read_parquet(elsewhere)) == 7
    assert recipients(simulator) == Counter(PEOPLE_NUMBERS)


def test_a_plan_is_sent_as_it_stands(desk: Desk, bandwidth: Bandwidth) -> None:
    """`send PLAN --as-planned` sends what was planned, whatever became of the list."""
    simulator = bandwidth()
    desk.people()
    desk.campaign()
    plan = desk.call("plan", "hello.yaml", "--json").json["plan"]
    desk.people("id,name,mobile,at\n1,Zoe,+19192349999,8:00\n")
    (desk.folder / "hello.yaml").unlink()

    sent = desk.call("send", plan, "--yes", "--as-planned", "--json")

    assert (sent.code, counts(sent)) == (0, {"accepted": 4, "excluded": 3}), sent
    assert recipients(simulator) == Counter(PEOPLE_NUMBERS)
    assert Path(sent.json["results"]) == desk.folder / "results" / "hello.csv"


def test_a_finished_campaign_with_a_longer_list_sends_only_to_the_new(
    desk: Desk, bandwidth: Bandwidth
) -> None:
    """A person who has this text from an earlier run does not get it again."""
    simulator = bandwidth()
    desk.people()
    desk.campaign()
    desk.call("run", "hello.yaml", "--yes")
    with (desk.folder / "list.csv").open("a") as stream:
        stream.write("8,Gil,9192345688,11:00\n")

    ran = desk.call("run", "hello.yaml", "--yes", "--results", "two.csv", "--json")

    assert (ran.code, counts(ran)) == (0, {"accepted": 1, "excluded": 7}), ran
    assert recipients(simulator) == Counter([*PEOPLE_NUMBERS, "+19192345688"])
    reasons = Counter(desk.results("two.csv")["reason"].drop_nulls())
    assert reasons["already_sent"] == 4

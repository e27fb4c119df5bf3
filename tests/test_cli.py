"""The command line: help, JSON for machines, first steps; as a user types it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from rich.text import Text

import bulksend
from bulksend import Course, Ended, Outlook
from bulksend.cli import COMMANDS, checked, outlook, show
from bulksend.prepare.remedies import Remedy
from tests.flow.conftest import bandwidth, desk  # noqa: F401  (fixtures)
from tests.flow.desk import PEOPLE, ROOT, Desk, counts, no_traceback
from tests.prepare.planning import plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Bandwidth

RUN = ("run", "hello.yaml", "--yes")


@pytest.fixture
def ready(desk: Desk, bandwidth: Bandwidth) -> Desk:  # noqa: F811
    """A desk with a campaign and its list."""
    bandwidth()
    desk.people()
    desk.campaign()
    return desk


@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_shows_an_example_that_names_the_command(
    desk: Desk,  # noqa: F811
    command: str,
) -> None:
    """`--help` and `-h` exit 0, with an example and a line for each option."""
    long, short = desk.call(command, "--help"), desk.call(command, "-h")
    assert (long.code, short.code) == (0, 0)
    assert long == short
    assert f"Example: bulksend {command}" in long.out
    assert long.err == ""


def test_help_lists_all_commands_and_exit_codes(desk: Desk) -> None:  # noqa: F811
    """The first screen: each command with a line, and what the exit codes mean."""
    ran = desk.call("--help")
    assert ran.code == 0
    for name, (_, line) in COMMANDS.items():
        assert name in ran.out
        assert line in ran.out
    for code in range(6):
        assert f"{code} " in ran.out[ran.out.index("Exit codes") :]


def test_no_command_shows_the_help(desk: Desk) -> None:  # noqa: F811
    """Someone who types `bulksend` alone sees what there is, and no traceback."""
    ran = desk.call()
    assert "Commands:" in ran.all
    no_traceback(ran)


def test_each_line_of_the_first_screen_is_the_command_s_own(
    desk: Desk,  # noqa: F811
) -> None:
    """The lazy list says what the command itself says."""
    from importlib import import_module

    for name, (module, line) in COMMANDS.items():
        command = getattr(import_module(f"bulksend.cli.{module}"), name)
        assert command.short_help == line


def test_python_m_bulksend_is_bulksend(desk: Desk) -> None:  # noqa: F811
    """`python -m bulksend` and the installed `bulksend` are one program."""
    module = desk.process("--version")
    script = subprocess.run(
        [f"{sys.prefix}/bin/bulksend", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert module.out == script.stdout
    assert str(bulksend.__version__) in module.out


JSON_COMMANDS = {
    "check": ("check", "hello.yaml"),
    "plan": ("plan", "hello.yaml"),
    "preview": ("preview", "hello.yaml"),
    "run": RUN,
    "status": ("status",),
}


@pytest.mark.parametrize("name", list(JSON_COMMANDS))
def test_json_is_json_and_nothing_else(ready: Desk, name: str) -> None:
    """With --json stdout is one JSON document, on success and on bad input."""
    good = ready.call(*JSON_COMMANDS[name], "--json")
    assert good.code == 0, good
    json.loads(good.out)
    if "hello.yaml" in JSON_COMMANDS[name]:
        ready.people("id,name\n1,Ana\n")
        bad = ready.call(*JSON_COMMANDS[name], "--json")
        assert bad.code == 2, bad
        said = bad.json
        assert said["exit_code"] == 2
        for problem in said["problems"]:
            assert {"code", "title", "found", "fix"} <= set(problem)


def test_send_and_results_speak_json(ready: Desk) -> None:
    """A plan's way: plan, send, results, status tell one story to a machine."""
    planned = ready.call("plan", "hello.yaml", "--json").json
    sent = ready.call("send", planned["plan"], "--yes", "--json").json
    written = ready.call("results", planned["run"], "--json").json
    (listed,) = ready.call("status", "--json").json

    assert planned["run"] == sent["run"]
    assert listed.pop("state") == "done"
    assert listed.pop("opt_outs") == {"opted_out": 0, "people": 0, "share": 0.0}
    assert listed.pop("unknown_callbacks") == 0
    assert sent == written == listed
    assert planned["sendable"] == sent["accepted"] == 4
    assert planned["rows"] == sent["rows"] == 7


def test_json_of_check_counts_all_rows(ready: Desk) -> None:
    """The rows are the sendable and every reason; gates and notices are problems."""
    said: dict[str, Any] = ready.call("check", "hello.yaml", "--json").json
    assert said["rows"] == said["sendable"] + sum(said["reasons"].values()) == 7
    assert said["gates"] == []
    assert isinstance(said["notices"], list)

    ready.campaign(send={"budget": {"segments": 1}})
    refused = ready.call("check", "hello.yaml", "--json")
    assert refused.code == 3
    assert [gate["code"] for gate in refused.json["gates"]] == ["E400"]


def test_check_sends_nothing_and_needs_no_account(desk: Desk) -> None:  # noqa: F811
    """Everything before a send works without credentials and without a network."""
    desk.people()
    desk.campaign()
    for command in ("check", "plan", "preview"):
        assert desk.call(command, "hello.yaml").code == 0
    assert desk.call("status", "--json").json == []


def test_schema_accepts_the_ready_campaigns(desk: Desk) -> None:  # noqa: F811
    """`bulksend schema` prints a JSON Schema that fits what we ship."""
    import jsonschema
    import yaml

    said = desk.call("schema").json
    jsonschema.Draft202012Validator.check_schema(said)
    ours = [*(ROOT / "campaigns").glob("*.yaml"), *ROOT.glob("examples/*/*.yaml")]
    assert len(ours) >= 4
    for path in ours:
        jsonschema.validate(yaml.safe_load(path.read_text()), said)


def test_a_starter_campaign_runs_at_once(desk: Desk) -> None:  # noqa: F811
    """init, check, preview, run, status: the first five minutes, without an account."""
    assert desk.call("init", "hello-world").code == 0
    made = sorted(path.name for path in desk.folder.iterdir())
    assert {"hello-world.yaml", "hello-world.csv"} <= set(made)

    assert desk.call("check", "hello-world.yaml").code == 0
    assert desk.call("preview", "hello-world.yaml").code == 0
    ran = desk.call("run", "hello-world.yaml", "--json")
    again = desk.call("run", "hello-world.yaml", "--json")

    assert (ran.code, again.code) == (0, 0), ran
    assert counts(ran) == counts(again)
    assert counts(ran)["accepted"] > 0
    assert "hello-world" in desk.call("status").out


@pytest.mark.parametrize("name", ["hello", "hello.yaml", "hello.yml"])
def test_init_takes_a_campaigns_name_or_its_files(desk: Desk, name: str) -> None:  # noqa: F811
    """Nobody gets a hello.yaml.yaml."""
    ran = desk.call("init", name)
    assert ran.code == 0
    assert {"hello.yaml", "hello.csv"} <= desk.tree().keys()
    assert "bulksend run hello.yaml" in ran.out.splitlines()[-1]


def test_init_overwrites_nothing(desk: Desk) -> None:  # noqa: F811
    """A second init, or one where any of its files stands, is refused."""
    desk.write("hello.csv", "mine")
    ran = desk.call("init", "hello")
    assert ran.code == 2
    assert "E110" in ran.err
    assert desk.tree() == {"hello.csv": b"mine"}


@pytest.mark.parametrize("name", ["", "a/b", "../up", "Ünï", "-x.", "a b", "CON" * 40])
def test_init_refuses_a_name_that_is_none(desk: Desk, name: str) -> None:  # noqa: F811
    """What cannot be a campaign's name writes no file anywhere."""
    ran = desk.call("init", "--", name)
    assert ran.code == 2, ran
    no_traceback(ran)
    assert desk.tree() == {}


def test_preview_shows_what_will_arrive(ready: Desk) -> None:
    """Chosen rows, the longest, a random few; a row that gets nothing says why."""
    chosen = ready.call("preview", "hello.yaml", "--row", "2", "--row", "6")
    assert "Hi Ana, see you at 9:15." in chosen.out
    assert "too few digits" in chosen.out
    first = ready.call("preview", "hello.yaml", "--json").json
    assert [row["row"] for row in first] == [2, 3, 4]
    (longest,) = ready.call("preview", "hello.yaml", "--longest", "1", "--json").json
    assert longest["text"] == "Hi Flo, see you at 10:45."
    some = ready.call("preview", "hello.yaml", "--random", "2", "--json").json
    assert len(some) == 2
    assert {row["row"] for row in some} <= {2, 3, 4, 8}
    assert (
        len(ready.call("preview", "hello.yaml", "--random", "99", "--json").json) == 4
    )


def test_preview_of_a_list_nobody_on_which_is_sent_to(
    desk: Desk,  # noqa: F811
) -> None:
    """Nothing to show is said, not an empty screen."""
    desk.people("id,name,mobile,at\n1,Ana,n/a,9\n")
    desk.campaign()
    ran = desk.call("preview", "hello.yaml")
    assert ran.code == 0
    assert ran.all.strip()


def test_the_status_of_a_run_can_be_read_off_a_terminal(ready: Desk) -> None:
    """A pipe gets whole names: what `bulksend results` needs is not cut short."""
    run = ready.call(*RUN, "--json").json["run"]
    assert run in ready.call("status").out
    assert run in ready.process("status").out


def test_text_that_looks_like_markup_is_only_text(ready: Desk) -> None:
    """Square brackets of a user's text or path are printed as they are."""
    ready.people(PEOPLE.replace("Ana,", "[red]Ana[/red] [/],"))
    ran = ready.call("preview", "hello.yaml", "--row", "2")
    assert "Hi [red]Ana[/red] [/], see you" in ran.out
    ready.campaign("[bold]x[u].yaml", message={"text": "{{ [/] }}"})
    ran = ready.call("check", "[bold]x[u].yaml")
    assert ran.code == 2
    assert "[bold]x[u].yaml" in ran.err


def test_a_closed_pipe_is_no_traceback(ready: Desk) -> None:
    """`bulksend schema | head -1` ends without a complaint."""
    process = ready.start("schema")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.wait()
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_one_is_one_and_a_line_ends_where_it_ends(desk: Desk) -> None:  # noqa: F811
    """A list of one row, looked at, sent and looked back at, in words and in a pipe."""
    desk.people("id,name,mobile,at\n1,Ana,+19192340001,9:15\n")
    prices = {"prices": {"US": "0.0075"}}
    desk.campaign(provider="simulator", send={"rate": "9/s", "prices": prices})
    commands = [("check", "hello.yaml"), RUN, ("status",), ("preview", "hello.yaml")]
    said = "\n".join(desk.call(*command).all for command in commands)
    assert "$0.0075" in said
    assert "1 row = 1 accepted" in said
    assert not re.findall(r"\b1 (?:rows|messages|texts|segments|people)\b", said)
    assert not re.findall(r".* $", said, re.MULTILINE)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_status_cuts_no_word_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """The run's name, which is to be copied, its state and its counts, all of them."""
    file = StringIO()
    screen = Console(file=file, width=width, force_terminal=True, highlight=False)
    monkeypatch.setattr(show, "out", screen)
    run, state = (
        "reminder-2026-11-30-1f3a9c2b7d5e",
        "sending (process 123456 on host-7)",
    )
    counts = {"accepted": 1_100_000, "unknown": 3, "not_sent": 99_997}
    show.show_runs([Ended(run, 1_200_000, counts, "out.csv", state=state)])
    seen = " ".join(Text.from_ansi(file.getvalue()).plain.split())
    assert run in seen
    assert state in seen
    assert "1,200,000 rows = 1,100,000 accepted + 3 unknown + 99,997 not sent" in seen


@pytest.mark.parametrize("width", [40, 60, 80])
def test_check_cuts_no_word_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, width: int
) -> None:
    """Codes of reasons and names of keys are folded where they must be, never cut."""
    file = StringIO()
    screen = Console(file=file, width=width, force_terminal=True, highlight=False)
    monkeypatch.setattr(checked, "out", screen)
    people = "phone,name\n9192340001,A\n9192340001,B\n9192340002,\nhello,C\n"
    found = plan(tmp_path, people, message={"text": "Hello {{ name }}"})
    checked.show_checked(found)
    seen = " ".join(Text.from_ansi(file.getvalue()).plain.split())
    for code in ("duplicate", "value_missing", "number_not_digits"):
        assert f" 1 {code} " in seen
    assert "…" not in seen


def test_a_remedy_says_no_more_than_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts minutes, so no seconds are printed."""
    file = StringIO()
    monkeypatch.setattr(outlook, "out", Console(file=file, width=80))
    course = Course(0, 60_000, 0, {}, {"": 9}, {}, 60_000)
    helps = (Remedy("start 4 min earlier", 9, 4), Remedy("send more", 9, 61))
    outlook.show_outlook(Outlook(course, helps, ()))
    assert "start 4 min earlier: 9 more fit, 4 min less\n" in file.getvalue()
    assert "send more: 9 more fit, 1 h 1 min less\n" in file.getvalue()

"""A folder that was named and is not there: refused, and nothing is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import codes
from tests.flow.test_listen import ACCESS

if TYPE_CHECKING:
    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

ANA = "+19192345671"

# By a folder or, where that is not its option, by the environment alone.
COMMANDS = {
    "suppress add": ("suppress", "add", ANA, "--json"),
    "suppress remove": ("suppress", "remove", ANA, "--json"),
    "suppress check": ("suppress", "check", ANA, "--json"),
    "suppress list": ("suppress", "list", "--json"),
    "suppress import": ("suppress", "import", "list.csv", "--json"),
    "suppress export": ("suppress", "export", "out.csv", "--json"),
    "listen": ("listen", "--port", "0"),
    "status": ("status", "--json"),
    "explain": ("explain", ANA, "--json"),
    "purge": ("purge", "--older-than", "90d", "--yes", "--json"),
    "metrics": ("metrics",),
    "settle": ("settle", "--json"),
    "poll": ("poll", "--json"),
    "watch": ("watch", "--json"),
    "report": ("report",),
    "results": ("results", "--json"),
    "arms": ("arms", "x", "--json"),
    "backup": ("backup", "copy", "--json"),
    "pause": ("pause", "x", "--json"),
}
NAMED = {
    "a folder": ("--folder", "campains"),
    "a file": ("--folder", "list.csv"),
    "a journal's folder": ("--journal", "campains/journal.sqlite"),
}


@pytest.mark.parametrize("named", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_that_is_not_there_is_refused(
    desk: Desk, command: tuple[str, ...], named: tuple[str, str]
) -> None:
    """E609 by every command: no answer about nothing, and no STOP into another journal."""
    desk.people()
    (desk.folder / "campaigns").mkdir()
    desk.environment |= ACCESS

    ran = desk.call(*command, *named)

    assert ran.code == 2, ran
    assert "E609" in ran.all
    near = "Did you mean `campaigns`?" in ran.all.replace("\n", " ")
    assert near == ("campains" in named[1])
    there = {path.name for path in desk.folder.iterdir()}
    assert there == {"list.csv", "campaigns"}


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_a_home_that_is_not_there_is_refused(desk: Desk, command: str) -> None:
    """Its ledger would be empty, and everybody would be texted once more."""
    desk.people()
    desk.campaign()
    desk.environment["BULKSEND_HOME"] = str(desk.folder / "home" / "no")

    ran = desk.call(command, "hello.yaml", "--json")

    assert (ran.code, codes(ran)) == (2, ["E609"]), ran
    assert not (desk.folder / "home").exists()


@pytest.mark.parametrize(
    "command",
    ["remove", "check", "list", "export"],
    ids=lambda name: f"suppress {name}",
)
def test_no_journal_answers_no_question(desk: Desk, command: str) -> None:
    """Not "not suppressed", where nothing is known: E603, and none is made."""
    words = COMMANDS[f"suppress {command}"]

    ran = desk.call(*words)

    assert (ran.code, codes(ran)) == (2, ["E603"]), ran
    assert not list(desk.folder.iterdir())


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "backup"])
def test_where_runs_were_sent_no_second_journal_is_made(
    desk: Desk, bandwidth: Bandwidth, command: str
) -> None:
    """Theirs is elsewhere, or a backup is being put back: E603, and no "no runs yet"."""
    bandwidth()
    desk.people()
    desk.campaign()
    ran = desk.call("run", "hello.yaml", "--yes", "--json", "--journal", "there.sqlite")
    assert ran.code == 0, ran
    desk.environment |= ACCESS

    refused = desk.call(*COMMANDS[command])

    assert refused.code == 2, refused
    assert "E603" in refused.all
    assert "new journal" not in refused.all
    assert not (desk.folder / ".bulksend" / "journal.sqlite").exists()
    assert desk.call(*COMMANDS["suppress add"], "--journal", "there.sqlite").code == 0


@pytest.mark.parametrize("command", ["add", "import"])
def test_a_new_journal_is_named_once(desk: Desk, command: str) -> None:
    """Where it is, so that a wrong folder is seen; the second time there is one."""
    desk.people()
    words = COMMANDS[f"suppress {command}"]

    first, second = desk.call(*words), desk.call(*words)

    assert (first.code, second.code) == (0, 0)
    assert first.err.startswith("new journal .bulksend/journal.sqlite\n")
    assert "new journal" not in second.all

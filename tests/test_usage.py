"""What is said of a command that cannot be read: as any other problem."""

from __future__ import annotations

import json
import runpy
import sys
from typing import TYPE_CHECKING

import pytest

from tests.flow.conftest import desk  # noqa: F401  (a fixture)
from tests.flow.desk import codes

if TYPE_CHECKING:
    from tests.flow.desk import Desk

LONG = "x" * 5_000
SAID = [
    # what is typed · code · what is said
    ("frobnicate", "E141", "`bulksend` has no command `frobnicate`. See `bulksend --help`."),
    ("chek x.yaml", "E141", "Did you mean `check`?"),
    ("suppress ad", "E141", "Did you mean `add`? See `bulksend suppress --help`."),
    ("rules shwo", "E141", "Did you mean `show`?"),
    ("+19195550123", "E141", "no command `+191…23`"),
    ("--jsno", "E142", "`bulksend` has no option `--jsno`"),
    ("check x.yaml --jsn", "E142", "Did you mean `--json`? See `bulksend check --help`."),
    ("run x.yaml --wiat", "E142", "Did you mean `--wait`?"),
    ("run x.yaml --rate=5", "E142", "no option `--rate`."),
    ("check", "E143", "needs `CAMPAIGN`. Write `bulksend check [OPTIONS] CAMPAIGN`."),
    ("test x.yaml", "E143", "`bulksend test` needs `--to`"),
    ("suppress add", "E143", "needs `NUMBERS`"),
    ("purge --older-than", "E143", "`--older-than` needs a value."),
    ("settle --decide run", "E143", "`--decide` needs 3 values"),
    ("settle --resend", "E143", "`--resend` needs the RUN"),
    ("listen --tls-cert x", "E143", "Name both."),
    ("run x.yaml --only fialed", "E144", "expected `not_sent`, `failed`, `retryable`. Did you mean `failed`?"),
    ("listen --port 99999", "E144", "`--port`: `99999`; expected a whole number from 0 to 65,535"),
    ("listen --port abc", "E144", "`--port`: `abc`; expected a whole number"),
    ("rules show --on today", "E144", "`--on`: `today`; expected a day such as 2026-11-27"),
    (f"status --folder {LONG}", "E144", "file name too long. Write a shorter path."),
    (f"status --journal {LONG}", "E144", "file name too long"),
    (f"init hello --folder {LONG}", "E144", "file name too long"),
    ("check a b", "E144", "unexpected extra argument (b)"),
    ("check x.yaml --json=1", "E144", "does not take a value"),
    ("explain +19195550123 +19195550124", "E144", "extra argument (+191…24)"),
    ("check a postgresql://me:secret@h/x", "E144", "an address"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "code", "said"), SAID)
def test_a_command_that_cannot_be_read_is_a_problem_with_a_way_out(
    desk: Desk,  # noqa: F811
    typed: str,
    code: str,
    said: str,
) -> None:
    """Its code, what is wrong, what may be meant; no number and no password; exit 2."""
    ran = desk.call(*typed.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"{code} ")
    assert said in ran.err
    assert "secret" not in ran.err
    assert "19195550123" not in ran.err.replace("x", "")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("frobnicate --json", "E141"),
        ("check --json", "E143"),
        ("check x.yaml --frob --json", "E142"),
        ("listen --json", "E142"),
        ("run x.yaml --json --only fialed", "E144"),
    ],
)
def test_who_asks_for_json_gets_json(
    desk: Desk,  # noqa: F811
    typed: str,
    code: str,
) -> None:
    """Also where the command cannot be read at all."""
    ran = desk.call(*typed.split())
    assert (ran.code, codes(ran), ran.err) == (2, [code], "")


def test_a_fault_of_the_program_s_own_is_a_problem_too(
    desk: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With --json as JSON; what was sent is in the journal, so it may be run again."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bulksend.cli.cli.main", fail)
    ran = desk.call("status", "--json")
    assert (ran.code, codes(ran)) == (4, ["E689"])
    assert "ZeroDivisionError" in ran.out
    monkeypatch.setattr("bulksend.cli.cli.main", _interrupted)
    ran = desk.call("status", "--json")
    assert (ran.code, json.loads(ran.out)["problems"][0]["code"]) == (4, "E631")


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_old_python_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a clone, where pip has not asked: no traceback about a name it cannot import."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    with pytest.raises(SystemExit, match=r"bulksend needs Python 3\.11 or newer"):
        runpy.run_module("bulksend")

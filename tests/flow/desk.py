"""A user's desk: a folder, an environment, and the command line as a user has it.

`Desk.call` is the whole program in this process (`bulksend.cli.main`, with the arguments
in ``sys.argv``), which spares a second of imports for each case; `Desk.start` and
`Desk.process` are a process of its own, for everything about signals, crashes and pipes.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
import urllib.request
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import polars as pl

from bulksend.cli import main
from tests.suites.births import Born

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
"""How long anything may take before a test gives up; nothing depends on it."""

CAMPAIGN: dict[str, Any] = {
    "name": "hello",
    "provider": "bandwidth",
    "from": "+19195550100",
    "application_id": "an-application",
    "recipients": {"path": "list.csv", "phone": "mobile", "default_region": "US"},
    "message": {"text": "Hi {{ name }}, see you at {{ at }}."},
    "send": {
        "rate": "1000/s",
        "rules": {"profile": "transactional", "because": "tests run at any hour"},
    },
    "results": "results/hello.csv",
}

PEOPLE = """\
id,name,mobile,at
1,Ana,(919) 234-5671,9:15
2,Ben,919-234-5672,9:30
3,Cy,+1 919 234 5673,9:45
4,Ana again,9192345671,10:00
5,Nobody,919234,10:15
6,Eve,919.234.5676,
7,Flo,1.9192345677E+10,10:45
"""
"""Four messages; one duplicate (row 5), one short number (6), one empty value (7)."""

PEOPLE_NUMBERS = ("+19192345671", "+19192345672", "+19192345673", "+19192345677")


def crowd(size: int, first: int = 2_000_000) -> str:
    """A list of so many people, each of whom gets a message."""
    lines = [f"{n},P{n},+1919{first + n},9:{n:04}" for n in range(size)]
    return "\n".join(["id,name,mobile,at", *lines]) + "\n"


class Ran(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class Desk:
    """A folder and an environment; see the module."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    # -- files ----------------------------------------------------------------------

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def campaign(self, file: str = "hello.yaml", /, **changes: Any) -> Path:
        """`CAMPAIGN` with *changes*: a dict goes into its section, None removes."""
        said = json.loads(json.dumps(CAMPAIGN))
        for given, value in changes.items():
            key = {"sender": "from"}.get(given, given)
            section = said.get(key)
            if isinstance(section, dict) and isinstance(value, dict):
                said[key] = _kept(section | value)
            else:
                said[key] = value
        said = _kept(said)
        return self.write(file, json.dumps(said, indent=2))  # JSON is YAML

    def people(self, text: str | bytes = PEOPLE) -> Path:
        return self.write("list.csv", text)

    def results(self, name: str = "results/hello.csv") -> pl.DataFrame:
        path = self.folder / name
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)

    def tree(self) -> dict[str, bytes]:
        """Every file there is, for "nothing was overwritten"."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and ".bulksend" not in path.parts
        }

    # -- commands -------------------------------------------------------------------

    def call(self, *arguments: str | Path) -> Ran:
        """The command in this process; its stdin is no terminal."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                patch.object(sys, "argv", ["bulksend", *map(str, arguments)]),
                patch.object(sys, "stdin", io.StringIO()),
                patch.dict(os.environ, self.environment),
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            os.chdir(before)
        return Ran(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """The command as a process; `ended` waits for it."""
        return self.python("-m", "bulksend", *arguments)

    def python(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Any other program, in the same way."""
        process = Born(list(map(str, arguments)), self.folder, self.environment)
        self.started.append(process)
        return process

    def close(self) -> None:
        """Leave no process behind, whatever became of the test."""
        for process in self.started:
            with process:
                process.kill()

    def process(self, *arguments: str | Path) -> Ran:
        return ended(self.start(*arguments))


def _kept(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value is not None}


def ended(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Ran(process.returncode, out, err)


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something to become true while *process* runs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert process.poll() is None, f"it ended too early: {ended(process)}"
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)  # the machine's time, not the test's: another look


class Served:
    """A simulator in a process of its own."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        self.environment = environment
        self.origin = environment["BW_MESSAGING_URL"].partition("/api")[0]

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.origin}/_stats", timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def lines(self, kind: str = "accepted") -> list[dict[str, Any]]:
        """What the log file says, which outlives every process."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return [line for line in lines if line["kind"] == kind]

    def has(self, accepted: int) -> Callable[[], bool]:
        return lambda: bool(self.stats()["accepted"] >= accepted)


BASIC = {"BW_ACCOUNT_ID": "1", "BW_USERNAME": "user", "BW_PASSWORD": "pass"}
TOKEN = {"BW_ACCOUNT_ID": "1", "BW_CLIENT_ID": "id-7", "BW_CLIENT_SECRET": "sesame-7"}


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """``bulksend simulate`` on a free port, with its log in *folder*."""
    log = folder / "simulator.log"
    log.touch()
    simulate = ("-m", "bulksend", "simulate", "--port", "0", "--log", str(log))
    process = Born([*simulate, *options], Path.cwd(), {})
    try:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(2)]
        said = dict(line.strip().split("=", 1) for line in told)
        yield Served(log, said | BASIC)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)


def counts(ran: Ran) -> dict[str, int]:
    """The counts of a ``--json`` summary, held to the invariant."""
    said = ran.json
    names = (
        "accepted",
        "delivered",
        "failed",
        "refused",
        "unknown",
        "expired",
        "excluded",
        "not_sent",
    )
    found = {name: said[name] for name in names}
    found |= {"in_flight": said["in_flight"]} if "in_flight" in said else {}
    assert sum(found.values()) == said["rows"], said
    return {name: count for name, count in found.items() if count}


def no_traceback(ran: Ran) -> None:
    assert "Traceback" not in ran.all
    assert "bulksend itself is at fault" not in ran.all


def codes(ran: Ran) -> Sequence[str]:
    return codes_in(ran.json)


def codes_in(said: dict[str, Any]) -> Sequence[str]:
    return [problem["code"] for problem in said["problems"]]

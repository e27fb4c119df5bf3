"""A campaign, a Bandwidth with faults, and senders that can be killed at any moment."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from bulksend.simulator.lifetime import in_thread
from bulksend.simulator.scenario import Scenario
from tests.flow.desk import BASIC, ROOT

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bulksend.simulator.witness import Accepted, Attempt

PATIENCE_SECONDS = 90.0

FAULTS = {
    "lost_before": 0.03,
    "lost_after": 0.03,
    "error_500": 0.04,
    "gateway_502": 0.03,
    "slow": 0.02,
    "silent": 0.01,
    "garbled_202": 0.03,
}
ANY_HOUR = {"profile": "transactional", "because": "tests run at any hour"}

UNPROVEN = {"lost_before", "lost_after", "gateway_502", "silent"}
"""Faults after which a client cannot know."""


class Hung(Exception):  # noqa: N818  (it says what happened)
    """A sender did not end; what it printed last says where it stood."""


class Nursery:
    """A `tests.crash.nursery`, which makes one sender at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env=os.environ | {"POLARS_MAX_THREADS": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pid:
            self.kill()
            self.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(
        self, folder: Path, environment: dict[str, str], *arguments: str, **patches: Any
    ) -> int:
        """Begin a sender; its process id."""
        assert not self.pid
        order = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
            "patches": {name.replace("__", "."): v for name, v in patches.items()},
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._line())
        return self.pid

    def signal(self, number: int) -> None:
        """Signal the sender, if it is still there."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def wait(self, patience: float = PATIENCE_SECONDS) -> int:
        """Its exit code, -9 where it was killed.

        No time limit of a test reaches a thread that waits here: a sender that hangs is
        ended, prints where each of its threads stood, and fails the test (`Hung`).
        """
        pid, is_hung = self.pid, threading.Event()

        def end() -> None:
            is_hung.set()
            self.signal(signal.SIGABRT)
            self.signal(signal.SIGCONT)  # a frozen one hears nothing else

        watch = threading.Timer(patience, end)
        watch.start()
        try:
            code = int(self._line())
        finally:
            watch.cancel()
            watch.join()
        self.pid = 0
        if is_hung.is_set():
            raise Hung(f"sender {pid} hung for {patience:g} s (code {code})")
        return code

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery is gone"
        return line


@dataclass(slots=True)
class Verdict:
    """What became of a campaign, by the server's log and by the journal's.

    Args:
        arrived: Unknown rows that the server had accepted.

        doubled: Numbers that were texted more than once.

        lost: Rows without a fate: neither accepted nor unknown at the end.

        wrong: Rows that are accepted here and not there, or there and not here.

        unexplained: Rows that are unknown though there was proof, or not unknown though
            there was none.
    """

    rows: int = 0
    accepted: int = 0
    unknown: int = 0
    arrived: int = 0
    doubled: int = 0
    lost: int = 0
    wrong: int = 0
    unexplained: int = 0
    kills: int = 0
    starts: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        return not (self.doubled or self.lost or self.wrong or self.unexplained)

    @property
    def told(self) -> str:
        """In one line, for a log."""
        return (
            f"{self.kills} senders killed of {self.starts} · {self.rows:,} rows = "
            f"{self.accepted:,} accepted + {self.unknown:,} unknown, of which "
            f"{self.arrived:,} arrived · texted twice {self.doubled} · without a fate "
            f"{self.lost} · accepted wrongly {self.wrong} · unknown wrongly "
            f"{self.unexplained}"
        )

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))


class Ground:
    """One campaign of *rows* people in *folder*, and the Bandwidth that it talks to."""

    def __init__(
        self,
        folder: Path,
        rows: int,
        *,
        rate: str = "400/s",
        keeps_hours: bool = False,
        name: str = "c",
        first: int = 0,
    ) -> None:
        self.folder = folder
        self.patches = {"clock": (0.0, until_noon())} if keeps_hours else {}
        self.rows = rows
        folder.mkdir(parents=True, exist_ok=True)
        self.numbers = [f"+1919{2_000_000 + first + n}" for n in range(rows)]
        lines = [f"{n},P{n},{number}" for n, number in enumerate(self.numbers)]
        people = "\n".join(["id,name,mobile", *lines]) + "\n"
        (folder / "list.csv").write_text(people)
        campaign = {
            "name": name,
            "provider": "bandwidth",
            "from": "+19195550100",
            "application_id": "an-application",
            "recipients": {"path": "list.csv", "phone": "mobile"},
            "message": {"text": "Hi {{ name }}."},
            "send": {"rate": rate} | ({} if keeps_hours else {"rules": ANY_HOUR}),
        }
        (folder / "c.yaml").write_text(json.dumps(campaign))
        self.home = folder / ".bulksend"
        self.orphans: set[int] = set()
        self.environment: dict[str, str] = {}
        self.origin = ""

    @contextmanager
    def served(self, rng: random.Random, **scenario: Any) -> Iterator[None]:
        with in_thread(Scenario(**({"rate": None} | scenario)), rng) as simulator:
            self.environment = BASIC | {
                "BW_MESSAGING_URL": simulator.url,
                "BW_TOKEN_URL": simulator.token_url,
            }
            self._witness = simulator.bandwidth.witness
            self.origin = simulator.origin
            yield

    @property
    def accepted(self) -> Sequence[Accepted]:
        return self._witness.accepted

    @property
    def attempts(self) -> Sequence[Attempt]:
        return self._witness.attempts

    def begin(self, nursery: Nursery, *more: str, **patches: Any) -> None:
        run = ("run", "c.yaml", "--yes", "--json", *more)
        patches = self.patches | patches
        nursery.start(self.folder, self.environment, *run, **patches)

    def said(self) -> Any:
        """What the last sender printed, as JSON."""
        text = self.printed()
        return json.loads(text[text.index("{\n") :])

    def printed(self) -> str:
        files = self.folder.glob("out.*")
        return max(files, key=lambda file: file.stat().st_mtime).read_text()

    def statuses(self) -> dict[int, str]:
        """Row -> status, by plain SQL: the journal's own code is what is on trial."""
        path = self.home / "journal.sqlite"
        if not path.exists():
            return {}
        with closing(sqlite3.connect(path, timeout=30)) as journal:
            known = journal.execute(
                "select count(*) from sqlite_master where name = 'messages'"
            ).fetchone()[0]
            found = journal.execute("select row, status from messages") if known else ()
            return dict(found)

    def note_orphans(self) -> None:
        """Rows whose sender has just died between intent and outcome."""
        found = self.statuses().items()
        self.orphans |= {row for row, status in found if status == "claimed"}

    def judge(self) -> Verdict:
        """Hold the journal against the server's log."""
        row_of = {number: row for row, number in enumerate(self.numbers, 2)}
        status = self.statuses()
        times = Counter(row_of[number] for one in self.accepted for number in one.to)
        blind = {
            row_of[number]
            for one in self.attempts
            if one.fault in UNPROVEN
            for number in one.to
        }
        unknown = {row for row, found in status.items() if found == "unknown"}
        took = {row for row, found in status.items() if found == "accepted"}
        final = {"accepted", "unknown"}
        return Verdict(
            rows=self.rows,
            accepted=len(took),
            unknown=len(unknown),
            arrived=len(unknown & times.keys()),
            doubled=sum(count > 1 for count in times.values()),
            lost=sum(status.get(row) not in final for row in row_of.values()),
            wrong=len(took - times.keys()) + len(times.keys() - took - unknown),
            unexplained=len(unknown ^ (blind | self.orphans)),
            faults=Counter(one.fault for one in self.attempts if one.fault)
            + Counter(str(one.status) for one in self.attempts if one.status == 429),
        )


def until_noon() -> int:
    """Milliseconds until it is noon in New York: a time at which people may be texted."""
    day = 86_400_000
    return (17 * 3_600_000 - time.time_ns() // 1_000_000) % day


def until(true: Any, what: str) -> None:
    """Wait for what another process brings about."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)

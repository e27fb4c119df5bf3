"""Senders by the hundred: a process that has imported bulksend, and forks on demand.

``python -m tests.crash.nursery`` reads one JSON line for each sender::

    {"arguments": ["run", "c.yaml"], "folder": "...", "environment": {...}, "patches": {}}

answers with the child's process id as soon as there is one, and with its status when it
is over (as `os.waitstatus_to_exitcode`: -9 for killed).  Each child is the whole command
line, in a process of its own; only the second of importing is spared.
"""

from __future__ import annotations

import faulthandler
import functools
import json
import os
import random
import sqlite3
import sys
import time
from typing import Any

import aiohttp  # noqa: F401  (imported here, once, for every child)
import polars as pl  # noqa: F401
import uvloop  # noqa: F401

import bulksend.cli.sending
import bulksend.cli.show
import bulksend.dispatch
import bulksend.journal.leases
import bulksend.pipeline
import bulksend.send.bandwidth
import bulksend.send.hold
import bulksend.send.retry
from bulksend.cli import main
from bulksend.send.clocks import SystemClocks
from bulksend.send.theirs import TheirClock

QUICK = {
    "bulksend.send.bandwidth.ANSWER_SECONDS": 5.0,
    "bulksend.send.retry.FIRST_SECONDS": 0.05,
    "bulksend.send.retry.OUTAGE_SECONDS": 2.0,
}
"""Waits of half a minute, for a test that has seconds; the rules are the same."""


class JumpingClocks(SystemClocks):
    """The wall clock jumps by *by* milliseconds at a moment of the monotonic one."""

    def __init__(self, at: float, by: int) -> None:
        self._jumps_at = at
        self._by = by

    def wall_ms(self) -> int:
        jumped = time.monotonic() >= self._jumps_at
        return super().wall_ms() + (self._by if jumped else 0)


class FailingDisk(sqlite3.Connection):
    """Some commits fail; and of those, some were written all the same."""

    share = 0.0
    rng = random.Random()

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        writes = statement.lstrip().startswith(("commit", "insert", "update"))
        ends = statement == "commit" or not self.in_transaction
        if not (writes and ends and self.rng.random() < self.share):
            return super().execute(statement, *values)
        if self.rng.random() < 0.5:
            super().execute(statement, *values).fetchall()
        raise sqlite3.OperationalError("disk I/O error")


def _deaf(*_said: object, **_when: object) -> None:
    """Of a server whose answers have no Date."""


def patch(patches: dict[str, Any]) -> None:
    """Set constants by their dotted names.

    ``clock`` is (at, by ms), ``disk`` (share of commits that fail, seed).
    """
    if clock := patches.pop("clock", None):
        clocks = functools.partial(JumpingClocks, *clock)
        setattr(bulksend.dispatch, "SystemClocks", clocks)  # noqa: B010  (not its own)
        if clock[0] == 0.0:
            # It is that time everywhere, and the stand-in does not know.
            TheirClock.heard = _deaf  # type: ignore[method-assign]
    if disk := patches.pop("disk", None):
        FailingDisk.share, seed = disk
        FailingDisk.rng.seed(seed)
        failing = functools.partial(sqlite3.connect, factory=FailingDisk)
        setattr(sqlite3, "connect", failing)  # noqa: B010  (a type of its own)
    for name, value in (QUICK | patches).items():
        module, _, constant = name.rpartition(".")
        assert hasattr(sys.modules[module], constant), name
        setattr(sys.modules[module], constant, value)


def be_born(order: dict[str, Any]) -> None:
    """Become a sender; never returns."""
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    out = os.open(f"out.{os.getppid()}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(out, stream)
    faulthandler.enable()  # whoever ends one that hangs is told where
    sys.argv = ["bulksend", *order["arguments"]]
    patch(dict(order.get("patches", {})))
    code = 99
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 98
    finally:
        sys.stdout.flush()
        os._exit(code)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def serve() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            be_born(json.loads(line))
        say(pid)
        _, status = os.waitpid(pid, 0)
        say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    serve()

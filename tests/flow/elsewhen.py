"""A clock that jumps: for this process, and for commands as processes of their own.

``python -m tests.flow.elsewhen SECONDS ARGUMENTS`` is the whole command line in a process
whose clock is so many seconds ahead.  So waits that take minutes out there are as long in
a test, with the same margins, and nobody sits through them.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import bulksend.simulator.server
from bulksend.cli import main
from tests.flow.desk import Desk, Ran, ended

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Clock:
    """The time of both sides, *seconds* ahead: the stand-in's here, and the commands'."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._time_ns = time.time_ns

    def set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on it is what this process sees, and what it answers as its Date."""
        theirs = SimpleNamespace(time=self.time, monotonic=self.monotonic)
        monkeypatch.setattr(bulksend.simulator.server, "time", theirs)
        monkeypatch.setattr(time, "time", self.time)
        monkeypatch.setattr(time, "time_ns", self.time_ns)

    def time_ns(self) -> int:
        return self._time_ns() + round(self.seconds * 1e9)

    def time(self) -> float:
        return self.time_ns() / 1e9

    def monotonic(self) -> float:
        return time.monotonic() + self.seconds


@dataclass
class ByProcess(Desk):
    """A desk where every command is a process of its own, at the clock's time."""

    clock: Clock = field(default_factory=Clock)

    def call(self, *arguments: str | Path) -> Ran:
        seconds = str(self.clock.seconds)
        return ended(self.python("-m", "tests.flow.elsewhen", seconds, *arguments))


if __name__ == "__main__":
    ours = Clock(float(sys.argv.pop(1)))
    for name in ("time", "time_ns"):
        setattr(time, name, getattr(ours, name))
    main()

"""Who holds a run, and whether that process can still be alive.

A process id alone is not a name: it is reused after a reboot, in another container, and
within weeks on one machine.  So an owner is (machine, process id, the process's own
start), and *dead* is said only where that is certain: same machine, and no such process.
Anything else counts as alive until its lease ends.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """One sending process.

    Args:
        host: The machine's name, for people.

        machine: Changes with each boot and each process-id namespace.

        pid: The process id.

        started: The process's start in clock ticks since boot; 0 where not known.

        run: What it sends, for people; it names nobody.
    """

    host: str
    machine: str
    pid: int
    started: int
    run: str = ""

    @classmethod
    def me(cls, run: str = "") -> Owner:
        pid = os.getpid()
        return cls(socket.gethostname(), _machine(), pid, _started(pid), run)

    @classmethod
    def parse(cls, text: str) -> Owner:
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def is_surely_dead(self) -> bool:
        if self.machine != _machine():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        started = _started(self.pid)
        return bool(self.started and started and started != self.started)


def _machine() -> str:
    parts = [socket.gethostname()]
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(source)
        try:
            parts.append(
                str(path.readlink()) if path.is_symlink() else path.read_text().strip()
            )
        except OSError:
            continue
    return " ".join(parts)


def _started(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The command's name is in brackets and may hold spaces and brackets itself.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], int(fields[19])
    return -1 if state in "ZX" else ticks

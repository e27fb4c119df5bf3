"""What every test stands on: no internet, and a home of its own."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# No luck, no clock: the same examples on every machine, however busy it is.  To look for
# new ones: pytest --hypothesis-seed=random --hypothesis-profile=default.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

# Tests start hundreds of processes. Where nobody keeps what he compiled, each of them
# compiles every library anew: for Airflow that is four of five seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MEMORY = Path("/dev/shm")
ROOM_BYTES = 3 << 30

# A killed process loses nothing that the kernel has, and no test cuts the power: what a
# disk would add is its time for each of some 100,000 synchronous commits. Tests of a full
# disk mount their own.
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

pytest.register_assert_rewrite("tests.suites")
"""What is imported by tests explains its failures as they do."""

LOOPBACK = ("127.", "::1", "localhost")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a good part of the time tests wait for processes."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Each worker begins with its share of the slow tests, so that none is begun last.

    As `--dist=worksteal` deals them out: an equal run of tests for each.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers == 1:
        return
    slow = [one for one in items if one.get_closest_marker("slow")]
    quick = [one for one in items if not one.get_closest_marker("slow")]
    items[:] = [
        one
        for worker in range(workers)
        for one in (
            *slow[worker::workers],
            *quick[
                len(quick) * worker // workers : len(quick) * (worker + 1) // workers
            ],
        )
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have counted (`record_property("figures", …)`), in CI's log too."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in getattr(report, "user_properties", ()):
                if name == "figures":
                    terminalreporter.write_line(f"{report.nodeid}: {value}")


@pytest.fixture(autouse=True, scope="session")
def _no_internet() -> Iterator[None]:
    """A test that reaches beyond this machine fails, and says where it wanted to go."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        inside = self.family == socket.AF_UNIX or str(address[0]).startswith(LOOPBACK)
        assert inside, f"a test wanted to reach {address}"
        real(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has in the environment decides no test."""
    for name in (
        "BULKSEND_HOME",
        "BULKSEND_JOURNAL",
        "BW_ACCOUNT_ID",
        "BW_CLIENT_ID",
        "BW_CLIENT_SECRET",
        "BW_USERNAME",
        "BW_PASSWORD",
        "BW_MESSAGING_URL",
        "BW_TOKEN_URL",
        "BW_MESSAGING_APPLICATION_ID",
    ):
        monkeypatch.delenv(name, raising=False)

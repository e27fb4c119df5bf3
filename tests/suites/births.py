"""Processes of bulksend without the second of imports: forked off one that has them.

A `Born` is a `subprocess.Popen` of ``python -m MODULE ARGUMENTS``: a child of this process
with an id, signals, pipes, folder and environment of its own, which dies as any other.
Only what comes before the module's first line is spared.  The child is handed over by an
orphan's way: whoever forked it ends, and this process is there to adopt it.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
import threading
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
KNOWN = ("bulksend", "tests.flow.elsewhen")
"""Modules that find all that they import already imported."""

PR_SET_CHILD_SUBREAPER = 36
MOST_BYTES = 1 << 17

Order = dict[str, Any]


class Born(subprocess.Popen[str]):
    """``python ARGUMENTS``, with pipes for text; an import sooner where it can be."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> None:
        self._is_forked = _may_fork(arguments, environment)
        super().__init__(
            [sys.executable, *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _execute_child(self, *given: Any) -> None:
        if not self._is_forked:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        argv, _, _, _, _, folder, environment, _, _, _, *pipes = given[:16]
        stdin, _, _, stdout, _, stderr = pipes
        order = {"argv": argv[2:], "folder": str(folder), "environment": environment}
        try:
            self.pid = _mother().bear(order, (stdin, stdout, stderr))
            self._child_created = True
        finally:
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _may_fork(arguments: Sequence[str], environment: dict[str, str]) -> bool:
    """What an interpreter reads as it starts needs one that starts."""
    own = any(name.startswith(("PYTHON", "LC_", "LANG")) for name in environment)
    known = arguments[:1] == ["-m"] and arguments[1] in KNOWN
    return known and not own and sys.platform == "linux"


class Mother:
    """The process that has imported everything, as its children's adoptive parent sees it."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.suites.births", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def bear(self, order: Order, streams: tuple[int, int, int]) -> int:
        """The process id of a child that follows *order*."""
        said = json.dumps(order | {"parent": os.getpid()}).encode()
        assert len(said) < MOST_BYTES
        with self._one_at_a_time:
            _adopt(True)
            try:
                socket.send_fds(self._socket, [said], streams)
                answer = self._socket.recv(16)
            finally:
                _adopt(False)
        assert answer, "who forks the tests' processes is gone"
        return int(answer)

    def end(self) -> None:
        self._socket.close()
        self._process.wait(60)


@functools.cache
def _mother() -> Mother:
    mother = Mother()
    atexit.register(mother.end)
    return mother


def _adopt(is_wanted: bool) -> None:
    """Whether an orphan among this process's descendants becomes its child."""
    done = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(is_wanted), 0, 0, 0)
    assert done == 0


# -- the other side --------------------------------------------------------------------


def serve(orders: socket.socket) -> Order:
    """Fork for each order; returns in the children only."""
    while True:
        said, streams, _, _ = socket.recv_fds(orders, MOST_BYTES, 3)
        if not said:
            sys.exit()
        reader, writer = os.pipe()
        if not _fork():  # whoever is between ends at once, and leaves an orphan
            child = _fork()
            if not child:
                for one in (reader, writer):
                    os.close(one)
                orders.close()
                order: Order = json.loads(said)
                _be_alone(order, streams)
                return order
            os.write(writer, str(child).encode())
            os._exit(0)
        for one in (writer, *streams):
            os.close(one)
        os.wait()
        orders.send(os.read(reader, 16))
        os.close(reader)


def _fork() -> int:
    """Of libraries that were imported some have threads, which wait for work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _be_alone(order: Order, streams: list[int]) -> None:
    """Everything that a process is given when it is started."""
    while os.getppid() != order["parent"]:
        time.sleep(0.0005)  # until it is adopted, which is on its way
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (descriptors)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, errors="backslashreplace", closefd=False
    )


def _follow(order: Order) -> None:
    module, *arguments = order["argv"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _import_all() -> None:
    for package in ("bulksend.cli", "bulksend.simulator"):
        for module in pkgutil.iter_modules(
            import_module(package).__path__, f"{package}."
        ):
            import_module(module.name)
    for name in (
        "bulksend.pipeline",
        "bulksend.dispatch",
        "aiohttp",
        "polars",
        "uvloop",
    ):
        import_module(name)
    gc.collect()
    gc.freeze()


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        _import_all()
        order = serve(orders)
    _follow(order)


if __name__ == "__main__":
    main()

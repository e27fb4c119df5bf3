"""On a terminal: the counts are shown, and a real send asks first."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.flow.desk import PATIENCE_SECONDS, ROOT, Desk, served, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.flow.conftest import Bandwidth

QUESTION = b"Send 4 real messages now?"
FAR = re.compile(rb"[1-9]\d* of 400")


def typed(desk: Desk, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, and type *answer* at the question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bulksend", *arguments],
        cwd=desk.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"} | desk.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen, answered = b"", False
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not piece:
            break
        seen += piece
        if QUESTION in seen and not answered:
            answered = True
            os.write(ours, answer)
    os.close(ours)
    return process.wait(PATIENCE_SECONDS), seen.decode()


@pytest.mark.parametrize(
    ("answer", "code", "sent"),
    [(b"y\n", 0, 4), (b"n\n", 3, 0), (b"\n", 3, 0), (b"\x04", 4, 0)],
    ids=["yes", "no", "enter", "end of file"],
)
def test_a_real_send_asks_first(
    desk: Desk, bandwidth: Bandwidth, answer: bytes, code: int, sent: int
) -> None:
    """Only a yes sends; the counts stand above the question."""
    simulator = bandwidth()
    desk.people()
    desk.campaign()

    ended, seen = typed(desk, answer, "run", "hello.yaml")

    assert (ended, len(simulator.bandwidth.witness.accepted)) == (code, sent), seen
    assert seen.index("4 will receive a message") < seen.index("real messages now?")
    assert "Traceback" not in seen
    if sent:
        assert "7 rows = 4 accepted + 3 excluded" in seen


def test_the_simulator_is_not_asked_about(desk: Desk) -> None:
    """With `provider: simulator` nothing leaves the machine, and nobody is asked."""
    desk.people()
    desk.campaign(provider="simulator", application_id=None)

    ended, seen = typed(desk, b"", "run", "hello.yaml")

    assert ended == 0, seen
    assert "real messages" not in seen
    assert "7 rows = 4 accepted + 3 excluded" in seen


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.parametrize("how", ["ctrl-c", "closed"])
def test_local_workers_drain_when_the_terminal_says_stop(
    desk: Desk, tmp_path: Path, how: str
) -> None:
    """All processes hear it, and only the command acts: 0 unknown, no word of Dask's.

    Until then it shows how far they are together.
    """
    with served(tmp_path, "--latency", "0.3") as server:
        desk.environment = server.environment
        desk.people(
            "id,name,mobile,at\n"
            + "".join(f"{n},P{n},+1919{2_000_000 + n},9\n" for n in range(400))
        )
        desk.campaign(send={"rate": "40/s"})
        ours, theirs = pty.openpty()
        local = ("--workers", "local:1")
        process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, "run", "hello.yaml", "--yes", *local],
            cwd=desk.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | desk.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            text=True,
        )
        desk.started.append(process)
        os.close(theirs)
        with _read(ours) as pieces:
            until(server.has(40), process)
            until(lambda: bool(FAR.search(b"".join(pieces))), process)
            if how == "ctrl-c":
                os.write(ours, b"\x03")
                process.wait(PATIENCE_SECONDS)
        os.close(ours)
        code = process.wait(PATIENCE_SECONDS)
        seen = b"".join(pieces).decode()
        sent = len(server.lines())
        (listed,) = desk.call("status", "--json").json

    assert code == 4, seen
    assert (listed["accepted"], listed["unknown"]) == (sent, 0)
    assert listed["not_sent"] == 400 - sent > 0
    assert "Traceback" not in seen
    assert "distributed" not in seen
    assert not list((desk.folder / ".bulksend" / "workrooms").iterdir())


@contextmanager
def _read(terminal: int) -> Iterator[list[bytes]]:
    """What is shown there: a terminal that nobody reads holds up who writes."""
    pieces: list[bytes] = []
    over = threading.Event()

    def read() -> None:
        with suppress(OSError):  # Linux says EIO when the other side is closed
            while not over.is_set() or select.select([terminal], [], [], 0)[0]:
                if select.select([terminal], [], [], 0.05)[0]:
                    pieces.append(os.read(terminal, 4096))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield pieces
    finally:
        over.set()
        thread.join()


ON_TERMINAL = """
import fcntl, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may be under nohup
from bulksend.cli import main
if __name__ == "__main__":
    main()
"""
"""The command, with its terminal as the one that controls it."""


# the command, and how it ends whether anybody listens or not
UNHEARD = (
    (("run", "hello.yaml", "--json"), 0),
    (("run", "hello.yaml"), 0),
    (("run", "missing.yaml", "--json"), 2),
)


@pytest.mark.parametrize(("arguments", "code"), UNHEARD)
def test_a_pipe_that_nobody_reads_changes_no_exit_code(
    desk: Desk, arguments: tuple[str, ...], code: int
) -> None:
    """`bulksend run … | head`: what a run came to is still told by its code."""
    desk.people()
    desk.campaign(provider="simulator")
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [sys.executable, "-m", "bulksend", *arguments],
        cwd=desk.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    os.close(writer)

    assert ran.returncode == code, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"BrokenPipe" not in ran.stderr


def by_shell(
    desk: Desk, where: str, *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with its streams led elsewhere, as a shell writes it."""
    return subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'exec "$0" -m bulksend "$@" {where}',
            sys.executable,
            *arguments,
        ],
        cwd=desk.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "hello.yaml"), 0),
        (("run", "hello.yaml", "--json"), 0),
        (("run", "missing.yaml", "--json"), 2),
        (("check", "hello.yaml"), 4),
        (("schema",), 4),
    ],
)
@pytest.mark.parametrize("where", [">/dev/full", ">/dev/full 2>&1"])
def test_a_full_disk_under_what_is_printed_is_said(
    desk: Desk, arguments: tuple[str, ...], code: int, where: str
) -> None:
    """E634 on standard error; a run ends as it ended, and nothing else says 0."""
    desk.people()
    desk.campaign(provider="simulator")
    ran = by_shell(desk, where, *arguments)

    assert ran.returncode == code, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"E689" not in ran.stderr
    assert (b"E634 no space left on device" in ran.stderr) is ("2>" not in where)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_closed_at_the_start_changes_no_exit_code(
    desk: Desk, closed: str
) -> None:
    """`bulksend run … >&-`, as some daemons start it, sends and ends like any other."""
    desk.people()
    desk.campaign(provider="simulator")
    ran = by_shell(desk, closed, "run", "hello.yaml")

    assert ran.returncode == 0, ran.stderr
    assert b"Traceback" not in ran.stderr

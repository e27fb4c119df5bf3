"""Whoever is told of a run's end: what, how long it may take, and what if it fails."""

from __future__ import annotations

import json
import os
import select
import sys
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from bulksend.define.campaign import Notify
from bulksend.errors import Problem, Stopped
from bulksend.settle.notice import payload, tell
from bulksend.settle.standing import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNTS = dict.fromkeys(
    ("accepted", "delivered", "failed", "refused", "unknown", "expired", "excluded", "not_sent"), 0
)  # fmt: skip
ENDED = Ended(
    "sale-1", 5, COUNTS | {"accepted": 3, "unknown": 1, "excluded": 1}, "a.csv"
)
SAID = {"campaign": "sale", "provider": "bandwidth"}


@contextmanager
def listening_for_bytes(
    status: int = 200, *, silent: bool = False
) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A server that answers so, and what it was told: each path and body."""
    heard: list[tuple[str, bytes]] = []
    over = Event()

    class Hears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            heard.append((self.path, self.rfile.read(length)))
            if silent:
                over.wait()
            with suppress(ConnectionError):  # who asked no longer waits
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        # So that its end waits for theirs, and no socket is left.
        daemon_threads = False

    with Server(("127.0.0.1", 0), Hears) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook/secret-7", heard
        finally:
            over.set()
            server.shutdown()
            thread.join()


@contextmanager
def listening(
    status: int = 200, *, silent: bool = False
) -> Iterator[tuple[str, list[Any]]]:
    """The same, and what it was told as JSON, when all is over."""
    told: list[Any] = []
    with listening_for_bytes(status, silent=silent) as (address, heard):
        yield address, told
        told += [json.loads(body) for _, body in heard]


def test_the_notice_holds_counts_and_a_sentence() -> None:
    """The same names as everywhere; codes of what stopped it, and no path, no number."""
    assert payload(ENDED, SAID) == {
        "text": "sale ended: 3 accepted, 1 unknown, 1 excluded of 5 rows.",
        "run": "sale-1",
        "campaign": "sale",
        "provider": "bandwidth",
        "state": "ended",
        "exit_code": 5,
        "rows": 5,
        **ENDED.counts,
        "codes": [],
    }
    half = Ended(
        "sale-1", 5, COUNTS | {"not_sent": 5}, "", Stopped(Problem("E510", "no"))
    )
    assert payload(half, SAID)["codes"] == ["E510"]
    assert payload(half, SAID)["state"] == "stopped"


def test_address_and_program_are_told_the_same(tmp_path: Path) -> None:
    """JSON by POST, and JSON on standard input, in the campaign's folder."""
    code = (
        "import sys, pathlib; pathlib.Path('told').write_bytes(sys.stdin.buffer.read())"
    )
    with listening() as (address, heard):
        notify = Notify(webhook=address, command=(sys.executable, "-c", code))
        assert tell(notify, ENDED, SAID, folder=tmp_path) == []
    assert heard == [payload(ENDED, SAID)]
    assert json.loads((tmp_path / "told").read_text()) == payload(ENDED, SAID)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_answer_that_is_no_yes_is_a_warning(tmp_path: Path, status: int) -> None:
    """It is told once, follows nobody elsewhere, and never shows the address's secret."""
    with listening(status) as (address, heard):
        (problem,) = tell(Notify(webhook=address), ENDED, SAID, folder=tmp_path)
    assert problem.is_warning
    assert f"127.0.0.1 answered {status}" in str(problem)
    assert "secret-7" not in str(problem)
    assert len(heard) == 1


def test_silence_ends_by_itself(tmp_path: Path) -> None:
    """For both ways to tell; what the command has started ends with it."""
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    code = (
        "import os, subprocess; held = os.open('held', os.O_WRONLY); "
        "subprocess.run(['sleep', '60'], pass_fds=[held])"
    )
    command = (sys.executable, "-c", code)
    with listening(silent=True) as (address, _):
        found = [
            *tell(Notify(webhook=address), ENDED, SAID, folder=tmp_path, limit=0.1),
            *tell(Notify(command=command), ENDED, SAID, folder=tmp_path, limit=1.0),
        ]
    assert [problem.code for problem in found] == ["W680", "W681"]
    assert select.select([held], [], [], 30)[0] == [held]  # no one holds it any more
    os.close(held)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/no/such/program",), "no such file"),
        ((sys.executable, "-c", "raise SystemExit(3)"), "ended with 3"),
        (("a\0b",), "null byte"),
    ],
    ids=["none", "fails", "impossible"],
)
def test_a_command_that_fails_is_a_warning(
    tmp_path: Path, command: tuple[str, ...], said: str
) -> None:
    """Whatever is wrong with it."""
    (problem,) = tell(Notify(command=command), ENDED, SAID, folder=tmp_path)
    assert (problem.code, said in str(problem)) == ("W681", True)

"""A signal ends a command within four seconds, with its words, and exit code 4.

While Polars works, Python's own handlers have to wait, and a plan of millions of rows
takes a minute.  So the signal's number is read from the wakeup file, where the system
writes it at once, and SIGTERM or SIGHUP is passed on as SIGINT, which Polars does obey.
While a run sends, the event loop has taken them over, and drains.

A drain ends soon, but what comes after it may not: results of ten million rows, a journal
that another process has locked, a disk that hangs.  So from the first signal on a clock
runs.  When it is time to end, SIGINT says so once more, which breaks off results that are
being written; and when time is over, the process ends where it is.  That is no worse than
a power cut, which every row survives in a true state.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from bulksend.errors import RESUMABLE
from bulksend.signals import ending

if TYPE_CHECKING:
    from collections.abc import Iterator

HURRY_SECONDS = 2.6
"""After so long nothing new is begun: answers are awaited for 2.5 s (send/flight.py)."""

END_SECONDS = 3.2
"""Four are promised, also where the machine is slow to let go of a large process.
Airflow kills five seconds after its signal."""

TOO_LATE = (
    "Stopped before all was written down; nothing is lost: run it again to resume.\n"
)


class Deadline:
    """The clock that the first signal starts."""

    def __init__(self) -> None:
        self._running = threading.Lock()

    def begin(self) -> None:
        """Safe in a signal handler, and twice."""
        if self._running.acquire(blocking=False):
            threading.Thread(target=_end, name="bulksend-deadline", daemon=True).start()

    def exit(self, code: int) -> NoReturn:
        """End with *code*; at once where a signal was heard, and all has been said.

        To take a large process to pieces takes longer than to drop it.
        """
        if self._running.locked():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        sys.exit(code)


DEADLINE = Deadline()
"""This process's: it ends once."""


def _end() -> None:
    time.sleep(HURRY_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(END_SECONDS - HURRY_SECONDS)
    with suppress(OSError):  # the terminal is gone
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, TOO_LATE.encode())
    os._exit(RESUMABLE)


@contextmanager
def stopping() -> Iterator[None]:
    """For the length of the block, in the main thread."""

    def pass_on() -> None:
        while numbers := reader.recv(64):
            heard = [one for one in signals if one in numbers]
            if heard:
                DEADLINE.begin()
            if any(one != signal.SIGINT for one in heard):
                os.kill(os.getpid(), signal.SIGINT)

    signals = ending()
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        before = {
            one: signal.signal(one, lambda *_: None)
            for one in signals
            if one != signal.SIGINT
        }
        file = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=pass_on, name="bulksend-stop", daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(file)
            for one, handler in before.items():
                signal.signal(one, handler)
            writer.shutdown(socket.SHUT_RDWR)
            thread.join()

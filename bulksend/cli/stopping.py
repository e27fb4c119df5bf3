"""SIGTERM ends a command as Ctrl-C does: with its words, and exit code 4.

While Polars works, Python's own handlers have to wait, and a plan of millions of rows
takes a minute.  So the signal's number is read from the wakeup file, where the system
writes it at once, and passed on as SIGINT, which Polars does obey.  While a run sends,
the event loop has taken both over, and drains.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sigterm_as_sigint() -> Iterator[None]:
    """For the length of the block, in the main thread."""

    def pass_on() -> None:
        while numbers := reader.recv(64):
            if signal.SIGTERM in numbers:
                os.kill(os.getpid(), signal.SIGINT)

    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        handler = signal.signal(signal.SIGTERM, lambda *_: None)
        file = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=pass_on, name="bulksend-stop", daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(file)
            signal.signal(signal.SIGTERM, handler)
            writer.shutdown(socket.SHUT_RDWR)
            thread.join()

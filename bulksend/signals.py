"""The signals that ask a program to end: from a keyboard, a supervisor, a closed terminal."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HANGUP = getattr(signal, "SIGHUP", None)
"""Windows has none."""


def ending() -> tuple[signal.Signals, ...]:
    """SIGINT, SIGTERM, and SIGHUP unless it is ignored: that is what `nohup` asks for."""
    said = (signal.SIGINT, signal.SIGTERM)
    if _HANGUP is None or signal.getsignal(_HANGUP) is signal.SIG_IGN:
        return said
    return (*said, _HANGUP)


@contextmanager
def on_ending(act: Callable[[], None]) -> Iterator[None]:
    """Call *act* on each of them, in the main thread; afterwards they mean what they did."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, lambda *_: act()) for one in ending()}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def deaf() -> Iterator[None]:
    """Threads begun in the block never hear them, nor do processes begun by those.

    A terminal tells all processes of a command at once; a supervisor may, too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

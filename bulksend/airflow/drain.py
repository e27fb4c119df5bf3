"""bulksend's engine in a thread of its own, and a task that may be killed around it.

Theory of operation
-------------------
Airflow 3 answers SIGTERM by calling `on_kill` and lets `execute` go on; five seconds
later it kills.  Airflow 2 raises an exception in the main thread, at any instruction.
Both are met by the same construction: the engine runs beside the main thread, which only
waits on an event; whatever ends the waiting asks the engine to drain, waits for that, and
raises, so that a task that was stopped is never a success.  (`Thread.join` must not be
waited on: interrupted by an exception it says afterwards that the thread has ended.)

A task whose supervisor is gone stops by itself (`Options.with_parent`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend import Ended

DRAIN_SECONDS = 4.0
"""Airflow 3 kills five seconds after it said stop."""


class Drain:
    """One sending, in a thread that can be asked to stop from a signal handler."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._asked = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] | None = None
        self._ended: Ended | None = None
        self._error: BaseException | None = None

    @property
    def was_stopped(self) -> bool:
        return self._asked.is_set()

    def run(self, send: Callable[[Any], Ended]) -> Ended:
        """What *send* returns or raises; it gets the `beside` of its `Options`."""
        thread = threading.Thread(target=self._work, args=(send,), name="bulksend")
        try:
            thread.start()
            self._done.wait()
        except BaseException:
            self.stop()
            self._wait_for_drain()
            raise
        if self._error is not None:
            raise self._error
        assert self._ended is not None
        return self._ended

    def stop(self) -> None:
        """Ask for a drain, and return at once.  Safe in a signal handler, and twice."""
        self._asked.set()
        if self._loop is not None and self._stop is not None:
            try:
                self._loop.call_soon_threadsafe(self._stop)
            except RuntimeError:  # the loop has ended: what is left are the results
                self._stop()

    async def beside(self, sending: Any) -> None:
        """`Options.beside`: how to reach the sender from another thread."""
        self._loop, self._stop = asyncio.get_running_loop(), sending.stop
        if self._asked.is_set():
            sending.stop()
        await asyncio.Event().wait()

    def _work(self, send: Callable[[Any], Ended]) -> None:
        try:
            self._ended = send(self.beside)
        except BaseException as error:  # noqa: BLE001  (raised in the main thread)
            self._error = error
        finally:
            self._done.set()

    def _wait_for_drain(self) -> None:
        """However often something is raised meanwhile: the drain is short, and it ends."""
        until = time.monotonic() + DRAIN_SECONDS
        while not self._done.is_set() and (left := until - time.monotonic()) > 0:
            try:
                self._done.wait(left)
            except BaseException:  # noqa: BLE001, S112  (the first one is raised)
                continue

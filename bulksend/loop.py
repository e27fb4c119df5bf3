"""An event loop for a sender: signals drain it, and what was before comes back after."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from bulksend import aside
from bulksend.errors import BulksendError, Stopped
from bulksend.logs import log
from bulksend.signals import ending, on_ending
from bulksend.view import telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from bulksend.dispatch import Sending
    from bulksend.journal.records import Run
    from bulksend.underway import Underway


def run_sending(
    sending: Sending,
    run: Run,
    *,
    beside: Callable[[Underway], Awaitable[None]] | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> BulksendError | None:
    """Run an event loop until everything is sent, or something stops it.

    SIGINT, SIGTERM and SIGHUP drain; *on_stop* hears of them.  *beside* runs in the same
    loop: a progress display.

    Returns:
        What stopped it, or None.
    """

    def stop() -> None:
        on_stop()
        sending.stop()

    try:
        _run_loop(_send_with_signals(sending, run, beside, stop), stop)
    except BulksendError as error:
        if type(error) is BulksendError and sending.has_begun:
            return Stopped(error.problems)  # a journal that fails half-way: resume
        return error
    return None


async def _send_with_signals(
    sending: Sending,
    run: Run,
    beside: Callable[[Underway], Awaitable[None]] | None,
    stop: Callable[[], None],
) -> None:
    companion = asyncio.ensure_future(beside(sending)) if beside else None
    try:
        with telemetry.observed(run, sending.progress, sending), _on_signals(stop):
            await sending.send(run)
    finally:
        if companion is not None:
            companion.cancel()
            await asyncio.wait([companion])
            if not companion.cancelled() and (error := companion.exception()):
                log.warning("display failed", error=type(error).__name__)


@contextmanager
def _on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call *act* on a signal to end; afterwards they mean what they meant before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {one: signal.getsignal(one) for one in ending()}
    for one in before:
        loop.add_signal_handler(one, act)
    try:
        yield
    finally:
        for one, handler in before.items():
            loop.remove_signal_handler(one)
            signal.signal(one, handler)


def _run_loop(work: Coroutine[Any, Any, None], stop: Callable[[], None]) -> None:
    """Where a loop is running already, as in a notebook: in a thread beside it."""
    with _wakeup_kept():
        if aside.is_in_loop():
            loop = aside.new_loop()

            def tell() -> None:
                with suppress(RuntimeError):  # it has ended
                    loop.call_soon_threadsafe(stop)

            with on_ending(tell):
                aside.run_in_thread(work, loop)
        else:
            with asyncio.Runner(loop_factory=aside.new_loop) as runner:
                runner.run(work)


@contextmanager
def _wakeup_kept() -> Iterator[None]:
    """An event loop takes the file that signals are written to, and does not return it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)

"""Work beside an event loop: what it need not wait for, and what needs a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


async def abandonable(work: Callable[[], T]) -> T:
    """What *work* gives, which only reads: where this is cancelled, it is left to itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(act: Callable[[], None]) -> None:
        if not done.done():
            act()

    def run() -> None:
        try:
            found = work()
        except Exception as error:  # noqa: BLE001 -- whoever waits for it raises it
            told = partial(done.set_exception, error)
        else:
            told = partial(done.set_result, found)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, told)

    threading.Thread(target=run, name="bulksend-aside", daemon=True).start()
    return await done


def is_in_loop() -> bool:
    """Whether an event loop is running in this thread, as in a notebook's cell."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def new_loop() -> asyncio.AbstractEventLoop:
    """The fastest one installed."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`; where a loop is running here, by another one in another thread."""
    if is_in_loop():
        return run_in_thread(work, asyncio.new_event_loop())
    return asyncio.run(work)


def run_in_thread(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """What *work* gives, by *loop*; whatever ends the waiting for it cancels it."""
    done: Future[T] = Future()

    def turn() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                found = runner.run(work)
        except BaseException as error:  # noqa: BLE001 -- whoever waits for it raises it
            done.set_exception(error)
        else:
            done.set_result(found)

    context = copy_context()
    threading.Thread(target=context.run, args=(turn,), name="bulksend-loop").start()
    try:
        return done.result()
    except BaseException:
        if not done.done():
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_cancel_all, loop)
            done.exception()
        raise


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()

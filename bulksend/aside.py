"""Work beside an event loop: in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

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

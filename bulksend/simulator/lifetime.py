"""Where a simulator lives: in a thread of its own, or as a whole process."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from bulksend.simulator.server import Simulator, serve

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bulksend.simulator.scenario import Scenario


@contextmanager
def in_thread(
    scenario: Scenario,
    rng: random.Random,
    *,
    port: int = 0,
    log_path: Path | None = None,
) -> Iterator[Simulator]:
    """A simulator on a loop of its own, for as long as the block lasts.

    Raises:
        InputError: As `serve`.
    """
    loop = _new_loop()
    thread = Thread(target=_turn, args=(loop,), name="simulator", daemon=True)
    thread.start()
    try:
        starting = serve(scenario, rng=rng, port=port, log_path=log_path)
        simulator = asyncio.run_coroutine_threadsafe(starting, loop).result()
        try:
            yield simulator
        finally:
            asyncio.run_coroutine_threadsafe(simulator.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def run_forever(
    scenario: Scenario,
    rng: random.Random,
    *,
    ready: Callable[[Simulator], None],
    port: int = 0,
    log_path: Path | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` is called once the port is open.

    Raises:
        InputError: As `serve`.
    """

    async def live() -> None:
        stop = asyncio.Event()
        for stopping in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(stopping, stop.set)
        async with await serve(
            scenario, rng=rng, port=port, log_path=log_path
        ) as simulator:
            ready(simulator)
            await stop.wait()

    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(live())


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    """Until it is stopped; what still runs on it is cancelled, and it is closed."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop().run_forever()


def _new_loop() -> asyncio.AbstractEventLoop:
    """The fastest one installed: the stand-in must not be the slow side."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()

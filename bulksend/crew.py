"""Work in the hands of Dask's workers, and who is still there to do it."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from bulksend.errors import InputError, Problem, Stopped
from bulksend.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bulksend.prepare.spread import Step

T = TypeVar("T")

RETRIES = 3
LOOK_SECONDS = 0.25

ALONE_SECONDS = 60.0
"""A worker that died has a successor by then, where anybody starts one."""

ASK_SECONDS = 1.0


@dataclass(slots=True)
class Hands:
    """Pieces of work that were handed out.

    Dask waits for ever for a worker that comes to replace the last one that died, and for
    half a minute for a scheduler; so it is looked after now and then.
    """

    client: Any
    running: set[Any] = field(default_factory=set, init=False)
    _wake: threading.Event = field(default_factory=threading.Event, init=False)
    _asked: float = field(default=-math.inf, init=False)
    _met: float = field(default_factory=time.monotonic, init=False)

    def begin(self, work: Callable[..., object], *said: object, **more: object) -> Any:
        """A future of Dask's.

        Raises:
            Stopped: E566, where the scheduler was lost.
        """
        self._see_scheduler()
        future = self.client.submit(work, *said, pure=False, retries=RETRIES, **more)
        self.running.add(future)
        future.add_done_callback(lambda _: self._wake.set())
        return future

    def wait(self) -> list[Any]:
        """Those that have ended since; none, where none did for a moment.

        Raises:
            Stopped: E566, where nobody is left who would end them.
        """
        self._wake.wait(LOOK_SECONDS)
        self._wake.clear()
        self._see_scheduler()
        ended = [future for future in self.running if future.status != "pending"]
        if any(future.status in ("cancelled", "lost") for future in ended):
            raise _gone("its scheduler was lost")
        self.running.difference_update(ended)
        if not ended:
            self._see_workers()
        return ended

    def _see_scheduler(self) -> None:
        if self.client.status != "running":
            raise _gone("its scheduler was lost")

    def _see_workers(self) -> None:
        now = time.monotonic()
        if now - self._asked < ASK_SECONDS:
            return
        self._asked = now
        if self.client.scheduler_info(n_workers=-1)["workers"]:
            self._met = now
        elif now - self._met > ALONE_SECONDS:
            raise _gone(f"no worker has been there for {ALONE_SECONDS:.0f} s")


@contextmanager
def in_touch() -> Iterator[None]:
    """Raises Stopped (E566), where the scheduler was lost in the block."""
    from distributed.comm.core import CommClosedError

    try:
        yield
    except CommClosedError as error:
        raise _gone("its scheduler was lost") from error


def _gone(found: str) -> Stopped:
    return Stopped(Problem("E566", found))


def trouble(future: Any) -> Problem:
    """What became of a piece that did not end."""
    found = type(future.exception()).__name__  # its words may hold what is in a list
    return Problem("E595", "its workers died" if found == "KilledWorker" else found)


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers as `prepare.spread` asks for them: a piece each at a time.

    A piece uses all cores of its machine, and has the memory of one.
    """

    client: Any
    room: Path
    worth_bytes: int = 0

    def each(self, step: Step[T], count: int) -> list[T]:
        """What *step* gives for each number below *count*, in order.

        Raises:
            InputError: What the steps raise.
            Stopped: E595, a worker did not end its piece, however often tried; E566,
                where none is left.
        """
        found: dict[int, T] = {}
        problems: list[Problem] = []
        name, width = step.__name__, max(1, len(self.client.nthreads()))  # type: ignore[attr-defined]
        log.info("planning", step=name, pieces=count, workers=width)
        hands, numbers = Hands(self.client), iter(range(count))
        for number in islice(numbers, width):
            hands.begin(_carefully, step, self.room, number)
        while hands.running:
            for future in hands.wait():
                if future.status != "finished":
                    raise Stopped(trouble(future))
                number, value, wrong = future.result()
                found[number] = value
                problems += wrong
                for following in islice(numbers, 0 if problems else 1):
                    hands.begin(_carefully, step, self.room, following)
        if problems:
            raise InputError(problems)
        return [found[number] for number in range(count)]


def _carefully(
    step: Step[T], room: Path, number: int
) -> tuple[int, T | None, tuple[Problem, ...]]:
    """On a worker: what no second try would mend comes back as a value."""
    try:
        return number, step(room, number), ()
    except InputError as error:
        return number, None, error.problems

"""Dask's workers: found, compared with this program, and set to work piece by piece."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bulksend.errors import InputError, Problem, Stopped
from bulksend.home import Home
from bulksend.logs import log
from bulksend.whole import not_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bulksend.prepare.spread import Step

T = TypeVar("T")

RETRIES = 3
CONNECT_SECONDS = 10
MOST_HERE = 8
"""Threads of a cluster on this machine: a shard that waits keeps one."""

_LOCAL = re.compile(r"local:([1-9]\d?)")
_DISTANT = re.compile(r"(?:dask|tcp)://([^/\s]+:\d+)")


class Likeness(NamedTuple):
    """What must be the same on a worker: versions, the room for work, the journal."""

    versions: str
    has_room: bool
    has_journal: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """Workers that are there, and like this program.

    Args:
        room: The folder in which a plan is worked out; None where no machine shares one.
    """

    client: Any
    room: Path | None


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
            Stopped: E595, a worker did not end its piece, however often tried.
        """
        from distributed import as_completed

        found: dict[int, T] = {}
        problems: list[Problem] = []
        name, width = step.__name__, len(self.client.nthreads())  # type: ignore[attr-defined]
        log.info("planning", step=name, pieces=count, workers=width)
        numbers = iter(range(count))
        running = as_completed(self._begin(step, n) for n in islice(numbers, width))
        for future in running:
            if future.status != "finished":
                raise Stopped(Problem("E595", type(future.exception()).__name__))
            number, value, wrong = future.result()
            found[number] = value
            problems += wrong
            for following in islice(numbers, 0 if problems else 1):
                running.add(self._begin(step, following))
        if problems:
            raise InputError(problems)
        return [found[number] for number in range(count)]

    def _begin(self, step: Step[T], number: int) -> Any:
        return self.client.submit(
            _carefully, step, self.room, number, pure=False, retries=RETRIES
        )


def _carefully(
    step: Step[T], room: Path, number: int
) -> tuple[int, T | None, tuple[Problem, ...]]:
    """On a worker: what no second try would mend comes back as a value."""
    try:
        return number, step(room, number), ()
    except InputError as error:
        return number, None, error.problems


def check(workers: str) -> bool:
    """Whether the workers are processes here.

    Raises:
        InputError: E594 or E590.
    """
    is_local = _LOCAL.fullmatch(workers) is not None
    if not is_local and not _DISTANT.fullmatch(workers):
        expected = "dask://HOST:PORT, or local:4"
        raise InputError(Problem("E594", f"`{workers}`", expected))
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(Problem("E590", str(error))) from error
    return is_local


@contextmanager
def connected(workers: str, home: Home) -> Iterator[Cluster]:
    """The workers, for as long as the block lasts.

    Args:
        workers: ``dask://HOST:PORT`` of a scheduler, or ``local:N`` for processes here.

    Raises:
        InputError: E590, E591 or E594, where there is no such cluster; E592, with each
            worker that is not like this program; E621, where there is no room for work.
    """
    is_local = check(workers)
    with ExitStack() as stack:
        client = _client(workers, _told(home), stack)
        room = None
        try:
            if home.shared is None:
                room = stack.enter_context(home.workroom())
        except OSError as error:
            raise not_kept(error, home.folder) from error
        if not is_local:
            _compare(client.run(_looks_like, room, str(home.journal)), room, home)
        yield Cluster(client, room)


def _told(home: Home) -> dict[str, str]:
    """The journal, for workers here: Dask would print a task's arguments if it failed."""
    journal = home.journal
    place = str(journal.absolute()) if isinstance(journal, Path) else journal.url
    return {"BULKSEND_JOURNAL": place}


def _client(workers: str, told: dict[str, str], stack: ExitStack) -> Any:
    from distributed import Client, LocalCluster

    local = _LOCAL.fullmatch(workers)
    if local is not None:
        count = min(MOST_HERE, int(local[1]))
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=-(-MOST_HERE // count),
            dashboard_address=None,
            env=told,
        )
        return stack.enter_context(Client(stack.enter_context(cluster)))
    address = _DISTANT.sub(r"tcp://\1", workers)
    try:
        return stack.enter_context(Client(address, timeout=CONNECT_SECONDS))
    except (OSError, TimeoutError) as error:
        found = str(error).partition("\n")[0]
        raise InputError(Problem("E591", found, file=workers)) from error


def _versions() -> str:
    return f"bulksend {version('bulksend')}, Polars {version('polars')}"


def _looks_like(room: Path | None, journal: str) -> Likeness:
    """On a worker."""
    there = str(Home.find(Path(), os.environ).journal)
    return Likeness(_versions(), room is None or room.is_dir(), there == journal)


def _compare(found: Mapping[str, Likeness], room: Path | None, home: Home) -> None:
    """Raises InputError (E592) for each worker that is not like this program."""
    here, is_file = _versions(), isinstance(home.journal, Path)
    problems = []
    for worker, one in sorted(found.items()):
        if one.versions != here:
            problems.append(Problem("E592", f"{one.versions} at {worker}", here))
        if not one.has_room:
            what = f"{worker} does not see this folder"
            problems.append(Problem("E592", what, file=str(room)))
        if not one.has_journal and not is_file:
            what = f"another BULKSEND_JOURNAL at {worker}"
            problems.append(Problem("E592", what, str(home.journal)))
    if not found:
        problems.append(Problem("E592", "the cluster has no worker"))
    if problems:
        raise InputError(problems)

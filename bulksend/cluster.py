"""Dask's workers: found or started, and compared with this program.

Workers here are processes of this command, so a terminal, or a supervisor, tells them to
end when it tells us.  They must not hear of it: what they send is drained by us, in order,
and then they are ended.  Nothing is lost by how they are: what they did is in the journal.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import active_children, resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend import aside
from bulksend.crew import in_touch
from bulksend.errors import BulksendError, InputError, Problem, Stopped
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.signals import deaf
from bulksend.whole import not_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONNECT_SECONDS = 10
MOST_HERE = 8
"""Threads of a cluster on this machine: a shard that waits keeps one."""

END_SECONDS = 1.0
_WORKER = "Dask Worker process (from Nanny)"

_OF_DASK = re.compile(r"distributed(\.|$)")
_LOCAL = re.compile(r"local:([1-9]\d?)")
_DISTANT = re.compile(r"(?:dask|tcp)://([^/\s]+:\d+)")


class Likeness(NamedTuple):
    """What must be the same on a worker: versions, the room for work, the journal.

    Args:
        journal: What is wrong with the journal there; empty where it is ours.
    """

    versions: str
    has_room: bool
    journal: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Workers that are there, and like this program.

    Args:
        room: The folder in which a plan is worked out; None where no machine shares one.
    """

    client: Any
    room: Path | None


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
        try:  # entered first, left last: nobody works in a room that is gone
            room = None if home.shared else stack.enter_context(home.workroom())
            scratch = stack.enter_context(home.workroom()) if is_local else None
        except OSError as error:
            raise not_kept(error, home.folder) from error
        stack.enter_context(_quiet())
        if scratch is not None:
            client = _started(workers, home, scratch, stack)
        else:
            client = _found(workers, stack)
            with in_touch():
                likes = client.run(_looks_like, room, _ours(home), on_error="return")
            _compare(likes, room, home)
        with in_touch():
            yield Cluster(client, room)


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask logs of workers that come and go; what it means for a run is said.

    Its configuration gives some of its loggers a level of their own.
    """
    import distributed  # noqa: F401 -- makes them

    names = [one for one in logging.root.manager.loggerDict if _OF_DASK.match(one)]
    before = {one: logging.getLogger(one).level for one in names}
    for one in names:
        logging.getLogger(one).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in before.items():
            logging.getLogger(one).setLevel(level)


def _started(workers: str, home: Home, scratch: Path, stack: ExitStack) -> Any:
    """Workers here; they have this program's environment, and the journal that is meant.

    Dask's guard of memory is off: it kills a worker in mid-message.
    """
    import dask
    from distributed import Client, LocalCluster

    wanted = _LOCAL.fullmatch(workers)
    assert wanted is not None
    count = min(MOST_HERE, int(wanted[1]))
    quiet = "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED"
    said = {quiet: "critical", "temporary-directory": str(scratch)}
    stack.enter_context(dask.config.set(said))
    _begin_tracker()
    with deaf():
        cluster = LocalCluster(
            n_workers=0,  # whom the cluster's own thread starts is deaf, as that is
            threads_per_worker=-(-MOST_HERE // count),
            dashboard_address="127.0.0.1:0",  # none would take Dask's usual port, or warn
            env=_told(home),
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
    stack.callback(_end, cluster)
    cluster.scale(count)
    return stack.enter_context(Client(cluster))


def _begin_tracker() -> None:
    """What keeps multiprocessing's semaphores: silent where a stop leaves some to it.

    Where it is there already it does not open the ears of whoever starts a worker.
    """
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore"
    try:
        with deaf():
            resource_tracker.ensure_running()
    finally:
        del os.environ["PYTHONWARNINGS"]
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before


def _told(home: Home) -> dict[str, str]:
    """The journal, for workers here: Dask would print a task's arguments if it failed."""
    journal = home.journal
    place = str(journal.absolute()) if isinstance(journal, Path) else journal.url
    return {"BULKSEND_JOURNAL": place}


def _end(cluster: Any) -> None:
    """End the workers, whatever they are at, sooner than a stop may take."""
    for nanny in cluster.workers.values():
        nanny.close_gracefully()  # it begins no other in its place
    for child in active_children():
        if child.name == _WORKER:
            child.kill()
    from distributed.core import Status

    with suppress(Exception):  # of its own end nothing depends on what it says
        cluster.close(timeout=END_SECONDS)
    cluster.status = Status.closed  # it has no worker more: nothing to be warned of


def _found(workers: str, stack: ExitStack) -> Any:
    from distributed import Client

    address = _DISTANT.sub(r"tcp://\1", workers)
    try:
        what = aside.run(_who_answers(address))
        if what != "Scheduler":
            found = f"a {what} of Dask's" if what else "what is not Dask's"
            found += " answers there"
            raise InputError(Problem("E591", found, file=workers))
        return stack.enter_context(Client(address, timeout=CONNECT_SECONDS))
    except TimeoutError as error:
        found = f"no answer for {CONNECT_SECONDS:g} s"
        raise Stopped(Problem("E591", found, file=workers)) from error
    except OSError as error:
        found = str(error).partition("\n")[0]
        raise Stopped(Problem("E591", found, file=workers)) from error
    except ImportError as error:
        found = str(error).partition("\n")[0]
        raise InputError(Problem("E591", found, file=workers)) from error


async def _who_answers(address: str) -> str:
    """What Dask calls it; its own client waits for ever where nobody speaks its language.

    Nothing, where somebody else answers.

    Raises:
        OSError: Nobody does.
        TimeoutError: Nobody has yet.
    """
    from distributed.comm.core import CommClosedError
    from distributed.core import rpc

    async with asyncio.timeout(CONNECT_SECONDS):
        try:
            async with rpc(address, timeout=CONNECT_SECONDS) as there:
                return str((await there.identity())["type"])
        except Exception as error:
            is_silent = isinstance(error, OSError | TimeoutError)
            if is_silent and not isinstance(error, CommClosedError):
                raise
            return ""


def versions() -> str:
    return f"bulksend {version('bulksend')}, Polars {version('polars')}"


def strange(home: Home, journal: str, run: str = "") -> str:
    """What is wrong with the journal in use here; empty where it is the one that is meant.

    Only the journal itself can say which it is: one address leads to different ones on
    different machines.

    Args:
        journal: The identity of the one that is meant.

        run: What it must know of: a copy from before that would send it again.

    Raises:
        Stopped: It cannot be read now.
    """
    try:
        with Journal.open(home.journal, read_only=True) as there:
            if there.known_as() != journal:
                return "another journal"
            if run and there.runs.named(run) is None:
                return f"a journal that does not know of {run}"
            return ""
    except Stopped:
        raise
    except BulksendError as error:
        problem = error.problems[0]
        return f"not this journal ({problem.code}: {problem.found})"


def _ours(home: Home) -> str:
    """The journal's identity; empty for a file, which no other machine is asked for."""
    if isinstance(home.journal, Path):
        return ""
    with Journal.open(home.journal) as journal:
        return journal.introduce()


def _looks_like(room: Path | None, journal: str) -> Likeness:
    """On a worker."""
    try:
        found = journal and strange(Home.find(Path(), os.environ), journal)
    except BulksendError as error:
        problem = error.problems[0]
        found = f"no journal ({problem.code}: {problem.found})"
    return Likeness(versions(), room is None or room.is_dir(), found)


def _compare(
    found: Mapping[str, Likeness | Exception], room: Path | None, home: Home
) -> None:
    """Raises InputError (E592) for each worker that is not like this program."""
    here = versions()
    problems = []
    for worker, one in sorted(found.items()):
        if isinstance(one, Exception):  # Dask does not say why
            what = f"no bulksend, or one that cannot say its version, at {worker}"
            problems.append(Problem("E592", what, here))
            continue
        if one.versions != here:
            problems.append(Problem("E592", f"{one.versions} at {worker}", here))
        if not one.has_room:
            what = f"{worker} does not see this folder"
            problems.append(Problem("E592", what, file=str(room)))
        if one.journal:
            what = f"{one.journal} at {worker}"
            problems.append(Problem("E592", what, str(home.journal)))
    if not found:
        problems.append(Problem("E592", "the cluster has no worker"))
    if problems:
        raise InputError(problems)

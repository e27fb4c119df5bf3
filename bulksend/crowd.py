"""A plan's shards on the workers of a Dask cluster: started, watched, stopped together.

A shard is sent as `send --shard` sends it, and what is safe about that is safe here: Dask
runs a task again whose worker died, or runs it twice, and the journal lets each message
out once.  Workers use their own environment: no secret goes through the scheduler.

A plan is always cut into the same number of shards, so that it is the same plan, and
resumes, on however many workers.
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulksend.assignment import Assignment
from bulksend.errors import BulksendError, GateRefused, InputError, Problem, Stopped
from bulksend.home import Home
from bulksend.logs import log
from bulksend.pipeline import Options, send_plan, write_run
from bulksend.planning import plan_campaign
from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.load import Loaded
    from bulksend.dispatch import Sending
    from bulksend.settle.standing import Ended

SHARDS = 8
RETRIES = 3
CONNECT_SECONDS = 10
LOOK_SECONDS = 0.5
"""How soon a worker hears that all shall stop."""

_LOCAL = re.compile(r"local:([1-9]\d?)")


@dataclass(frozen=True, slots=True)
class Said:
    """How a shard ended, as a value that travels: exit code 0 or what stopped it."""

    exit_code: int
    problems: tuple[Problem, ...] = ()


class TryAgain(Exception):  # noqa: N818  (it is what Dask shall do)
    """A shard stopped for something that a later try may find mended."""


def run_on_workers(
    loaded: Loaded,
    workers: str,
    *,
    environment: Mapping[str, str] = os.environ,
    options: Options | None = None,
) -> Ended:
    """Plan a campaign here, and have a cluster's workers send it.

    Args:
        workers: ``dask://HOST:PORT`` of a scheduler, or ``local:N`` for processes here.

    Raises:
        InputError: E590 to E594, where there is no such cluster, or its workers are not
            like this program; and what `plan_campaign` raises.
        GateRefused: A gate said no; nothing was sent by this call.
        Stopped: Shards did not end; run again to resume.
    """
    options = options or Options()
    home = Home.find(loaded.folder, environment, options.journal)
    is_local = _check(workers, home)
    checked = plan_campaign(
        loaded,
        environment=environment,
        journal=options.journal,
        slot=options.slot,
        shards=SHARDS,
    )
    if checked.gates:
        raise GateRefused(checked.gates)
    asked = Assignment(checked.plan, checked.campaign, home, environment, Path())
    asked.check_credentials()
    with ExitStack() as stack:
        client = _client(workers, stack)
        plan = checked.plan.place
        if not is_local:
            _compare(client.run(_looks_like, plan, str(home.journal)), plan, home)
        if not options.confirm(checked):
            raise GateRefused(Problem("E410", "nothing was sent"))
        said = _send_all(client, plan, options.journal if is_local else "")
    problems = dict.fromkeys(problem for one in said for problem in one.problems)
    if any(one.exit_code == 4 for one in said):
        raise Stopped(problems)
    ended = write_run(checked.plan.run, home=home, output=options.results)
    return replace(ended, stopped=GateRefused(problems)) if problems else ended


def _check(workers: str, home: Home) -> bool:
    """Whether the workers are processes here.

    Raises:
        InputError: E590, E593 or E594.
    """
    is_local = _LOCAL.fullmatch(workers) is not None
    if not is_local and not re.fullmatch(r"dask://[^/\s]+:\d+", workers):
        expected = "dask://HOST:PORT, or local:4"
        raise InputError(Problem("E594", f"`{workers}`", expected))
    if not is_local and isinstance(home.journal, Path):
        raise InputError(Problem("E593", f"the journal is {home.journal}"))
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(Problem("E590", str(error))) from error
    return is_local


def _client(workers: str, stack: ExitStack) -> Any:
    from distributed import Client, LocalCluster

    local = _LOCAL.fullmatch(workers)
    if local is not None:
        count = min(SHARDS, int(local[1]))
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=-(-SHARDS // count),
            dashboard_address=None,
        )
        return stack.enter_context(Client(stack.enter_context(cluster)))
    address = workers.replace("dask://", "tcp://")
    try:
        return stack.enter_context(Client(address, timeout=CONNECT_SECONDS))
    except (OSError, TimeoutError) as error:
        found = str(error).partition("\n")[0]
        raise InputError(Problem("E591", found, file=workers)) from error


def _looks_like(plan: str, journal: str) -> tuple[str, bool, bool]:
    """On a worker: its version of bulksend, and whether it has plan and journal."""
    there = str(Home.find(Path(), os.environ).journal)
    return (
        version("bulksend"),
        is_address(plan) or Path(plan).is_file(),
        there == journal,
    )


def _compare(
    found: Mapping[str, tuple[str, bool, bool]], plan: str, home: Home
) -> None:
    """Raises InputError (E592) for each worker that is not like this program."""
    here = version("bulksend")
    problems = []
    for worker, (there, has_plan, has_journal) in sorted(found.items()):
        if there != here:
            problems.append(Problem("E592", f"bulksend {there} at {worker}", here))
        if not has_plan:
            problems.append(Problem("E592", f"no plan at {worker}", file=plan))
        if not has_journal:
            what = f"another BULKSEND_JOURNAL at {worker}"
            problems.append(Problem("E592", what, str(home.journal)))
    if not found:
        problems.append(Problem("E592", "the cluster has no worker"))
    if problems:
        raise InputError(problems)


def _send_all(client: Any, plan: str, journal: str) -> list[Said]:
    """Every shard, until each has ended or was stopped."""
    from distributed import Event, wait

    stop = Event(f"bulksend-stop-{os.urandom(8).hex()}", client=client)
    sent = [
        client.submit(
            send_shard,
            plan,
            shard,
            journal=journal,
            stop=stop.name,
            pure=False,
            retries=RETRIES,
        )
        for shard in range(SHARDS)
    ]
    log.info("shards", count=SHARDS, workers=len(client.nthreads()))
    try:
        wait(sent)
    except KeyboardInterrupt:
        log.info("stopping", code="E631")
        stop.set()
        wait(sent)
    return [_said(future) for future in sent]


def _said(future: Any) -> Said:
    if future.status == "finished":
        said: Said = future.result()
        return said
    error = future.exception()
    found = str(error) if isinstance(error, TryAgain) else type(error).__name__
    return Said(4, (Problem("E595", found),))


def send_shard(plan: str, shard: int, *, journal: str, stop: str) -> Said:
    """On a worker: one shard, as ``bulksend send PLAN --shard K --wait`` sends it.

    Raises:
        TryAgain: It stopped half-way, and not because it was asked to.
    """
    from distributed import Event, get_client

    ordered = Event(stop, client=get_client())
    was_asked = False

    async def heed(sending: Sending) -> None:
        nonlocal was_asked
        while not was_asked:
            was_asked = await asyncio.to_thread(ordered.is_set)
            await asyncio.sleep(LOOK_SECONDS)
        sending.stop()

    options = Options(
        beside=heed, journal=journal, wait=True, shard=shard, as_planned=True
    )
    try:
        ended = send_plan(plan, options=options)
        stopped: BulksendError | None = ended.stopped
    except BulksendError as error:
        stopped = error
    if stopped is None:
        return Said(0)
    if isinstance(stopped, Stopped) and not was_asked:
        raise TryAgain("; ".join(map(_words, stopped.problems)))
    return Said(stopped.exit_code, stopped.problems)


def _words(problem: Problem) -> str:
    return f"{problem.code} {problem.found}"

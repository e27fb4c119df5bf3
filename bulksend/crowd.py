"""A campaign on the workers of a Dask cluster: planned in parts, sent in shards.

A shard is sent as `send --shard` sends it, and what is safe about that is safe here: Dask
runs a task again whose worker died, or runs it twice, and the journal lets each message
out once.  Workers use their own environment: no secret goes through the scheduler.

A plan is always cut into the same number of shards, so that it is the same plan, and
resumes, on however many workers.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulksend.assignment import Assignment
from bulksend.cluster import RETRIES, Cluster, Crew, check, connected
from bulksend.errors import BulksendError, GateRefused, InputError, Problem, Stopped
from bulksend.home import Home
from bulksend.logs import log
from bulksend.pipeline import Options, send_plan, write_run
from bulksend.planning import plan_campaign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.load import Loaded
    from bulksend.dispatch import Sending
    from bulksend.planning import Checked
    from bulksend.settle.standing import Ended

SHARDS = 8
WORTH_BYTES = 32 * 1024 * 1024
"""A smaller list is planned here while the workers come up."""

LOOK_SECONDS = 0.5
"""How soon a worker hears that all shall stop."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a shard ended, as a value that travels: exit code 0 or what stopped it."""

    exit_code: int
    problems: tuple[Problem, ...] = ()


class TryAgain(Exception):  # noqa: N818  (it is what Dask shall do)
    """A shard stopped for something that a later try may find mended."""


def plan_on_workers(
    loaded: Loaded,
    workers: str,
    *,
    environment: Mapping[str, str] = os.environ,
    slot: str = "",
    shards: int = SHARDS,
) -> Checked:
    """`plan_campaign`, worked out by a cluster's workers; it is the same plan.

    Args:
        workers: ``dask://HOST:PORT`` of a scheduler, or ``local:N`` for processes here.

    Raises:
        InputError: E590 to E594, where there is no such cluster, or its workers are not
            like this program; and what `plan_campaign` raises.
        Stopped: E595, a worker did not end its part.
    """
    home = Home.find(loaded.folder, environment)
    with connected(workers, home) as cluster:
        return plan_campaign(
            loaded,
            environment=environment,
            slot=slot,
            shards=shards,
            crew=_crew(cluster),
        )


def _crew(cluster: Cluster, worth_bytes: int = 0) -> Crew | None:
    """None where the machines share no folder: then the plan is made here."""
    room = cluster.room
    return None if room is None else Crew(cluster.client, room, worth_bytes)


def run_on_workers(
    loaded: Loaded,
    workers: str,
    *,
    environment: Mapping[str, str] = os.environ,
    options: Options | None = None,
) -> Ended:
    """Have a cluster's workers plan a campaign, and send it.

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
    if not check(workers) and isinstance(home.journal, Path):
        raise InputError(Problem("E593", f"the journal is {home.journal}"))
    with connected(workers, home) as cluster:
        checked = plan_campaign(
            loaded,
            environment=environment,
            journal=options.journal,
            slot=options.slot,
            shards=SHARDS,
            crew=_crew(cluster, WORTH_BYTES),
        )
        if checked.gates:
            raise GateRefused(checked.gates)
        asked = Assignment(checked.plan, checked.campaign, home, environment, Path())
        asked.check_credentials()
        if not options.confirm(checked):
            raise GateRefused(Problem("E410", "nothing was sent"))
        plan = checked.plan.address or str(checked.plan.path.absolute())
        said = _send_all(cluster.client, plan)
    problems = dict.fromkeys(problem for one in said for problem in one.problems)
    if any(one.exit_code == 4 for one in said):
        raise Stopped(problems)
    ended = write_run(checked.plan.run, home=home, output=options.results)
    return replace(ended, stopped=GateRefused(problems)) if problems else ended


def _send_all(client: Any, plan: str) -> list[Said]:
    """Every shard, until each has ended or was stopped."""
    from distributed import Event, wait

    stop = Event(f"bulksend-stop-{os.urandom(8).hex()}", client=client)
    sent = [
        client.submit(
            send_shard,
            plan,
            shard,
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


def send_shard(plan: str, shard: int, *, stop: str) -> Said:
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

    options = Options(beside=heed, wait=True, shard=shard, as_planned=True)
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

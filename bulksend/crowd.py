"""A campaign on the workers of a Dask cluster: planned in parts, sent in shards.

A shard is sent as `send --shard` sends it, and what is safe about that is safe here: Dask
runs a task again whose worker died, or runs it twice, and the journal lets each message
out once.  Workers use their own environment: no secret goes through the scheduler.

A plan is always cut into the same number of shards, so that it is the same plan, and
resumes, on however many workers.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulksend.cluster import Cluster, check, connected
from bulksend.crew import LOOK_SECONDS, Crew, Hands, in_touch, trouble
from bulksend.dispatch import STOP_SECONDS
from bulksend.errors import BulksendError, GateRefused, InputError, Problem, Stopped
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.logs import log
from bulksend.means import Means, Options
from bulksend.pipeline import run_by, send_plan
from bulksend.planning import plan_campaign
from bulksend.signals import on_ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.assignment import Assignment
    from bulksend.define.load import Loaded
    from bulksend.dispatch import Sending
    from bulksend.journal.records import Run
    from bulksend.planning import Checked
    from bulksend.settle.standing import Ended
    from bulksend.storage.location import Where

SHARDS = 8
WORTH_BYTES = 32 * 1024 * 1024
"""A smaller list is planned here while the workers come up."""

MENDABLE = frozenset({"E510", "E511", "E563", "E600", "E611", "E697", "E698"})
"""What a later try of a shard may find mended; of anything else Dask need not know."""


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
        Stopped: E595, a worker did not end its part; E566, none is left.
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
    if options.only:
        raise InputError(Problem("E140", f"--only {options.only} and --workers"))
    home = Home.find(loaded.folder, environment, options.journal)
    if not check(workers) and isinstance(home.journal, Path):
        raise InputError(Problem("E593", f"the journal is {home.journal}"))
    with connected(workers, home) as cluster:

        def sender(asked: Assignment, options: Options) -> Shards:
            return Shards(cluster.client, asked, options)

        means = Means(_crew(cluster, WORTH_BYTES), SHARDS, sender)
        return run_by(means, loaded, environment, options)


@dataclass(slots=True)
class Shards:
    """A `means.Sender`: all shards of a plan, on a cluster's workers."""

    client: Any
    asked: Assignment
    options: Options
    has_begun: bool = field(default=False, init=False)
    tells_of_the_end: bool = field(default=True, init=False)
    _asked_at: float | None = field(default=None, init=False)

    @property
    def seconds_left(self) -> float:
        if self._asked_at is None:
            return math.inf
        return STOP_SECONDS - (time.monotonic() - self._asked_at)

    def send(self, run: Run) -> BulksendError | None:
        """Until each has ended or was stopped; a signal drains them."""
        if not self.options.wait and (held := self._held_by(run)) is not None:
            return held
        self.has_begun = True
        try:
            with on_ending(self._stop), in_touch():
                said = self._send_all()
        except Stopped as gone:
            return gone
        problems = dict.fromkeys(problem for one in said for problem in one.problems)
        if any(one.exit_code == 4 for one in said):
            return Stopped(problems)
        return GateRefused(problems) if problems else None

    def _held_by(self, run: Run) -> GateRefused | None:
        """Where another run of the campaign is being sent; shards of this one wait."""
        with Journal.open(self.asked.home.journal) as journal:
            now = time.time_ns() // 1_000_000
            owner = journal.leases.holder(run.campaign, now=now)
        if owner is None or owner.run == run.run:
            return None
        what = f"process {owner.pid} on {owner.host} sends {owner.run}"
        return GateRefused(Problem("E610", what))

    def _stop(self) -> None:
        """In a signal handler."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self.options.on_stop()

    def _send_all(self) -> list[Said]:
        from distributed import Event

        stop = Event(f"bulksend-stop-{os.urandom(8).hex()}", client=self.client)
        plan = self.asked.plan.address or str(self.asked.plan.path.absolute())
        hands, parent, is_told = Hands(self.client), os.getppid(), False
        results = self.asked.output if self.options.results else None
        shards = [
            hands.begin(
                send_shard,
                plan,
                shard,
                stop=stop.name,
                results=results,
                until_closed=self.options.until_closed,
            )
            for shard in range(SHARDS)
        ]
        log.info("shards", count=SHARDS, workers=len(self.client.nthreads()))
        while hands.running and self.seconds_left > 0:
            hands.wait()
            if self.options.with_parent and os.getppid() != parent:
                self._stop()
            if self._asked_at is not None and not is_told:
                log.info("stopping", code="E631")
                stop.set()
                is_told = True
        return [_said(future) for future in shards]


def _said(future: Any) -> Said:
    if future.status == "finished":
        said: Said = future.result()
        return said
    if future.status == "pending":
        return _stopped()
    error = future.exception()
    if isinstance(error, TryAgain):
        return Said(4, (Problem("E595", str(error)),))
    return Said(4, (trouble(future),))


def _stopped() -> Said:
    return Said(4, (Problem("E631", "it was asked to stop"),))


class Orders:
    """What a shard's worker is told while it sends.

    It is asked for in a thread of its own, which nobody waits for: a scheduler that is
    gone answers late, or never.
    """

    def __init__(self, stop: str) -> None:
        from distributed import Event, get_client, get_worker

        self._worker = get_worker()
        self._key = self._worker.get_current_task()
        self._event = Event(stop, client=get_client())
        self._ended = threading.Event()
        self.say_stop = bool(self._event.is_set())
        self._is_lost = False
        threading.Thread(target=self._ask, name="bulksend-orders", daemon=True).start()

    @property
    def are_over(self) -> bool:
        """Whether nobody waits for this shard here: the worker closes, or who asked is gone."""
        from distributed.core import Status

        task = self._worker.state.tasks.get(self._key)
        is_wanted = task is not None and task.state != "cancelled"
        closing = (Status.closing, Status.closed, Status.failed)
        return self._is_lost or self._worker.status in closing or not is_wanted

    def end(self) -> None:
        self._ended.set()

    def _ask(self) -> None:
        while not (self._ended.is_set() or self.say_stop):
            try:
                self.say_stop = self._event.is_set()
            except Exception:  # noqa: BLE001  (whatever Dask says when it is gone)
                self._is_lost = True
                return
            self._ended.wait(LOOK_SECONDS)


def send_shard(
    plan: str, shard: int, *, stop: str, results: Where | None, until_closed: bool
) -> Said:
    """On a worker: one shard, as ``bulksend send PLAN --shard K --wait`` sends it.

    Raises:
        TryAgain: It stopped half-way, and not because it was asked to.
    """
    orders = Orders(stop)

    async def heed(sending: Sending) -> None:
        while not (orders.say_stop or orders.are_over):  # noqa: ASYNC110 -- a thread says it
            await asyncio.sleep(LOOK_SECONDS)
        sending.stop()

    options = Options(
        beside=heed,
        wait=True,
        shard=shard,
        as_planned=True,
        results=results,
        until_closed=until_closed,
    )
    try:
        if orders.say_stop:
            return _stopped()
        stopped: BulksendError | None = send_plan(plan, options=options).stopped
    except BulksendError as error:
        stopped = error
    finally:
        orders.end()
    if stopped is None:
        return Said(0)
    is_mendable = any(problem.code in MENDABLE for problem in stopped.problems)
    if not orders.say_stop and (orders.are_over or is_mendable):
        raise TryAgain("; ".join(map(_words, stopped.problems)))
    return Said(stopped.exit_code, stopped.problems)


def _words(problem: Problem) -> str:
    return f"{problem.code} {problem.found}"

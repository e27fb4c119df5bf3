"""A campaign on the workers of a Dask cluster: planned in parts, sent in shards.

A shard is sent as `send --shard` sends it, and what is safe about that is safe here: Dask
runs a task again whose worker died, or runs it twice, and the journal lets each message
out once.  Workers use their own environment: no secret goes through the scheduler.

The plan is the one that `run` makes: what is begun by one process goes on by workers, and
the other way round.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulksend.cluster import Cluster, check, connected, versions
from bulksend.crew import Crew, Hands, in_touch, trouble
from bulksend.errors import (
    BAD_INPUT,
    RESUMABLE,
    BulksendError,
    GateRefused,
    InputError,
    Problem,
    Stopped,
)
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.logs import log
from bulksend.means import Means, Options
from bulksend.on_worker import Errand, Said, TryAgain, send_shard, stopped_before
from bulksend.pipeline import run_by
from bulksend.planning import plan_campaign
from bulksend.prepare.draft import SHARDS
from bulksend.send.clocks import wall_ms
from bulksend.signals import on_ending
from bulksend.underway import STOP_SECONDS, Progress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from bulksend.assignment import Assignment
    from bulksend.define.load import Loaded
    from bulksend.journal.records import Run
    from bulksend.planning import Checked
    from bulksend.settle.standing import Ended
    from bulksend.underway import Underway

WORTH_BYTES = 32 * 1024 * 1024
"""A smaller list is planned here while the workers come up."""


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

        means = Means(_crew(cluster, WORTH_BYTES), sender)
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
    _seen: dict[int, Progress] = field(default_factory=dict, init=False)
    _total: int = field(default=0, init=False)

    @property
    def seconds_left(self) -> float:
        if self._asked_at is None:
            return math.inf
        return STOP_SECONDS - (time.monotonic() - self._asked_at)

    def send(self, run: Run) -> BulksendError | None:
        """Until each has ended or was stopped; a signal drains them."""
        if not self.options.wait and (held := self._held_by(run)) is not None:
            return held
        self.has_begun, self._total = True, run.sendable
        try:
            with on_ending(self._hear), in_touch(), _beside(self.options.beside, self):
                said = self._send_all(run.run)
        except Stopped as gone:
            return gone
        return ending(said)

    def progress(self) -> Progress:
        """Of all shards that were heard of; they wait where each of them does."""
        seen, rate = list(self._seen.values()), self.asked.campaign.send.rate
        under_way = [one for one in seen if one.done < one.total]
        together = Progress(
            total=self._total,
            done=sum(one.done for one in seen),
            refused=sum(one.refused for one in seen),
            unknown=sum(one.unknown for one in seen),
            rate=max((one.rate for one in seen), default=rate.per_second),
        )
        if not under_way or any(one.waits_until is None for one in under_way):
            return together
        first = min(under_way, key=lambda one: one.waits_until or 0)
        return together._replace(
            waits_until=first.waits_until, waits_for=first.waits_for
        )

    def stop(self) -> None:
        """Drain them; also in a signal handler, and from another thread."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()

    def _held_by(self, run: Run) -> GateRefused | None:
        """Where somebody else sends the campaign; shards of the run itself wait."""
        with Journal.open(self.asked.home.journal) as journal:
            now = wall_ms()
            owner = journal.leases.holder(run.campaign, now=now, but=run.id)
        if owner is None:
            return None
        what = f"process {owner.pid} on {owner.host} sends {owner.run}"
        return GateRefused(Problem("E610", what))

    def _hear(self) -> None:
        """In a signal handler."""
        if self._asked_at is None:
            self.stop()
            self.options.on_stop()

    def _send_all(self, run: str) -> list[Said]:
        from distributed import Event, Queue

        mark = os.urandom(8).hex()
        stop = Event(f"bulksend-stop-{mark}", client=self.client)
        queue = None
        if self.options.beside is not None:
            queue = Queue(f"bulksend-told-{mark}", client=self.client)
        hands, parent, is_told = Hands(self.client), os.getppid(), False
        shards = [
            hands.begin(send_shard, errand)
            for errand in self._errands(run, stop.name, queue.name if queue else "")
        ]
        log.info("shards", count=len(shards), workers=len(self.client.nthreads()))
        while hands.running and self.seconds_left > 0:
            hands.wait()
            for shard, seen in queue.get(batch=True) if queue else ():
                self._seen[shard] = Progress(*seen)
            if self.options.with_parent and os.getppid() != parent:
                self.stop()
            if self._asked_at is not None and not is_told:
                log.info("stopping", code="E631")
                stop.set()
                is_told = True
        if queue:
            queue.close()
        return [_said(future) for future in shards]

    def _errands(self, run: str, stop: str, told: str) -> Iterator[Errand]:
        plan = self.asked.plan.address or str(self.asked.plan.path.absolute())
        results = self.asked.output if self.options.results else None
        with Journal.open(self.asked.home.journal) as journal:
            identity = journal.introduce()
        errand = Errand(
            plan,
            0,
            stop,
            told,
            run=run,
            journal=identity,
            versions=versions(),
            begun=self.asked.begun or wall_ms(),
            results=results,
            until_closed=self.options.until_closed,
        )
        for shard in range(self.asked.plan.shards):
            yield replace(errand, shard=shard)


def ending(said: Sequence[Said]) -> BulksendError | None:
    """What stopped all of them together; what no shard began with is wrong for all."""
    problems = dict.fromkeys(problem for one in said for problem in one.problems)
    if not problems:
        return None
    codes = {one.exit_code for one in said}
    if RESUMABLE in codes:
        return Stopped(problems)
    return InputError(problems) if codes == {BAD_INPUT} else GateRefused(problems)


def _said(future: Any) -> Said:
    if future.status == "finished":
        said: Said = future.result()
        return said
    if future.status == "pending":
        return stopped_before()
    error = future.exception()
    if isinstance(error, TryAgain):
        return Said(4, (Problem("E595", str(error)),))
    return Said(4, (trouble(future),))


@contextmanager
def _beside(
    companion: Callable[[Underway], Awaitable[None]] | None, shards: Shards
) -> Iterator[None]:
    """A thread with a loop for who looks on; this one waits for Dask."""
    if companion is None:
        yield
        return
    over = threading.Event()
    looking = _look_on(companion(shards), over)
    thread = threading.Thread(
        target=lambda: asyncio.run(looking), name="bulksend-beside"
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _look_on(companion: Awaitable[None], over: threading.Event) -> None:
    looking = asyncio.ensure_future(companion)
    await asyncio.to_thread(over.wait)
    looking.cancel()
    await asyncio.wait([looking])
    if not looking.cancelled() and (error := looking.exception()):
        log.warning("display failed", error=type(error).__name__)

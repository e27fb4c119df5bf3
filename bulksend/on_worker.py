"""A shard on a worker of Dask's: it is told to stop, and tells how far it is.

What its task returns is a value that travels; what a later try may mend is raised, for
Dask to try again.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bulksend.cluster import strange, versions
from bulksend.crew import LOOK_SECONDS
from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.home import Home
from bulksend.means import Options
from bulksend.pipeline import send_plan
from bulksend.planning import folder_of, load_plan

if TYPE_CHECKING:
    from bulksend.storage.location import Where
    from bulksend.underway import Progress, Underway

TELL_SECONDS = 1.0

_FIX = (
    "End that worker, or give it the same bulksend and BULKSEND_JOURNAL, then run it "
    "again: it resumes, and sends nobody twice. That worker begins nothing."
)

MENDABLE = frozenset({"E502", "E510", "E511", "E563", "E600", "E611", "E697", "E698"})
"""What a later try of a shard may find mended; of anything else Dask need not know.

Dask waits for nothing between tries: not E512, which is left to whoever runs it again.
"""


@dataclass(frozen=True, slots=True)
class Errand:
    """One shard of a plan, as it is handed out.

    Args:
        stop: Dask's event that says when to stop.

        told: Dask's queue for how far it is; empty where nobody looks.

        run: Known to the journal before this is handed out.

        journal: Its identity.

        versions: Of who hands it out.

        begun: When the run was begun or gone on with, in milliseconds since 1970.
    """

    plan: str
    shard: int
    stop: str
    told: str
    run: str
    journal: str
    versions: str
    begun: int
    results: Where | None
    until_closed: bool


@dataclass(frozen=True, slots=True)
class Said:
    """How a shard ended: exit code 0 or what stopped it."""

    exit_code: int
    problems: tuple[Problem, ...] = ()


class TryAgain(Exception):  # noqa: N818  (it is what Dask shall do)
    """A shard stopped for something that a later try may find mended."""


def send_shard(errand: Errand) -> Said:
    """One shard, as ``bulksend send PLAN --shard K --wait`` sends it.

    Raises:
        TryAgain: It stopped half-way, and not because it was asked to.
    """
    orders = Orders(errand)

    async def heed(sending: Underway) -> None:
        while not (orders.say_stop or orders.are_over):
            orders.progress = sending.progress()
            await asyncio.sleep(LOOK_SECONDS)
        sending.stop()

    options = Options(
        beside=heed,
        wait=True,
        shard=errand.shard,
        as_planned=True,
        begun=errand.begun,
        results=errand.results,
        until_closed=errand.until_closed,
    )
    try:
        if orders.say_stop:
            return stopped_before()
        refuse_strange(errand, orders.worker)
        stopped: BulksendError | None = send_plan(errand.plan, options=options).stopped
    except BulksendError as error:
        stopped = error
    finally:
        orders.end()
    if stopped is None:
        return Said(0)
    if not orders.say_stop and (orders.are_over or _is_mendable(stopped)):
        raise TryAgain("; ".join(map(_words, stopped.problems)))
    return Said(stopped.exit_code, stopped.problems)


def refuse_strange(errand: Errand, worker: str) -> None:
    """Before anything is begun: workers come and go while a run is sent.

    By another journal, or a copy of this one from before, all would be sent again.

    Raises:
        Stopped: E592; others have sent, and may go on.
    """
    if versions() != errand.versions:
        what = f"{versions()} at {worker}"
        raise Stopped(Problem("E592", what, errand.versions, fix=_FIX))
    home = Home.find(folder_of(load_plan(errand.plan)), os.environ)
    if found := strange(home, errand.journal, errand.run):
        raise Stopped(Problem("E592", f"{found} at {worker}", fix=_FIX))


def _is_mendable(stopped: BulksendError) -> bool:
    """E601 is, where another was in the way; not, where the journal is damaged."""
    codes = {problem.code for problem in stopped.problems}
    in_the_way = isinstance(stopped, Stopped) and "E601" in codes
    return in_the_way or not codes.isdisjoint(MENDABLE)


def stopped_before() -> Said:
    """Of a shard that was not begun any more."""
    return Said(4, (Problem("E631", "it was asked to stop"),))


class Orders:
    """What a shard's worker is told while it sends, and what it tells.

    Both by a thread of its own, which nobody waits for: a scheduler that is gone answers
    late, or never.
    """

    def __init__(self, errand: Errand) -> None:
        from distributed import Event, Queue, get_client, get_worker

        self._worker, client = get_worker(), get_client()
        self.worker = str(self._worker.address)
        self._key = self._worker.get_current_task()
        self._event = Event(errand.stop, client=client)
        self._queue = Queue(errand.told, client=client) if errand.told else None
        self._shard = errand.shard
        self._ended = threading.Event()
        self.progress: Progress | None = None
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
        known, at = None, 0.0
        while not (self._ended.is_set() or self.say_stop):
            try:
                self.say_stop = self._event.is_set()
                seen, now = self.progress, time.monotonic()
                if self._queue and seen != known and now - at >= TELL_SECONDS:
                    self._queue.put((self._shard, tuple(seen or ())))
                    known, at = seen, now
            except Exception:  # noqa: BLE001  (whatever Dask says when it is gone)
                self._is_lost = True
                return
            self._ended.wait(LOOK_SECONDS)


def _words(problem: Problem) -> str:
    return f"{problem.code} {problem.found}"

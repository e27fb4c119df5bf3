"""How a run ends that was sent: its results are written, and who wants to know is told.

Messages have gone out by then.  So what goes wrong here is said as what stopped the run:
it is resumed, not corrected.  And who was told to stop has a few seconds: results that
take longer are left for later, and the command that writes them is named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.errors import BulksendError, Problem, Stopped, counted
from bulksend.journal.selections import SELECTIONS
from bulksend.journal.store import Journal
from bulksend.logs import log
from bulksend.send.clocks import wall_ms
from bulksend.settle.hurry import OutOfTime
from bulksend.settle.notice import LIMIT_SECONDS, tell
from bulksend.settle.parts import Parts
from bulksend.settle.placing import place_part, place_results
from bulksend.settle.results import Reading, results
from bulksend.settle.standing import Ended, standing, standing_of

if TYPE_CHECKING:
    from bulksend.assignment import Assignment
    from bulksend.journal.records import Run
    from bulksend.means import Sender
    from bulksend.settle.hurry import Hurry

LEAST_SECONDS = 0.3
"""To tell of a run that was stopped, however little time is left."""


def finish_sent(
    asked: Assignment, run: Run, stopped: BulksendError | None, sender: Sender
) -> Ended:
    """Write the results of a run that *sender* has just sent, and tell of its end.

    Raises:
        BulksendError: What kept the results from being written, with what stopped it.
    """
    try:
        ended = finish(asked, run, stopped, sender)
    except BulksendError as error:
        kind = Stopped if stopped is None else type(stopped)
        raise kind((*getattr(stopped, "problems", ()), *error.problems)) from error
    except KeyboardInterrupt:
        if stopped is None:
            raise
        ended = _broken_off(asked, run, stopped)
    except OutOfTime:
        ended = _broken_off(asked, run, stopped or Stopped(()))
    is_told = sender.tells_of_the_end and ended.is_over
    if asked.shard is None and not is_told:
        _tell(asked, ended, sender)
    return ended


def finish(
    asked: Assignment,
    run: Run,
    stopped: BulksendError | None,
    hurry: Hurry | None = None,
) -> Ended:
    """Write the results, and say how the run stands.

    A shard writes its own part at most: the others may be at work.  Whichever ends last
    ends the run, and tells of it.
    """
    with Journal.open(asked.home.journal) as journal:
        if asked.shard is not None:
            whole = standing(journal, run)
            if whole.is_over and journal.runs.end(run.id, now=wall_ms()):
                _tell(asked, whole, hurry)
            ended = standing(journal, asked.own(run), asked.part)
            if ended.is_over:
                _place_part(asked, journal, run, hurry)
        else:
            journal.runs.set_results(run.id, str(asked.output))
            reading = Reading(hurry)
            frame = results(asked.plan, journal, run, reading=reading)
            place_results(frame, asked.output, asked.home, run=run.run, hurry=hurry)
            ended = replace(standing_of(run, reading.counts), results=str(asked.output))
            if ended.is_over or journal.orders.is_aborted(run.id):
                journal.runs.finish(run.id, now=wall_ms())
    if ended.left and stopped is None:
        stopped = Stopped(_left(ended.left, asked.only))
    return replace(ended, stopped=stopped)


def _left(count: int, only: str) -> Problem:
    """Why messages are left although nothing stopped the run."""
    if SELECTIONS.get(only) is not None:
        some = counted(count, "message is", "messages are")
        return Problem("E526", f"{some} still to be sent, and --only {only} sends none")
    some = counted(count, "message was", "messages were")
    return Problem("E511", f"{some} not taken, however often tried")


def _place_part(
    asked: Assignment, journal: Journal, run: Run, hurry: Hurry | None
) -> None:
    """Put the part of a shard that has ended, where the results are a folder of them."""
    folder = asked.output
    if isinstance(folder, Path) or not folder.is_folder or asked.shard is None:
        return
    parts = Parts(folder, run.run, asked.home.objects)
    between = asked.part.first, asked.part.last
    frame = results(asked.plan, journal, run, between=between, reading=Reading(hurry))
    of = asked.plan.shards
    if not place_part(frame, parts, asked.home, shard=asked.shard, of=of):
        frame = results(asked.plan, journal, run, reading=Reading(hurry))
        place_results(frame, folder, asked.home, run=run.run)


def _broken_off(asked: Assignment, run: Run, stopped: BulksendError) -> Ended:
    """How a stopped run stands whose results take longer than a stop may."""
    what = f"they have {run.rows:,} rows, and it was told to end"
    late = Problem("E628", what, fix=f"`bulksend results {run.run}` writes them.")
    with Journal.open(asked.home.journal) as journal:
        ended = standing(journal, asked.own(run), asked.part)
    return replace(ended, results="", stopped=type(stopped)((*stopped.problems, late)))


def _tell(asked: Assignment, ended: Ended, hurry: Hurry | None) -> None:
    """Of a run that ended just now; where it was stopped, in the time that is left."""
    notify = asked.campaign.notify
    if notify is None:
        return
    said = {"campaign": asked.campaign.name, "provider": asked.campaign.provider}
    folder = Path(asked.plan.about["folder"])
    try:
        left = LIMIT_SECONDS if hurry is None else hurry.seconds_left
        limit = min(LIMIT_SECONDS, max(left, LEAST_SECONDS))
        problems = tell(notify, ended, said, folder=folder, limit=limit)
    except KeyboardInterrupt:  # a stop is not kept waiting
        log.warning("notice failed", problem="it was told to end")
        return
    for problem in problems:
        log.warning("notice failed", problem=str(problem))

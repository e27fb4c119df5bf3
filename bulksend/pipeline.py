"""The whole program on one page: a campaign file in, texts out, a results file back.

    load_campaign    the campaign file as values             define
    plan_campaign    lists and template, frozen, counted     prepare
    send_plan        each message once, at the rate          journal, send
    run_campaign     both, with a question in between
    write_run        plan and journal to the results file    settle
    list_runs        how every run stands

Everything here can be done again.  A plan is found by its hash, a run by its plan, and a
row that was sent is not sent a second time.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend.assignment import Assignment
from bulksend.define.slots import last_slot
from bulksend.errors import BulksendError, GateRefused, Problem, Stopped, counted
from bulksend.home import Home
from bulksend.journal.selections import SELECTIONS
from bulksend.journal.store import Journal
from bulksend.logs import log
from bulksend.means import Here, Means, Options
from bulksend.planning import (
    Checked,
    campaign_of,
    checked_plan,
    folder_of,
    load_plan,
    loaded_campaign,
    plan_campaign,
)
from bulksend.prepare.freshness import changed_inputs
from bulksend.settle.arms import arms
from bulksend.settle.finding import find_run, plan_of
from bulksend.settle.hurry import OutOfTime
from bulksend.settle.notice import LIMIT_SECONDS, tell, whom_to_tell
from bulksend.settle.parts import Parts
from bulksend.settle.placing import check_place, place_part, place_results
from bulksend.settle.results import Reading, results
from bulksend.settle.standing import Ended, standing, standing_of, state
from bulksend.storage.location import is_address, where

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.campaign import Campaign
    from bulksend.define.load import Loaded
    from bulksend.define.slots import ScheduledFor
    from bulksend.journal.records import Run
    from bulksend.means import Sender
    from bulksend.prepare.plan import Plan
    from bulksend.settle.arms import Arm
    from bulksend.settle.hurry import Hurry
    from bulksend.storage.location import Where


LEAST_SECONDS = 0.3
"""To tell of a run that was stopped, however little time is left."""


def run_campaign(
    campaign: str | Where | Loaded,
    *,
    environment: Mapping[str, str] = os.environ,
    options: Options | None = None,
) -> Ended:
    """Plan a campaign and send it; run again, it resumes and sends nobody twice.

    SIGINT, SIGTERM and SIGHUP drain: what is on the wire ends, nothing new is sent.

    Raises:
        InputError: The input is wrong; nothing was sent.
        GateRefused: A gate said no; nothing was sent by this call.
    """
    loaded = loaded_campaign(campaign, environment)
    return run_by(Means(), loaded, environment, options or Options())


def run_by(
    means: Means, loaded: Loaded, environment: Mapping[str, str], options: Options
) -> Ended:
    """`run_campaign`, by these means."""
    due = None if options.slot else options.due or _due(loaded.campaign)
    slot = options.slot or (due.name if due else "")
    checked = plan_campaign(
        loaded,
        environment=environment,
        journal=options.journal,
        slot=slot,
        crew=means.crew,
    )
    asked = _assignment(checked, loaded.folder, environment, options)
    if due and due.until < _clock() and asked.known_run(replan=True) is None:
        raise GateRefused(
            Problem("E422", f"slot {due.name} ended {due.until:%H:%M %Z}")
        )
    return _send(asked, checked, options, sender=means.sender(asked, options))


def _due(campaign: Campaign) -> ScheduledFor | None:
    """The slot of a recurring campaign that is due now.

    Raises:
        GateRefused: E422, where it has never been due yet.
    """
    if campaign.schedule is None:
        return None
    found = last_slot(campaign.schedule, _clock())
    if found is None:
        raise GateRefused(Problem("E422", "it was never due yet"))
    return found


def send_plan(
    plan: str | Where,
    *,
    environment: Mapping[str, str] = os.environ,
    options: Options | None = None,
) -> Ended:
    """Send a plan as it stands, with the pace and the provider it was made with.

    What was begun is finished as it was planned; what was not begun is stale once a list
    or the text has changed.  Suppression lists are read as they are when the sending
    starts, also those that the campaign file names by then: whoever is on one gets nothing.

    Raises:
        InputError: It is not a plan, or was changed; nothing was sent.
        GateRefused: A gate said no (E626: it is stale); nothing was sent by this call.
    """
    options = options or Options()
    opened = load_plan(plan, environment=environment, journal=options.journal)
    notify = whom_to_tell(opened, environment)
    campaign = campaign_of(opened).model_copy(update={"notify": notify})
    folder = folder_of(opened)
    home = Home.find(folder, environment, options.journal)
    checked = checked_plan(opened, campaign, home, ())
    asked = _assignment(checked, folder, environment, options)
    sender = Here(asked, options)
    return _send(asked, checked, options, sender=sender, is_fresh=options.as_planned)


def _assignment(
    checked: Checked, folder: Path, environment: Mapping[str, str], options: Options
) -> Assignment:
    output = options.results or _output(checked.plan, checked.campaign, folder)
    return Assignment(
        checked.plan,
        checked.campaign,
        Home.find(folder, environment, options.journal),
        environment,
        output.absolute(),
        only=options.only,
        wait=options.wait,
        until_closed=options.until_closed,
        parent=os.getppid() if options.with_parent else None,
        shard=options.shard,
        begun=options.begun,
    )


def _output(plan: Plan, campaign: Campaign, folder: Path) -> Where:
    """Where the results go; each slot of a schedule has a file of its own."""
    said = campaign.results
    path = said.replace("{run}", plan.run).replace("{slot}", plan.slot)
    named = where(path) if is_address(path) else folder / path
    if campaign.schedule is not None and plan.slot and path == said:
        named = named.with_name(f"{named.stem}-{plan.slot}{named.suffix}")
    return named


def _send(
    asked: Assignment,
    checked: Checked,
    options: Options,
    *,
    sender: Sender,
    is_fresh: bool = True,
) -> Ended:
    run = asked.known_run(replan=options.replan)
    if not is_fresh and run is None:
        stale = changed_inputs(asked.plan, asked.campaign, asked.home.spool())
        checked = replace(checked, gates=(*checked.gates, *stale))
    if options.only:
        checked = replace(checked, chosen=asked.chosen(run))
    if run is not None and run.finished_at is not None and not options.only:
        return _finish(asked, run, None)
    _pass_gates(asked, checked, run, options)
    run = run or asked.begin_run(now=_now())
    stopped = sender.send(run)
    if stopped is not None and not sender.has_begun:
        raise stopped  # it never began: the results may be another sender's
    try:
        ended = _finish(asked, run, stopped, sender)
    except (
        BulksendError
    ) as error:  # messages have gone out: it is resumed, not corrected
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


def _pass_gates(
    asked: Assignment, checked: Checked, run: Run | None, options: Options
) -> None:
    """Raises GateRefused or InputError where anything speaks against sending now."""
    if checked.gates:
        raise GateRefused(checked.gates)
    asked.check_deadline(run, now=_now())
    asked.check_credentials(run)
    if not options.confirm(checked):
        raise GateRefused(Problem("E410", "nothing was sent"))


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


def _finish(
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
            if whole.is_over and journal.end_run(run.id, now=_now()):
                _tell(asked, whole, hurry)
            ended = standing(journal, asked.own(run), asked.part)
            if ended.is_over:
                _place_part(asked, journal, run, hurry)
        else:
            journal.set_results(run.id, str(asked.output))
            reading = Reading(hurry)
            frame = results(asked.plan, journal, run, reading=reading)
            place_results(frame, asked.output, asked.home, run=run.run, hurry=hurry)
            ended = replace(standing_of(run, reading.counts), results=str(asked.output))
            if ended.is_over or journal.orders.is_aborted(run.id):
                journal.finish_run(run.id, now=_now())
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


def write_run(
    run: str,
    *,
    home: Home,
    output: Where | None = None,
    for_spreadsheet: bool = False,
) -> Ended:
    """Write the results of a run again, as plan and journal have it now.

    Args:
        for_spreadsheet: Make a CSV safe to open in a spreadsheet (see `settle.files`).

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        place = output or where(known.results)
        plan = plan_of(known, home)
        is_ours = str(place) == known.results
        check_place(place, home, run=known.run, is_ours=is_ours)
        reading = Reading()
        place_results(
            results(plan, journal, known, reading=reading),
            place,
            home,
            run=known.run,
            for_spreadsheet=for_spreadsheet,
        )
        return replace(standing_of(known, reading.counts), results=str(place))


def run_arms(run: str, *, home: Home) -> list[Arm]:
    """What became of each arm of a run's experiment; none where it has no experiment.

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        return arms(plan_of(known, home), journal, known)


def list_runs(home: Home) -> list[Ended]:
    """How every run stands, newest first, and who sends it now."""
    if not home.journal.exists():
        return []
    with Journal.open_as_it_is(home.journal) as journal:
        return [
            replace(standing(journal, run), state=state(journal, run, now=_now()))
            for run in journal.runs()
        ]


def _clock() -> datetime:
    return datetime.now(UTC)


def _now() -> int:
    return time.time_ns() // 1_000_000

"""The whole program on one page: a campaign file in, texts out, a results file back.

    plan_campaign    file, lists and template: frozen, counted    (planning) define, prepare
    send_plan        each message once, at the rate               (dispatch) journal, send
    run_campaign     both, with a question in between
    write_run        plan and journal to the results file         settle
    run_arms         what became of each arm of an experiment
    list_runs        how every run stands

Everything here can be done again.  A plan is found by its hash, a run by its plan, and a
row that was sent is not sent a second time.

Who sends is a `means.Sender`.  As a rule it is this process: `dispatch` signs in, takes the
campaign's lease, and runs a `send.engine` over what is left of the plan.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bulksend.assignment import Assignment
from bulksend.define.slots import why_not_now
from bulksend.errors import GateRefused, InputError, Problem
from bulksend.finishing import finish, finish_sent
from bulksend.home import Home
from bulksend.journal.store import Journal
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
from bulksend.send.clocks import wall_ms
from bulksend.settle.arms import arms
from bulksend.settle.copies import is_at, is_copy
from bulksend.settle.finding import find_run, whole_plan_of
from bulksend.settle.notice import whom_to_tell
from bulksend.settle.placing import check_place, place_results
from bulksend.settle.results import Reading, results
from bulksend.settle.standing import Ended, sender_of, standing, standing_of, state
from bulksend.storage.location import is_address, where
from bulksend.turns import due_turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bulksend.define.campaign import Campaign
    from bulksend.define.load import Loaded
    from bulksend.journal.records import Run
    from bulksend.means import Sender
    from bulksend.prepare.plan import Plan
    from bulksend.settle.arms import Arm
    from bulksend.storage.location import Where


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
    """`run_campaign`, with these *means*: who makes the plan, and who sends it."""
    due = None
    if not options.slot:
        due = options.due or due_turn(loaded.campaign, datetime.now(UTC))
    checked = plan_campaign(
        loaded,
        environment=environment,
        journal=options.journal,
        slot=options.slot,
        due=due,
        crew=means.crew,
    )
    asked = _assignment(checked, loaded.folder, environment, options)
    return _send(asked, checked, options, sender=means.sender(asked, options))


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
    With ``options.only`` it goes on with a run of the plan, whatever changed since.

    Of a campaign with a `schedule` it begins the slot that the plan is for, while that
    may be begun; or at any time where ``options.slot`` names it.

    Raises:
        InputError: It is not a plan, or was changed, or is of another slot (E416), or rows
            are chosen of a single shard (E140); nothing was sent.
        GateRefused: A gate said no (E626: it is stale; E415, E417 or E422: its slot);
            nothing was sent by this call.
    """
    options = options or Options()
    if options.only and options.shard is not None:
        both = f"--only {options.only} and --shard {options.shard}"
        raise InputError(Problem("E140", both))
    opened = load_plan(plan, environment=environment, journal=options.journal)
    if options.slot not in ("", opened.slot):
        of = f"it is of slot {opened.slot}" if opened.slot else "it is of no slot"
        raise InputError(Problem("E416", of, options.slot, file=opened.place))
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
    is_whole = options.shard is None  # who sends a part may try again on another day
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
        begun=options.begun or (wall_ms() if is_whole else None),
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
    """Find or begin the plan's run, have it sent, and finish it.

    Args:
        is_fresh: Whether the lists are as the plan has them, or nobody minds.
    """
    run = asked.known_run(replan=options.replan)
    if not is_fresh and run is None:
        stale = changed_inputs(asked.plan, asked.campaign, asked.home.spool())
        checked = replace(checked, gates=(*checked.gates, *stale))
    if options.only and run is not None:
        notices = (*checked.notices, *asked.left_out(run))
        checked = replace(checked, chosen=asked.chosen(run), notices=notices)
    if run is not None and run.finished_at is not None and not options.only:
        asked.check_plan(run)
        return replace(finish(asked, run, None), was_over=True)
    _pass_gates(asked, checked, run, options)
    run = run or asked.begin_run(now=wall_ms())
    stopped = sender.send(run)
    if stopped is not None and not sender.has_begun:
        raise stopped  # it never began: the results may be another sender's
    ended = finish_sent(asked, run, stopped, sender)
    return replace(ended, notices=checked.notices)


def _pass_gates(
    asked: Assignment, checked: Checked, run: Run | None, options: Options
) -> None:
    """Raises GateRefused or InputError where anything speaks against sending now."""
    if checked.gates:
        raise GateRefused(checked.gates)
    if run is None and not options.slot:
        _keep_to_schedule(asked.plan, asked.campaign)
    asked.check_deadline(run, now=wall_ms())
    asked.check_credentials(run)
    if not options.confirm(checked):
        raise GateRefused(Problem("E410", "nothing was sent"))


def _keep_to_schedule(plan: Plan, campaign: Campaign) -> None:
    """Raises GateRefused (E415, E417 or E422) where its slot may not be begun now."""
    if campaign.schedule is None or plan.kind != "send":
        return
    said = why_not_now(campaign.schedule, plan.slot, datetime.now(UTC))
    if said is not None:
        raise GateRefused(said)


def write_run(
    run: str,
    *,
    home: Home,
    output: Where | None = None,
    for_spreadsheet: bool = False,
) -> Ended:
    """Write the results of a run again, as plan and journal have it now.

    Args:
        output: Where else than where the run's own are: a copy, which may be written
            again (see `settle.copies`).

        for_spreadsheet: Make a CSV safe to open in a spreadsheet (see `settle.files`).

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone; E623,
            where that was changed; E624, where something else stands there.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        place = output or where(known.results)
        plan = whole_plan_of(known, home)
        reading = Reading()
        frame = results(plan, journal, known, reading=reading)
        names = frame.collect_schema().names()
        is_ours = is_at(place, known.results) or is_copy(place, names, plan.mark)
        check_place(place, home, run=known.run, is_ours=is_ours)
        place_results(
            frame,
            place,
            home,
            run=known.run,
            for_spreadsheet=for_spreadsheet,
        )
        is_held = sender_of(journal, known, now=wall_ms()) is not None
        ended = standing_of(known, reading.counts, is_held=is_held)
        return replace(ended, results=str(place))


def run_arms(run: str, *, home: Home) -> list[Arm]:
    """What became of each arm of a run's experiment; none where it has no experiment.

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone; E623,
            where that was changed.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        return arms(whole_plan_of(known, home), journal, known)


def list_runs(home: Home) -> list[Ended]:
    """How every run stands, newest first, and who sends it now.

    Raises:
        InputError: E603, where the journal of what was sent from here is not there.
    """
    home.refuse_lost_journal()
    if not home.journal.exists():
        return []
    with Journal.open_as_it_is(home.journal) as journal:
        now = wall_ms()
        return [
            replace(standing(journal, run, now=now), state=state(journal, run, now=now))
            for run in journal.runs.all()
        ]

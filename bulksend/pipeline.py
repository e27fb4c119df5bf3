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

import asyncio
import os
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bulksend.define.campaign import Campaign, Schedule
from bulksend.define.document import clipped
from bulksend.define.load import load
from bulksend.define.slots import last_slot, next_slots
from bulksend.define.timetable import FORMS, Job
from bulksend.dispatch import Sending
from bulksend.errors import (
    BulksendError,
    GateRefused,
    InputError,
    Problem,
    Stopped,
)
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.logs import log
from bulksend.loop import run_sending
from bulksend.prepare.advice import Advice, advise
from bulksend.prepare.changes import Changes, changes, earlier_plan
from bulksend.prepare.draft import draft
from bulksend.prepare.freshness import changed_inputs
from bulksend.prepare.gates import closed_gates
from bulksend.prepare.outlook import Outlook, outlook
from bulksend.prepare.plan import Plan, run_name, write
from bulksend.prepare.rejects import Rejects, write_rejects
from bulksend.prepare.summary import Summary, summarise
from bulksend.runs import already, has_begun
from bulksend.send.bandwidth import Client
from bulksend.send.signin import Credentials
from bulksend.settle.arms import arms
from bulksend.settle.files import check_output, write_results
from bulksend.settle.finding import find_run, plan_of
from bulksend.settle.notice import tell
from bulksend.settle.results import results
from bulksend.settle.standing import Ended, standing, state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from bulksend.define.load import Loaded
    from bulksend.define.slots import ScheduledFor
    from bulksend.journal.records import Run
    from bulksend.settle.arms import Arm


SLOT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan, what it amounts to, what to know, and what stands against sending it.

    Args:
        already: Messages of it that are done, or that people have from an earlier run.
    """

    plan: Plan
    campaign: Campaign
    summary: Summary
    notices: tuple[Problem, ...]
    gates: tuple[Problem, ...]
    already: int = 0

    @property
    def left(self) -> int:
        """Messages that would go out now."""
        return self.summary.sendable - self.already


@dataclass(frozen=True, slots=True)
class Closer:
    """A closer look at a plan: advice, forecast, changes, rejected rows."""

    advice: Advice
    outlook: Outlook
    changes: Changes | None
    rejects: Rejects


@dataclass(frozen=True, slots=True)
class Options:
    """How a run may be steered from outside; the defaults are what is usually meant.

    Args:
        confirm: Asked with the counts before anything is sent; False refuses.

        beside: A coroutine that runs while sending, such as a progress display.

        results: Where the results go instead of where the campaign says.

        replan: Start a new run although an unfinished one has other input.

        slot: Which of a recurring campaign's sends this is, such as its date.

        only: Which rows of a run that is there: ``not_sent`` or ``failed``.

        wait: Wait for another sender of the campaign, instead of refusing.

        until_closed: Stop when nobody may be texted at this hour, instead of waiting.

        with_parent: Stop when the process that started this one ends.

        shard: Which part of the plan, from 0; None is all of it.

        as_planned: Send a plan although a list changed since it was made.
    """

    confirm: Callable[[Checked], bool] = lambda _: True
    beside: Callable[[Sending], Awaitable[None]] | None = None
    results: Path | None = None
    replan: bool = False
    journal: str = ""
    slot: str = ""
    only: str = ""
    wait: bool = False
    until_closed: bool = False
    with_parent: bool = False
    shard: int | None = None
    as_planned: bool = False


def load_campaign(
    path: str | Path, *, environment: Mapping[str, str] = os.environ
) -> Loaded:
    """The campaign file as values.

    Raises:
        InputError: With every problem of the file.
    """
    return load(Path(path), environment)


def plan_campaign(
    campaign: str | Path | Loaded,
    *,
    environment: Mapping[str, str] = os.environ,
    journal: str = "",
    slot: str = "",
    shards: int = 1,
) -> Checked:
    """Freeze a campaign and its lists into a plan; nothing is sent.

    An equal plan that is already there is used again.

    Args:
        slot: Which of a recurring campaign's sends this is, such as its date.

        shards: Into how many parts it is cut, for as many senders.

    Raises:
        InputError: With every problem of the file, the lists or the templates; E411,
            where the slot cannot be part of a name.
    """
    if slot and not SLOT.fullmatch(slot):
        raise InputError(Problem("E411", f"`{clipped(slot)}`"))
    loaded = _loaded(campaign, environment)
    home = Home.find(loaded.folder, environment, journal)
    with draft(
        loaded, version=version("bulksend"), slot=slot, shards=shards
    ) as drafted:
        name = run_name(loaded.campaign.name, drafted.about["hash"], slot)
        path = home.plan_path(name)
        if path.exists():
            plan = Plan.open(path)
        else:
            about = drafted.about | {"folder": str(loaded.folder.absolute())}
            plan = write(drafted.frame, path, about, hold=drafted.source.hold)
        return _checked(plan, loaded.campaign, home, drafted.notices)


def look_closer(checked: Checked, campaign: Campaign, rejects: Path) -> Closer:
    """What `check` shows beyond the counts; writes the rejected rows to *rejects*.

    Raises:
        InputError: E621, where the rejects cannot be written.
    """
    plan = checked.plan
    before = earlier_plan(plan)
    winners = plan.winners()
    return Closer(
        advice=advise(plan, campaign, winners=winners),
        outlook=outlook(plan, campaign, now=_now()),
        changes=changes(before, plan) if before else None,
        rejects=write_rejects(plan, rejects, winners=winners),
    )


def run_campaign(
    campaign: str | Path | Loaded,
    *,
    environment: Mapping[str, str] = os.environ,
    options: Options | None = None,
) -> Ended:
    """Plan a campaign and send it; run again, it resumes and sends nobody twice.

    SIGINT and SIGTERM drain: what is on the wire ends, nothing new is sent.

    Raises:
        InputError: The input is wrong; nothing was sent.
        GateRefused: A gate said no; nothing was sent by this call.
    """
    options = options or Options()
    loaded = _loaded(campaign, environment)
    due = None if options.slot else _due(loaded.campaign)
    slot = options.slot or (due.name if due else "")
    checked = plan_campaign(
        loaded, environment=environment, journal=options.journal, slot=slot
    )
    home = Home.find(loaded.folder, environment, options.journal)
    output = _output(checked.plan, loaded.campaign, loaded.folder, options)
    sending = Sending(checked.plan, loaded.campaign, home, environment, output)
    if due and due.until < _clock() and sending.known_run(replan=True) is None:
        raise GateRefused(
            Problem("E422", f"slot {due.name} ended {due.until:%H:%M %Z}")
        )
    return _send(sending, checked, options)


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


def due_slot(loaded: Loaded, *, now: datetime) -> ScheduledFor | None:
    """The latest slot of a recurring campaign that is not after *now*."""
    schedule = loaded.campaign.schedule
    return None if schedule is None else last_slot(schedule, now)


def load_schedule(path: str | Path) -> Schedule | None:
    """When a campaign is due, read from its file alone; None where it does not say.

    Nothing else of the file is looked at, and nothing is raised: what is wrong with it,
    `load_campaign` says.
    """
    try:
        said = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return Schedule.model_validate(said["schedule"])
    except (OSError, ValueError, TypeError, LookupError, yaml.YAMLError):
        return None


def check_connection(environment: Mapping[str, str]) -> str:
    """Sign in at Bandwidth and open the journal; sends nothing.  What was reached.

    Raises:
        BulksendError: What does not work.
    """
    credentials = Credentials.from_environment(environment)
    asyncio.run(_sign_in(credentials))
    home = Home.find(Path(), environment)
    if isinstance(home.journal, Path):
        return f"signed in at {credentials.url}; the journal is a file on each machine"
    with Journal.open(home.journal) as journal:
        journal.runs()
    return f"signed in at {credentials.url}; the journal is {home.journal}"


async def _sign_in(credentials: Credentials) -> None:
    async with Client(credentials, clock=time.monotonic) as client:
        await client.sign_in()


def schedule_slots(loaded: Loaded, *, now: datetime, count: int) -> list[ScheduledFor]:
    """The next slots of a recurring campaign; none where it has no `schedule`."""
    schedule = loaded.campaign.schedule
    return [] if schedule is None else next_slots(schedule, now, count)


def schedule_form(loaded: Loaded, form: str, *, program: Path) -> str:
    """What starts a recurring campaign: text for ``systemd``, ``cron`` or ``airflow``.

    Raises:
        InputError: E125, where it has no `schedule`; E423, where systemd cannot say it.
    """
    schedule = loaded.campaign.schedule
    if schedule is None:
        raise InputError(Problem("E125", "it has none", file=str(loaded.path)))
    file = loaded.path.absolute()
    return FORMS[form](Job(loaded.campaign.name, schedule, file, program))


def send_plan(
    plan: str | Path,
    *,
    environment: Mapping[str, str] = os.environ,
    options: Options | None = None,
) -> Ended:
    """Send a plan as it stands, with the pace and the provider it was made with.

    What was begun is finished as it was planned.  What was not is stale once a list has
    changed: somebody may have been added to the opt-outs since.

    Raises:
        InputError: It is not a plan, or was changed; nothing was sent.
        GateRefused: A gate said no (E626: it is stale); nothing was sent by this call.
    """
    options = options or Options()
    opened = Plan.open(Path(plan))
    campaign = campaign_of(opened)
    folder = Path(opened.about["folder"])
    home = Home.find(folder, environment, options.journal)
    output = _output(opened, campaign, folder, options)
    sending = Sending(opened, campaign, home, environment, output)
    sending.shard = options.shard
    checked = _checked(opened, campaign, home, ())
    return _send(sending, checked, options, is_fresh=options.as_planned)


def _output(plan: Plan, campaign: Campaign, folder: Path, options: Options) -> Path:
    """Where the results go; each slot of a schedule has a file of its own."""
    said = campaign.results
    path = said.replace("{run}", plan.run).replace("{slot}", plan.slot)
    named = folder / path
    if campaign.schedule is not None and plan.slot and path == said:
        named = named.with_name(f"{named.stem}-{plan.slot}{named.suffix}")
    return (options.results or named).absolute()


def _send(
    sending: Sending, checked: Checked, options: Options, *, is_fresh: bool = True
) -> Ended:
    sending.only, sending.wait = options.only, options.wait
    sending.until_closed = options.until_closed
    sending.parent = os.getppid() if options.with_parent else None
    run = sending.known_run(replan=options.replan)
    if run is None and not is_fresh:
        stale = changed_inputs(sending.plan, sending.campaign)
        checked = replace(checked, gates=(*checked.gates, *stale))
    stopped = None
    if options.only:
        checked = replace(
            checked, already=checked.summary.sendable - sending.chosen(run)
        )
    if run is None or run.finished_at is None or options.only:
        if checked.gates:
            raise GateRefused(checked.gates)
        sending.check_deadline(now=_now())
        sending.check_credentials()
        if not options.confirm(checked):
            raise GateRefused(Problem("E410", "nothing was sent"))
        run = run or sending.begin_run(now=_now())
        stopped = run_sending(sending, run, beside=options.beside)
        if stopped is not None and sending.engine is None:
            raise stopped  # it never began: the results may be another sender's
    try:
        ended = _finish(sending, run, stopped)
    except BulksendError as error:
        if stopped is None:
            raise
        raise type(stopped)((*stopped.problems, *error.problems)) from error
    left = ended.left
    if left and stopped is None:
        what = f"{left:,} messages were not taken, however often they were tried"
        ended = replace(ended, stopped=Stopped(Problem("E511", what)))
    _tell(sending, ended)
    return ended


def _tell(sending: Sending, ended: Ended) -> None:
    """Of a run that ended just now; one shard of it is not told of."""
    notify = sending.campaign.notify
    if notify is None or sending.engine is None or sending.shard is not None:
        return
    said = {"campaign": sending.campaign.name, "provider": sending.campaign.provider}
    folder = Path(sending.plan.about["folder"])
    for problem in tell(notify, ended, said, folder=folder):
        log.warning("notice failed", problem=str(problem))


def _finish(sending: Sending, run: Run, stopped: BulksendError | None) -> Ended:
    """Write the results, and say how the run stands.

    A shard writes none: the others may be at work.  Whichever ends last ends the run.
    """
    with Journal.open(sending.home.journal) as journal:
        if sending.shard is not None:
            if not standing(journal, run).counts["not_sent"]:
                journal.finish_run(run.id, now=_now())
            ended = standing(journal, sending.own(run), sending.part)
            return replace(ended, stopped=stopped)
        journal.set_results(run.id, str(sending.output))
        write_results(results(sending.plan, journal, run), sending.output)
        ended = replace(standing(journal, run), results=str(sending.output))
        is_over = not (ended.left or ended.claimed)
        if is_over or journal.orders.is_aborted(run.id):
            journal.finish_run(run.id, now=_now())
    return replace(ended, stopped=stopped)


def write_run(
    run: str,
    *,
    home: Home,
    output: Path | None = None,
    for_spreadsheet: bool = False,
) -> Ended:
    """Write the results of a run again, as plan and journal have it now.

    Args:
        for_spreadsheet: Make a CSV safe to open in a spreadsheet (see `settle.files`).

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        path = output or Path(known.results)
        plan = plan_of(known)
        check_output(path, is_ours=str(path) == known.results)
        frame = results(plan, journal, known)
        write_results(frame, path, for_spreadsheet=for_spreadsheet)
        return replace(standing(journal, known), results=str(path))


def run_arms(run: str, *, home: Home) -> list[Arm]:
    """What became of each arm of a run's experiment; none where it has no experiment.

    Raises:
        InputError: E630, where there is no such run; E620, where its plan is gone.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        return arms(plan_of(known), journal, known)


def list_runs(home: Home) -> list[Ended]:
    """How every run stands, newest first, and who sends it now."""
    if not home.journal.exists():
        return []
    with Journal.open(home.journal) as journal:
        return [
            replace(standing(journal, run), state=state(journal, run, now=_now()))
            for run in journal.runs()
        ]


def campaign_of(plan: Plan) -> Campaign:
    """The campaign as it was when the plan was made."""
    return Campaign.model_validate(plan.about["campaign"], by_alias=True)


def _checked(
    plan: Plan, campaign: Campaign, home: Home, notices: Sequence[Problem]
) -> Checked:
    summary = summarise(plan, campaign)
    gates = closed_gates(plan, summary, campaign, has_begun=has_begun(plan, home))
    if not summary.sendable:
        what = f"all {summary.rows:,} rows have a reason against it"
        notices = (*notices, Problem("W403", what))
    done = already(plan, campaign, home, summary)
    return Checked(plan, campaign, summary, tuple(notices), tuple(gates), done)


def _loaded(campaign: str | Path | Loaded, environment: Mapping[str, str]) -> Loaded:
    if isinstance(campaign, str | Path):
        return load_campaign(campaign, environment=environment)
    return campaign


def _clock() -> datetime:
    return datetime.now(UTC)


def _now() -> int:
    return time.time_ns() // 1_000_000

"""Whose turn it is: which slot of a recurring campaign a plan is for, by clock and journal.

    `run`, a task   the slot that is due; missed, nothing is planned (E422)
    a look          the same, until it is over with nothing of it left: then the next one

What a person names is taken as it is.  Whether a plan may begin when it is sent, whoever
made it and whenever, says `define.slots.why_not_now`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.define.slots import last_slot, next_slots, spelled, why_not_now
from bulksend.errors import GateRefused, Problem
from bulksend.journal.store import Journal
from bulksend.settle.standing import standing

if TYPE_CHECKING:
    from datetime import datetime

    from bulksend.define.campaign import Campaign, Schedule
    from bulksend.define.slots import ScheduledFor
    from bulksend.home import Home


def due_turn(campaign: Campaign, now: datetime) -> ScheduledFor | None:
    """The slot that is due, missed or not; None where the campaign has no schedule.

    Raises:
        GateRefused: E422, where it has never been due yet.
    """
    if campaign.schedule is None:
        return None
    found = last_slot(campaign.schedule, now)
    if found is None:
        raise GateRefused(Problem("E422", "it was never due yet"))
    return found


def refuse_missed(campaign: Campaign, slot: str, home: Home, now: datetime) -> None:
    """Before a plan is made that could not be sent.

    Raises:
        GateRefused: E422, where the slot is over and nobody began it.
    """
    schedule = campaign.schedule
    said = why_not_now(schedule, slot, now) if schedule is not None else None
    if said is not None and _left(campaign, slot, home) is None:
        raise GateRefused(said)


def turn_to_look_at(
    campaign: Campaign, home: Home, now: datetime
) -> tuple[ScheduledFor | None, Problem | None]:
    """The slot of which the next message would be; and W422, where one was missed.

    None where the campaign has no schedule, or will never be due.
    """
    schedule = campaign.schedule
    if schedule is None:
        return None, None
    due, then = last_slot(schedule, now), _next(schedule, now)
    if due is None or then is None:
        return due or then, None
    if now <= due.until:
        return due, None
    left = _left(campaign, due.name, home)
    if left is not None:
        return (due if left else then), None
    ended = f"slot {due.name} ended {spelled(due.until)}"
    fix = "It is not sent late: this is the next one. --slot NAME looks at another."
    return then, Problem("W422", ended, fix=fix)


def _next(schedule: Schedule, now: datetime) -> ScheduledFor | None:
    return next(iter(next_slots(schedule, now, 1)), None)


def _left(campaign: Campaign, slot: str, home: Home) -> int | None:
    """How many messages of a slot are left to send; None where it was never begun."""
    if not home.journal.exists():
        return None
    scope = f"{campaign.provider}/{campaign.name}"
    with Journal.open(home.journal) as journal:
        runs = [
            run
            for run in journal.runs.all()
            if (run.campaign, run.slot) == (scope, slot)
        ]
        open_runs = [run for run in runs if run.finished_at is None]
        return sum(standing(journal, run).left for run in open_runs) if runs else None

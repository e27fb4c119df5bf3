"""The slots of a recurring campaign: when it is due, and until when it may still be sent.

A slot is named by its local time, so that the same slot has one name whoever starts it,
and however often.  Pure: *now* is an argument.
"""

from __future__ import annotations

from datetime import UTC
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim

if TYPE_CHECKING:
    from datetime import datetime

    from bulksend.define.campaign import Schedule


class ScheduledFor(NamedTuple):
    """One time at which a campaign is due; not sent after ``until``."""

    name: str
    at: datetime
    until: datetime


def last_slot(schedule: Schedule, now: datetime) -> ScheduledFor | None:
    """The slot that is due: the latest one that is not in the future."""
    local = now.astimezone(ZoneInfo(schedule.zone))
    # Backwards it takes an hour that comes twice for the later one: so from the slot
    # before, forwards.
    before = next(CronSim(schedule.cron, local, reverse=True), None)
    if before is None:
        return None
    found = before
    for later in CronSim(schedule.cron, before):
        if later.astimezone(UTC) > now:
            break
        found = later
    return _slot(schedule, found)


def next_slots(schedule: Schedule, now: datetime, count: int) -> list[ScheduledFor]:
    """The slots to come."""
    due = last_slot(schedule, now)
    begin = now.astimezone(ZoneInfo(schedule.zone)) if due is None else due.at
    slots = (_slot(schedule, at) for at in CronSim(schedule.cron, begin))
    return list(
        islice((one for one in slots if due is None or one.name != due.name), count)
    )


def _slot(schedule: Schedule, at: datetime) -> ScheduledFor:
    until = (
        at.astimezone(UTC) + schedule.not_after
    )  # two hours are so where clocks change
    return ScheduledFor(f"{at:%Y-%m-%dT%H%M}", at, until.astimezone(at.tzinfo))

"""The slots of a recurring campaign: when it is due, and until when it may still be sent.

A slot is named by its local time, so that the same slot has one name whoever starts it,
and however often; of an hour that comes twice, the first is it.  Pure: *now* is an
argument.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from cronsim import CronSim

from bulksend.errors import Problem
from bulksend.rules.tz import zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.define.campaign import Schedule

_NAME = "%Y-%m-%dT%H%M"


class ScheduledFor(NamedTuple):
    """One time at which a campaign is due; not sent after ``until``."""

    name: str
    at: datetime
    until: datetime


def last_slot(schedule: Schedule, now: datetime) -> ScheduledFor | None:
    """The slot that is due: the latest one that is not in the future."""
    local = now.astimezone(zone(schedule.zone))
    # Backwards an hour that comes twice is taken for the later one: so from the slot
    # before it, forwards.
    back = CronSim(schedule.cron, local, reverse=True)
    before = next((at for at in back if not at.fold), None)
    if before is None:
        return None
    found = _slot(schedule, before)
    for later in _after(schedule, before):
        if later.at.astimezone(UTC) > now:
            break
        found = later
    return found


def next_slots(schedule: Schedule, now: datetime, count: int) -> list[ScheduledFor]:
    """The slots to come."""
    due = last_slot(schedule, now)
    begin = now.astimezone(zone(schedule.zone)) if due is None else due.at
    return list(islice(_after(schedule, begin), count))


def slot_called(schedule: Schedule, name: str) -> ScheduledFor | None:
    """The slot of that name; None where it is somebody's own word for a send."""
    try:
        local = datetime.strptime(name, _NAME)  # noqa: DTZ007 -- its zone is the schedule's
    except ValueError:
        return None
    found = last_slot(schedule, local.replace(tzinfo=zone(schedule.zone)))
    return found if found is not None and found.name == name else None


def why_not_now(schedule: Schedule, slot: str, now: datetime) -> Problem | None:
    """Why a send that nobody began, and no person named, must not begin at *now*.

    What somebody has named by a word of their own may begin at any time.

    Returns:
        E415, it is of no slot: so the next slot would send all of it again; E417, it is
        not due yet; E422, it was missed.
    """
    if not slot:
        return Problem("E415", "it was planned without one")
    found = slot_called(schedule, slot)
    if found is not None and now < found.at:
        return Problem("E417", f"slot {slot} is due {spelled(found.at)}")
    if found is not None and found.until < now:
        return Problem("E422", f"slot {slot} ended {spelled(found.until)}")
    return None


def spelled(moment: datetime) -> str:
    """With its day: it may be read much later."""
    return f"{moment:%a %d %b %Y %H:%M %Z}"


def _after(schedule: Schedule, begin: datetime) -> Iterator[ScheduledFor]:
    """The slots after *begin*; when an hour comes for the second time it has none."""
    return (_slot(schedule, at) for at in CronSim(schedule.cron, begin) if not at.fold)


def _slot(schedule: Schedule, at: datetime) -> ScheduledFor:
    until = (
        at.astimezone(UTC) + schedule.not_after
    )  # two hours are so where clocks change
    return ScheduledFor(f"{at:{_NAME}}", at, until.astimezone(at.tzinfo))

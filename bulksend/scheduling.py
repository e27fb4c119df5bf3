"""When a recurring campaign is due, and what starts it; bulksend has no scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bulksend.define.campaign import Schedule
from bulksend.define.slots import last_slot, next_slots
from bulksend.define.timetable import FORMS, Job
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bulksend.define.load import Loaded
    from bulksend.define.slots import ScheduledFor


def due_slot(loaded: Loaded, *, now: datetime) -> ScheduledFor | None:
    """The latest slot of a recurring campaign that is not after *now*."""
    schedule = loaded.campaign.schedule
    return None if schedule is None else last_slot(schedule, now)


def schedule_slots(loaded: Loaded, *, now: datetime, count: int) -> list[ScheduledFor]:
    """The next slots of a recurring campaign; none where it has no `schedule`."""
    schedule = loaded.campaign.schedule
    return [] if schedule is None else next_slots(schedule, now, count)


def schedule_form(loaded: Loaded, form: str, *, program: Sequence[str]) -> str:
    """What starts a recurring campaign: text for ``systemd``, ``cron`` or ``airflow``.

    Args:
        program: What starts bulksend, such as its path.

    Raises:
        InputError: E125, where it has no `schedule`; E423, where systemd cannot say it.
    """
    schedule = loaded.campaign.schedule
    if schedule is None:
        raise InputError(Problem("E125", "it has none", file=str(loaded.path)))
    file = loaded.path.absolute()
    folder = loaded.folder.absolute()
    name = loaded.campaign.name
    return FORMS[form](Job(name, schedule, file, tuple(program), folder))


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

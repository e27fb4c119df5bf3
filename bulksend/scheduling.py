"""When a recurring campaign is due, and what starts it; bulksend has no scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from bulksend.define.campaign import Schedule
from bulksend.define.load import text_of
from bulksend.define.slots import last_slot, next_slots
from bulksend.define.syntax import compose
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
        InputError: E125, where it has no `schedule`; E423, where that would read it otherwise.
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

    Nothing else of the file is looked at: what else is wrong, `load_campaign` says.

    Raises:
        InputError: E100 or E101, where the file cannot be read; E104, where what it says
            is no schedule.
    """
    file = str(path)
    root = compose(text_of(Path(path), file), file)
    said = next((node for key, node in root.value if key.value == "schedule"), None)
    if said is None:
        return None
    try:
        values = yaml.constructor.BaseConstructor().construct_document(said)
        return Schedule.model_validate(values)
    except (ValidationError, yaml.YAMLError):
        line = said.start_mark.line + 1
        problem = Problem("E104", "`schedule`", file=file, line=line)
        raise InputError(problem) from None

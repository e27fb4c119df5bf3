"""A schedule for whoever starts campaigns: systemd units, a crontab line, an Airflow DAG.

bulksend has no scheduler of its own: what starts it is what starts everything else on
that machine.  All three leave a slot that was missed alone.

Programs that read cron expressions differ in names, steps and Sundays.  So what we print
has numbers only, which all read alike; what one of them could read otherwise is refused.
"""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from cronsim import CronSim

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from bulksend.define.campaign import Schedule
    from bulksend.storage.location import Where

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_BARE = re.compile(r"[\w@%+=:,./$-]+")
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


class Job(NamedTuple):
    """What is to be started: a campaign file, the program that runs it, and where.

    Args:
        program: Its path; or words, such as a Python's path, ``-m`` and ``bulksend``.
    """

    name: str
    schedule: Schedule
    file: Where
    program: tuple[str, ...]
    folder: Path

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.program, "run", str(self.file), "--yes")

    @property
    def command(self) -> str:
        return shlex.join(self.words)


def systemd(job: Job) -> str:
    """A service and a timer.

    Raises:
        InputError: E423, where the expression says what a timer cannot.
    """
    dates = "\n".join(f"OnCalendar={one}" for one in _calendar(job.schedule))
    folder = str(job.folder).replace("%", "%%")  # nothing else of it is looked at
    return f"""\
# ~/.config/systemd/user/bulksend-{job.name}.service
[Unit]
Description=bulksend: {job.name}
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
EnvironmentFile=-%h/.config/bulksend.env
ExecStart={_exec_start(job.words)}
# 4: stopped half-way, run again to resume. 2 and 3 need a person.
Restart=on-failure
RestartSec=60
RestartPreventExitStatus=1 2 3 5

# ~/.config/systemd/user/bulksend-{job.name}.timer
[Unit]
Description=bulksend: {job.name}, {CronSim(job.schedule.cron, _ANY_DAY).explain()}

[Timer]
{dates}
Persistent=false

[Install]
WantedBy=timers.target

# systemctl --user enable --now bulksend-{job.name}.timer
# loginctl enable-linger    (without it nothing starts while you are not logged in)
"""


def _exec_start(words: tuple[str, ...]) -> str:
    """As systemd parts words, which is not a shell's way: systemd.service(5), COMMAND LINES.

    A backslash counts also between quotes, and a dollar sign too, but not in the program.
    That may have neither a quote nor a backslash: then `env` starts it.
    """
    if set(words[0]) & set("\"'\\"):
        words = ("/usr/bin/env", *words)
    program, *rest = words
    return " ".join(map(_word, (program, *(word.replace("$", "$$") for word in rest))))


def _word(word: str) -> str:
    word = word.replace("%", "%%")
    if _BARE.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def crontab(job: Job) -> str:
    """Lines for `crontab -e`.

    Raises:
        InputError: E423, where the expression says what cron cannot.
    """
    command = job.command.replace("%", r"\%")
    folder = shlex.quote(str(job.folder)).replace("%", r"\%")
    return f"""\
# CRON_TZ needs cronie; where cron does not know it, its clock is the machine's.
CRON_TZ={job.schedule.zone}
{_plain(job.schedule, knows_steps=True)} cd {folder} && {command} >>bulksend.log 2>&1
"""


def airflow(job: Job) -> str:
    """A DAG for Airflow 2.9 and later.

    Raises:
        InputError: E423, where Airflow would read the expression otherwise.
    """
    cron = _plain(job.schedule, knows_steps=False)
    return f'''\
"""bulksend: {job.name}."""

import pendulum
from airflow import DAG
from airflow.timetables.trigger import CronTriggerTimetable

try:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 2, and 3 before 3.1
    from airflow.exceptions import AirflowFailException, AirflowSkipException
try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator


class Bulksend(BashOperator):
    """Retried where it was stopped half-way, or killed; other ends need a person."""

    def execute(self, context):
        try:
            return super().execute(context)
        except AirflowSkipException as ended:
            raise AirflowFailException(str(ended)) from None


with DAG(
    dag_id="bulksend-{job.name}",
    schedule=CronTriggerTimetable({cron!r}, timezone={job.schedule.zone!r}),
    start_date=pendulum.datetime(2026, 1, 1, tz={job.schedule.zone!r}),
    catchup=False,
    max_active_runs=1,
) as dag:
    Bulksend(
        task_id="run",
        # A retry resumes, and sends nobody twice.
        bash_command={job.command!r},
        cwd={str(job.folder)!r},
        append_env=True,
        retries=10,
        retry_delay=pendulum.duration(minutes=1),
        # 1 some failed, 2 wrong input, 3 a gate refused, 5 some unknown: no retry helps.
        skip_on_exit_code=[1, 2, 3, 5],
    )
'''


class _Days(NamedTuple):
    """The days of an expression, as cron means them.

    Args:
        weekdays: From 0, which is Sunday.

        is_both: Whether a day must be in both; else in either.  Cron takes both where one
            of them begins with a star.
    """

    days: frozenset[int]
    weekdays: frozenset[int]
    is_both: bool

    @classmethod
    def of(cls, parsed: CronSim, cron: str) -> _Days:
        """Raises InputError: E423, for L, W and #, which not every program knows."""
        days = {day for day in parsed.days if day > 0}
        weekdays = {day for day in parsed.weekdays if isinstance(day, int)}
        if len(days) < len(parsed.days) or len(weekdays) < len(parsed.weekdays):
            raise InputError(Problem("E423", f'"{cron}" has L, W or #'))
        *_, day, _, weekday = parsed.parts
        is_both = day.startswith("*") or weekday.startswith("*")
        weekdays = {day % 7 for day in weekdays}
        if not is_both and (len(days) == 31 or len(weekdays) == 7):  # either: any day
            days, weekdays = {*range(1, 32)}, {*range(7)}
        return cls(frozenset(days), frozenset(weekdays), is_both)

    @property
    def is_any_day(self) -> bool:
        return len(self.days) == 31

    @property
    def is_any_weekday(self) -> bool:
        return len(self.weekdays) == 7


def _plain(schedule: Schedule, *, knows_steps: bool) -> str:
    """The expression in numbers.

    Args:
        knows_steps: Whether, where a day or weekday begins with a star, both are meant.
    """
    parsed = CronSim(schedule.cron, _ANY_DAY)
    found = _Days.of(parsed, schedule.cron)
    day = "*" if found.is_any_day else _numbers(found.days)
    weekday = "*" if found.is_any_weekday else _numbers(found.weekdays)
    if found.is_both and "*" not in (day, weekday):
        if not knows_steps:
            what = f'"{schedule.cron}" means days that are also weekdays'
            raise InputError(Problem("E423", what))
        *_, written, _, written_weekday = parsed.parts
        day = written if written.startswith("*") else day
        weekday = written_weekday if written_weekday.startswith("*") else weekday
    minute = "*" if len(parsed.minutes) == 60 else _numbers(parsed.minutes)
    hour = "*" if len(parsed.hours) == 24 else _numbers(parsed.hours)
    month = "*" if len(parsed.months) == 12 else _numbers(parsed.months)
    return f"{minute} {hour} {day} {month} {weekday}"


def _calendar(schedule: Schedule) -> list[str]:
    """`OnCalendar` values.

    Of a day and a weekday cron means either of them, or both where one begins with a star.
    """
    parsed = CronSim(schedule.cron, _ANY_DAY)
    found = _Days.of(parsed, schedule.cron)
    month = "*" if len(parsed.months) == 12 else _listed(parsed.months)
    clock = f"{_listed(parsed.hours)}:{_listed(parsed.minutes)}:00 {schedule.zone}"
    day = "*" if found.is_any_day else _listed(found.days)
    names = ",".join(_WEEKDAYS[day] for day in sorted(found.weekdays))
    named = "" if found.is_any_weekday else f"{names} "
    if found.is_both or found.is_any_day:
        return [f"{named}*-{month}-{day} {clock}"]
    return [f"*-{month}-{day} {clock}", f"{named}*-{month}-* {clock}"]


def _listed(values: Collection[int]) -> str:
    return ",".join(f"{value:02}" for value in sorted(values))


def _numbers(values: Collection[int]) -> str:
    return ",".join(map(str, sorted(values)))


FORMS = {"systemd": systemd, "cron": crontab, "airflow": airflow}
"""What can start a campaign, by the name of its option."""

"""When a recurring campaign is due, and what starts it."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from bulksend.define.campaign import Schedule
from bulksend.define.slots import last_slot, next_slots, slot_called, why_not_now
from bulksend.define.timetable import Job, airflow, crontab, systemd
from bulksend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flow.desk import Desk

from tests.flow.conftest import bandwidth, desk  # noqa: F401  (fixtures)

NEW_YORK = "America/New_York"


def schedule(cron: str, zone: str = NEW_YORK, hours: float = 2) -> Schedule:
    return Schedule(cron=cron, zone=zone, not_after=timedelta(hours=hours))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DUE = [
    # cron, now in UTC, the slot that is due, and the one after
    ("0 10 * * MON", "2026-11-30T15:00", "2026-11-30T1000", "2026-12-07T1000"),
    ("0 10 * * MON", "2026-11-30T14:59", "2026-11-23T1000", "2026-11-30T1000"),
    ("0 10 * * MON", "2026-11-30T16:30", "2026-11-30T1000", "2026-12-07T1000"),
    ("0 9 29 2 *", "2026-01-01T00:00", "2024-02-29T0900", "2028-02-29T0900"),
    # 2:30 is no time on 2026-03-08 in New York: it runs when the clock has jumped
    ("30 2 * * *", "2026-03-08T12:00", "2026-03-08T0300", "2026-03-09T0230"),
    # 1:30 is twice on 2026-11-01, and due once
    ("30 1 * * *", "2026-11-01T06:00", "2026-11-01T0130", "2026-11-02T0130"),
    ("30 0 * * *", "2026-11-01T06:00", "2026-11-01T0030", "2026-11-02T0030"),
]


@pytest.mark.parametrize(("cron", "now", "due", "then"), DUE)
def test_the_slot_that_is_due(cron: str, now: str, due: str, then: str) -> None:
    """By the schedule's own clock, through both changes of it."""
    found = last_slot(schedule(cron), at(now))
    assert found is not None
    assert found.name == due
    assert found.at <= at(now)
    assert found.until.astimezone(UTC) - found.at.astimezone(UTC) == timedelta(hours=2)
    assert next_slots(schedule(cron), at(now), 1)[0].name == then


@pytest.mark.parametrize(
    "cron", ["0 * * * *", "*/30 * * * *", "*/15 1 * * *", "*/15 1-2 * * *"]
)
@pytest.mark.parametrize(
    ("day", "zone"),
    [
        ("2026-11-01", NEW_YORK),
        ("2026-03-08", NEW_YORK),
        ("2026-04-04T10:00", "Australia/Lord_Howe"),  # half an hour comes twice
        ("2026-10-03T10:00", "Australia/Lord_Howe"),
    ],
)
def test_an_hour_that_comes_twice_has_its_slots_once(
    cron: str, day: str, zone: str
) -> None:
    """Each name once, in order; whatever is due has one of the names to come."""
    begin = at(day)
    slots = next_slots(schedule(cron, zone), begin, 100)
    names = [one.name for one in slots]
    assert names == sorted(set(names))
    for minutes in range(0, 12 * 60, 5):
        now = begin + timedelta(minutes=minutes)
        due = [one for one in slots if one.at.astimezone(UTC) <= now]
        found = last_slot(schedule(cron, zone), now)
        assert found is not None
        assert [found] == (due[-1:] or [found])
        assert slot_called(schedule(cron, zone), found.name) == found


WHEN = [
    # of a slot due 2026-11-30T15:00Z, for two hours · minutes after that · the code
    ("2026-11-30T1000", -1, "E417"),
    ("2026-11-30T1000", 0, None),
    ("2026-11-30T1000", 120, None),
    ("2026-11-30T1000", 121, "E422"),
    ("2026-11-30T1001", 121, None),  # no slot of this schedule: somebody's own word
    ("2026-11-30", 121, None),
    ("", 0, "E415"),
]


@pytest.mark.parametrize(("slot", "minutes", "code"), WHEN)
def test_when_a_slot_may_be_begun(slot: str, minutes: int, code: str | None) -> None:
    """From when it is due, for as long as the schedule says."""
    now = at("2026-11-30T15:00") + timedelta(minutes=minutes)
    said = why_not_now(schedule("0 10 * * MON"), slot, now)
    assert (said and said.code) == code
    if code == "E422" and said is not None:
        assert said.found == f"slot {slot} ended Mon 30 Nov 2026 12:00 EST"


def job(cron: str, zone: str = NEW_YORK) -> Job:
    here = Path("/srv/texts/50% off/weekly.yaml")
    return Job(
        "weekly", schedule(cron, zone), here, ("/opt/b/bin/bulksend",), here.parent
    )


CALENDARS = [
    ("0 10 * * MON", ["Mon *-*-* 10:00:00 America/New_York"]),
    ("*/30 9-10 * * *", ["*-*-* 09,10:00,30:00 America/New_York"]),
    ("0 9 1,15 * *", ["*-*-01,15 09:00:00 America/New_York"]),
    ("0 9 * * */2", ["Sun,Tue,Thu,Sat *-*-* 09:00:00 America/New_York"]),
    (
        "0 9 */10 * MON",  # cron: where one begins with a star, both
        ["Mon *-*-01,11,21,31 09:00:00 America/New_York"],
    ),
    ("0 9 1 1 *", ["*-01-01 09:00:00 America/New_York"]),
    (
        "0 9 1 * SUN",  # cron: the first, and every Sunday
        ["*-*-01 09:00:00 America/New_York", "Sun *-*-* 09:00:00 America/New_York"],
    ),
]


@pytest.mark.parametrize(("cron", "said"), CALENDARS)
def test_a_timer_says_what_the_expression_says(cron: str, said: list[str]) -> None:
    """Days and weekdays both given mean either of them: two lines."""
    lines = [line for line in systemd(job(cron)).splitlines() if "OnCalendar=" in line]
    assert [line.partition("=")[2] for line in lines] == said


def test_systemd_starts_no_missed_slot_and_resumes_a_stopped_run() -> None:
    """The units are ini files with the command whole, and percent signs doubled."""
    text = systemd(job("0 10 * * MON"))
    service = text.partition("# ~/.config/systemd/user/bulksend-weekly.timer")[0]
    units = configparser.RawConfigParser(strict=False)
    units.read_string(service)
    assert units["Service"]["ExecStart"] == (
        '/opt/b/bin/bulksend run "/srv/texts/50%% off/weekly.yaml" --yes'
    )
    assert units["Service"]["WorkingDirectory"] == "/srv/texts/50%% off"
    assert units["Service"]["RestartPreventExitStatus"] == "1 2 3 5"
    assert "Persistent=false" in text


REFUSED = [
    *((form, cron) for form in (systemd, crontab, airflow)
      for cron in ("0 10 L * *", "0 10 LW * *", "0 10 * * MON#2", "0 10 * * 5L")),
    (airflow, "0 9 */10 * MON"),
    (airflow, "0 9 1-15 * */2"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "cron"), REFUSED)
def test_what_a_program_would_read_otherwise_is_refused(
    form: Callable[[Job], str], cron: str
) -> None:
    """Cron knows no last day; Airflow takes a step of days and a weekday for either."""
    with pytest.raises(InputError) as caught:
        form(job(cron))
    assert caught.value.problems[0].code == "E423"


PLAIN = [
    ("0 10 * * MON", "0 10 * * 1"),
    ("*/30 9-10 * * SUN,7", "0,30 9,10 * * 0"),
    ("0/20 6 1-31/15 * *", "0,20,40 6 1,16,31 * *"),
    ("5 4 * JAN-MAR *", "5 4 * 1,2,3 *"),
    ("0 9 1-31 * MON", "0 9 * * *"),  # any day, or a Monday
    ("0 9 1 * 0-6", "0 9 * * *"),
    ("0 9 */1 * MON", "0 9 * * 1"),
    ("* * 13 * FRI", "* * 13 * 5"),
]


@pytest.mark.parametrize(("cron", "plain"), PLAIN)
def test_names_steps_and_sundays_become_numbers(cron: str, plain: str) -> None:
    """Which every program reads alike; days that are any day become a star."""
    assert crontab(job(cron)).splitlines()[-1].startswith(f"{plain} cd ")
    assert f"CronTriggerTimetable('{plain}', timezone=" in airflow(job(cron))


def test_a_step_beside_a_weekday_stays_as_cron_has_it() -> None:
    """Both are meant, since one begins with a star."""
    line = crontab(job("0 9 */10 * MON")).splitlines()[-1]
    assert line.startswith("0 9 */10 * 1 cd ")


def test_a_users_timer_says_what_it_needs_at_night() -> None:
    """Without lingering a user's units end with the last session."""
    assert "loginctl enable-linger" in systemd(job("0 10 * * MON"))


def test_a_crontab_line_has_its_zone_and_escapes_percent_signs() -> None:
    """A percent sign ends a command in a crontab."""
    line = crontab(job("0 10 * * MON")).splitlines()[-1]
    assert line == (
        r"0 10 * * 1 cd '/srv/texts/50\% off' && /opt/b/bin/bulksend run "
        r"'/srv/texts/50\% off/weekly.yaml' --yes >>bulksend.log 2>&1"
    )


@pytest.mark.parametrize("zone", [NEW_YORK, "Europe/Berlin", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize(
    "cron",
    [
        "0 10 * * MON",
        "*/15 9-17 * * 1-5",
        "30 7 1,15 * *",
        "0 9 29 2 *",
        "0 12 13 * FRI",  # the 13th, or a Friday
        "59 23 31 12 *",
        "0 8,20 * MAR,OCT,NOV *",
        "0/20 6 1-31/15 * *",
        "0 9 1-31 * MON",
        "0 9 1 * SUN,7",
    ],
)
def test_a_crontab_line_is_read_as_its_slots_by_another_program(
    cron: str, zone: str
) -> None:
    """croniter, in the zone that the line before it names, over both changes of clocks."""
    *_, where, line = crontab(job(cron, zone)).splitlines()
    assert where.startswith("CRON_TZ=")
    clock = ZoneInfo(where.removeprefix("CRON_TZ="))
    said = " ".join(line.split(" ")[:5])
    begin = at("2026-02-20T00:00")
    # On its clock, and then in its zone: what cron does with a time that is not
    # ambiguous.
    times = croniter(said, begin.astimezone(clock).replace(tzinfo=None), datetime)
    count = 2 if "29 2" in cron else 700
    read = [next(times).replace(tzinfo=clock) for _ in range(count)]
    slots = [one.at for one in next_slots(schedule(cron, zone), begin, count)]
    assert [one.astimezone(UTC) for one in slots] == [
        one.astimezone(UTC) for one in read
    ]


def test_the_dag_is_python() -> None:
    """It compiles, and catches nothing up."""
    text = airflow(job("0 10 * * MON"))
    compile(text, "dag.py", "exec")
    assert "catchup=False" in text
    assert "CronTriggerTimetable('0 10 * * 1', timezone='America/New_York')" in text


def test_started_as_a_module_it_is_started_so_again(
    desk: Desk,  # noqa: F811
) -> None:
    """`__main__.py` is no program: Python and the module's name are."""
    recurring(desk, cron="0 10 * * MON")
    for form in ("--systemd", "--cron", "--airflow"):
        said = subprocess.run(
            [sys.executable, "-m", "bulksend", "schedule", "hello.yaml", form],
            cwd=desk.folder,
            env=os.environ | desk.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert f"{sys.executable} -m bulksend run " in said
        assert "__main__" not in said


WRONG = [
    ({"cron": "99 10 * * MON", "zone": "UTC"}, "E104"),
    ({"cron": "0 0 10 * * MON", "zone": "UTC"}, "E104"),
    ({"cron": "@daily", "zone": "UTC"}, "E104"),
    ({"cron": "0 10 * * MON", "zone": "Eastern"}, "E104"),
    ({"cron": "0 10 * * MON"}, "E103"),
    ({"cron": "0 10 * * MON", "zone": "UTC", "not_after": "0h"}, "E104"),
]


@pytest.mark.parametrize(("said", "code"), WRONG)
def test_a_schedule_that_is_none_is_an_error(
    desk: Desk,  # noqa: F811
    said: dict[str, Any],
    code: str,
) -> None:
    """Nothing is planned, and the code is told."""
    desk.people()
    desk.campaign(schedule=said, results=None)
    ran = desk.call("check", "hello.yaml")
    assert ran.code == 2
    assert code in ran.err


def recurring(desk: Desk, **more: Any) -> None:  # noqa: F811
    desk.people()
    said = {"cron": "* * * * *", "zone": "UTC"} | more
    desk.campaign(schedule=said, results=None, provider="simulator")


def test_run_sends_the_slot_that_is_due_once(desk: Desk) -> None:  # noqa: F811
    """Each slot has its own results; a slot that a person names is sent again."""
    recurring(desk)
    done = desk.call("run", "hello.yaml", "--slot", "2026-11-30", "--json").json
    assert done["accepted"] == 4
    assert "2026-11-30" in done["results"]
    due = desk.call("run", "hello.yaml", "--json").json
    assert due["accepted"] == 4
    assert datetime.now(UTC).strftime("%Y-%m-%dT%H") in due["results"]


def test_a_missed_slot_is_not_sent_late(desk: Desk) -> None:  # noqa: F811
    """A gate says which slot it was; to name it sends it all the same."""
    year = datetime.now(UTC).year
    recurring(desk, cron="0 0 1 1 *", not_after="1 min")
    late = desk.call("run", "hello.yaml")
    assert late.code == 3
    assert f"E422 slot {year}-01-01T0000" in late.err
    assert desk.call("run", "hello.yaml", "--slot", "mine").code == 0


def test_an_end_makes_a_schedule_one_of_a_single_slot(desk: Desk) -> None:  # noqa: F811
    """A slot that is due after `send.not_after` is not sent: once, and in no later year."""
    desk.people()
    desk.campaign(
        schedule={"cron": "* * * * *", "zone": NEW_YORK},
        send={"not_after": "2026-01-01T20:00:00-05:00"},
    )
    ran = desk.call("run", "hello.yaml", "--yes")
    assert ran.code == 3
    assert "E515" in ran.err


def test_schedule_shows_slots_and_forms(desk: Desk) -> None:  # noqa: F811
    """As lines and as JSON; without a schedule there is nothing to show."""
    recurring(desk, cron="0 10 * * MON")
    lines = desk.call("schedule", "hello.yaml", "--next", "3").out.splitlines()
    assert len(lines) == 3
    assert len(desk.call("schedule", "hello.yaml", "--json").json) == 5
    for form in ("--systemd", "--cron", "--airflow"):
        assert "hello.yaml" in desk.call("schedule", "hello.yaml", form).out
    desk.campaign()
    none = desk.call("schedule", "hello.yaml")
    assert (none.code, "E125" in none.err) == (2, True)


ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")

CRONS = [
    "0 10 * * MON",
    "*/15 9-17 * * 1-5",
    "30 7 1,15 * *",
    "0 9 29 2 *",
    "0 12 13 * FRI",  # the 13th, or a Friday
    "5 4 * */3 0",
    "59 23 31 12 *",
]


@needs_systemd
@pytest.mark.parametrize("zone", [NEW_YORK, "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("cron", CRONS)
def test_systemd_itself_reads_the_timer_as_cron_is_read(cron: str, zone: str) -> None:
    """Its next moments are the slots, through a summer and a winter."""
    begin = at("2026-02-20T00:00")
    lines = systemd(job(cron, zone)).splitlines()
    dates = [one.partition("=")[2] for one in lines if one.startswith("OnCalendar=")]
    elapses = set()
    for date in dates:
        said = subprocess.run(
            [
                str(ANALYZE),
                "calendar",
                "--base-time=2026-02-20 00:00:00 UTC",
                "--iterations=40",
                date,
            ],
            capture_output=True,
            text=True,
            check=True,
            env={"TZ": "UTC", "LC_ALL": "C"},
        ).stdout
        found = re.findall(
            r"(?:elapse|#\d+): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d):00 UTC", said
        )
        assert found, said
        elapses |= {at(one) for one in found}
    count = 1 if "29 2" in cron else 12
    slots = [one.at for one in next_slots(schedule(cron, zone), begin, count)]
    assert sorted(elapses)[:count] == slots


ODD = [
    "50% off",
    "50%off",
    "%h",
    r"x\slash",
    "${HOME}",
    "$HOME",
    'a "b"',
    "it's",
    "a;b",
]


@pytest.mark.parametrize("name", ODD)
def test_systemd_is_told_words_in_its_own_way(name: str) -> None:
    """Quotes, backslashes, dollars and percent signs mean something else to a shell."""
    folder = Path("/srv", name)
    weekly = schedule("0 10 * * MON")
    odd = Job("weekly", weekly, folder / "weekly.yaml", ("/opt/bulksend",), folder)
    lines = systemd(odd).splitlines()
    (at,) = [one for one in lines if one.startswith("WorkingDirectory=")]
    (start,) = [one for one in lines if one.startswith("ExecStart=")]
    assert at.partition("=")[2].replace("%%", "") == str(folder).replace("%", "")
    assert at.count("%") == 2 * name.count("%")
    words = start.partition("=")[2]
    said = words.removeprefix("/opt/bulksend run ").removesuffix(" --yes").strip('"')
    plain = re.sub(r"\\(.)|\$(\$)|%(%)", r"\1\2\3", said)
    assert plain == str(folder / "weekly.yaml")
    assert said.count("$") == 2 * name.count("$")
    assert said.count("%") == 2 * name.count("%")


@needs_systemd
@pytest.mark.parametrize("name", ODD)
def test_systemd_itself_takes_both_units(tmp_path: Path, name: str) -> None:
    """`systemd-analyze verify`, with a program and a folder that are there."""
    folder = tmp_path / name
    folder.mkdir()
    program = Path(shutil.copy(shutil.which("true") or "/bin/true", folder / "true"))
    weekly = schedule("0 10 * * MON")
    text = systemd(
        Job("weekly", weekly, folder / "weekly.yaml", (str(program),), folder)
    )
    service, _, timer = text.partition("# ~/.config/systemd/user/bulksend-weekly.timer")
    paths = []
    for kind, unit in (("service", service), ("timer", timer)):
        path = tmp_path / f"bulksend-weekly.{kind}"
        path.write_text(unit)
        paths.append(str(path))
    ran = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "bulksend-weekly" not in ran.stderr, ran.stderr

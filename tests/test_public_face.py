"""The public face: few names, none of them a module's, and cheap to import."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

import bulksend
from bulksend.logs import log

NAMES = {
    "KINDS",
    "REASONS",
    "BulksendError",
    "Campaign",
    "Checked",
    "Closer",
    "Course",
    "Ended",
    "GateRefused",
    "Home",
    "InputError",
    "Options",
    "Ordered",
    "abort_run",
    "awaited_receipt",
    "Tested",
    "send_test",
    "Proof",
    "Rehearsal",
    "rehearse_campaign",
    "Backup",
    "back_up",
    "check_connection",
    "Advice",
    "Changes",
    "pause_run",
    "resume_run",
    "Outlook",
    "Plan",
    "Problem",
    "RuleChange",
    "RuleInForce",
    "RulePack",
    "ScheduledFor",
    "Stopped",
    "Summary",
    "SuppressionList",
    "json_schema",
    "list_runs",
    "load_campaign",
    "load_plan",
    "load_schedule",
    "look_closer",
    "plan_campaign",
    "plan_on_workers",
    "check_rows",
    "preview_plan",
    "report_run",
    "Now",
    "Explained",
    "explain",
    "forecast_plan",
    "Purge",
    "plan_purge",
    "purge",
    "read_age",
    "live_page",
    "metrics",
    "watch_run",
    "write_metrics",
    "read_rules",
    "rule_changes",
    "rules_in_force",
    "run_arms",
    "run_campaign",
    "run_on_workers",
    "schedule_form",
    "schedule_slots",
    "send_plan",
    "shipped_rules",
    "write_run",
    "write_starter",
    "Door",
    "OptOutRate",
    "opt_out_rate",
    "door",
    "due_slot",
    "listen",
    "Manner",
    "Settled",
    "dated_rules",
    "decide_row",
    "poll_runs",
    "resend_run",
    "settle_runs",
    "unknown_callbacks",
}
HEAVY = {"polars", "aiohttp", "pydantic", "click", "rich", "jinja2", "yaml", "sqlite3"}


def loaded_by(*arguments: str) -> set[str]:
    """Which of the heavy modules a new Python has loaded after its work."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.rsplit("|", 1)[-1].strip() for line in ran.stderr.splitlines()]
    assert "bulksend" in lines
    return {line.partition(".")[0] for line in lines} & HEAVY


def test_the_public_names_are_these() -> None:
    """A name that comes or goes is a decision, not an accident."""
    assert set(bulksend.__all__) == NAMES
    assert dir(bulksend) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_name_can_be_had(name: str) -> None:
    """A lazy name gives its thing, and the same one the second time."""
    first = getattr(bulksend, name)
    assert first is getattr(bulksend, name)
    assert getattr(first, "__name__", name) == name


def test_no_public_name_is_a_module_s() -> None:
    """A name that is both gives the one or the other by the order of imports."""
    modules = {
        name.rpartition(".")[2]
        for _, name, _ in pkgutil.walk_packages(bulksend.__path__, "bulksend.")
        if name != "bulksend.__main__"
    }
    top = {module.name for module in pkgutil.iter_modules(bulksend.__path__)}
    assert {"errors", "send", "pacing"} <= modules
    assert not NAMES & top
    assert not NAMES & modules


def test_an_unknown_name_is_an_attribute_error() -> None:
    """`hasattr` and `from bulksend import x` behave as with any module."""
    assert not hasattr(bulksend, "send_everything")
    with pytest.raises(ImportError):
        exec("from bulksend import send_everything")


def test_the_version_is_the_installed_one() -> None:
    """`bulksend.__version__` is a version."""
    assert str(bulksend.__version__).split(".")[0].isdigit()


def test_importing_bulksend_loads_nothing_heavy() -> None:
    """Airflow imports it each time it parses a DAG file."""
    assert loaded_by("-c", "import bulksend") == set()


def test_help_loads_click_and_nothing_else() -> None:
    """`bulksend --help` answers at once."""
    assert loaded_by("-m", "bulksend", "--help") == {"click"}


def test_a_program_around_us_keeps_its_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Until it sets structlog up, only trouble is said, masked, and not on its stdout."""
    before, was_set_up = structlog.get_config(), structlog.is_configured()
    structlog.reset_defaults()
    try:
        log.info("journal upgraded", to=5)
        log.warning("search waits", to="+19195550123")
    finally:
        if was_set_up:
            structlog.configure(**before)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "level='warning' event='search waits' to='+191…23'\n"

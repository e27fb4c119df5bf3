"""When a recurring campaign is due, and what would start it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from bulksend import ScheduledFor

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command(short_help="Show a campaign's slots, or what would start them.")
@click.argument("campaign", type=click.Path(path_type=Path))
@click.option("--systemd", "form", flag_value="systemd", help="A service and a timer.")
@click.option("--cron", "form", flag_value="cron", help="Lines for a crontab.")
@click.option("--airflow", "form", flag_value="airflow", help="An Airflow DAG.")
@click.option(
    "--next", "count", type=click.IntRange(1, 1000), default=5, help="So many slots."
)
@AS_JSON
def schedule(campaign: Path, form: str | None, count: int, as_json: bool) -> None:
    """Show when a recurring campaign is due; or print what starts it then.

    There is no scheduler in it: cron, systemd or Airflow start `run`, which sends the
    slot that is due, each slot once. A slot that was missed by more than
    `schedule.not_after` is not sent late.

    Example: bulksend schedule campaigns/sale.yaml --systemd
    """
    from bulksend import load_campaign, schedule_form, schedule_slots
    from bulksend.cli.show import print_json

    loaded = load_campaign(campaign, environment=os.environ)
    if loaded.campaign.schedule is None:
        raise InputError(Problem("E125", "the campaign has none", file=str(campaign)))
    if form is not None:
        click.echo(schedule_form(loaded, form, program=_program()), nl=False)
        return
    slots = schedule_slots(loaded, now=datetime.now(UTC), count=count)
    if as_json:
        print_json([slot._asdict() for slot in slots])
    else:
        for slot in slots:
            click.echo(_line(slot))


def _program() -> tuple[str, ...]:
    """What started us; of `python -m bulksend` the first word is no program."""
    started = Path(sys.argv[0]).absolute()
    if started.suffix == ".py":
        return (sys.executable, "-m", "bulksend")
    return (str(started),)


def _line(slot: ScheduledFor) -> str:
    return f"{slot.name}  {slot.at:%a %d %b %Y %H:%M %Z}, until {slot.until:%H:%M}"

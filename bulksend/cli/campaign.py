"""Commands about a campaign that send nothing."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.cli.parts import SHARDS
from bulksend.cli.places import PLACE
from bulksend.errors import REFUSED_BY_GATE

if TYPE_CHECKING:
    from bulksend import Campaign, Checked
    from bulksend.storage.location import Where

CAMPAIGN = click.argument("campaign", type=PLACE)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
SLOT = click.option(
    "--slot", default="", help="Which of a recurring campaign's sends: 2026-11-30."
)


@click.command(short_help="Write a starter campaign that runs at once.")
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="Where to."
)
def init(name: str, folder: Path) -> None:
    """Write NAME.yaml, a small list NAME.csv, and the schema for your editor.

    The campaign uses the simulator: nothing leaves this machine until you change that.

    Example: bulksend init hello && bulksend run hello.yaml
    """
    from bulksend import write_starter

    name = name.removesuffix(".yaml").removesuffix(".yml")  # as people call the file
    for path in write_starter(folder, name):
        click.echo(f"wrote {path}")
    click.echo(f"Next: bulksend run {folder / name}.yaml")


@click.command(short_help="Show problems, counts, cost and time; sends nothing.")
@CAMPAIGN
@SLOT
@AS_JSON
def check(campaign: Where, slot: str, as_json: bool) -> None:
    """Read a campaign and its list, and show what would happen; sends nothing.

    Example: bulksend check campaigns/reminder.yaml
    """
    _check(campaign, slot, as_json=as_json)


@click.command(short_help="Freeze a campaign and its list into a plan.")
@CAMPAIGN
@SLOT
@click.option(
    "--shards",
    type=SHARDS,
    default=8,
    show_default=True,
    help="Cut it into so many parts, for as many senders.",
)
@click.option(
    "--workers",
    default="",
    help="Work it out by a Dask cluster: dask://HOST:PORT, or local:4 for processes here.",
)
@AS_JSON
def plan(campaign: Where, slot: str, shards: int, workers: str, as_json: bool) -> None:
    """Freeze a campaign and its list into a plan for `bulksend send`.

    Example: bulksend plan campaigns/reminder.yaml
    """
    from bulksend import load_campaign, plan_campaign, plan_on_workers
    from bulksend.cli.logs import configure

    loaded = load_campaign(campaign, environment=os.environ)
    if workers:
        configure()
        checked = plan_on_workers(loaded, workers, slot=slot, shards=shards)
    else:
        checked = plan_campaign(
            loaded, environment=os.environ, slot=slot, shards=shards
        )
    _show(checked, loaded.campaign, loaded.folder, as_json=as_json)


def _check(path: Where, slot: str, *, as_json: bool) -> None:
    from bulksend import load_campaign, plan_campaign

    loaded = load_campaign(path, environment=os.environ)
    checked = plan_campaign(loaded, environment=os.environ, slot=slot)
    _show(checked, loaded.campaign, loaded.folder, as_json=as_json)


def _show(checked: Checked, campaign: Campaign, folder: Path, *, as_json: bool) -> None:
    from bulksend import Home, look_closer
    from bulksend.cli.checked import show_checked, show_closer
    from bulksend.cli.outlook import show_outlook
    from bulksend.cli.show import print_json

    home = Home.find(folder, os.environ)
    rejects = home.rejects_place(checked.plan.run)
    closer = look_closer(checked, campaign, rejects, home)
    to_mend = closer.rejects
    if as_json:
        print_json(
            checked.summary.as_dict()
            | {
                "already": checked.already,
                "capped": checked.capped,
                "suppressed": checked.suppressed,
                "left": checked.left,
                "run": checked.plan.run,
                "slot": checked.plan.slot,
                "due": checked.turn.at if checked.turn else None,
                "until": checked.turn.until if checked.turn else None,
                "plan": checked.plan.place,
                "sheets": [
                    {"file": name, "rows_above": above}
                    for name, above in checked.plan.sheets.files
                ],
                "rejects": str(to_mend.to_mend) if to_mend.mendable else None,
                "left_out": str(to_mend.left_out) if to_mend.by_rule else None,
                "advice": closer.advice.as_dict(),
                "forecast": closer.outlook.as_dict(),
                "changes": closer.changes.as_dict() if closer.changes else None,
                "notices": [problem.as_dict() for problem in checked.notices],
                "gates": [problem.as_dict() for problem in checked.gates],
            }
        )
    else:
        show_checked(checked, closer.advice.details, closer.outlook)
        show_closer(closer, checked.plan.sheets.named)
        is_later = (
            checked.turn is not None and checked.turn.at.timestamp() > time.time()
        )
        show_outlook(closer.outlook, "begun then" if is_later else "begun now")
    if checked.gates:
        sys.exit(REFUSED_BY_GATE)


@click.command(short_help="Show the messages of chosen rows as they would arrive.")
@CAMPAIGN
@click.option(
    "--row",
    "written",
    metavar="ROW",
    multiple=True,
    help="A spreadsheet row; of several files, FILE:ROW.",
)
@click.option(
    "--random",
    "sample",
    type=click.IntRange(0),
    is_flag=False,
    flag_value=3,
    help="So many random rows; 3 if you do not say.",
)
@click.option(
    "--longest",
    type=click.IntRange(0),
    is_flag=False,
    flag_value=3,
    help="So many of the longest texts; 3 if you do not say.",
)
@AS_JSON
def preview(
    campaign: Where,
    written: tuple[str, ...],
    sample: int | None,
    longest: int | None,
    as_json: bool,
) -> None:
    """Show messages as they would arrive; without options, the first three.

    Options add to each other.

    Example: bulksend preview campaigns/reminder.yaml --row 7 --row 12
    """
    from bulksend import check_rows, plan_campaign, preview_plan
    from bulksend.cli.show import print_json, show_preview

    checked = plan_campaign(campaign, environment=os.environ)
    rows = [checked.plan.sheets.row(one) for one in written]
    rng = random.Random()  # noqa: S311  (a look, not a secret)
    found = preview_plan(
        checked.plan, rows=rows, sample=sample, longest=longest, rng=rng
    )
    if as_json:
        check_rows(checked.plan, rows)
        print_json(found)
    else:
        if found or not (rows or sample == 0 or longest == 0):
            show_preview(found)
        check_rows(checked.plan, rows)


@click.command(short_help="Print the JSON Schema of campaign files.")
def schema() -> None:
    """Print the JSON Schema of campaign files, for editors and other tools.

    Example: bulksend schema > campaign.schema.json
    """
    from bulksend import json_schema
    from bulksend.cli.show import print_json

    print_json(json_schema())

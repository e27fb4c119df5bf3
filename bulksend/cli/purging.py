"""Removes numbers and texts of runs that ended long ago."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from bulksend.cli.sending import AS_JSON, JOURNAL
from bulksend.cli.viewing import FOLDER
from bulksend.errors import counted

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend import Purge

MOST_SHOWN = 20


@click.command(short_help="Remove numbers and texts of old runs; keep their counts.")
@click.option(
    "--older-than",
    "age",
    required=True,
    metavar="AGE",
    help="Since a run finished: 90d, 12h.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@FOLDER
@JOURNAL
@AS_JSON
def purge(age: str, yes: bool, folder: Path, journal: str, as_json: bool) -> None:
    """Remove plans, results, rejected rows and callbacks of runs that ended long ago.

    Their counts stay, and nobody is texted twice because of it. Replies as old go too.
    Runs that are not finished, or have unknown messages, stay whole, and the reason is
    shown. Copies that you made are yours to remove.

    Example: bulksend purge --older-than 90d
    """
    from bulksend import GateRefused, Home, Problem, plan_purge, purge, read_age
    from bulksend.cli.show import print_json

    home = Home.find(folder, os.environ, journal)
    now = time.time_ns() // 1_000_000
    found = plan_purge(home, read_age(age), now=now)
    if not as_json:
        show(found)
    if not found.is_empty:
        asks = sys.stdin.isatty() and not as_json
        if not yes and not (asks and click.confirm("Remove them now?", default=False)):
            fix = "Look at what would be removed, then add --yes."
            raise GateRefused(Problem("E410", "nothing was removed", fix=fix))
        known, found = len(found.kept), purge(home, found, now=now)
        if not as_json:
            show_kept(found, known)
            click.echo("Removed.")
    if as_json:
        print_json(found.as_dict())


def show(found: Purge) -> None:
    from bulksend.cli.show import out

    if found.is_empty:
        out.print("Nothing to remove.")
    for run in found.runs[:MOST_SHOWN]:
        out.print(f"{escape(run.run)}  {counted(run.rows, 'row')}", highlight=False)
    if len(found.runs) > MOST_SHOWN:
        out.print(f"and {counted(len(found.runs) - MOST_SHOWN, 'more run')}")
    if found.plans:
        plans = counted(found.plans, "plan that is", "plans that are")
        out.print(f"{plans} not sent")
    if found.callbacks:
        some = counted(found.callbacks, "callback")
        out.print(f"{some} about no run, or come after it was purged")
    for path in found.files[:MOST_SHOWN]:
        out.print(f"[dim]file[/] {escape(str(path))}")
    if len(found.files) > MOST_SHOWN:
        out.print(f"and {counted(len(found.files) - MOST_SHOWN, 'more file')}")
    show_kept(found)


def show_kept(found: Purge, known: int = 0) -> None:
    """Each but the first *known*."""
    from bulksend.cli.show import out

    for one in found.kept[known:]:
        out.print(f"[yellow]kept[/] {escape(one.run)}: {escape(one.why)}")

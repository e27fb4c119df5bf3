"""Commands that steer a run from another terminal."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.errors import RESUMABLE

if TYPE_CHECKING:
    from bulksend import Home, Ordered

RUN = click.argument("run")
FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
JOURNAL = click.option("--journal", default="", help="The journal's file.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command(short_help="Send nothing more of a run until `resume`.")
@RUN
@FOLDER
@JOURNAL
@AS_JSON
def pause(run: str, folder: Path, journal: str, as_json: bool) -> None:
    """Send nothing more of RUN until it is resumed.

    Its sender stays and waits; who runs the campaign meanwhile is told so. RUN is its
    name, or as much of the beginning as fits no other.

    Example: bulksend pause reminder-1f3a9c2b7d5e --folder campaigns
    """
    from bulksend import pause_run

    _show(pause_run(run, home=_home(folder, journal)), "paused", as_json)


@click.command(short_help="Let a paused or aborted run go on.")
@RUN
@FOLDER
@JOURNAL
@AS_JSON
def resume(run: str, folder: Path, journal: str, as_json: bool) -> None:
    """Take back a pause or an abort of RUN.

    A sender that waits goes on; otherwise `bulksend run` sends the rest.

    Example: bulksend resume reminder-1f3a9c2b7d5e --folder campaigns
    """
    from bulksend import resume_run

    _show(resume_run(run, home=_home(folder, journal)), "resumed", as_json)


@click.command(short_help="End a run for good; what is left is not sent.")
@RUN
@FOLDER
@JOURNAL
@AS_JSON
def abort(run: str, folder: Path, journal: str, as_json: bool) -> None:
    """End RUN for good: its sender stops, what is left is not sent, results are written.

    Running it again is refused, until `bulksend resume RUN` takes that back.

    Example: bulksend abort reminder-1f3a9c2b7d5e --folder campaigns
    """
    from bulksend import abort_run

    _show(abort_run(run, home=_home(folder, journal)), "aborted", as_json)


@click.command(short_help="Copy journal and plans, also while a run sends.")
@click.argument("to", type=click.Path(path_type=Path))
@FOLDER
@JOURNAL
@AS_JSON
def backup(to: Path, folder: Path, journal: str, as_json: bool) -> None:
    """Copy the journal, as it is at one moment, and the plans into the folder TO.

    An earlier copy there is replaced when the new one is whole.

    Example: bulksend backup /mnt/safe/campaigns --folder campaigns
    """
    from bulksend import back_up
    from bulksend.cli.show import out, print_json

    made = back_up(_home(folder, journal), to)
    if as_json:
        print_json(asdict(made))
    else:
        out.print(f"{made.journal}: {made.runs:,} runs; {made.plans:,} new plans")


def _home(folder: Path, journal: str) -> Home:
    from bulksend import Home

    return Home.find(folder, os.environ, journal)


def _show(ordered: Ordered, what: str, as_json: bool) -> None:
    """Print how the run stands; exit 4 where its sender has not obeyed yet.

    Only an abort writes the results.
    """
    from bulksend.cli.show import out, print_json, show_ended

    late = ordered.sender
    if as_json:
        late_name = None if late is None else f"process {late.pid} on {late.host}"
        counts = ordered.ended.as_dict()
        print_json(counts | {"state": what, "waiting_for": late_name})
    else:
        ended = ordered.ended
        show_ended(ended if what == "aborted" else replace(ended, results=""))
        if late is None:
            out.print(f"{what}.")
        else:
            out.print(
                f"The order stands, and process {late.pid} on {late.host} has not "
                "answered yet: it obeys before its next message."
            )
    sys.exit(0 if late is None else RESUMABLE)

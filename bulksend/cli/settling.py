"""Commands that find out what became of messages."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bulksend.errors import DONE, SOME_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend import Manner
    from bulksend.errors import Problem

FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
JOURNAL = click.option("--journal", default="", help="The journal's file.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
RUN = click.argument("run", default="")
EVERY = click.option(
    "--every",
    default="60",
    show_default=True,
    metavar="SECONDS",
    help="Between two looks of --watch.",
)

OLD = "without_an_end"
MOST_WAIT = 1_000_000
"""Of minutes or seconds: nobody waits longer, and no clock goes further."""

WORDS = {
    OLD: "accepted more than 14 days ago: the search does not show these any more",
    "accepted": "accepted: one record of the message search is this message",
    "absent": "not sent: the search has no record of it, and has later ones",
    "waiting": "still unknown: more time, or a later message, will tell",
    "hidden": "still unknown: the search hides messages that were accepted",
    "alone": "still unknown: no other message of the run shows that the search has those "
    "without a callback; settle again after 24 h 20 min, or see --decide",
    "ambiguous": "still unknown: records fit that prove nothing; see --decide",
    "too_old": "still unknown: the search goes back 14 days; see --decide",
    "skipped": "still unknown: of runs on the simulator; see --decide",
    "doubled": "texted twice: callbacks tell of two messages of one row",
    "left_out": "still unknown: of runs that cannot be looked up, as said above",
}


@click.command(short_help="Find out what became of unknown messages.")
@RUN
@click.option("--watch", is_flag=True, help="Look again until nothing waits.")
@EVERY
@click.option(
    "--wait",
    default="20",
    show_default=True,
    metavar="MINUTES",
    help="How long ago a message was found unknown before its absence is believed.",
)
@click.option(
    "--resend", is_flag=True, help="Plan what was proven not to be sent again."
)
@click.option(
    "--decide",
    type=(str, int, click.Choice(["accepted", "not_sent"])),
    default=None,
    metavar="RUN ROW accepted|not_sent",
    help="Your own decision about one row; given anew it takes an earlier one back.",
)
@click.option("--because", default="", help="How you know; kept with the decision.")
@FOLDER
@JOURNAL
@AS_JSON
def settle(run: str, folder: Path, journal: str, as_json: bool, **said: Any) -> None:
    """End unknown messages by evidence: RUN's, or those of every run.

    Asks Bandwidth's message search. A message that has exactly one record there was
    accepted. One that has none was not sent, once the search shows messages accepted
    after it was found unknown, hides none that are known, and --wait has gone by since.
    What neither proves stays unknown. The evidence is kept in the journal. Nothing is
    sent: after --resend, `bulksend run` sends what was proven not to be sent.

    Example: bulksend settle --watch --folder campaigns
    """
    from bulksend import Home, decide_row, settle_runs

    _check_options(run, said)
    home = Home.find(folder, os.environ, journal)
    if said["decide"]:
        name, row, verdict = said["decide"]
        decide_row(home, name, row, verdict, because=said["because"])
        _decided(row, verdict, as_json)
        return
    how = _manner(said, as_json)
    settled = settle_runs(home, os.environ, run=run, how=how)
    planned = _planned(home, run, how) if said["resend"] else None
    _show(settled.as_dict(), as_json, planned, settled.problems)
    sys.exit(SOME_UNKNOWN if settled.left else DONE)


@click.command(short_help="Ask Bandwidth what became of accepted messages.")
@RUN
@click.option(
    "--watch",
    is_flag=True,
    help="Look again until all have their end that the search can show.",
)
@EVERY
@FOLDER
@JOURNAL
@AS_JSON
def poll(run: str, folder: Path, journal: str, as_json: bool, **said: Any) -> None:
    """Ask Bandwidth's message search what became of RUN's messages, or of every run's.

    For those who have no address for callbacks. The search goes back 14 days, and can be
    a quarter of an hour late. The results are written again.

    Example: bulksend poll --folder campaigns
    """
    from bulksend import Home, poll_runs

    home = Home.find(folder, os.environ, journal)
    how = _manner(said | {"wait": "0"}, as_json)
    found = poll_runs(home, os.environ, run=run, how=how)
    counts = {
        "delivered": found.get("deliver", 0),
        "failed": found.get("fail", 0),
        **({OLD: found["too_old"]} if "too_old" in found else {}),
    }
    _show(counts, as_json, None, ())


def _check_options(run: str, said: dict[str, Any]) -> None:
    """Raises InputError (E656) where a part of what was said would be ignored."""
    from bulksend.errors import InputError, Problem

    here = click.get_current_context()
    given = [
        f"--{name}"
        for name in ("watch", "every", "wait", "resend")
        if here.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if said["decide"] and (others := [*(["RUN"] if run else []), *given]):
        found = f"--decide and {', '.join(others)}"
    elif said["because"] and not said["decide"]:
        found = "--because without --decide"
    elif "--every" in given and not said["watch"]:
        found = "--every without --watch"
    elif said["resend"] and not run:
        what = "`--resend` needs the RUN whose messages it is about"
        raise InputError(Problem("E143", what))
    else:
        return
    raise InputError(Problem("E656", found))


def _number(text: str, option: str, *, least: float = 0.0) -> float:
    """Raises InputError (E655) where it is no number to wait for."""
    from bulksend.errors import InputError, Problem

    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and least <= number <= MOST_WAIT:
        return number
    found, wanted = f"{option} `{text[:20]}`", f"a number from {least:g} on"
    raise InputError(Problem("E655", found, wanted))


def _decided(row: int, verdict: str, as_json: bool) -> None:
    from bulksend.cli.show import print_json

    if as_json:
        print_json({"row": row, "status": verdict})
    else:
        click.echo(f"row {row} is {verdict.replace('_', ' ')}, by your decision")


def _planned(home: Any, run: str, how: Manner) -> tuple[int, int]:
    from bulksend import resend_run

    return resend_run(home, os.environ, run=run, how=how)


def _manner(said: dict[str, Any], as_json: bool) -> Manner:
    from bulksend import Manner
    from bulksend.cli.logs import configure

    configure()

    def tell(counts: dict[str, int]) -> None:
        if said["watch"] and not as_json:
            parts = (f"{n:,} {name}" for name, n in counts.items() if n)
            click.echo(" · ".join(parts) or "nothing yet", err=True)

    every = _number(said["every"], "--every", least=0.1)
    return Manner(
        wait_ms=round(_number(said["wait"], "--wait") * 60_000),
        again_seconds=every if said["watch"] else None,
        tell=tell,
    )


def _show(
    counts: dict[str, int],
    as_json: bool,
    planned: tuple[int, int] | None,
    problems: Sequence[Problem],
) -> None:
    from bulksend.cli.show import print_json, show_problems

    show_problems(problems)
    if as_json:
        again = dict(
            zip(("planned_again", "left_not_sent"), planned or (), strict=False)
        )
        wrong = {"problems": [one.as_dict() for one in problems]} if problems else {}
        print_json(counts | again | wrong)
        return
    for name, count in counts.items():
        if count and name != "calls":
            click.echo(f"{count:>9,} {WORDS.get(name, name)}")
    if not any(counts[name] for name in counts if name != "calls"):
        click.echo("Nothing was unknown." if "absent" in counts else "No news.")
    if planned is not None:
        click.echo(f"{planned[0]:,} planned again: `bulksend run` sends them.")
        if planned[1]:
            click.echo(
                f"{planned[1]:,} stay not sent: the search does not prove it any more, "
                "or has a record that fits."
            )

"""Commands that send, and what they leave."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bulksend.cli.parts import SHARD
from bulksend.cli.places import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend import Checked, Ended, Options
    from bulksend.storage.location import Where

RESULTS = click.option(
    "--results",
    type=PLACE,
    help="Where the results go: a .csv, .parquet or .xlsx file, or s3://, gs://, az://.",
)
JOURNAL = click.option("--journal", default="", help="A file, or postgresql://…")
YES = click.option("--yes", is_flag=True, help="Do not ask before sending.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ONLY = click.option(
    "--only",
    type=click.Choice(["not_sent", "failed", "retryable"]),
    default=None,
    help="Of a run that is there: the rows that are left; that failed, but for those that "
    "the same text would not reach now; or that failed in a way that Bandwidth lets one "
    "repeat.",
)
WAIT = click.option(
    "--wait", is_flag=True, help="Wait for another sender of this campaign."
)
NO_WAIT = click.option(
    "--no-wait",
    "until_closed",
    is_flag=True,
    help="Do not wait for people's hours: stop, and say when to come back.",
)
WITH_PARENT = click.option(
    "--with-parent", is_flag=True, help="Stop when the process that started it ends."
)


@click.command(short_help="Plan and send; run again to resume.")
@click.argument("campaign", type=PLACE)
@YES
@click.option("--replan", is_flag=True, help="Begin anew though the input changed.")
@click.option(
    "--slot", default="", help="Which of a recurring campaign's sends: 2026-11-30."
)
@ONLY
@click.option(
    "--workers",
    default="",
    help="Plan and send by a Dask cluster: dask://HOST:PORT, or local:4 for processes here.",
)
@WAIT
@NO_WAIT
@WITH_PARENT
@RESULTS
@JOURNAL
@AS_JSON
def run(campaign: Where, yes: bool, as_json: bool, workers: str, **said: Any) -> None:
    """Plan a campaign and send it.

    Run it again after any stop: it resumes, and sends nobody twice. A recurring campaign
    names its slot, so that the same text goes out once in each.

    Example: bulksend run campaigns/reminder.yaml --slot 2026-11-30
    """
    from bulksend import load_campaign, run_campaign, run_on_workers

    loaded = load_campaign(campaign, environment=os.environ)
    real = loaded.campaign.provider == "bandwidth"
    options = _options(yes or not real, as_json, **said)
    if workers:
        ended = run_on_workers(loaded, workers, environment=os.environ, options=options)
    else:
        ended = run_campaign(loaded, environment=os.environ, options=options)
    _end(ended, as_json)


@click.command(short_help="Send a plan as it stands.")
@click.argument("plan", type=PLACE)
@YES
@click.option(
    "--slot",
    default="",
    help="The plan's own slot, to send it before or after its time.",
)
@click.option(
    "--shard",
    type=SHARD,
    default=None,
    help="One part of a plan made with --shards, from 0; `results` writes them all.",
)
@ONLY
@click.option(
    "--as-planned", is_flag=True, help="Send it although a list changed since."
)
@WAIT
@NO_WAIT
@WITH_PARENT
@RESULTS
@JOURNAL
@AS_JSON
def send(plan: Where, yes: bool, as_json: bool, **said: Any) -> None:
    """Send a plan as it stands.

    Where a list or the text changed since it was made, it is refused before it begins.
    Suppression lists are read as they are now, also those that the campaign file names
    since: whoever is on one gets nothing. A plan of a recurring campaign is for one slot,
    and is refused before that is due and once it is over. What failed of a run is chosen
    by its plan, whatever has changed since.

    Example: bulksend send .bulksend/plans/reminder-1f3a9c2b7d5e.parquet
    """
    from bulksend import load_plan, send_plan

    opened = load_plan(plan, environment=os.environ, journal=said["journal"])
    real = opened.about["campaign"]["provider"] == "bandwidth"
    options = _options(yes or not real, as_json, **said)
    _end(send_plan(plan, environment=os.environ, options=options), as_json)


@click.command(short_help="Show how every run stands.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
@JOURNAL
@AS_JSON
def status(folder: Path, journal: str, as_json: bool) -> None:
    """Show how every run stands, newest first.

    Example: bulksend status --folder campaigns
    """
    from bulksend import Home, list_runs, opt_out_rate, unknown_callbacks
    from bulksend.cli.show import print_json, show_opt_outs, show_runs
    from bulksend.errors import counted

    home = Home.find(folder, os.environ, journal)
    runs, rate, strange = list_runs(home), opt_out_rate(home), unknown_callbacks(home)
    if as_json:
        whole = {"opt_outs": rate.as_dict(), "unknown_callbacks": strange}
        print_json([each.as_dict() | whole for each in runs])
        return
    show_runs(runs)
    show_opt_outs(rate)
    if strange:
        some = counted(strange, "callback was", "callbacks were")
        click.echo(f"{some} about messages of no run here")


@click.command(short_help="Write a run's results again.")
@click.argument("run", default="")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
@RESULTS
@click.option(
    "--spreadsheet",
    is_flag=True,
    help="Make the CSV safe to open in Excel: no cell runs as a formula.",
)
@JOURNAL
@AS_JSON
def results(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    run: str,
    folder: Path,
    results: Where | None,
    spreadsheet: bool,
    journal: str,
    as_json: bool,
) -> None:
    """Write the results of RUN, or of the newest run, as plan and journal have it now.

    Example: bulksend results reminder-1f3a9c2b7d5e --results reminder.xlsx
    """
    from bulksend import Home, write_run

    home = Home.find(folder, os.environ, journal)
    ended = write_run(run, home=home, output=results, for_spreadsheet=spreadsheet)
    _end(ended, as_json)


def _options(yes: bool, as_json: bool, **said: Any) -> Options:
    """*said* is what the command's own options say, by the names that `Options` has."""
    from bulksend import Options
    from bulksend.cli.logs import configure
    from bulksend.cli.progress import show_progress
    from bulksend.cli.stopping import DEADLINE

    configure()
    on_screen = sys.stderr.isatty() and not as_json
    return Options(
        confirm=_confirm(yes, as_json),
        beside=show_progress if on_screen else None,
        on_stop=DEADLINE.begin,
        **said | {"only": said.get("only") or ""},
    )


def _confirm(yes: bool, as_json: bool) -> Callable[[Checked], bool]:
    def ask(checked: Checked) -> bool:
        from bulksend import forecast_plan
        from bulksend.cli.checked import show_checked
        from bulksend.cli.outlook import show_outlook
        from bulksend.cli.show import whoever_reads

        is_asked = not yes and sys.stdin.isatty() and not as_json
        outlook = forecast_plan(checked) if is_asked and not checked.gates else None
        if not as_json:
            with whoever_reads():
                show_checked(checked, outlook=outlook)
                if outlook is not None:
                    show_outlook(outlook)
        if not is_asked:
            return yes
        count = f"{checked.left:,}"
        return click.confirm(f"Send {count} real messages now?", default=False)

    return ask


def _end(ended: Ended, as_json: bool) -> None:
    from bulksend.cli.show import print_json, show_ended, whoever_reads
    from bulksend.cli.stopping import DEADLINE

    with whoever_reads():
        if as_json:
            print_json(ended.as_dict())
        else:
            show_ended(ended)
    DEADLINE.exit(ended.exit_code)

"""Commands that look at a run, and change nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.cli.places import PLACE
from bulksend.cli.sending import AS_JSON, JOURNAL

if TYPE_CHECKING:
    from bulksend.storage.location import Where

FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
RUN = click.argument("run", default="")


@click.command(short_help="Write a run's report: one HTML file.")
@RUN
@FOLDER
@click.option(
    "--output",
    type=PLACE,
    help="Where to, also s3://, gs:// or az://; RUN.html beside the results otherwise.",
)
@JOURNAL
@AS_JSON
def report(
    run: str, folder: Path, output: Where | None, journal: str, as_json: bool
) -> None:
    """Write the report of RUN, or of the newest run.

    One HTML file that needs no network: outcomes, pace, answers, deliveries, failures
    and what to do, cost. It holds counts only, no number and no text.

    Example: bulksend report spring-sale-1f3a9c2b7d5e --output report.html
    """
    from bulksend import Home, report_run
    from bulksend.cli.show import out, print_json

    path = report_run(run, home=Home.find(folder, os.environ, journal), output=output)
    if as_json:
        print_json({"report": str(path)})
    else:
        out.print(str(path), markup=False)


@click.command(short_help="Watch a run while it goes: here, or in a browser.")
@RUN
@FOLDER
@click.option("--web", is_flag=True, help="Serve the report as a live page.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, help="0 takes a free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    help="Other than the loopback, the page is open to whoever reaches it.",
)
@JOURNAL
@AS_JSON
def watch(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    run: str,
    folder: Path,
    web: bool,
    port: int,
    host: str,
    journal: str,
    as_json: bool,
) -> None:
    """Watch RUN, or the newest run, until nobody sends it any more.

    With --web it is the report as a live page, on this machine only, until Ctrl-C; its
    /metrics is for Prometheus. With --json, a line of JSON for each look.

    Example: bulksend watch --web
    """
    from bulksend import Home
    from bulksend.cli.watching import follow, serve

    home = Home.find(folder, os.environ, journal)
    if web:
        serve(run, home, host=host, port=port)
    else:
        follow(run, home, as_json=as_json)


@click.command(short_help="Print the runs' counts for Prometheus.")
@FOLDER
@click.option(
    "--textfile",
    type=click.Path(path_type=Path),
    help="Write them to this file, for node_exporter's textfile collector.",
)
@JOURNAL
def metrics(folder: Path, textfile: Path | None, journal: str) -> None:
    """Print every run that goes on, or ended in the last day, in Prometheus' format.

    Example: bulksend metrics --textfile /var/lib/node_exporter/bulksend.prom
    """
    import bulksend

    home = bulksend.Home.find(folder, os.environ, journal)
    if textfile is not None:
        bulksend.write_metrics(home, textfile)
    else:
        click.echo(bulksend.metrics(home), nl=False)

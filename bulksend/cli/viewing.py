"""Commands that look at a run, and change nothing."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bulksend.cli.sending import AS_JSON, JOURNAL

FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
RUN = click.argument("run", default="")


@click.command(short_help="Write a run's report: one HTML file.")
@RUN
@FOLDER
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where to; RUN.html beside the results otherwise.",
)
@JOURNAL
@AS_JSON
def report(
    run: str, folder: Path, output: Path | None, journal: str, as_json: bool
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

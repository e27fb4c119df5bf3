"""What became of each arm of an experiment."""

from __future__ import annotations

import os
from pathlib import Path

import click

COLUMNS = (
    *("people", "taken", "delivered", "failed", "opted out", "refused", "unknown"),
)


@click.command(short_help="Show what became of each arm of an experiment.")
@click.argument("run")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
@click.option("--journal", default="", help="The journal's file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def arms(run: str, folder: Path, journal: str, as_json: bool) -> None:
    """Show each arm of RUN's experiment: people, messages, shares with 95 % intervals.

    Example: bulksend arms spring-sale-1f3a9c2b7d5e --folder campaigns
    """
    from rich.table import Table
    from rich.text import Text

    from bulksend import Home, run_arms
    from bulksend.cli.show import out, print_json
    from bulksend.view import comparison

    found = run_arms(run, home=Home.find(folder, os.environ, journal))
    if as_json:
        print_json([one._asdict() for one in found])
        return
    if not found:
        out.print("This run has no experiment.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("arm", *COLUMNS):
        table.add_column(name, justify="left" if name == "arm" else "right")
    for one in found:
        counts = (one.people, one.taken)
        table.add_row(
            Text(one.name),
            *(f"{count:,}" for count in counts),
            f"{one.delivered:,}{_share(one.delivered_share)}",
            f"{one.failed:,}{_share(one.failed_share)}",
            f"{one.opted_out:,}{_share(one.opted_out_share)}",
            f"{one.refused:,}",
            f"{one.unknown:,}",
        )
    out.print(table)
    for said in comparison.said(found):
        out.print(Text(said))


def _share(share: tuple[float, float] | None) -> str:
    from bulksend.view import comparison

    return "" if share is None else f" ({comparison.spread(*share)})"

"""All that was ever decided about a number."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from bulksend.cli.sending import AS_JSON, JOURNAL
from bulksend.cli.suppress import REGION
from bulksend.cli.viewing import FOLDER
from bulksend.errors import counted

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend import Explained


@click.command(short_help="Tell all that was ever decided about a number.")
@click.argument("number")
@REGION
@FOLDER
@JOURNAL
@AS_JSON
def explain(
    number: str, region: str | None, folder: Path, journal: str, as_json: bool
) -> None:
    """Tell all that was ever decided about NUMBER: in every plan, run and list here.

    Instead of a number, the end of a message's tag (#1f3a9c2b-17) or its id at Bandwidth
    will do; then the number stays masked, and texts are left out.

    Example: bulksend explain +19195550123
    """
    from bulksend import Home, explain
    from bulksend.cli.show import print_json

    home = Home.find(folder, os.environ, journal)
    found = explain(number, home=home, region=region)
    if as_json:
        print_json(found.as_dict())
    else:
        show(found)


def show(found: Explained) -> None:
    from bulksend.cli.show import out

    out.print(f"[bold]{found.shown}[/]", highlight=False)
    for one in found.suppressions:
        said = one.as_dict(mask=not found.was_given)
        until = f", lifted {said['lifted_at']}" if said["lifted_at"] else ""
        about = f" for {said['sender']}" if said["sender"] else ""
        out.print(
            f"[yellow]{one.reason.replace('_', ' ')}[/]{about} since {said['since']}, "
            f"by {escape(str(said['source']))}{until}"
        )
    for row in found.rows:
        out.print(
            f"\n[bold]{escape(row.run)}[/] row {escape(row.place)}: "
            f"[bold]{row.status.replace('_', ' ')}[/]"
        )
        if row.why:
            out.print(f"  {escape(row.why)}")
        if found.was_given and row.text:
            out.print(f"  [dim]text[/] {escape(row.text)}")
        for step in row.steps:
            at = datetime.fromtimestamp(step.at / 1000, UTC)
            out.print(f"  [dim]{at:%Y-%m-%d %H:%M:%S}[/] {escape(step.what)}")
    if not found.rows:
        out.print(f"No plan here has it; {found.plans:,} looked through.")
    elif found.plans:
        out.print(f"\n[dim]plans looked through: {found.plans:,}; times in UTC[/]")
    if found.gone:
        names = ", ".join(found.gone[:3]) + (" …" if len(found.gone) > 3 else "")
        out.print(
            f"[dim]{counted(len(found.gone), 'run has', 'runs have')} no plan here any "
            f"more, and may have been for it: {escape(names)}[/]"
        )

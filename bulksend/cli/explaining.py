"""All that was ever decided about a number."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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
        out.print(_word(one.as_dict(mask=not found.was_given)))
    _show_rows(found)
    if not found.rows:
        plans = (
            f"; {found.plans:,} looked through" if found.plans else ": there is none"
        )
        out.print(f"No plan here has it{plans}.")
    elif found.plans:
        out.print(f"\n[dim]plans looked through: {found.plans:,}; times in UTC[/]")
    if found.gone:
        names = ", ".join(found.gone[:3]) + (" …" if len(found.gone) > 3 else "")
        out.print(
            f"[dim]{counted(len(found.gone), 'run has', 'runs have')} no plan here that "
            f"can be read, and may have been for it: {escape(names)}[/]"
        )


def _show_rows(found: Explained) -> None:
    from bulksend.cli.show import out

    for row in found.rows:
        checked = "" if row.is_run else ", in a plan that was never sent"
        out.print(
            f"\n[bold]{escape(row.run)}[/] row {escape(row.place)}: "
            f"[bold]{row.status.replace('_', ' ')}[/]{checked}"
        )
        facts = {
            "arm": row.arm,
            "hours": row.hours and _hours(asdict(row.hours)),
            "any hour": row.any_hour
            and f"no rules of bulksend's held, since: {row.any_hour}",
            "": row.why,
            "text": found.was_given and row.text,
        }
        for name, said in facts.items():
            if said:
                out.print(f"  [dim]{name}[/] ".replace("[dim][/] ", "") + escape(said))
        for step in row.steps:
            at = datetime.fromtimestamp(step.at / 1000, UTC)
            out.print(f"  [dim]{at:%Y-%m-%d %H:%M:%S}[/] {escape(step.what)}")


def _hours(said: dict[str, Any]) -> str:
    """Where the person may be, whose rules hold there, and a window of theirs."""
    rules = ", ".join(said["rules"]) or "send.window"
    if said["opens"] is None:
        return f"{said['place']}: no window, by {rules}"
    opens, closes = (
        f"{datetime.fromtimestamp(said[one] / 1000, UTC):%Y-%m-%d %H:%M}"
        for one in ("opens", "closes")
    )
    return f"{said['place']}: {opens} to {closes}, by {rules}"


def _word(said: dict[str, str | None]) -> str:
    """What somebody said about a number, and until when it stood."""
    by = escape(str(said["source"]))
    about = f" for {said['sender']}" if said["sender"] else ""
    if said["lifted_at"] == said["since"]:  # there was nothing to lift
        return f"asked for messages again{about} {said['since']}, by {by}"
    until = ""
    if said["lifted_at"]:
        until = f", lifted {said['lifted_at']} by {escape(said['lifted_by'] or '?')}"
    reason = str(said["reason"]).replace("_", " ")
    return f"[yellow]{reason}[/]{about} since {said['since']}, by {by}{until}"

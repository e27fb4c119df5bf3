"""Commands about the rules that say when people may be texted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.cli.usage import Commands
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend import RuleChange, RuleInForce, RulePack

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DAY = click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="As they are in force on a day; today without it.",
)
PACK = click.option(
    "--pack",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Rules of your own beside bulksend's; may be given again.",
)


@click.group(
    cls=Commands,
    short_help="Show the hours at which people may be texted, and their sources.",
)
def rules() -> None:
    """Show the rules about hours: what they say, where they stand, what changed.

    Not legal advice. Each rule says whether the law's own text was read (primary),
    somebody's account of it (secondary), or nobody asks for it (caution).

    Example: bulksend rules show us-fl
    """


@rules.command("list")
@DAY
@PACK
@AS_JSON
def list_(day: datetime | None, files: tuple[Path, ...], as_json: bool) -> None:
    """List every rule: jurisdictions, hours, kind of source.

    What does not hold for good has its dates beside it.

    Example: bulksend rules list --on 2026-07-01
    """
    from bulksend.cli.show import print_json

    found = _dated(_pack(files), _day(day))
    if as_json:
        print_json([row._asdict() for row in found])
    else:
        _show_list(found)


@rules.command()
@click.argument("names", nargs=-1, required=True)
@DAY
@PACK
@AS_JSON
def show(
    names: tuple[str, ...], day: datetime | None, files: tuple[Path, ...], as_json: bool
) -> None:
    """Show rules by their id or their jurisdiction, with their sources.

    Example: bulksend rules show us-fl FR
    """
    from bulksend.cli.show import print_json

    found = _dated(_pack(files), _day(day))
    asked = {*names, *map(str.upper, names)}  # us-pa is one of US-PA's
    wanted = [row for row in found if {row.id, *row.jurisdictions.split()} & asked]
    known = {name for row in wanted for name in (row.id, *row.jurisdictions.split())}
    if missing := [name for name in names if not {name, name.upper()} & known]:
        what = f"`{missing[0]}` is neither a rule's id nor a jurisdiction with a rule"
        raise InputError(Problem("E123", what))
    if as_json:
        print_json([row._asdict() for row in wanted])
    else:
        _show_each(wanted)


@rules.command()
@click.argument("before")
@click.argument("after")
@AS_JSON
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what differs between two days, or between two files of rules.

    Example: bulksend rules diff 2021-01-01 2026-11-26
    """
    from bulksend import rule_changes
    from bulksend.cli.show import print_json

    found = rule_changes(_side(before), _side(after))
    if as_json:
        print_json([change._asdict() for change in found])
    else:
        _show_changes(found)


def _side(said: str) -> list[RuleInForce]:
    """A day's rules, or all of a file's: those that hold today, and the others by date."""
    from bulksend import read_rules, rules_in_force

    try:
        return rules_in_force(_pack(()), date.fromisoformat(said))
    except ValueError:
        return _dated(read_rules([Path(said)]), _day(None))


def _dated(pack: RulePack, day: date) -> list[RuleInForce]:
    from bulksend import dated_rules

    return dated_rules(pack, day)


def _pack(files: tuple[Path, ...]) -> RulePack:
    from bulksend import read_rules, shipped_rules

    return read_rules(files, beside=shipped_rules()) if files else shipped_rules()


def _day(day: datetime | None) -> date:
    return (day or datetime.now(UTC)).date()


def _show_list(rows: Sequence[RuleInForce]) -> None:
    from rich.table import Table

    from bulksend.cli.show import out

    names = ["rule", "jurisdictions", "local hours", "a day", "source"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in [*names, "in force"] if any(row.dates for row in rows) else names:
        table.add_column(name, no_wrap=True)
    for row in rows:
        most = str(row.per_day or "")
        said = (row.id, row.jurisdictions, row.hours, most, row.kind, row.dates)
        table.add_row(*said[: len(table.columns)], style="" if row.in_force else "dim")
    out.print(table)
    out.print(
        "[dim]Not legal advice. `bulksend rules show ID` has each one's source.[/]"
    )


def _show_each(rows: Sequence[RuleInForce]) -> None:
    from rich.markup import escape

    from bulksend.cli.show import out

    for row in rows:
        out.print(f"[bold]{row.id}[/] {escape(row.name)} [dim]({row.jurisdictions})[/]")
        out.print(f"  hours    {row.hours}")
        if row.holidays:
            out.print(f"  holidays {row.holidays}", highlight=False)
        if row.per_day:
            out.print(f"  a person at most {row.per_day} messages in 24 hours")
        until = f" until {row.until}" if row.until else ""
        since = f"since {row.since}" if row.in_force else f"not now: from {row.since}"
        out.print(f"  in force {since}{until}")
        out.print(
            f"  source   {row.kind}: {escape(row.source)}\n           {escape(row.url)}"
        )


def _show_changes(changes: Sequence[RuleChange]) -> None:
    from rich.markup import escape

    from bulksend.cli.show import out

    if not changes:
        out.print("No rule differs.")
    for one in changes:
        if not one.before:
            out.print(f"[green]+ {one.id}[/] {escape(one.after)}")
        elif not one.after:
            out.print(f"[red]- {one.id}[/] {escape(one.before)}")
        else:
            said = f"{one.what}: {one.before} → {one.after}"
            out.print(f"[yellow]~ {one.id}[/] {escape(said)}")

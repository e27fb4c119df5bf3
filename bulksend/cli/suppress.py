"""Commands about who must not be texted."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.cli.places import PLACE, tell_new_journal
from bulksend.cli.usage import Commands

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bulksend import SuppressionList
    from bulksend.storage.location import Where

NUMBERS = click.argument("numbers", nargs=-1, required=True)
FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
JOURNAL = click.option("--journal", default="", help="The journal's file.")
REGION = click.option(
    "--region", default=None, help="Where numbers without a + belong: US, GB."
)
SENDER = click.option(
    "--sender", default="", help="Only about texts from this number or name of yours."
)
WHOLE = click.option("--show-numbers", is_flag=True, help="Do not mask numbers.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

MOST_SHOWN = 50


@click.group(cls=Commands, short_help="Keep the list of who must not be texted.")
def suppress() -> None:
    """Keep the list of people who must not be texted, whatever a campaign's list says.

    It stands in the journal, and a run that is under way reads it again before each
    message.

    Example: bulksend suppress add +19195550123 --because "asked by phone"
    """


@suppress.command()
@NUMBERS
@REGION
@SENDER
@click.option("--because", default="operator", help="Who said so.")
@FOLDER
@JOURNAL
@AS_JSON
def add(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    numbers: tuple[str, ...],
    region: str | None,
    sender: str,
    because: str,
    folder: Path,
    journal: str,
    as_json: bool,
) -> None:
    """Put NUMBERS on the list.

    Example: bulksend suppress add "(919) 555-0123" --region US
    """
    with _list(folder, journal, may_create=True) as people:
        added = people.add(numbers, region=region, sender=sender, because=because)
    _say({"numbers": len(numbers), "added": added}, as_json)


@suppress.command()
@NUMBERS
@REGION
@SENDER
@FOLDER
@JOURNAL
@AS_JSON
def remove(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    numbers: tuple[str, ...],
    region: str | None,
    sender: str,
    folder: Path,
    journal: str,
    as_json: bool,
) -> None:
    """Let NUMBERS be texted again; the list remembers until when they were not.

    That lifts what people said themselves (STOP), too, and says how often it did.

    Example: bulksend suppress remove +19195550123
    """
    with _list(folder, journal) as people:
        lifted = people.remove(numbers, region=region, sender=sender)
    said = {"numbers": len(numbers), "lifted": lifted.entries}
    if as_json or lifted.opted_out:
        said["opted_out"] = lifted.opted_out
    _say(said, as_json)


@suppress.command()
@click.argument("number")
@REGION
@WHOLE
@FOLDER
@JOURNAL
@AS_JSON
def check(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    number: str,
    region: str | None,
    show_numbers: bool,
    folder: Path,
    journal: str,
    as_json: bool,
) -> None:
    """Say whether NUMBER must not be texted, since when, and who said so.

    Example: bulksend suppress check +19195550123
    """
    from bulksend.cli.show import print_json

    with _list(folder, journal) as people:
        found = people.check(number, region=region)
    entries = [one.as_dict(mask=not show_numbers) for one in found]
    at_work = any(one.lifted_at is None for one in found)
    if as_json:
        print_json({"suppressed": at_work, "entries": entries})
        return
    click.echo("suppressed" if at_work else "not suppressed")
    _table(entries)


@suppress.command("list")
@click.option("--limit", type=click.IntRange(1), default=MOST_SHOWN, show_default=True)
@WHOLE
@FOLDER
@JOURNAL
@AS_JSON
def list_(
    limit: int, show_numbers: bool, folder: Path, journal: str, as_json: bool
) -> None:
    """Show who is on the list: how many by reason, and the first of them, masked.

    Example: bulksend suppress list --limit 10
    """
    from bulksend.cli.show import print_json

    with _list(folder, journal) as people:
        counts = people.counts()
        some = islice(people.all(), limit)
        entries = [one.as_dict(mask=not show_numbers) for one in some]
    if as_json:
        print_json({"counts": counts, "entries": entries})
        return
    total = sum(counts.values())
    parts = " + ".join(f"{count:,} {reason}" for reason, count in counts.items())
    click.echo(f"{total:,} suppressed" + (f" = {parts}" if parts else ""))
    _table(entries)
    if total > len(entries):
        click.echo(
            f"and {total - len(entries):,} more: `bulksend suppress export FILE`"
        )


@suppress.command("import")
@click.argument("file", type=PLACE)
@REGION
@SENDER
@FOLDER
@JOURNAL
@AS_JSON
def import_(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    file: Where,
    region: str | None,
    sender: str,
    folder: Path,
    journal: str,
    as_json: bool,
) -> None:
    """Put every number of FILE on the list: any kind of file that a campaign takes.

    What `suppress export` wrote is taken over entry by entry, each with its sender,
    reason, source and date. Who was lifted here after that date stays so, and is counted.

    Example: bulksend suppress import opt-outs.csv --region US
    """
    from bulksend.cli.show import show_problems

    with _list(folder, journal, may_create=True) as people:
        done = people.import_file(file, region=region, sender=sender)
    show_problems(done.notices)
    said = {"numbers": done.numbers, "added": done.added}
    _say(said | ({"stay_lifted": done.lifted} if done.lifted else {}), as_json)


@suppress.command()
@click.argument("file", type=click.Path(path_type=Path))
@FOLDER
@JOURNAL
@AS_JSON
def export(file: Path, folder: Path, journal: str, as_json: bool) -> None:
    """Write the list to a new CSV file, numbers whole.

    Example: bulksend suppress export opt-outs.csv
    """
    with _list(folder, journal) as people:
        count = people.export_file(file)
    _say({"numbers": count}, as_json)


def _list(
    folder: Path, journal: str, *, may_create: bool = False
) -> AbstractContextManager[SuppressionList]:
    from bulksend import Home, SuppressionList

    home = Home.find(folder, os.environ, journal)
    if may_create:
        tell_new_journal(home)
    return SuppressionList.open(home, may_create=may_create)


def _say(counts: dict[str, int], as_json: bool) -> None:
    from bulksend.cli.show import print_json

    if as_json:
        print_json(counts)
    else:
        click.echo(" · ".join(f"{name} {count:,}" for name, count in counts.items()))


def _table(entries: list[dict[str, str | None]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from bulksend.cli.show import out

    if not entries:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    shown = [name for name in entries[0] if any(one[name] for one in entries)]
    for name in shown:
        table.add_column(name.replace("_", " "), no_wrap=True)
    for one in entries:
        table.add_row(*(escape(one[name] or "") for name in shown))
    out.print(table)

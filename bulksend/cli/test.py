"""A test to numbers of one's own, as a command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from bulksend.cli.places import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend.storage.location import Where


@click.command(short_help="Send one row's message to numbers of your own.")
@click.argument("campaign", type=PLACE)
@click.option(
    "--to", "numbers", multiple=True, required=True, help="A number of yours."
)
@click.option(
    "--row",
    metavar="ROW",
    help="The spreadsheet row to send; of several files, FILE:ROW.",
)
@click.option("--yes", is_flag=True, help="Do not ask before sending.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test(
    campaign: Where, numbers: tuple[str, ...], row: str | None, yes: bool, as_json: bool
) -> None:
    """Send the message of one row, as it would arrive, to numbers of your own.

    Without --row it is the first row that gets a message. The test stands in the journal
    as one; the campaign's own ledger does not know of it.

    Example: bulksend test campaigns/reminder.yaml --to +19195550123 --row 7
    """
    from bulksend import load_campaign, send_test
    from bulksend.cli.logs import configure
    from bulksend.cli.show import print_json, show_ended, show_tested

    configure()
    real = (
        load_campaign(campaign, environment=os.environ).campaign.provider != "simulator"
    )
    tested = send_test(
        campaign,
        numbers,
        row=row,
        confirm=_confirm(yes or not real, as_json),
        environment=os.environ,
    )
    if as_json:
        print_json(tested.ended.as_dict() | {"messages": tested.rows})
    else:
        show_tested(tested.rows)
        show_ended(tested.ended)
    sys.exit(tested.ended.exit_code)


def _confirm(yes: bool, as_json: bool) -> Callable[[list[dict[str, Any]]], bool]:
    def ask(messages: list[dict[str, Any]]) -> bool:
        from bulksend.cli.show import show_preview

        if not as_json:
            show_preview(messages)
        if yes:
            return True
        if not sys.stdin.isatty() or as_json:
            return False
        return click.confirm(
            f"Send {len(messages):,} real messages now?", default=False
        )

    return ask

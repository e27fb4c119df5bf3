"""A test before the send: one row's message, as it would arrive, to a few phones at hand.

It is a plan like any other and is sent like any other, with intent and outcome in the
journal, marked as a test.  It has a lease and a ledger of its own, so the campaign itself
knows nothing of it: whoever was a tester still gets the real one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.means import Options
from bulksend.pipeline import send_plan
from bulksend.planning import load_campaign, plan_campaign
from bulksend.prepare.excerpt import for_testers, read_testers
from bulksend.prepare.list_columns import Reading
from bulksend.prepare.lists import read_list
from bulksend.prepare.preview import preview_plan
from bulksend.send.clocks import wall_ms
from bulksend.settle.results import results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bulksend.settle.standing import Ended
    from bulksend.storage.location import Where

SHOWN = ("to", "text", "media", "status", "message_id", "error_code", "error")


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of a test.

    Args:
        rows: For each message its number, text, status, id and error.
    """

    ended: Ended
    rows: tuple[dict[str, Any], ...]


def send_test(
    campaign: str | Where,
    numbers: Sequence[str],
    *,
    row: int | str | None = None,
    confirm: Callable[[list[dict[str, Any]]], bool] = lambda _: True,
    environment: Mapping[str, str] = os.environ,
) -> Tested:
    """Send the message of one row to *numbers*.

    Args:
        numbers: In any spelling; at most ten.

        row: A spreadsheet row, as `Sheets.row` reads it: ``7``, or ``east.csv:7`` of
            several files; None is the first that gets a message.

        confirm: Asked with the messages before anything is sent; False refuses.

    Raises:
        InputError: The campaign, the row or a number is wrong; nothing was sent.
        GateRefused: A gate said no; nothing was sent.
    """
    loaded = load_campaign(campaign, environment=environment)
    recipients = loaded.campaign.recipients
    home = Home.find(loaded.folder, environment)
    phone, region = recipients.phone, recipients.default_region
    reading = Reading(loaded.folder, phone, region, keeps_out=True, spool=home.spool())
    suppressed = read_list(recipients.suppress, reading)
    testers = read_testers(numbers, region, suppressed.numbers)
    checked = plan_campaign(loaded, environment=environment)
    now = wall_ms()
    chosen = None if row is None else checked.plan.sheets.row(str(row))
    plan = for_testers(checked.plan, home.folder / "tests", chosen, testers, now=now)
    messages = preview_plan(plan, rows=range(2, plan.rows + 2))
    ended = send_plan(
        plan.path,
        environment=environment,
        options=Options(
            confirm=lambda _: confirm(messages),
            results=plan.path.with_suffix(".csv").absolute(),
            as_planned=True,
        ),
    )
    with Journal.open(home.journal) as journal:
        run = journal.runs.named(plan.run)
        assert run is not None
        frame = results(plan, journal, run)
        there = [name for name in SHOWN if name in frame.collect_schema()]
        rows = frame.select(pl.col(there)).collect().to_dicts()
    return Tested(ended, tuple(rows))

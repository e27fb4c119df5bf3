"""The progress line of a run: counts, pace, time left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bulksend.cli.outlook import moment
from bulksend.cli.show import err

if TYPE_CHECKING:
    from bulksend.underway import Progress as Seen
    from bulksend.underway import Underway

EVERY_SECONDS = 0.25


async def show_progress(sending: Underway) -> None:
    """Draw until cancelled."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn("[dim]{task.fields[pace]}[/]"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("sending", total=0, pace="")
        while True:
            seen = sending.progress()
            if seen is not None:
                progress.update(
                    task,
                    description=_doing(seen),
                    total=seen.total,
                    completed=seen.done,
                    pace=f"{_pace(seen.rate)}/s"
                    + (f" · {seen.refused:,} refused" if seen.refused else "")
                    + (f" · {seen.unknown:,} unknown" if seen.unknown else ""),
                )
            await asyncio.sleep(EVERY_SECONDS)


def _doing(seen: Seen) -> str:
    if seen.waits_until is None:
        return "sending"
    return f"waiting for {seen.waits_for} until {moment(seen.waits_until)}"


def _pace(rate: float) -> str:
    return f"{rate:.2g}" if rate < 1 else f"{rate:,.1f}".removesuffix(".0")

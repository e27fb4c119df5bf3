"""A run while it goes: in the terminal, or as a page."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bulksend.cli.show import duration, out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from bulksend import Home, Now

COLOURS = {
    "in_flight": "cyan",
    "delivered": "green",
    "accepted": "blue",
    "failed": "red",
    "refused": "yellow",
    "unknown": "magenta",
    "expired": "yellow",
    "not_sent": "white",
    "excluded": "bright_black",
}
BAR = 40
BESIDE = 36
"""Columns for an outcome's name, its count and its share, and between them."""

LEAST_PAUSE = 1.0
PAUSE_PER_LOOK = 4
"""Between two looks, a pause of at least so many times what a look took."""


def follow(run: str, home: Home, *, as_json: bool) -> None:
    """Until nobody sends the run; drawn anew on a terminal, a line each elsewhere."""
    if as_json or not sys.stdout.isatty():
        before = ""
        for now in looks(run, home):
            line = json.dumps(now.as_dict()) if as_json else in_a_line(now)
            if line != before:
                click.echo(line)
            before = line
        return
    with Live(console=out, auto_refresh=False) as live:
        for now in looks(run, home):
            live.update(picture(now, out.width), refresh=True)


def looks(run: str, home: Home) -> Iterator[Now]:
    """One after the other, never so often that it weighs on the journal."""
    from bulksend import watch_run

    while True:
        began = time.monotonic()
        now = watch_run(run, home=home)
        run = now.run.run  # the newest may soon be another one
        yield now
        if now.is_over:
            return
        took = time.monotonic() - began
        time.sleep(max(LEAST_PAUSE, PAUSE_PER_LOOK * took))


def in_a_line(now: Now) -> str:
    """``sending · 620 of 1,000 · 49.8 messages/s · 8 s left · 3 refused``."""
    lacking = [
        f"{now.counts[name]:,} {name}"
        for name in ("failed", "refused", "unknown", "expired")
        if now.counts[name]
    ]
    return " · ".join([*_facts(now), *lacking])


def _facts(now: Now) -> Iterator[str]:
    yield now.state
    yield f"{now.done:,} of {now.to_send:,}"
    if now.is_held and now.per_second:
        yield f"{now.per_second:,.1f} messages/s"
    if now.seconds_left:
        yield f"{duration(now.seconds_left)} left"


def picture(now: Now, width: int = BAR + BESIDE) -> RenderableType:
    """The run's name, how far it is, and every outcome with its share.

    Args:
        width: Of the terminal: where it is narrow, the bars give way to the words.
    """
    longest = max(4, min(BAR, width - BESIDE))
    name = Text(now.run.run, style="bold", overflow="ellipsis", no_wrap=True)
    facts = Text(" · ".join(_facts(now)), style="dim")
    bar = ProgressBar(total=max(now.to_send, 1), completed=now.done, width=BAR + 22)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for outcome, colour in COLOURS.items():
        count = now.counts.get(outcome, 0)
        if not count:
            continue
        part = count / max(now.run.rows, 1)
        length = max(1, round(part * longest))
        table.add_row(
            Text(outcome.replace("_", " ")),
            f"{count:,}",
            Text(f"{100 * part:.1f} %", style="dim"),
            Text("█" * length, style=colour),
        )
    return Group(name, facts, Padding(bar, (0, 0, 1, 0)), table)


def serve(run: str, home: Home, *, host: str, port: int) -> None:
    """The live page, until SIGINT or SIGTERM."""
    from bulksend import live_page

    async def until_told() -> None:
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, told.set)
        async with live_page(run, home, host=host, port=port) as address:
            click.echo(address)
            await told.wait()

    asyncio.run(until_told())

"""The stand-in as a server."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bulksend.simulator.server import Simulator

SHARE = click.FloatRange(0, 1)


@click.command(short_help="Serve a stand-in for Bandwidth on this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option("--rate", type=float, default=None, help="Segments/s; without, no limit.")
@click.option("--latency", type=float, default=0.0, help="Seconds until an answer.")
@click.option("--lost-after", type=SHARE, default=0.0, help="Accepted, then reset.")
@click.option("--lost-before", type=SHARE, default=0.0, help="Reset, not accepted.")
@click.option("--error-500", type=SHARE, default=0.0, help="Bandwidth's own 500.")
@click.option("--gateway-502", type=SHARE, default=0.0, help="A gateway's page.")
@click.option("--slow", type=SHARE, default=0.0, help="Answered late.")
@click.option("--silent", type=SHARE, default=0.0, help="Accepted, never answered.")
@click.option("--garbled-202", type=SHARE, default=0.0, help="A 202 that breaks off.")
@click.option("--search-lag", type=float, default=0.0, help="Seconds to be found.")
@click.option(
    "--search-after-callback", is_flag=True, help="Found once a callback is answered."
)
@click.option("--callbacks", "callback_url", default="", help="Where they are posted.")
@click.option("--callback-delay", type=float, default=0.0, help="Seconds until then.")
@click.option("--callback-doubled", type=SHARE, default=0.0, help="Posted twice.")
@click.option("--callback-strange", type=SHARE, default=0.0, help="Of unknown types.")
@click.option("--undelivered", type=SHARE, default=0.0, help="Fails, with a code.")
@click.option("--overdue", type=SHARE, default=0.0, help="9902, then the real one.")
@click.option("--dropped", type=SHARE, default=0.0, help="Never heard of again.")
@click.option("--stops", type=SHARE, default=0.0, help="The person answers STOP.")
@click.option("--token-lifetime", type=float, default=3600.0, help="Seconds.")
@click.option("--seed", type=int, default=None, help="Makes the faults repeatable.")
@click.option("--log", type=click.Path(path_type=Path), help="Keeps every message.")
def simulate(port: int, seed: int | None, log: Path | None, **knobs: Any) -> None:
    """Serve a stand-in for Bandwidth's messaging API on 127.0.0.1.

    It accepts any credentials, sends nothing, and keeps a log of what it was told:
    GET /_stats counts it, GET /_log?kind=accepted lists it. The options named for a
    fault take the share of messages that meet it, from 0 to 1.

    With --callbacks it tells what became of each message, as Bandwidth does, and signs
    in with BW_CALLBACK_USERNAME and BW_CALLBACK_PASSWORD where they are set.

    Example: bulksend simulate --port 8765 --rate 50 --lost-after 0.02
    """
    from bulksend.simulator.lifetime import run_forever
    from bulksend.simulator.scenario import Scenario

    scenario = Scenario(
        callback_user=os.environ.get("BW_CALLBACK_USERNAME", ""),
        callback_password=os.environ.get("BW_CALLBACK_PASSWORD", ""),
        **knobs,  # the options' own names
    )
    rng = random.Random(seed)  # noqa: S311  (faults, not secrets)
    run_forever(scenario, rng, ready=_announce, port=port, log_path=log)


def _announce(simulator: Simulator) -> None:
    click.echo(f"BW_MESSAGING_URL={simulator.url}")
    click.echo(f"BW_TOKEN_URL={simulator.token_url}")

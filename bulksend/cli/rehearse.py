"""A whole campaign against the stand-in, as a command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulksend.errors import SOME_FAILED

if TYPE_CHECKING:
    from bulksend import Proof


@click.command(short_help="Prove a campaign against faults and kills; sends nothing.")
@click.argument("campaign", type=click.Path(path_type=Path))
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="At most so many messages, spread over the list.",
)
@click.option(
    "--kills",
    type=click.IntRange(0, 20),
    default=3,
    show_default=True,
    help="How often the sender is killed.",
)
@click.option("--seed", type=int, default=None, help="Makes the faults repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rehearse(
    campaign: Path, rows: int, kills: int, seed: int | None, as_json: bool
) -> None:
    """Send a campaign to a stand-in on this machine, with everything that can go wrong.

    Answers get lost, gateways fail, the server hangs and throttles, and the sender is
    killed in the middle and begun again until it is done. The stand-in's own log is then
    held against the journal, row by row. The real journal is not touched, and nothing
    leaves this machine. Exit 0 only if nobody was texted twice and no row is without a
    fate.

    Example: bulksend rehearse campaigns/reminder.yaml --rows 1000
    """
    from bulksend import Rehearsal, rehearse_campaign
    from bulksend.cli.show import err, print_json

    def note(words: str) -> None:
        if not as_json:
            err.print(f"[dim]{words}[/]")

    rehearsal = Rehearsal(rows, kills, seed, note)
    proof = rehearse_campaign(campaign, rehearsal, environment=os.environ)
    if as_json:
        print_json(proof.as_dict())
    else:
        _show(proof)
    sys.exit(0 if proof.holds else SOME_FAILED)


def _show(proof: Proof) -> None:
    from bulksend.cli.show import out

    met = ", ".join(
        f"{count:,} {name.replace('_', ' ')}"
        for name, count in sorted(proof.faults.items(), key=lambda one: -one[1])
    )
    out.print(f"met       {met or 'no fault'}")
    out.print(f"killed    {proof.kills:,} of {proof.starts:,} senders")
    arrived = f" ({proof.arrived:,} of them had arrived)" if proof.unknown else ""
    out.print(
        f"{proof.rows:,} rows = {proof.accepted:,} accepted + {proof.refused:,} refused + "
        f"{proof.unknown:,} unknown{arrived}"
    )
    colour, word = ("green", "holds") if proof.holds else ("red", "does not hold")
    out.print(
        f"[bold {colour}]Proof {word}: {proof.rows:,} rows · {proof.accepted:,} accepted"
        f" · {proof.doubled:,} doubled · {proof.lost:,} lost · {proof.wrong:,} wrong"
        f" · {proof.unknown:,} unknown[/]"
    )

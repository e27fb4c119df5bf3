"""The command that hears what became of messages."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(short_help="Take in Bandwidth's callbacks: deliveries, failures, STOP.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to open.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option(
    "--tls-cert", type=click.Path(path_type=Path), help="Certificate chain, PEM."
)
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option("--no-auth", is_flag=True, help="Let everybody in; on this machine only.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="A campaign's."
)
@click.option("--journal", default="", help="The journal's file.")
def listen(  # noqa: PLR0913, PLR0917  (click's way: one parameter an option)
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    no_auth: bool,
    folder: Path,
    journal: str,
) -> None:
    """Take in Bandwidth's callbacks until SIGTERM, while runs go on beside it.

    Each is on the disk before it is answered. Deliveries and failures go to their rows;
    who answers STOP, and numbers that are gone, go on the suppression list at once.

    The application at Bandwidth has the address as its callback URL, and the user and
    password that BW_CALLBACK_USERNAME and BW_CALLBACK_PASSWORD hold here. GET /health
    says whether callbacks can be stored now.

    Example: bulksend listen --port 8080 --folder campaigns
    """
    from bulksend import Home, door
    from bulksend import listen as serve
    from bulksend.cli.logs import configure
    from bulksend.cli.places import tell_new_journal
    from bulksend.cli.show import show_problems
    from bulksend.cli.stopping import DEADLINE
    from bulksend.errors import InputError, Problem

    if (tls_cert is None) != (tls_key is None):
        raise InputError(
            Problem("E143", "--tls-cert and --tls-key go together", fix="Name both.")
        )
    configure()
    home = Home.find(folder, os.environ, journal)
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    where = door(os.environ, host=host, port=port, auth=not no_auth, tls=tls)
    show_problems(where.warnings)
    tell_new_journal(home)

    def announce(at: int) -> None:
        click.echo(f"listening on {'https' if tls else 'http'}://{host}:{at}/")

    count = serve(home, where, ready=announce, on_stop=DEADLINE.begin)
    click.echo(f"{count:,} callbacks taken in")

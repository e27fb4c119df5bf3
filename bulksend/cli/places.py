"""Where a command reads or writes: a path, or an address in object storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bulksend.storage.location import where

if TYPE_CHECKING:
    from bulksend import Home
    from bulksend.storage.location import Where


# Generic from click 8.4 on only.
class Place(click.ParamType):  # type: ignore[type-arg]
    """A path of this machine, or ``s3://``, ``gs://``, ``az://``."""

    name = "path"

    def convert(
        self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None
    ) -> Where:
        return where(value)


PLACE = Place()


def tell_new_journal(home: Home) -> None:
    """Name the journal that is about to be made: what it is told, no other one knows."""
    home.refuse_lost_journal()
    if not home.journal.exists():
        click.echo(f"new journal {home.journal}", err=True)

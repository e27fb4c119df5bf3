"""Whether what a sender needs can be reached; nothing is sent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from bulksend import aside
from bulksend.home import Home
from bulksend.journal.store import Journal
from bulksend.send.bandwidth import Client
from bulksend.send.signin import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_connection(environment: Mapping[str, str]) -> str:
    """Sign in at Bandwidth and open the journal; sends nothing.  What was reached.

    Raises:
        BulksendError: What does not work.
    """
    credentials = Credentials.from_environment(environment)
    aside.run(_sign_in(credentials))
    home = Home.find(Path(), environment)
    if isinstance(home.journal, Path):
        return f"signed in at {credentials.url}; the journal is a file on each machine"
    with Journal.open(home.journal) as journal:
        journal.runs.all()
    return f"signed in at {credentials.url}; the journal is {home.journal}"


async def _sign_in(credentials: Credentials) -> None:
    async with Client(credentials, clock=time.monotonic) as client:
        await client.sign_in()

"""Callbacks about messages that no run of this journal has sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.journal.store import Journal

if TYPE_CHECKING:
    from bulksend.home import Home

INBOUND = {"message-received", "suggestion-response", "requested-location-response"}
"""What people send to us, which belongs to no message of ours."""


def unknown_callbacks(home: Home) -> int:
    """How many there are: another program's, another journal's, or of one that was lost.

    Raises:
        BulksendError: The journal cannot be opened.
    """
    if not home.journal.exists():
        return 0
    with Journal.open_as_it_is(home.journal) as journal:
        counts = journal.receipts.counts()
    return sum(others for kind, (_, others) in counts.items() if kind not in INBOUND)

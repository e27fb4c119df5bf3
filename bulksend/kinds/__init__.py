"""Every kind of problem bulksend can report, in one table parted by its hundreds.

    E1xx campaign file · E2xx recipients · E3xx template and message · E4xx gates ·
    E5xx provider, sign-in, workers · E6xx journal, plan and output

A ``W`` code is a warning and shares the row of its number.  A code that was once given
out keeps its meaning; the next one takes a free number in its hundred.
"""

from __future__ import annotations

from bulksend.kinds import campaign, gates, journal, message, provider, recipients
from bulksend.kinds.kind import Kind

__all__ = ("KINDS", "Kind")

_PARTS = (campaign, recipients, message, gates, provider, journal)

KINDS: dict[str, Kind] = {kind.code: kind for part in _PARTS for kind in part.ROWS}

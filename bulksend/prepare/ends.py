"""When a run is over, whoever is left: moments, and how long a message lives.

Pure: the time is an argument, in milliseconds since 1970.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from bulksend.rules.hours import LEAST_LIFE_MS

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign


class Ends(NamedTuple):
    """Two ends of a run, in milliseconds since 1970; None where nothing says.

    Args:
        expires: When all of its messages expire: what must wait for longer is given up.

        stops: From when on nothing is sent: what is left may be resumed.
    """

    expires: int | None = None
    stops: int | None = None

    @property
    def last(self) -> float:
        """Who may be texted then, or later, comes too late."""
        expires = inf if self.expires is None else self.expires - LEAST_LIFE_MS
        return min(expires, inf if self.stops is None else self.stops)


NEVER = Ends()


def ends_of(campaign: Campaign, now: int) -> Ends:
    """Of a run that begins at *now*."""
    until, stops = campaign.send.not_after, None
    if until is not None:
        begins = datetime.fromtimestamp(now / 1000, UTC)
        stops = round(until.on(begins).timestamp() * 1000)
    return Ends(expires_at(campaign), stops)


def expires_at(campaign: Campaign) -> int | None:
    """When all of its messages expire; None where no moment is named."""
    moment = campaign.message.expiration
    return round(moment.timestamp() * 1000) if isinstance(moment, datetime) else None


def life_of(campaign: Campaign) -> float:
    """Seconds after which a message expires, from when it is posted."""
    said = campaign.message.expiration
    return said.total_seconds() if isinstance(said, timedelta) else inf

"""What a carrier's cap is about, and when T-Mobile's day ends.

Pure: moments are milliseconds since 1970.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from bulksend.rules.tz import zone

T_MOBILE, ATT, UNKNOWN = "t_mobile", "att", "unknown"
BY_DAY = frozenset({T_MOBILE, UNKNOWN})
"""Words of a message's carrier that count against T-Mobile's day."""

BY_MINUTE = frozenset({ATT, UNKNOWN})
"""And those that count against AT&T's minute."""

MINUTE_MS = 60_000
MINUTE_LASTS_MS = 61_000
"""Any sixty seconds, counted second by second: one of them is only partly in it."""

PACIFIC = zone("America/Los_Angeles")


def pacific_day(now: int) -> tuple[int, int]:
    """When T-Mobile's day began, and when it ends; 23 or 25 hours, twice a year."""
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(PACIFIC).date()
    begin, end = (
        datetime.combine(day, time(), PACIFIC).timestamp()
        for day in (today, today + timedelta(days=1))
    )
    return round(begin * 1000), round(end * 1000)

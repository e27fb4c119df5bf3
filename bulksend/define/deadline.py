"""Until when a campaign may be sent: a moment, or a time of each day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from bulksend.define.amounts import TIMESTAMP_PATTERN
from bulksend.rules import tz

_TIME = r"^([01][0-9]|2[0-3]):([0-5][0-9]) ([A-Za-z][A-Za-z0-9_+/-]{0,40})$"
DEADLINE_PATTERN = f"{TIMESTAMP_PATTERN}|{_TIME}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment, or a time of day with its zone; ``text`` is how it was written."""

    text: str
    moment: datetime | None
    daily: time | None = None

    @classmethod
    def parse(cls, text: str) -> Deadline:
        """Read ``2026-03-01T20:00:00-05:00`` or ``18:00 America/New_York``.

        Raises:
            ValueError: It is neither, or names a day or a zone that there is not.
        """
        if re.fullmatch(TIMESTAMP_PATTERN, text):
            return cls(text, datetime.fromisoformat(text.upper()))
        match = re.fullmatch(_TIME, text)
        if match is None or match[3] not in tz.names():
            raise ValueError(text)
        zone = tz.zone(match[3])
        return cls(text, None, time(int(match[1]), int(match[2]), tzinfo=zone))

    def __str__(self) -> str:
        return self.text

    def on(self, now: datetime) -> datetime:
        """When it falls for what begins at *now*: a time of day is that day's, there."""
        if self.moment is not None:
            return self.moment
        assert self.daily is not None
        day = now.astimezone(self.daily.tzinfo).date()
        return datetime.combine(day, self.daily)

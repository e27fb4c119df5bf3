"""Writes bulksend/rules/holidays.json anew: ``python docs/closed_days.py``."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from bulksend.rules.closed_days import asked
from bulksend.rules.rule_file import SHIPPED_CALENDARS

FIRST, LAST = 2025, 2036
PLACE = Path(__file__).parents[1] / "bulksend" / "rules" / "holidays.json"


def main() -> None:
    said = {
        "source": f"the Python library holidays {version('holidays')}",
        "calendars": {
            calendar: {
                year: [f"{day}" for day in sorted(asked(calendar, year))]
                for year in range(FIRST, LAST + 1)
            }
            for calendar in sorted(SHIPPED_CALENDARS)
        },
    }
    PLACE.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()

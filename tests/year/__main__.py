"""The year by hand: ``python -m tests.year`` sends to a million people.

It lists some more: of each list one in twenty has a place that leaves no hour, or a number
that came before.

Prints a line for each campaign, what was wrong with any POST, and the sums at the end.
Ends with 1 where anything was wrong, or the people were not from everywhere.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

import structlog

from tests.year.year import RUNS, Sums, campaigns

LISTED = 1_060_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.year")
    parser.add_argument("people", type=int, nargs="?", default=LISTED)
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    began, total = time.monotonic(), Sums()
    for told, sums in campaigns(asked.people // asked.runs, asked.runs):
        say(f"{told}: {sums}")
        for wrong in sums.wrong[:5]:
            say(f"    {wrong}")
        total.add(sums)
    say(f"{total}")
    say(f"states: {len(total.states)}, countries: {len(total.countries)}")
    say(f"{time.monotonic() - began:.0f} s, {time.process_time():.0f} s of CPU")
    return 0 if total.holds and total.is_everywhere else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

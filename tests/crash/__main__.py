"""The barrage by hand: ``python -m tests.crash 1000`` kills a thousand senders.

Prints one line for each campaign that is not as promised, and the sums at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash.barrage import barrage

if TYPE_CHECKING:
    from tests.crash.ground import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("kills", type=int, nargs="?", default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    campaigns = 0

    def note(seed: int, verdict: Verdict) -> None:
        nonlocal campaigns
        campaigns += 1
        if not verdict.holds:
            say(f"seed {seed}: {verdict}")

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        total = barrage(Path(folder), asked.kills, asked.seed, note)
    for name in total.__slots__:
        say(f"{name:12} {getattr(total, name)}")
    say(f"{'campaigns':12} {campaigns}")
    say(f"{'seconds':12} {time.monotonic() - began:.0f}")
    return 0 if total.holds else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

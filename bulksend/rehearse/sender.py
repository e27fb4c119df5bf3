"""``python -m bulksend.rehearse.sender PLAN``: the sender that a rehearsal kills.

A process of its own, with the whole path of a real run: lease, claims, HTTP, outcomes.
Only its patience is shorter: a server that hangs need not be waited for half a minute.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bulksend.assignment import Assignment
from bulksend.dispatch import Sending
from bulksend.errors import BulksendError
from bulksend.home import Home
from bulksend.loop import run_sending
from bulksend.planning import campaign_of
from bulksend.prepare.plan import Plan
from bulksend.send.clocks import wall_ms

PATIENCE_SECONDS = 2.0


def main(path: str) -> int:
    """Send what is left of the plan; the exit code is 0 where nothing stopped it."""
    plan = Plan.open(Path(path))
    home = Home.find(plan.path.parent, os.environ)
    output = home.folder / "results.csv"
    asked = Assignment(
        plan,
        campaign_of(plan),
        home,
        os.environ,
        output,
        patience=PATIENCE_SECONDS,
    )
    run = asked.known_run(replan=True)
    run = run or asked.begin_run(now=wall_ms())
    stopped = run_sending(Sending(asked), run)
    if stopped is not None:
        sys.stderr.write(f"{stopped}\n")
    return stopped.exit_code if stopped is not None else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except BulksendError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)

"""A campaign from Python: plan it, look at it, send it, read what came of it.

It sends to the simulator; nothing leaves this machine.  Run it again: it resumes, and
sends nobody a second text.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

import bulksend

CAMPAIGN = Path(__file__).parent / "quickstart/campaign.yaml"


def confirm(checked: bulksend.Checked) -> bool:
    """Asked with the plan before the first message leaves; False sends nothing."""
    return checked.summary.segments <= 1_000


def main() -> int:
    try:
        checked = bulksend.plan_campaign(CAMPAIGN)
        options = bulksend.Options(confirm=confirm)
        ended = bulksend.run_campaign(CAMPAIGN, options=options)
    except bulksend.BulksendError as error:
        for problem in error.problems:
            print(problem)
        return error.exit_code

    summary = checked.summary
    print(f"{summary.sendable} of {summary.rows} rows get a text, in", end=" ")
    print(f"{summary.segments} segments; left out: {summary.reasons}")
    for row in bulksend.preview_plan(checked.plan, longest=1):
        print("the longest:", row["text"])

    print(ended.counts)
    results = pl.read_csv(ended.results, infer_schema=False)
    print(results.group_by("status", "reason").len().sort("len", descending=True))
    return ended.exit_code


if __name__ == "__main__":
    sys.exit(main())

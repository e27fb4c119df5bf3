"""What the results cost, beside the least that any tool must do.

    nice python -m benchmarks.results [ROWS] [--rounds N] [--folder DIR]

One plan of a dirty list (`listing`), and a journal in which nine of ten messages were
accepted, most of them delivered, and some refused, unknown or not sent yet.  Each job
runs in a process of its own:

floor    `scan_parquet` of the plan and the sink: every column, as Polars does by itself.
packed   The same, packed as the results are, which takes less CPU; only Parquet is packed.
results  `write_run`: the plan, and what the journal knows of every row.  As a workbook
         it has no floor: Polars writes none without holding all of it.
report   `report_run`: every figure of the run, and the page; once, not by form.

CPU is user and system time of all threads; of several rounds the quickest counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.prepare import CAMPAIGN, Figures, make_list, measured

if TYPE_CHECKING:
    from bulksend.journal.records import Outcome

FILL_ROWS = 50_000
START = 1_790_000_000_000


def fill(folder: Path) -> None:
    """Plan the list, and let a run of it happen in the journal."""
    from bulksend import Home, plan_campaign
    from bulksend.assignment import Assignment
    from bulksend.journal.owner import Owner
    from bulksend.journal.records import Candidate
    from bulksend.journal.store import Journal
    from bulksend.planning import load_campaign

    loaded = load_campaign(folder / "campaign.yaml")
    checked = plan_campaign(loaded)
    home = Home.find(folder, {})
    output = folder / "results" / "filled.csv"
    asked = Assignment(checked.plan, loaded.campaign, home, {}, output)
    run = asked.begin_run(now=START)
    with Journal.open(home.journal) as journal:
        epoch = journal.leases.take(run.campaign, Owner.me(), now=START)
        for chunk in checked.plan.sendable():
            rows = [row for row in chunk["row"].to_list() if row % 100 != 99]
            wanted = [Candidate(row, row) for row in rows]
            journal.leases.renew(run.campaign, epoch, now=START)
            journal.claim(run, epoch, wanted, now=START)
            journal.record(run.id, epoch, [_answer(row) for row in rows])
            rows = [row for row in rows if row % 100 < 80]
            journal.record(run.id, epoch, [_receipt(row) for row in rows])


def _answer(row: int) -> Outcome:
    from bulksend.journal.records import Outcome
    from bulksend.journal.states import Event

    posted = START + row * 3
    at = posted + 40 + row % 50
    if row % 100 == 97:
        said = "400 request-validation: to: '+1919…' is invalid"
        return Outcome(row, Event.REFUSE, at, posted, None, "400", said)
    if row % 1000 == 98:
        said = (
            "No answer came (timeout). It may have been sent, so it is not sent again."
        )
        return Outcome(row, Event.LOSE, at, posted, None, "no_answer", said)
    return Outcome(row, Event.ACCEPT, at, posted, f"{row:013d}xo7watq5px6rbe5d")


def _receipt(row: int) -> Outcome:
    from bulksend.journal.records import Outcome
    from bulksend.journal.states import Event

    at = START + row * 3 + 3_000 + row % 7_000
    if row % 50 == 3:
        said = "The carrier says that the number is not in service."
        return Outcome(row, Event.FAIL, at, None, None, "4720", said)
    return Outcome(row, Event.DELIVER, at)


def floor(folder: Path, form: str) -> Figures:
    return _copied(folder, form)


def packed(folder: Path, form: str) -> Figures:
    return _copied(folder, form, compression_level=1)  # as `settle.files` has it


def _copied(folder: Path, form: str, **how: Any) -> Figures:
    from bulksend.prepare.plan import Plan

    plan = Plan.open(next((folder / ".bulksend" / "plans").glob("*.parquet")))
    sink = plan.frame().sink_csv if form == "csv" else plan.frame().sink_parquet
    figures: Figures = {}
    with measured(figures):
        sink(folder / f"floor.{form}", engine="streaming", **how)
    return figures


def results(folder: Path, form: str) -> Figures:
    from bulksend import Home, list_runs, write_run

    home = Home.find(folder, {})
    run = list_runs(home)[0].run
    path = folder / f"out.{form}"
    path.unlink(missing_ok=True)
    figures: Figures = {}
    with measured(figures):
        write_run(run, home=home, output=path)
    return figures


def report(folder: Path, _: str) -> Figures:
    from bulksend import Home, report_run

    figures: Figures = {}
    with measured(figures):
        report_run(home=Home.find(folder, {}), output=folder / "report.html")
    return figures


JOBS = {"floor": floor, "packed": packed, "results": results, "report": report}
OF_FORM = {"csv": ("floor", "results"), "parquet": ("floor", "packed", "results")}


def child(job: str, folder: Path) -> Figures:
    command = [sys.executable, "-m", "benchmarks.results", "--job", job]
    done = subprocess.run(
        [*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE
    )
    figures: Figures = json.loads(done.stdout or "{}")
    return figures


def main(rows: int, rounds: int, folder: Path) -> None:
    whole = folder / f"{rows}"
    make_list(whole, rows)
    (whole / "campaign.yaml").write_text(json.dumps(CAMPAIGN))
    if not (whole / ".bulksend" / "journal.sqlite").exists():
        child("fill", whole)
    print(f"{rows:,} rows, {rounds} rounds")
    print("\n| | wall s | CPU s | wall / floor | CPU / floor | RSS MB |")
    print("|---|---:|---:|---:|---:|---:|")
    for form, jobs in OF_FORM.items():
        best: dict[str, Figures] = {}
        for _ in range(rounds):
            for job in jobs:
                one = child(f"{job} {form}", whole)
                best[job] = min(one, best.get(job, one), key=lambda f: f["wall"])
        for job, one in best.items():
            wall, cpu = (one[key] / best["floor"][key] for key in ("wall", "cpu"))
            print(
                f"| {job}, {form} | {one['wall']:.2f} | {one['cpu']:.2f} | {wall:.2f} "
                f"| {cpu:.2f} | {one['rss']:,.0f} |"
            )
    for alone in ("results xlsx", "report html"):
        one = min((child(alone, whole) for _ in range(rounds)), key=lambda f: f["wall"])
        print(
            f"| {alone} | {one['wall']:.2f} | {one['cpu']:.2f} | | | {one['rss']:,.0f} |"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results")
    parser.add_argument("rows", nargs="?", default="1_000_000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keeps list, plan and journal")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    if asked.job == "fill":
        fill(asked.folder)
    elif asked.job:
        name, form = asked.job.split()
        print(json.dumps(JOBS[name](asked.folder, form)))
    elif asked.folder:
        main(int(asked.rows), asked.rounds, asked.folder)
    else:
        with tempfile.TemporaryDirectory(prefix="bulksend-") as scratch:
            main(int(asked.rows), asked.rounds, Path(scratch))

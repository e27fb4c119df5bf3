"""What `bulksend plan` costs, beside the least that any tool must do.

    nice python -m benchmarks.prepare [ROWS] [--rounds N] [--brief] [--folder DIR]

On one list (`listing`), in one run, each in a process of its own:

floor   `scan_csv`, one text column by `concat_str`, `sink_parquet`: it checks nothing.
        Once as Polars compresses by default, once with the plan's own lz4.
plan    `plan_campaign`: numbers, opt-outs, template, segments, duplicates, summary.
stages  where the plan's time goes: the same draft with fewer columns asked of it, which
        the optimizer then leaves out, or with fewer rules in the campaign.
loop    on at most 200,000 rows, one row at a time: phonenumbers, Jinja, and segments
        character by character; it finds no duplicates and writes no file.

CPU is user and system time of all threads.  On a machine that others use too, walls
stretch; the ratios of CPU time hold.  Of several rounds the quickest counts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from bulksend.prepare.draft import Draft

LOOP_ROWS = 200_000
TEXT = (
    "Hi {{ first_name | default('there') }}, your balance of ${{ due }} at our "
    "{{ city }} office is due on Friday. Pay at ex.co/pay or reply STOP to end."
)
CAMPAIGN: dict[str, Any] = {
    "name": "benchmark",
    "provider": "simulator",
    "from": "+19195550100",
    "recipients": {
        "path": "recipients.csv",
        "phone": "mobile",
        "default_region": "US",
        "duplicates": "first",
        "suppress": ["opt-outs.csv"],
    },
    "message": {"text": TEXT, "tag": "balance-{{ customer_id }}"},
    "send": {"rate": "1000/s"},
    "results": "results/benchmark.parquet",
}

Figures: TypeAlias = dict[str, float]


# -- what is measured, each in a child ---------------------------------------------------


@contextmanager
def measured(figures: Figures) -> Iterator[None]:
    """Adds wall and CPU seconds of the block, and the process's peak RSS in MB."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    figures["wall"] = time.perf_counter() - start
    figures["cpu"] = (after.ru_utime - before.ru_utime) + (
        after.ru_stime - before.ru_stime
    )
    figures["rss"] = after.ru_maxrss / 1024


def floor(folder: Path, compression: Any) -> Figures:
    import polars as pl

    frame = pl.scan_csv(folder / "recipients.csv", infer_schema=False)
    text = pl.concat_str(
        pl.lit("Hi "),
        pl.col("first_name").fill_null("there"),
        pl.lit(", your balance of $"),
        pl.col("due"),
        pl.lit(" at our "),
        pl.col("city"),
        pl.lit(" office is due on Friday. Pay at ex.co/pay or reply STOP to end."),
    )
    figures: Figures = {}
    with measured(figures):
        frame.with_columns(text=text).sink_parquet(
            folder / "floor.parquet", compression=compression, engine="streaming"
        )
    return figures


def plan(folder: Path) -> Figures:
    from bulksend import plan_campaign

    with tempfile.TemporaryDirectory(dir=folder) as home:
        figures: Figures = {}
        with measured(figures):
            checked = plan_campaign(
                folder / "campaign.yaml", environment={"BULKSEND_HOME": home}
            )
        summary = checked.summary
        assert summary.rows == summary.sendable + sum(summary.reasons.values())
        figures["sendable"] = summary.sendable
        figures["repaired"] = sum(summary.repairs.values())
        figures["megabytes"] = checked.plan.path.stat().st_size / 1e6
        figures |= {f"excluded: {code}": n for code, n in summary.reasons.items()}
    return figures


def loop(folder: Path, *, pattern_cache: bool) -> Figures:
    import jinja2
    import phonenumbers

    from benchmarks.phones import reference
    from benchmarks.segments import scalar

    if pattern_cache:
        phonenumbers.enable_pattern_cache()
    template = jinja2.Environment(autoescape=False).from_string(TEXT)
    sendable = segments = 0
    figures: Figures = {}
    with (
        measured(figures),
        (folder / "recipients.csv").open(encoding="utf-8", newline="") as file,
    ):
        for row in csv.DictReader(file):
            number = reference(row["mobile"])
            # To Jinja an empty cell is a value; to a reader of the text it is missing.
            text = template.render({name: cell for name, cell in row.items() if cell})
            segments += scalar(text)
            sendable += number is not None
    return figures | {"sendable": sendable, "segments": segments}


def stage(folder: Path, name: str) -> Figures:
    from bulksend import load_campaign
    from bulksend.prepare.draft import draft

    rules, ask = STAGES[name]
    recipients = CAMPAIGN["recipients"] | rules
    kept = {key: value for key, value in recipients.items() if value is not None}
    path = folder / "stage.yaml"
    path.write_text(json.dumps(CAMPAIGN | {"recipients": kept}))
    figures: Figures = {}
    with draft(load_campaign(path, environment={}), version="benchmark") as drafted:
        work = ask(drafted, folder)
        with measured(figures):
            work()
    return figures


def _sink(
    *names: str, whole: bool = False
) -> Callable[[Draft, Path], Callable[[], object]]:
    """Write the list's own columns of the draft, and these; or the *whole* of it."""

    def ask(drafted: Draft, folder: Path) -> Callable[[], object]:
        frame: pl.LazyFrame = drafted.frame
        if not whole:
            frame = frame.select("row", *drafted.about["columns"], *names)
        return lambda: frame.sink_parquet(
            folder / "stage.parquet",
            compression="lz4",
            maintain_order=True,
            engine="streaming",
        )

    return ask


def _scan(_: Draft, folder: Path) -> Callable[[], object]:
    from bulksend.prepare.source import scan

    return lambda: scan(["recipients.csv"], folder=folder).close()


def _opt_outs(_: Draft, folder: Path) -> Callable[[], object]:
    from bulksend.prepare.list_columns import Reading
    from bulksend.prepare.lists import read_list

    reading = Reading(folder, ["mobile"], "US", keeps_out=True)
    return lambda: read_list(["opt-outs.csv"], reading)


_NUMBERS = ("to", "number_key", "number_region", "number_type", "number_repair")
_BARE = {"suppress": None}
STAGES: dict[str, tuple[dict[str, Any], Callable[[Draft, Path], Any]]] = {
    "the file's structure and hash": (_BARE, _scan),
    "the opt-outs": (_BARE, _opt_outs),
    "scan to Parquet": (_BARE, _sink()),
    "+ numbers": (_BARE, _sink(*_NUMBERS)),
    "+ text": (_BARE, _sink(*_NUMBERS, "text")),
    "+ tag, segments, duplicates, reasons, all columns": (_BARE, _sink(whole=True)),
    "+ opt-outs looked up": ({}, _sink(whole=True)),
}
CUMULATIVE = "scan to Parquet"

FLOORS = ("floor", "floor, lz4")
LOOPS = ("loop", "loop, pattern cache")
JOBS: dict[str, Callable[[Path], Figures]] = {
    "floor": lambda folder: floor(folder, "zstd"),
    "floor, lz4": lambda folder: floor(folder, "lz4"),
    "plan": plan,
    "loop": lambda folder: loop(folder, pattern_cache=False),
    "loop, pattern cache": lambda folder: loop(folder, pattern_cache=True),
}


# -- the run -----------------------------------------------------------------------------


def child(job: str, folder: Path) -> Figures:
    """What a job took, in a fresh process; this one stays small.

    On Linux a child's peak RSS begins at its parent's.
    """
    command = [sys.executable, "-m", "benchmarks.prepare", "--job", job]
    done = subprocess.run(
        [*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE
    )
    figures: Figures = json.loads(done.stdout)
    return figures


def quickest(jobs: Iterable[str], folder: Path, rounds: int) -> dict[str, Figures]:
    """Every job in turn, so that a slow minute of the machine meets them all."""
    best: dict[str, Figures] = {}
    for _ in range(rounds):
        for job in jobs:
            figures = child(job, folder)
            best[job] = min(figures, best.get(job, figures), key=lambda one: one["cpu"])
    return best


def make_list(folder: Path, rows: int) -> None:
    if not (folder / "opt-outs.csv").exists():
        listing = [sys.executable, "-m", "benchmarks.listing", str(rows), str(folder)]
        subprocess.run(listing, check=True)
    (folder / "campaign.yaml").write_text(json.dumps(CAMPAIGN))


def main(rows: int, rounds: int, folder: Path, *, brief: bool) -> None:
    few = min(rows, LOOP_ROWS)
    whole, small = folder / f"{rows}", folder / f"{few}"
    make_list(whole, rows)
    make_list(small, few)
    child("plan", small)  # compiles the number rules where no cache has them
    size = (whole / "recipients.csv").stat().st_size
    print(f"{rows:,} rows, {size / 1e6:,.0f} MB; {rounds} rounds; load {_load()}")

    found = quickest([*FLOORS, "plan", *([] if brief else STAGES)], whole, rounds)
    base = found["floor"]
    print("\n| | wall s | CPU s | CPU ns/row | wall / floor | CPU / floor | RSS MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in (*FLOORS, "plan"):
        one = found[name]
        print(
            f"| {name} | {one['wall']:.2f} | {one['cpu']:.2f} "
            f"| {one['cpu'] / rows * 1e9:,.0f} | {one['wall'] / base['wall']:.2f} "
            f"| {one['cpu'] / base['cpu']:.2f} | {one['rss']:,.0f} |"
        )
    _print_counts(found["plan"])
    if not brief:
        _print_stages(found, rows)
        _print_loop(quickest(["plan", *LOOPS], small, min(rounds, 2)), few)
    print(f"\nload {_load()}")


def _print_counts(done: Figures) -> None:
    said = [
        f"{name.removeprefix('excluded: ')} {value:,.0f}"
        for name, value in done.items()
        if name not in {"wall", "cpu", "rss", "megabytes"}
    ]
    print(f"\nplan of {done['megabytes']:,.0f} MB: {' · '.join(said)}")


def _print_stages(found: dict[str, Figures], rows: int) -> None:
    print("\n| stage | wall ns/row | CPU ns/row | this alone |")
    print("|---|---:|---:|---:|")
    before, known, cumulative = 0.0, 0.0, False
    for name in STAGES:
        one = found[name]
        alone = one["cpu"] - before
        known += alone
        cumulative = cumulative or name == CUMULATIVE
        before = one["cpu"] if cumulative else 0.0
        print(f"| {name} {_ns(one['wall'], rows)} {_ns(one['cpu'], rows)}", end=" ")
        print(f"{_ns(alone, rows)} |")
    plan = found["plan"]
    print(f"| summary, and what is left | | {_ns(plan['cpu'] - known, rows)} |")
    print(f"| the whole plan {_ns(plan['wall'], rows)} {_ns(plan['cpu'], rows)} | |")


def _print_loop(found: dict[str, Figures], rows: int) -> None:
    print(f"\n| {rows:,} rows | wall s | CPU us/row | wall / plan | CPU / plan |")
    print("|---|---:|---:|---:|---:|")
    done = found["plan"]
    for name, one in found.items():
        print(
            f"| {name} | {one['wall']:.2f} | {one['cpu'] / rows * 1e6:.1f} "
            f"| {one['wall'] / done['wall']:.1f} | {one['cpu'] / done['cpu']:.1f} |"
        )


def _ns(seconds: float, rows: int) -> str:
    return f"| {seconds / rows * 1e9:,.0f}"


def _load() -> str:
    return " ".join(f"{one:.2f}" for one in os.getloadavg())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prepare")
    parser.add_argument("rows", nargs="?", default="1_000_000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keeps the lists for another run")
    parser.add_argument("--brief", action="store_true", help="floor and plan only")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    if asked.job in STAGES:
        print(json.dumps(stage(asked.folder, asked.job)))
    elif asked.job:
        print(json.dumps(JOBS[asked.job](asked.folder)))
    elif asked.folder:
        main(int(asked.rows), asked.rounds, asked.folder, brief=asked.brief)
    else:
        with tempfile.TemporaryDirectory(prefix="bulksend-") as scratch:
            main(int(asked.rows), asked.rounds, Path(scratch), brief=asked.brief)

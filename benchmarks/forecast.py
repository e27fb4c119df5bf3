"""What a forecast costs: `prepare.outlook.outlook` over a plan, hours alone and all caps.

    nice python -m benchmarks.forecast [ROWS] [--rounds N] [--folder DIR] [--profile]

The list is harder than a real one: area codes drawn by chance, and for half of the people
a ZIP drawn by chance beside it, so that a million of them are at nearly 5,000 places; and a
carrier drawn by chance.  The plan is made once; each round is a forecast from the
beginning, hours and all, in a process of its own.  The questions:

hours   what `check` asks of a campaign without caps
caps    with T-Mobile's day, AT&T's minute and Bandwidth's queue
tight   the same with an end that most do not meet, so that every remedy is looked for
lanes   the same of four senders, each with a rate of its own
twenty  and of twenty
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOW = round(datetime(2026, 11, 24, 13, tzinfo=UTC).timestamp() * 1000)
SEED = 20261126
CARRIERS = ("T-Mobile", "AT&T", "Verizon", "")
CAPS: dict[str, Any] = {
    "carriers": {"t_mobile_per_day": 200_000, "att_per_minute": 4_500},
    "dequeue": "150/s",
}
TIGHT = CAPS | {"not_after": "2026-11-25T20:00:00Z"}
SENDERS = tuple(f"+191955501{one:02}" for one in range(20))
RATES = ("10/s", "20/s", "40/s", "80/s")
TWENTY = tuple(f"{rate}/s" for rate in range(3, 23))
QUESTIONS: dict[str, dict[str, Any]] = {
    "hours": {},
    "caps": CAPS,
    "tight": TIGHT,
    "lanes": TIGHT | {"per_sender": dict(zip(SENDERS, RATES, strict=False))},
    "twenty": TIGHT | {"per_sender": dict(zip(SENDERS, TWENTY, strict=True))},
}


def write_list(folder: Path, rows: int) -> None:
    import polars as pl
    import zipcodes

    from bulksend.prepare.phones.states import STATES, _table

    rng = random.Random(SEED)
    areas = [area for area, state in enumerate(_table()["state"]) if STATES[state]]
    zips = [one["zip_code"] for one in zipcodes.list_all() if one["timezone"]]  # type: ignore[no-untyped-call]
    numbers = (
        f"+1{rng.choice(areas)}{rng.randrange(2_000_000, 9_999_999)}"
        for _ in range(rows)
    )
    pl.DataFrame(
        {
            "mobile": list(numbers),
            "zip": [
                rng.choice(zips) if rng.random() < 0.5 else "" for _ in range(rows)
            ],
            "carrier": rng.choices(CARRIERS, k=rows),
            "name": rng.choices(("Ann", "Bartholomew", "Zoë", "Łukasz"), k=rows),
            "code": rng.sample(range(10**9), rows),
        }
    ).write_parquet(folder / "people.parquet")


def campaign(send: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "forecast",
        "provider": "bandwidth",
        "from": list(send.get("per_sender", SENDERS[:1])),
        "application_id": "a",
        "recipients": {
            "path": "people.parquet",
            "phone": "mobile",
            "default_region": "US",
            "postcode": "zip",
            "carrier": "carrier",
        },
        "message": {
            "text": "Hi {{ name }}, {{ code }} is your code. " + "Open on Friday. " * 7
        },
        "send": {"rate": "200/s"} | send,
    }


def make(folder: Path, rows: int) -> None:
    """The list and its three plans; only what is not there yet."""
    from bulksend import plan_campaign

    if not (folder / "people.parquet").exists():
        write_list(folder, rows)
    for question, send in QUESTIONS.items():
        kept = folder / f"{question}.json"
        if kept.exists():
            continue
        file = folder / f"{question}.yaml"
        file.write_text(json.dumps(campaign(send)))  # JSON is YAML
        checked = plan_campaign(file, environment={"BULKSEND_HOME": str(folder)})
        kept.write_text(json.dumps(str(checked.plan.path)))


def ask(folder: Path, question: str, profile: str) -> dict[str, Any]:
    from bulksend.planning import load_campaign, load_plan
    from bulksend.prepare.outlook import outlook

    plan = load_plan(json.loads((folder / f"{question}.json").read_text()))
    asked = load_campaign(folder / f"{question}.yaml").campaign
    profiler = cProfile.Profile() if profile else None
    wall, cpu = time.perf_counter(), time.process_time()
    if profiler is not None:
        profiler.enable()
    found = outlook(plan, asked, now=NOW)
    if profiler is not None:
        profiler.disable()
        profiler.dump_stats(profile)
    assert found.course is not None
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "ends": found.course.ends,
        "left": found.course.left,
        "expires": found.course.expires,
        "remedies": found.remedies,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--profile", default="", help="write cProfile's figures there")
    parser.add_argument("--ask", choices=QUESTIONS, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.ask:
        print(json.dumps(ask(told.folder, told.ask, told.profile)))
        return
    # Installed libraries have their bytecode, as pip makes it; this one may have none.
    environment = {k: v for k, v in os.environ.items() if "WRITEBYTECODE" not in k}
    with tempfile.TemporaryDirectory() as temporary:
        folder = told.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, told.rows)
        for question in QUESTIONS:
            for _ in range(told.rounds):
                said = subprocess.run(
                    [
                        *(sys.executable, "-m", "benchmarks.forecast"),
                        *("--folder", folder, "--ask", question),
                        *("--profile", told.profile),
                    ],
                    check=True,
                    stdout=subprocess.PIPE,
                    env=environment | {"PYTHONPYCACHEPREFIX": str(folder / "pyc")},
                ).stdout
                print(question, said.decode().strip())


if __name__ == "__main__":
    main()

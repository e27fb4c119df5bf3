"""Four workers on one PostgreSQL against a fast stand-in: throughput, rate, database CPU.

    python benchmarks/workers.py                  # 1 worker and 4, as fast as they can
    python benchmarks/workers.py --rate 200       # 4 workers share 200 segments/s
    python benchmarks/workers.py --journal        # claims and outcomes alone, no posts

Needs PostgreSQL's programs on this machine; starts a server of its own in a temporary
folder.  Counts what the stand-in saw, not what the senders say; where a rate is to be
kept, when its requests came by the kernel's clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bulksend.home import Address
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Outcome, Part
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from tests.flow.desk import Desk, Served, served
from tests.suites.arrivals import densest, watched
from tests.suites.postgres_server import Server, running
from tests.suites.scene import RUN

FAST = 100_000.0


def prepared(folder: Path, rows: int, rate: float, url: str, server: Served) -> Desk:
    desk = Desk(folder, server.environment | {"BULKSEND_JOURNAL": url})
    lines = (f"{n},P{n},+1919{2_000_000 + n},9:15" for n in range(rows))
    desk.people("\n".join(["id,name,mobile,at", *lines]) + "\n")
    desk.campaign(send={"rate": f"{rate:g}/s"})
    return desk


def cpu_seconds(server: Server) -> float:
    """What PostgreSQL's processes used, those that are over included."""
    head = (server.folder / "data" / "postmaster.pid").read_text().splitlines()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if head == stat.parent.name:
            ticks += sum(map(int, fields[11:15]))
        elif fields[1] == head:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(workers: int, rows: int, rate: float | None) -> str:
    with (
        running() as postgres,
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as server,
        watched(server.origin) if rate else nullcontext() as arrivals,
    ):
        if arrivals:
            server.environment["BW_MESSAGING_URL"] = f"{arrivals.origin}/api/v2"
        desk = prepared(Path(folder), rows, rate or FAST, postgres.url(), server)
        said = desk.process("plan", "hello.yaml", "--shards", str(workers), "--json")
        plan = json.loads(said.out)["plan"]
        before, began = cpu_seconds(postgres), time.perf_counter()
        crowd = [
            desk.start("send", plan, "--shard", str(shard), "--yes", "--json")
            for shard in range(workers)
        ]
        codes = [one.wait() for one in crowd]
        wall = time.perf_counter() - began
        used = cpu_seconds(postgres) - before
        desk.close()
        sent = Counter(line["to"][0] for line in server.lines())
        moments = sorted(line["mono"] for line in server.lines("attempt"))
    if arrivals:
        moments = arrivals.moments
    span = moments[-1] - moments[0]
    assert codes == [0] * workers, codes
    assert (len(sent), max(sent.values())) == (rows, 1)
    return (
        f"{workers} worker{'s' * (workers > 1)}: {rows:,} messages, "
        f"{rows / span:,.0f}/s while sending ({wall:.1f} s with start and end), "
        f"most in any second {densest(moments):,}, "
        f"PostgreSQL {used:.1f} CPU s = {used / rows * 1e6:.0f} µs a message"
    )


def journal_alone(workers: int, rows: int) -> str:
    """What the database does where no sender and no server take the processors."""
    with running() as postgres:
        address = Address(postgres.url())
        with Journal.open(address) as journal:
            journal.add_run(RUN)
        share = rows // workers
        parts = [Part(n, 2 + n * share, 1 + (n + 1) * share) for n in range(workers)]
        before, began = cpu_seconds(postgres), time.perf_counter()
        with ProcessPoolExecutor(workers, get_context("spawn")) as crowd:
            busy = sum(crowd.map(claim_and_record, [postgres.url()] * workers, parts))
        wall = time.perf_counter() - began
        used = cpu_seconds(postgres) - before
    return (
        f"{workers} writer{'s' * (workers > 1)}: {rows:,} rows, "
        f"{rows / busy * workers:,.0f} rows/s claimed and recorded ({wall:.1f} s with "
        f"start), PostgreSQL {used / rows * 1e6:.0f} µs a row"
    )


def claim_and_record(url: str, part: Part) -> float:
    """Seconds for the rows of *part*, a hundred at once."""
    with Journal.open(Address(url)) as journal:
        run = journal.run(RUN.run)
        assert run is not None
        now = time.time_ns() // 1_000_000
        epoch = journal.leases.take_shard(run, part, Owner.me(run.run), now=now)
        began = time.perf_counter()
        for first in range(part.first, part.last + 1, 100):
            some = range(first, min(first + 100, part.last + 1))
            now = time.time_ns() // 1_000_000
            wanted = [Candidate(row, row) for row in some]
            mine = journal.claim(run, epoch, wanted, now=now)
            journal.record(
                run.id,
                epoch,
                [Outcome(row, Event.ACCEPT, now, now, f"id-{row}") for row in mine],
            )
        return time.perf_counter() - began


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=20_000)
    asked.add_argument("--rate", type=float, help="segments/s")
    asked.add_argument("--workers", type=int, nargs="*", default=[1, 4])
    asked.add_argument("--journal", action="store_true", help="no posts")
    said = asked.parse_args()
    print(
        subprocess.check_output(["uname", "-mr"], text=True).strip(),
        os.cpu_count(),
        "CPUs",
    )
    for workers in said.workers:
        if said.journal:
            print(journal_alone(workers, said.rows), flush=True)
        else:
            print(measure(workers, said.rows, said.rate), flush=True)


if __name__ == "__main__":
    main()

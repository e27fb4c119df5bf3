"""Four workers on one PostgreSQL against a fast server: throughput, rate, database CPU.

    python benchmarks/workers.py                  # 1 worker and 4, as fast as they can
    python benchmarks/workers.py --rate 200       # 4 workers share 200 segments/s
    python benchmarks/workers.py --rate 50 --rows 400 --segments 2 5 3   # long texts
    python benchmarks/workers.py --journal        # claims and outcomes alone, no posts

Needs PostgreSQL's programs on this machine; starts a server of its own in a temporary
folder.  Counts what the server saw (`target`), not what the senders say, by the kernel's
clock.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg

from benchmarks.send import server
from bulksend.home import Address
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Outcome, Part
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from tests.flow.desk import BASIC, Desk
from tests.suites.arrivals import fullest
from tests.suites.postgres_server import Server, running
from tests.suites.scene import RUN

if TYPE_CHECKING:
    from collections.abc import Sequence

FAST = 20_000.0
"""More than any of these can; much more, and what is reserved is over before it is used."""
END = "/api/v2"
FIRST = 2_000_000
RENEW_MS = 10_000
SEGMENT = 153
"""Letters of each, in a text of several."""


class Asked(NamedTuple):
    """A run: messages, segments a second, and those of each message, again and again."""

    rows: int
    rate: float | None
    segments: Sequence[int]


def prepared(folder: Path, asked: Asked, url: str, environment: dict[str, str]) -> Desk:
    desk = Desk(folder, environment | {"BULKSEND_JOURNAL": url})
    rows, rate = asked.rows, asked.rate or FAST
    lines = (
        f"{n},P{n},+1919{FIRST + n},{'.' * (SEGMENT * (weight - 1) + 1)}"
        for n, weight in zip(range(rows), cycle(asked.segments), strict=False)
    )
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


def measure(workers: int, asked: Asked) -> str:
    rows = asked.rows
    with (
        running() as postgres,
        tempfile.TemporaryDirectory() as folder,
        server() as url,
    ):
        found = {"BW_MESSAGING_URL": url, **BASIC}
        desk = prepared(Path(folder), asked, postgres.url(), found)
        said = desk.process("plan", "hello.yaml", "--shards", str(workers), "--json")
        plan = json.loads(said.out)["plan"]
        before, began = cpu_seconds(postgres), time.perf_counter()
        of_senders = _children()
        crowd = [
            desk.start("send", plan, "--shard", str(shard), "--yes", "--json")
            for shard in range(workers)
        ]
        codes = [one.wait() for one in crowd]
        wall = time.perf_counter() - began
        of_senders = _children() - of_senders
        used = cpu_seconds(postgres) - before
        desk.close()
        with urlopen(f"{url.removesuffix(END)}/_log") as log:
            arrivals = [json.loads(line) for line in log]
    assert codes == [0] * workers, codes
    assert len({one["to"][0] for one in arrivals}) == len(arrivals) == rows
    posts = sorted((one["mono"], one["units"]) for one in arrivals)
    span = posts[-1][0] - posts[0][0]
    segments = sum(weight for _, weight in posts[:-1])
    return (
        f"{workers} worker{'s' * (workers > 1)}: {rows:,} messages, "
        f"{rows / span:,.0f}/s from the first to the last ({segments / span:,.2f} segments), "
        f"{together(arrivals, rows, workers):,.1f} segments/s while all send "
        f"({wall:.1f} s with start and end), "
        f"most segments in any second {fullest(posts):,} and what ends it, "
        f"senders {of_senders / rows * 1e6:.0f} us of CPU a message, start included, "
        f"PostgreSQL {used / rows * 1e6:.0f} us"
    )


def together(arrivals: list[dict[str, Any]], rows: int, workers: int) -> float:
    """Segments a second from when the last worker begins until the first one ends."""
    edges = [rows * shard // workers for shard in range(1, workers)]
    moments: dict[int, list[float]] = defaultdict(list)
    for one in arrivals:
        row = int(one["to"][0].removeprefix("+1919")) - FIRST
        moments[bisect_right(edges, row)].append(one["mono"])
    begin = max(min(each) for each in moments.values())
    end = min(max(each) for each in moments.values())
    between = [one["units"] for one in arrivals if begin <= one["mono"] < end]
    return float(sum(between) / (end - begin))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(used.ru_utime + used.ru_stime)


def journal_alone(workers: int, rows: int) -> str:
    """What the database does where no sender and no server take the processors."""
    with running() as postgres:
        address = Address(postgres.url())
        with Journal.open(address) as journal:
            journal.runs.add(RUN)
        share = rows // workers
        parts = [Part(n, 2 + n * share, 1 + (n + 1) * share) for n in range(workers)]
        before, began = cpu_seconds(postgres), time.perf_counter()
        with ProcessPoolExecutor(workers, get_context("spawn")) as crowd:
            busy = sum(crowd.map(claim_and_record, [postgres.url()] * workers, parts))
        wall = time.perf_counter() - began
        used = cpu_seconds(postgres) - before
        sizes = [size / rows for size in sizes_of_messages(postgres.url())]
    return (
        f"{workers} writer{'s' * (workers > 1)}: {rows:,} rows, "
        f"{rows / busy * workers:,.0f} rows/s claimed and recorded ({wall:.1f} s with "
        f"start), PostgreSQL {used / rows * 1e6:.0f} µs a row, the table of messages "
        f"{sizes[0]:.0f} bytes a row with its index, {sizes[1]:.0f} after a vacuum"
    )


def sizes_of_messages(url: str) -> list[int]:
    """Bytes on the disk as it is, and when nothing dead is in it."""
    asked = "select pg_total_relation_size('bulksend.messages')"
    with psycopg.connect(url, autocommit=True) as sql:
        found = sql.execute(asked).fetchall()
        sql.execute("vacuum full bulksend.messages")
        return [size for (size,) in (*found, *sql.execute(asked).fetchall())]


def claim_and_record(url: str, part: Part) -> float:
    """Seconds for the rows of *part*, a hundred at once."""
    with Journal.open(Address(url)) as journal:
        run = journal.runs.named(RUN.run)
        assert run is not None
        now = time.time_ns() // 1_000_000
        epoch = journal.leases.take_shard(run, part, Owner.me(run.run), now=now)
        began, renewed = time.perf_counter(), now
        for first in range(part.first, part.last + 1, 100):
            some = range(first, min(first + 100, part.last + 1))
            now = time.time_ns() // 1_000_000
            if now > renewed + RENEW_MS:
                journal.leases.renew(run.campaign, epoch, now=now)
                renewed = now
            wanted = [Candidate(row, row) for row in some]
            mine = journal.claim(run, epoch, wanted, now=now)
            journal.record(
                run.id,
                epoch,
                [Outcome(row, Event.ACCEPT, now, now, f"{row:029}") for row in mine],
            )
        return time.perf_counter() - began


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=20_000)
    asked.add_argument("--rate", type=float, help="segments/s")
    asked.add_argument("--segments", type=int, nargs="*", default=[1])
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
            wanted = Asked(said.rows, said.rate, said.segments)
            print(measure(workers, wanted), flush=True)


if __name__ == "__main__":
    main()

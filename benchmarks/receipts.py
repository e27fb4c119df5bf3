"""Callbacks taken in on one core, while a run sends on the same core into the same journal.

    nice python -m benchmarks.receipts [CALLBACKS] [--rate SEGMENTS_A_SECOND]

One campaign is sent first.  Then its callbacks, one event a POST as Bandwidth has it, 5 %
of them twice and in no order, go to `bulksend listen`, while `bulksend run` sends a
second campaign: both are tied to one core, the stand-in and the poster to the other.

Afterwards the journal is asked: every acknowledged callback is in it, every row of the
first campaign has its end, and the stand-in's log has every number of the second once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ACCESS = {"BW_CALLBACK_USERNAME": "bw", "BW_CALLBACK_PASSWORD": "sesame"}
RIGHT = {"Authorization": aiohttp.encode_basic_auth("bw", "sesame")}
CONNECTIONS = 64
TWICE = 0.05
OURS, OTHERS = {0}, {1}
"""Cores: of the listener and the run; of the stand-in and the poster."""

ANY_HOUR = {"profile": "transactional", "because": "measured at any hour"}
CAMPAIGN: dict[str, Any] = {
    "provider": "bandwidth",
    "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
    "from": "+19195550100",
    "message": {"text": "Hi {{ name }}, see you at nine."},
}


def tied(cores: set[int]) -> Any:
    return lambda: os.sched_setaffinity(0, cores)


@contextmanager
def process(
    folder: Path, environment: dict[str, str], cores: set[int], *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """``bulksend`` with *arguments*, tied to *cores*; ended with the block."""
    one = subprocess.Popen(
        [sys.executable, "-m", "bulksend", *arguments],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=tied(cores),  # noqa: PLW1509  (no threads before it)
    )
    try:
        yield one
    finally:
        one.terminate()
        one.communicate()


def campaign(folder: Path, name: str, people: range, rate: int) -> None:
    lines = [f"P{n},+1919{n}" for n in people]
    (folder / f"{name}.csv").write_text("\n".join(["name,mobile", *lines]) + "\n")
    said = CAMPAIGN | {
        "name": name,
        "recipients": {"path": f"{name}.csv", "phone": "mobile"},
        "send": {"rate": f"{rate}/s", "rules": ANY_HOUR},
        "results": f"{name}.parquet",
    }
    (folder / f"{name}.yaml").write_text(json.dumps(said))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def callbacks(results: Path, chance: random.Random) -> list[bytes]:
    sent = pl.read_parquet(results).select("to", "message_id", "tag")
    bodies = []
    for to, message_id, tag in sent.iter_rows():
        fails = chance.random() < 0.05
        message = {
            "id": message_id,
            "time": "2026-11-26T10:00:00.000Z",
            "to": [to],
            "from": "+19195550100",
            "text": "",
            "tag": tag,
            "direction": "out",
            "segmentCount": 1,
        }
        said = {
            "type": "message-failed" if fails else "message-delivered",
            "time": "2026-11-26T10:00:02.160744Z",
            "description": "ok",
            "to": to,
            "message": message,
        } | ({"errorCode": 4720} if fails else {})
        bodies.append(orjson.dumps([said]))
    bodies += chance.sample(bodies, int(len(bodies) * TWICE))
    chance.shuffle(bodies)
    return bodies


async def pour(url: str, bodies: Sequence[bytes]) -> tuple[float, list[float]]:
    """Wall seconds for all of it, and each answer's milliseconds."""
    waiting, latencies = iter(bodies), []

    async def post(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            began = time.perf_counter()
            async with session.post(url, data=body, headers=RIGHT) as answer:
                assert answer.status == 200, answer.status
                await answer.read()
            latencies.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        await asyncio.gather(*(post(session) for _ in range(CONNECTIONS)))
    return time.perf_counter() - began, latencies


def measure(folder: Path, count: int, rate: int) -> None:
    people = range(2_000_000, 2_000_000 + count)
    campaign(folder, "first", people, 100_000)
    # Longer than the callbacks take: it is stopped when they are in.
    more = range(5_000_000, 5_000_000 + rate * 600)
    campaign(folder, "second", more, rate)
    environment = {
        "BW_ACCOUNT_ID": "1",
        "BW_USERNAME": "u",
        "BW_PASSWORD": "p",
    } | ACCESS
    with process(folder, environment, OTHERS, "simulate", "--port", "0") as server:
        assert server.stdout is not None
        environment["BW_MESSAGING_URL"] = (
            server.stdout.readline().strip().partition("=")[2]
        )
        command = (sys.executable, "-m", "bulksend", "run", "--yes", "--json")
        first = subprocess.run(
            [*command, "first.yaml"],
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        bodies = callbacks(folder / "first.parquet", random.Random(7))
        os.sched_setaffinity(0, OTHERS)
        with (
            process(folder, environment, OURS, "listen", "--port", "0") as listener,
            process(
                folder, environment, OURS, "run", "second.yaml", "--yes", "--json"
            ) as run,
        ):
            assert listener.stdout is not None
            found = re.search(r"http://\S+", listener.stdout.readline())
            assert found is not None
            stats = environment["BW_MESSAGING_URL"].partition("/api")[0] + "/_stats"
            while told(stats)["accepted"] < count + rate:  # it is well under way
                time.sleep(0.2)
            before = told(stats)["accepted"], cpu_seconds(run.pid)
            cpu = cpu_seconds(listener.pid)
            seconds, latencies = asyncio.run(pour(found[0], bodies))
            cpu = cpu_seconds(listener.pid) - cpu
            after = told(stats)["accepted"], cpu_seconds(run.pid)
        judged = told(stats)
    check(folder, json.loads(first.stdout)["run"], count)
    assert judged["doubled"] == 0
    latencies.sort()
    sent = after[0] - before[0]
    print(
        "| callbacks | callbacks/s | CPU us/callback | answer p50, p99 ms "
        "| beside it: messages/s | its CPU us/message |\n|---:|---:|---:|---:|---:|---:|"
    )
    print(
        f"| {len(bodies):,} | {len(bodies) / seconds:,.0f} "
        f"| {cpu / len(bodies) * 1e6:.0f} "
        f"| {latencies[len(latencies) // 2]:.0f}, {latencies[len(latencies) * 99 // 100]:.0f} "
        f"| {sent / seconds:,.0f} of {rate:,} "
        f"| {(after[1] - before[1]) / max(sent, 1) * 1e6:.0f} |"
    )


def told(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url) as answer:
        said: dict[str, Any] = json.load(answer)
    return said


def check(folder: Path, run: str, count: int) -> None:
    """Every callback is kept once, and every row has its end."""
    from bulksend.home import Home
    from bulksend.journal.store import Journal

    with Journal.open(Home.find(folder, {}).journal) as journal:
        known = journal.runs.named(run)
        assert known is not None
        kept = journal.receipts.counts()
        assert sum(ours for ours, _ in kept.values()) == count, kept
        ends = {str(status): n for status, n in journal.counts(known.id).items()}
        assert sum(ends.values()) == count, ends
        assert ends.keys() == {"delivered", "failed"}, ends
    print(f"journal: {count:,} callbacks kept once, rows {ends}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receipts")
    parser.add_argument("callbacks", nargs="?", default="30_000")
    parser.add_argument("--rate", type=int, default=1_000)
    asked = parser.parse_args()
    print(f"load {os.getloadavg()}, {time.strftime('%Y-%m-%d %H:%M')}")
    with tempfile.TemporaryDirectory(prefix="bulksend-") as scratch:
        measure(Path(scratch), int(asked.callbacks), asked.rate)
    print(f"load {os.getloadavg()}")


if __name__ == "__main__":
    main()

"""What sending costs the sender, how exactly it keeps its pace, and how it resumes.

    nice python -m benchmarks.send [ROWS] [--rounds N] [--only cost|pace|resume]
                                   [--resume KIND]

Three clients post the same messages to the same server process, each in a process of its
own, whose CPU time is counted alone:

bare      aiohttp on uvloop as lean as it gets (sending.md §1): one list of encoded
          bodies, the headers made once, 128 posts under way, each answer read with
          orjson.  It keeps no record, knows no pace, and a crash loses everything.
bulksend  a plan sent at 100,000/s, which is faster than it can: intent and outcome of
          each message in the journal, on the disk (WAL, full sync), the pace, the lease.
sdk       Bandwidth's own client with 16 threads.

The server is `target`, since the stand-in (`bulksend simulate`) checks each request and
takes longer for it than the clients do.  The pace is read from its log: when each message
came, and its segments, counted by the stand-in's rules.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import orjson

from benchmarks.prepare import CAMPAIGN, Figures, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bulksend.assignment import Assignment
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.underway import Underway

IN_FLIGHT = 128
THREADS = 16
SDK_SHARE = 5
"""The SDK sends a fifth of the messages: it is that much slower."""

ANY_HOUR = {"profile": "transactional", "because": "measured at any hour"}
APPLICATION = "93de2206-9669-4e07-948d-329f4b722ee2"
ACCOUNT = "1"
RESUMED_ROWS, RESUMED_SECONDS = 1_000_000, 20
PACES = {1: 10, 50: 10, 500: 10, 5000: 10}
"""Segments a second: seconds."""

Arrival: TypeAlias = tuple[float, int]


# -- the clients, each in a child --------------------------------------------------------


def messages(plan: Path) -> list[dict[str, object]]:
    import polars as pl

    sent = pl.scan_parquet(plan).filter(pl.col("reason").is_null())
    rows = sent.select("to", "from", "text", "tag").collect()
    return [
        {"applicationId": APPLICATION, **row, "to": [row["to"]]}
        for row in rows.iter_rows(named=True)
    ]


def bare(plan: Path, url: str) -> Figures:
    import aiohttp
    import uvloop

    headers = {
        "Authorization": aiohttp.encode_basic_auth("user", "pass"),
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    bodies = [orjson.dumps(one) for one in messages(plan)]
    waiting, ids = iter(bodies), []

    async def post(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with session.post(
                f"{url}/users/{ACCOUNT}/messages", data=body, headers=headers
            ) as answer:
                ids.append(orjson.loads(await answer.read())["id"])

    async def everything() -> None:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
        ) as session:
            await asyncio.gather(*(post(session) for _ in range(IN_FLIGHT)))

    figures: Figures = {}
    with measured(figures):
        uvloop.run(everything())
    assert len(ids) == len(bodies)
    return figures | {"messages": len(ids)}


def sdk(plan: Path, url: str) -> Figures:
    from bandwidth import ApiClient, Configuration
    from bandwidth.api.messages_api import MessagesApi
    from bandwidth.models.message_request import MessageRequest

    everything = messages(plan)
    some = everything[: len(everything) // SDK_SHARE]
    configuration = Configuration(
        host=url, ignore_operation_servers=True, username="user", password="pass"
    )
    figures: Figures = {}
    with ApiClient(configuration) as client, ThreadPoolExecutor(THREADS) as pool:
        api = MessagesApi(client)

        def post(message: dict[str, object]) -> bool:
            request = MessageRequest.from_dict(message)
            assert request is not None
            return bool(api.create_message(ACCOUNT, request).id)

        with measured(figures):
            ids = list(pool.map(post, some))
    assert all(ids)
    return figures | {"messages": len(ids)}


def bulksend(plan: Path, url: str) -> Figures:
    from bulksend import Options, send_plan

    sending: Figures = {}

    async def beside(_: Underway) -> None:
        with measured(sending):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return

    whole: Figures = {}
    with tempfile.TemporaryDirectory(dir=plan.parent) as home:
        options = Options(beside=beside, results=Path(home) / "results.parquet")
        with measured(whole):
            ended = send_plan(
                plan,
                environment=_environment(str(home), url),
                options=options,
            )
    counts = ended.counts
    assert counts["not_sent"] == counts["unknown"] == counts["refused"] == 0, counts
    return sending | {"messages": counts["accepted"], "whole": whole["cpu"]}


def _environment(home: str, url: str) -> dict[str, str]:
    return {
        "BULKSEND_HOME": home,
        "BW_MESSAGING_URL": url,
        "BW_ACCOUNT_ID": ACCOUNT,
        "BW_USERNAME": "user",
        "BW_PASSWORD": "pass",
    }


CLIENTS: dict[str, Callable[[Path, str], Figures]] = {
    "bare": bare,
    "bulksend": bulksend,
    "sdk": sdk,
}


def make_plan(folder: Path, rows: int, rate: int) -> Path:
    """A plan of a list of *rows*, of which some 93 % are sent."""
    return Path(child("plan", folder, rows, rate, 0)["path"])


def plan(folder: Path, rows: int, rate: int, hours: bool) -> dict[str, Any]:
    from benchmarks import listing
    from bulksend import plan_campaign

    listing.write(rows, folder, suppressed=max(1, rows // 100))
    campaign = CAMPAIGN | {
        "provider": "bandwidth",
        "application_id": APPLICATION,
        "send": {"rate": f"{rate}/s"} | ({} if hours else {"rules": ANY_HOUR}),
    }
    path = folder / "campaign.yaml"
    path.write_text(json.dumps(campaign))
    begun = time.perf_counter()
    made = plan_campaign(path, environment={}).plan
    return {"path": str(made.path), "seconds": time.perf_counter() - begun}


# -- the server, and what it saw ---------------------------------------------------------


@contextmanager
def server(latency: float = 0.0) -> Iterator[str]:
    """`target` in a process of its own; gives its address."""
    command = [sys.executable, "-m", "benchmarks.target", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().partition("=")[2]
    finally:
        process.terminate()
        process.wait()


def arrivals(url: str) -> list[Arrival]:
    """When each message came, and its segments; in order."""
    origin = url.removesuffix("/api/v2")
    with urllib.request.urlopen(f"{origin}/_log") as log:
        told = map(orjson.loads, log)
        return sorted((one["mono"], one["units"]) for one in told)


def busiest_second(log: Sequence[Arrival]) -> int:
    """The most segments in any second, wherever it begins."""
    window: deque[Arrival] = deque()
    units = most = 0
    for at, weight in log:
        window.append((at, weight))
        units += weight
        while at - window[0][0] >= 1.0:
            units -= window.popleft()[1]
        most = max(most, units)
    return most


def share_used(log: Sequence[Arrival], rate: float) -> float:
    """Of the rate, from the first message to the last one."""
    units = sum(weight for _, weight in log[:-1])
    return units / (rate * (log[-1][0] - log[0][0]))


# -- the run -----------------------------------------------------------------------------


def child(job: str, *arguments: object) -> dict[str, Any]:
    """What a job found, in a process of its own; this one stays small meanwhile.

    (On Linux a child's peak RSS begins at its parent's.)
    """
    command = [sys.executable, "-m", "benchmarks.send", "--job", job]
    done = subprocess.run(
        [*command, *map(str, arguments)], check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def cost(folder: Path, rows: int, rounds: int) -> None:
    path = make_plan(folder, rows, 100_000)
    found: dict[str, list[Figures]] = {name: [] for name in CLIENTS}
    with server() as url:
        for _ in range(rounds):
            for name, figures in found.items():
                figures.append(child(name, path, url))
    best = {name: min(each, key=_cpu) for name, each in found.items()}
    print("\n| client | messages | messages/s | CPU us/message | CPU / bare | RSS MB |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, one in best.items():
        print(
            f"| {name} | {one['messages']:,} | {one['messages'] / one['wall']:,.0f} "
            f"| {_cpu(one):.1f} | {_cpu(one) / _cpu(best['bare']):.2f} "
            f"| {one['rss']:,.0f} |"
        )
    ours = best["bulksend"]
    print(
        "\nbulksend with reading the plan, the summary and the results file: "
        f"{ours['whole'] / ours['messages'] * 1e6:.1f} us/message"
    )


def _cpu(one: Figures) -> float:
    return one["cpu"] / one["messages"] * 1e6


def pace(folder: Path) -> None:
    print("\n| rate | latency | messages | seconds | most in 1 s / rate ", end="")
    print(
        "| share of the rate used | CPU of one core |\n"
        "|---|---:|---:|---:|---:|---:|---:|"
    )
    for rate, seconds in PACES.items():
        _pace(folder / f"at-{rate}", rate, seconds)
    _pace(folder / "far", 2_000, 10, latency=0.1)


def _pace(folder: Path, rate: int, seconds: int, latency: float = 0.0) -> None:
    path = make_plan(folder, max(4, int(rate * seconds / 0.94)), rate)
    with server(latency) as url:
        figures = child("bulksend", path, url)
        log = arrivals(url)
    most = busiest_second(log)
    print(
        f"| {rate:,}/s | {latency * 1000:.0f} ms | {len(log):,} "
        f"| {log[-1][0] - log[0][0]:.1f} | {most / rate:.3f} ({most:,}) "
        f"| {share_used(log, rate):.2%} | {figures['cpu'] / figures['wall']:.0%} |"
    )


def half_done(path: Path, home: Path, *, earlier: bool) -> int:
    """A journal in which every second message of a plan is accepted; how many.

    Args:
        earlier: Beside a run of the same campaign, with as many people and another text:
            what the ledger keeps.
    """
    from dataclasses import replace

    from bulksend.assignment import Assignment
    from bulksend.home import Home
    from bulksend.journal.store import Journal
    from bulksend.planning import campaign_of
    from bulksend.prepare.plan import Plan

    opened = Plan.open(path)
    where = Home.find(path.parent, {"BULKSEND_HOME": str(home)}, "")
    output, environment = home / "results.parquet", _environment(str(home), "")
    asked = Assignment(opened, campaign_of(opened), where, environment, output)
    run = asked.begin_run(now=1)
    with Journal.open(where.journal) as journal:
        if earlier:
            before = journal.runs.add(replace(run, run=f"before-{run.run}", id=0))
            _accepted(journal, asked, before, every=1)
            journal.runs.finish(before.id, now=4)
        done = _accepted(journal, asked, run, every=2)
        if opened.about["hours"]:  # some laws count a person's messages
            journal.limits.prepare()
        return done


def _accepted(journal: Journal, asked: Assignment, run: Run, *, every: int) -> int:
    """Each so-manieth message of the plan, as sent by *run*."""
    from bulksend.journal.owner import Owner
    from bulksend.journal.records import Candidate, Outcome
    from bulksend.journal.states import Event
    from bulksend.runs import envelope
    from bulksend.send.source import messages

    shared, done = envelope(asked.plan, asked.campaign), 0
    text = 1 if run.run.startswith("before-") else 0  # other texts have other keys
    epoch = journal.leases.take(run.campaign, Owner.me(), now=1)
    for chunk in asked.plan.sendable():
        some = messages(chunk)[::every]
        done += len(some)
        claimed = [
            Candidate(one.row, shared.once(one) ^ text, False, *one.people())
            for one in some
        ]
        journal.claim(run, epoch, claimed, now=2)
        accepted = [
            Outcome(one.row, Event.ACCEPT, 3, 2, f"{one.row:028}{text}") for one in some
        ]
        journal.record(run.id, epoch, accepted)
    journal.leases.end(run.campaign, epoch)
    return done


def half(plan: Path, home: Path, earlier: str) -> Figures:
    """`half_done`, in a process of its own: what it needed is nobody's memory."""
    return {"done": half_done(plan, home, earlier=bool(int(earlier)))}


def resumed(plan: Path, url: str, home: Path) -> Figures:
    """Resume a half-done run for some seconds: until its first post, and its memory."""
    from bulksend import Options, send_plan

    sizes: list[float] = []

    async def beside(sending: Underway) -> None:
        for _ in range(RESUMED_SECONDS):
            await asyncio.sleep(1)
            sizes.append(_resident())
        sending.stop()
        await asyncio.Event().wait()

    begun = time.monotonic()
    send_plan(
        plan,
        environment=_environment(str(home), url),
        options=Options(beside=beside, results=home / "results.parquet"),
    )
    log = arrivals(url)
    return {
        "first": log[0][0] - begun,
        "posted": len(log),
        "rss": max(sizes),
        "early": sizes[0],
    }


def _resident() -> float:
    """MB of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Resume(NamedTuple):
    """A half-done run: whether it keeps people's hours, and has another one beside it."""

    hours: bool = False
    earlier: bool = False


RESUMES = {
    "any hour": Resume(),
    "people's hours": Resume(hours=True),
    "an earlier run": Resume(earlier=True),
    "both": Resume(hours=True, earlier=True),
}


def resume(folder: Path, rows: int, wanted: str) -> None:
    """Plan, half-done journal, resume: each in a process of its own."""
    print(
        "\n| resumed | done | of | planned in s | first post after s | share ", end=""
    )
    print(
        "| RSS MB after 1 s | at most | posted |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    made: dict[bool, dict[str, Any]] = {}
    for name, kind in RESUMES.items():
        if wanted not in {"", name}:
            continue
        if kind.hours not in made:
            place = folder / f"plan-{kind.hours:d}"
            made[kind.hours] = child("plan", place, rows, 2_000, int(kind.hours))
        plan = made[kind.hours]
        home = folder / f"home-{kind.hours:d}-{kind.earlier:d}"
        home.mkdir()
        done = child("half", plan["path"], home, int(kind.earlier))["done"]
        with server() as url:
            found = child("resumed", plan["path"], url, home)
        shutil.rmtree(home)
        print(
            f"| {name} | {done:,} | {rows:,} | {plan['seconds']:.2f} "
            f"| {found['first']:.2f} | {found['first'] / plan['seconds']:.1%} "
            f"| {found['early']:.0f} | {found['rss']:.0f} | {found['posted']:,} |",
            flush=True,
        )


def main(rows: int, rounds: int, only: str | None, kind: str) -> None:
    print(f"load {os.getloadavg()}, {time.strftime('%Y-%m-%d %H:%M')}")
    with tempfile.TemporaryDirectory(prefix="bulksend-") as scratch:
        folder = Path(scratch)
        if only in {None, "cost"}:
            cost(folder / "cost", rows, rounds)
        if only in {None, "pace"}:
            pace(folder)
        if only in {None, "resume"}:
            resume(folder, RESUMED_ROWS, kind)
    print(f"\nload {os.getloadavg()}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.send")
    parser.add_argument("rows", nargs="?", default="50_000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["cost", "pace", "resume"])
    parser.add_argument("--resume", choices=["", *RESUMES], default="", help="one kind")
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:3] == ["--job", "plan"]:
        rows, rate, hours = map(int, sys.argv[4:7])
        print(json.dumps(plan(Path(sys.argv[3]), rows, rate, bool(hours))))
    elif sys.argv[1:3] == ["--job", "half"]:
        print(json.dumps(half(Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])))
    elif sys.argv[1:3] == ["--job", "resumed"]:
        said = Path(sys.argv[3]), sys.argv[4], Path(sys.argv[5])
        print(json.dumps(resumed(*said)))
    elif sys.argv[1:2] == ["--job"]:
        print(json.dumps(CLIENTS[sys.argv[2]](Path(sys.argv[3]), sys.argv[4])))
    else:
        asked = _arguments()
        main(int(asked.rows), asked.rounds, asked.only, asked.resume)

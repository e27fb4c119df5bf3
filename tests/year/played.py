"""A campaign by the program itself, from list to POST, in virtual time.

The plan is made as `bulksend plan` makes it; source, intake, engine, pace and journal are
those of a send.  Three things stand in: the loop's clock, which jumps; a writer that has
no thread; and Bandwidth, which takes what it gets, but for one message in fifty that it
does not get at first, or has no room for.  And what waits turns round less often than it
would (`_seldom`), since each turn of a virtual night is a real one.
"""

from __future__ import annotations

import asyncio
import json
import random
from array import array
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import orjson

from bulksend.journal import leases
from bulksend.journal.owner import Owner
from bulksend.journal.records import Run
from bulksend.journal.store import Journal
from bulksend.planning import plan_campaign
from bulksend.prepare.timing import plan_hours
from bulksend.send import engine as engine_module
from bulksend.send import hold, timed
from bulksend.send.breakers import Breakers
from bulksend.send.engine import Engine
from bulksend.send.intake import Intake
from bulksend.send.message import Envelope
from bulksend.send.pacing import Pacer
from bulksend.send.timed import Manner, TimedSource
from tests.send.stage import ACCEPTED, FULL, UNREACHED, InlineWriter
from tests.virtual_time import VirtualClocks, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from bulksend.prepare.plan import Plan
    from bulksend.send.aftermath import Turn
    from bulksend.send.verdict import Verdict

NOT_AT_FIRST = 0.02


class Post(NamedTuple):
    """What Bandwidth saw: a number, when, and until when it is worth delivering (ms)."""

    to: str
    at: int
    expires: int


class Played(NamedTuple):
    """What became of a campaign: its POSTs, and how many rows ended how.

    Args:
        taken: How many messages Bandwidth took for each number.
    """

    sendable: int
    posts: list[Post]
    taken: Counter[str]
    fates: dict[str, int]


class Poster:
    """Takes down what is posted."""

    generation = 1
    knows_no_time = False

    def __init__(self, clocks: VirtualClocks, rng: random.Random) -> None:
        self._clocks = clocks
        self._rng = rng
        self.posts: list[Post] = []
        self.taken: Counter[str] = Counter()

    async def post(self, body: bytes, turn: Turn) -> Verdict:
        if await turn():  # it may leave no more
            return UNREACHED
        said = orjson.loads(body)
        expires = datetime.fromisoformat(said["expiration"]).timestamp()
        (to,) = said["to"]
        self.posts.append(Post(to, self._clocks.wall_ms(), round(expires * 1000)))
        await asyncio.sleep(self._rng.uniform(0.02, 0.5))
        if self._rng.random() < NOT_AT_FIRST:
            return self._rng.choice((FULL, UNREACHED))
        self.taken[to] += 1
        return ACCEPTED

    async def renew(self, generation: int) -> bool:
        raise NotImplementedError


def play(folder: Path, people: pl.DataFrame, start: datetime, rate: float) -> Played:
    """Plan and send a campaign to *people*, begun at *start*."""
    people.write_parquet(folder / "people.parquet")
    said = {
        "name": "year",
        "provider": "bandwidth",
        "from": "+19195550100",
        "application_id": "a",
        "recipients": {
            "path": "people.parquet",
            "phone": "phone",
            "postcode": "zip",
            "zone": "zone",
        },
        "message": {"text": "Hello from Acme. Reply STOP to end."},
    }
    file = folder / "year.yaml"
    file.write_text(json.dumps(said))  # JSON is YAML
    plan = plan_campaign(file, environment={"BULKSEND_HOME": str(folder)}).plan
    loop = VirtualLoop()
    clocks = VirtualClocks(loop, round(start.timestamp() * 1000))
    try:
        with _seldom():
            return loop.run_until_complete(_send(folder, plan, clocks, rate))
    finally:
        loop.close()


async def _send(folder: Path, plan: Plan, clocks: VirtualClocks, rate: float) -> Played:
    hours = plan_hours(plan)
    assert hours is not None
    rows = plan.left("row", "place")
    rng = random.Random(1)
    poster, journal = Poster(clocks, rng), folder / "journal.sqlite"

    async def read(wanted: pl.Series) -> pl.DataFrame:
        return plan.messages_of(wanted, with_place=True).drop("carrier")

    with Journal.open(journal) as opened:
        names = ("year", "plan", "h", "h", "h", "h", "bandwidth")
        run = opened.runs.add(Run("run", *names, plan.rows, len(rows), "", 0))
    async with InlineWriter(journal, run) as writer:
        writer.epoch = await writer.call(
            lambda one: one.leases.take("year", Owner.me(), now=clocks.wall_ms())
        )
        source = TimedSource(rows, hours, read, clocks=clocks, manner=Manner(rate))
        intake = Intake(
            source,
            Envelope("year", "a"),
            writer=writer,
            clocks=clocks,
            ledger=array("q"),
        )
        async with hold.Hold(writer, clocks) as lease:
            engine = Engine(
                intake=intake,
                client=poster,
                writer=writer,
                lease=lease,
                pacer=Pacer(rate, clocks.monotonic()),
                clocks=clocks,
                rng=rng,
                breakers=Breakers(),
            )
            await engine.run()
        counts = await writer.call(lambda one: one.counts(run.id))
        await writer.call(lambda one: one.leases.end("year", writer.epoch))
    return Played(
        len(rows), poster.posts, poster.taken, {str(k): n for k, n in counts.items()}
    )


@contextmanager
def _seldom() -> Iterator[None]:
    """Nothing depends on it but how often what waits turns round."""
    with ExitStack() as stack:
        for where, name, value in (
            (engine_module, "IDLE_SECONDS", 60.0),
            (timed, "LONGEST_SLEEP", 600.0),
            (hold, "RENEW_SECONDS", 2_000.0),
            (hold, "LEASE_MS", 10**8),
            (leases, "LEASE_MS", 10**8),
        ):
            stack.enter_context(patch.object(where, name, value))
        yield

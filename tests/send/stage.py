"""A stage for the engine: virtual time, the real journal, and a Bandwidth by script."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from bulksend.errors import BulksendError, Problem, Stopped
from bulksend.journal.owner import Owner
from bulksend.journal.records import Entry, Run
from bulksend.journal.store import Journal
from bulksend.journal.writer import Writer
from bulksend.send.breakers import Breakers
from bulksend.send.clocks import Moment
from bulksend.send.engine import Engine
from bulksend.send.hold import Hold
from bulksend.send.intake import Intake
from bulksend.send.message import Envelope, Message
from bulksend.send.pacing import Pacer
from bulksend.send.verdict import Reached, Verdict, judge
from tests.suites.scene import closed_rows
from tests.virtual_time import VirtualClocks, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from bulksend.send.aftermath import Turn
    from bulksend.send.caps import Caps
    from bulksend.send.pacing import Pace
    from bulksend.send.source import Source


T = TypeVar("T")


ENVELOPE = Envelope("c", "app")


SLOW, FAST = "+19195550100", "+19195550101"


START = 1_790_000_000.0
"""Where the virtual wall clock begins, in seconds since 1970."""


ERROR = b'{"type":"some-type","description":"Some words"}'


ACCEPTED = judge(Reached.ANSWERED, status=202, body=b'{"id":"m","segmentCount":1}')


REFUSED = judge(Reached.ANSWERED, status=400, body=ERROR)


UNAUTHORIZED = judge(Reached.ANSWERED, status=401, body=ERROR)


FORBIDDEN = judge(Reached.ANSWERED, status=403, body=ERROR)


FULL = judge(Reached.ANSWERED, status=429, body=ERROR)


BROKEN = judge(Reached.ANSWERED, status=500, body=ERROR)


GATEWAY = judge(Reached.ANSWERED, status=502, body=b"<html>")


HELD = judge(Reached.HELD)


UNREACHED = judge(Reached.NOWHERE, cause="no connection")


SILENT = judge(Reached.SENT, cause="timed out")


NO_TOKEN = Stopped(Problem("E502", "no answer from the token address"))


class Answer(NamedTuple):
    """What one POST comes to, and after how many seconds."""

    what: Verdict | Exception
    latency: float = 0.05


class Posted(NamedTuple):
    """A POST as the scripted Bandwidth saw it."""

    row: int
    at: float
    body: dict[str, Any]
    answer: Answer


class ScriptedPoster:
    """Answers each row's POSTs by its script; the script's end is repeated for ever."""

    def __init__(self, script: Callable[[int, int], Answer], journal: Path) -> None:
        self._script = script
        self._connection = sqlite3.connect(journal)
        self._attempts: Counter[int] = Counter()
        self.run_id = 0
        self.intents = {"claimed"}
        self.posted: list[Posted] = []
        self.renewals: list[int] = []
        self.on_post: Callable[[int], None] = lambda _: None
        self.on_renew: Callable[[], bool] = lambda: True
        self.on_answer: Callable[[], None] = lambda: None
        self.generation = 1
        self.knows_no_time = False

    async def post(self, body: bytes, turn: Turn) -> Verdict:
        said = orjson.loads(body)
        row = int(said["tag"])
        answer = self._script(row, self._attempts[row] + 1)
        try:
            while seconds := await turn():
                if seconds == math.inf:
                    return HELD
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            return UNREACHED
        now = asyncio.get_running_loop().time()
        self._see_intent(row)
        self._attempts[row] += 1
        self.posted.append(Posted(row, now, said, answer))
        self.on_post(row)
        try:
            await asyncio.sleep(answer.latency)
        except asyncio.CancelledError:  # as the client: stop waiting, say what is known
            return SILENT
        self.on_answer()
        if isinstance(answer.what, Exception):
            raise answer.what
        return answer.what

    def close(self) -> None:
        self._connection.close()

    async def renew(self, generation: int) -> bool:
        self.renewals.append(generation)
        if not self.on_renew():
            return False
        if generation == self.generation:
            self.generation += 1
        return True

    def _see_intent(self, row: int) -> None:
        """The promise under everything: no POST without a durable claim."""
        query = "select status from messages where run_id = ? and row = ?"
        (status,) = self._connection.execute(query, (self.run_id, row)).fetchone()
        assert status in self.intents


class InlineWriter(Writer):
    """A writer without a thread: one piece of work at a time, in virtual time."""

    seconds = 0.001
    broken: BulksendError | None = None

    def __init__(self, path: Path, run: Run) -> None:
        super().__init__(path, run)
        self._one_at_a_time = asyncio.Lock()

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._one_at_a_time:
            await asyncio.sleep(self.seconds)
            if self.broken is not None:
                raise self.broken
            return work()


class SlowPlan:
    """The stage's rows in chunks, each after a while."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rows = stage.rows_left()

    async def ahead(self) -> Sequence[Message] | None:
        await asyncio.sleep(self._stage.chunk_seconds if self._rows else 0)
        size = self._stage.chunk
        rows, self._rows = self._rows[:size], self._rows[size:]
        return await self.of(rows) if rows else None

    async def of(self, rows: Sequence[int]) -> Sequence[Message]:
        return [self._stage.message(row) for row in rows]

    def missed(self) -> Sequence[int]:
        return ()

    def is_late(self, message: Message) -> bool:
        return False

    def put_back(self, some: Iterable[Message]) -> None:
        raise NotImplementedError

    def per_day(self, message: Message) -> int:
        return 0

    def carrier(self, message: Message) -> str:
        return ""

    def hold(self, carrier: str, until: int) -> None:
        raise NotImplementedError


@dataclass
class Stage:
    """One engine, and all that it stands on."""

    rows: int = 5
    script: Callable[[int, int], Answer] = lambda _row, _attempt: Answer(ACCEPTED)
    rate: float = 100.0
    weight: int = 1
    chunk: int = 500
    chunk_seconds: float = 0.0
    ledger: Sequence[int] = ()
    envelope: Envelope = ENVELOPE
    run_name: str = "run"
    paced: Sequence[str] = ()
    not_after: datetime | None = None
    source: Callable[[Stage], Source] = SlowPlan
    patience: float = 20_000
    in_doubt: bool = False
    caps: Caps | None = None
    theirs_ahead: int | None = None
    at: dict[float, Callable[[Stage], None]] = field(default_factory=dict)
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    path: Path = field(init=False)
    run: Run = field(init=False)
    poster: ScriptedPoster = field(init=False)
    writer: InlineWriter = field(init=False)
    lease: Hold = field(init=False)
    intake: Intake = field(init=False)
    engine: Engine = field(init=False)
    clocks: VirtualClocks = field(init=False)
    turns: int = 0
    began: float = 0.0

    def message(self, row: int) -> Message:
        to = f"+1919555{row:04}"
        return Message(row, to, "+19195550100", "Hi", None, str(row), self.weight)

    def theirs(self) -> Moment | None:
        """Bandwidth's clock, so many milliseconds ahead; None while it is not known."""
        if self.theirs_ahead is None:
            return None
        shown = self.clocks.wall_ms() + self.theirs_ahead
        return Moment(shown, shown)

    def pacer(self) -> Pace:
        return Pacer(self.rate, self.loop.time())

    def rows_left(self) -> list[int]:
        closed = set(self._journal(lambda journal: closed_rows(journal, self.run.id)))
        return [row for row in range(2, self.rows + 2) if row not in closed]

    def _journal(self, work: Callable[[Journal], T]) -> T:
        with Journal.open(self.path) as journal:
            return work(journal)

    async def _play(self) -> None:
        self.clocks = VirtualClocks(self.loop)
        self.poster = ScriptedPoster(self.script, self.path)
        with Journal.open(self.path) as journal:
            names = ("c", "plan", "h", "h", "h", "h", "p")
            new = Run(self.run_name, *names, self.rows, self.rows, "", 0)
            self.run = journal.runs.add(new)
        self.poster.run_id = self.run.id
        async with InlineWriter(self.path, self.run) as self.writer:
            self.writer.epoch = await self.writer.call(
                lambda j: j.leases.take("c", Owner.me(), now=self.clocks.wall_ms())
            )
            self.lease = Hold(self.writer, self.clocks, self.lose)
            self.make_engine(self.source(self))
            async with self.lease:
                self.began = self.loop.time()
                for seconds, action in self.at.items():
                    self.loop.call_at(self.began + seconds, action, self)
                try:
                    await self.work()
                finally:
                    self.poster.close()
                    await self._give_lease_back()

    def make_engine(self, source: Source) -> None:
        self.intake = Intake(
            source,
            self.envelope,
            writer=self.writer,
            clocks=self.clocks,
            ledger=array("q", sorted(self.ledger)),
            paced=self.paced,
            caps=self.caps,
            theirs=self.theirs,
        )
        self.engine = Engine(
            intake=self.intake,
            client=self.poster,
            writer=self.writer,
            lease=self.lease,
            pacer=self.pacer(),
            clocks=self.clocks,
            rng=Random(7),
            not_after=self.not_after,
            breakers=Breakers(in_doubt=self.in_doubt),
        )

    async def work(self) -> None:
        await self.engine.run()

    def lose(self, why: BulksendError) -> None:
        """The lease is lost, as `dispatch` hears it."""
        self.engine.stop(why)

    async def _give_lease_back(self) -> None:
        self.writer.failure = self.writer.broken = None
        await self.writer.call(lambda j: j.leases.end("c", self.writer.epoch))

    def play(self, path: Path) -> None:
        """Run the engine to its end; raises what it raises."""
        self.path = path
        run_once = self.loop._run_once  # type: ignore[attr-defined]

        def counted() -> None:
            self.turns += 1
            assert self.turns < 200_000, "it spins"
            run_once()

        self.loop._run_once = counted  # type: ignore[attr-defined]
        self.loop.set_exception_handler(self._unexpected)
        self.unexpected: list[dict[str, Any]] = []
        try:
            self.loop.run_until_complete(asyncio.wait_for(self._play(), self.patience))
        finally:
            left = asyncio.all_tasks(self.loop)
            self.loop.close()
            assert not left, left
            assert not self.unexpected, self.unexpected

    def _unexpected(self, _: object, context: dict[str, Any]) -> None:
        self.unexpected.append(context)

    # -- what came of it --------------------------------------------------------------

    def entries(self) -> list[Entry]:
        return self._journal(lambda journal: journal.entries(self.run.id, 0, 10**6))

    def fates(self) -> Counter[str]:
        """How many rows have which status; those without an entry are planned."""
        found = Counter(one.status for one in self.entries())
        found["planned"] += self.rows - found.total()
        return +found

    def posts_of(self, row: int) -> list[Posted]:
        return [one for one in self.poster.posted if one.row == row]


@contextmanager
def new_path() -> Iterator[Path]:
    """In memory where there is such a folder: these tests ask nothing of the disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.exists() else None) as folder:
        yield Path(folder) / "journal.db"


def scripted(**rows: Sequence[Answer | Verdict | Exception]) -> Callable[..., Answer]:
    """A script by row (``r2=[...]``); all others are accepted."""

    def answer(row: int, attempt: int) -> Answer:
        mine = rows.get(f"r{row}", [ACCEPTED])
        one = mine[min(attempt, len(mine)) - 1]
        return one if isinstance(one, Answer) else Answer(one)

    return answer


def always(what: Verdict | Exception, latency: float = 0.05) -> Callable[..., Answer]:
    return lambda _row, _attempt: Answer(what, latency)


def stop_at(seconds: float) -> dict[float, Callable[[Stage], None]]:
    return {seconds: lambda stage: stage.engine.stop()}

"""The engine, in virtual time, on the real journal, against a scripted Bandwidth."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import floor
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.errors import BulksendError, GateRefused, Problem, Stopped
from bulksend.journal.leases import LEASE_MS
from bulksend.journal.owner import Owner
from bulksend.journal.records import Entry, Outcome, Run
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, Cause, suppression
from bulksend.journal.writer import Writer
from bulksend.rules.hours import LEAST_LIFE_MS
from bulksend.send import engine as engine_module
from bulksend.send import retry
from bulksend.send.account import Account
from bulksend.send.breakers import Breakers
from bulksend.send.engine import DRAIN_SECONDS, Engine
from bulksend.send.intake import FRESH_SECONDS, Intake, Source
from bulksend.send.message import Envelope, Message
from bulksend.send.pacing import TICK, BySender, Pacer
from bulksend.send.verdict import Reached, Verdict, judge
from tests.suites.scene import closed_rows
from tests.virtual_time import VirtualClocks, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bulksend.send.aftermath import Turn
    from bulksend.send.caps import Caps
    from bulksend.send.pacing import Pace

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
NO_TOKEN = GateRefused(Problem("E502", "no answer from the token address"))


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
        self.intents = {"claimed"}
        self.posted: list[Posted] = []
        self.renewals: list[int] = []
        self.on_post: Callable[[int], None] = lambda _: None
        self.on_renew: Callable[[], bool] = lambda: True
        self.generation = 1

    async def post(self, body: bytes, turn: Turn) -> Verdict:
        said = orjson.loads(body)
        row = int(said["tag"])
        attempt = sum(one.row == row for one in self.posted) + 1
        answer = self._script(row, attempt)
        try:
            while seconds := await turn():
                if seconds == math.inf:
                    return HELD
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            return UNREACHED
        now = asyncio.get_running_loop().time()
        self._see_intent(row)
        self.posted.append(Posted(row, now, said, answer))
        self.on_post(row)
        try:
            await asyncio.sleep(answer.latency)
        except asyncio.CancelledError:  # as the client: stop waiting, say what is known
            return SILENT
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
        query = "select status from messages where row = ? order by run_id desc limit 1"
        (status,) = self._connection.execute(query, (row,)).fetchone()
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
    at: dict[float, Callable[[Stage], None]] = field(default_factory=dict)
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    path: Path = field(init=False)
    run: Run = field(init=False)
    poster: ScriptedPoster = field(init=False)
    writer: InlineWriter = field(init=False)
    intake: Intake = field(init=False)
    engine: Engine = field(init=False)
    clocks: VirtualClocks = field(init=False)
    turns: int = 0
    began: float = 0.0

    def message(self, row: int) -> Message:
        to = f"+1919555{row:04}"
        return Message(row, to, "+19195550100", "Hi", None, str(row), self.weight)

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
            self.run = journal.add_run(new)
        async with InlineWriter(self.path, self.run) as self.writer:
            self.writer.epoch = await self.writer.call(
                lambda j: j.leases.take("c", Owner.me(), now=self.clocks.wall_ms())
            )
            self.make_engine(self.source(self))
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
        )
        self.engine = Engine(
            intake=self.intake,
            client=self.poster,
            writer=self.writer,
            pacer=self.pacer(),
            clocks=self.clocks,
            rng=Random(7),
            not_after=self.not_after,
            breakers=Breakers(in_doubt=self.in_doubt),
        )

    async def work(self) -> None:
        await self.engine.run()

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
def _new_path() -> Iterator[Path]:
    """In memory where there is such a folder: these tests ask nothing of the disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.exists() else None) as folder:
        yield Path(folder) / "journal.db"


@pytest.fixture
def path() -> Iterator[Path]:
    with _new_path() as path:
        yield path


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


# -- the way of each verdict --------------------------------------------------------------


def test_all_is_sent_once_in_the_plans_order(path: Path) -> None:
    """Every row posted once, accepted, with its id and times; the tally agrees."""
    stage = Stage(rows=1_203, rate=500, chunk=100)

    stage.play(path)

    assert [one.row for one in stage.poster.posted] == list(range(2, 1_205))
    assert stage.fates() == {"accepted": 1_203}
    assert all(one.message_id == "m" and one.attempt == 1 for one in stage.entries())
    assert all(
        one.posted_at is not None and one.accepted_at == one.posted_at + 50
        for one in stage.entries()
    )
    assert stage.engine.tally.events == {Event.ACCEPT: 1_203}
    assert stage.engine.tally.weight == 1_203


@pytest.mark.parametrize(
    ("verdict", "status", "code"),
    [
        (ACCEPTED, "accepted", None),
        (REFUSED, "refused", "400"),
        (SILENT, "unknown", "no_answer"),
        (GATEWAY, "unknown", "502"),
    ],
)
def test_a_verdict_that_ends_a_message_is_recorded_and_never_retried(
    path: Path, verdict: Verdict, status: str, code: str | None
) -> None:
    """One POST, one fate, in the verdict's own words; the others are not touched."""
    stage = Stage(script=scripted(r3=[verdict]))

    stage.play(path)

    entry = stage.entries()[1]
    assert (entry.status, entry.error_code, entry.error) == (
        status,
        code,
        verdict.error,
    )
    assert entry.posted_at is not None
    assert len(stage.posts_of(3)) == 1
    assert stage.fates() == Counter({"accepted": 4}) + Counter({status: 1})


@pytest.mark.parametrize("verdict", [UNREACHED, BROKEN, FULL, UNAUTHORIZED])
def test_what_is_proven_unsent_is_tried_again(path: Path, verdict: Verdict) -> None:
    """A released row is claimed and posted anew, and its attempts are counted."""
    stage = Stage(script=scripted(r3=[verdict, ACCEPTED]))

    stage.play(path)

    assert stage.fates() == {"accepted": 5}
    assert len(stage.posts_of(3)) == 2
    assert stage.entries()[1].attempt == 2


def test_retries_wait_longer_each_time(path: Path) -> None:
    """Each wait lies between half its ceiling and its ceiling, after the answer."""
    stage = Stage(rows=1, script=scripted(r2=[UNREACHED] * 5 + [ACCEPTED]))

    stage.play(path)

    times = [one.at for one in stage.posts_of(2)]
    waits = [b - a - 0.05 for a, b in pairwise(times)]
    for wait, ceiling in zip(waits, [0.5, 1, 2, 4, 8], strict=True):
        assert ceiling / 2 <= wait <= ceiling + 0.1


def test_a_message_that_gives_up_stays_planned(path: Path) -> None:
    """Its attempts are over; the run goes on, and the next run may try it again."""
    stage = Stage(rows=300, rate=10, script=scripted(r3=[BROKEN]))

    stage.play(path)

    assert stage.fates() == {"accepted": 299, "planned": 1}
    assert len(stage.posts_of(3)) == retry.ATTEMPTS
    again = Stage(rows=300)
    again.play(path)
    assert [one.row for one in again.poster.posted] == [3]
    assert again.fates() == {"accepted": 300}


def test_an_outage_stops_the_run_and_loses_nothing(path: Path) -> None:
    """E510 after one message's attempts; a handful of rows were tried, all are planned."""
    stage = Stage(rows=2_000, script=always(UNREACHED))

    with pytest.raises(Stopped, match="E510 Not sent: no connection"):
        stage.play(path)

    assert stage.fates() == {"planned": 2_000}
    assert retry.OUTAGE_SECONDS < stage.loop.time() < 40
    assert len({one.row for one in stage.poster.posted}) < 25


def test_answers_that_prove_nothing_stop_the_run_before_the_plan_is_lost(
    path: Path,
) -> None:
    """E512 after 25 unknowns in a row; most of the plan is still planned."""
    stage = Stage(rows=2_000, script=always(GATEWAY))

    with pytest.raises(GateRefused, match="E512 25 messages in a row"):
        stage.play(path)

    fates = stage.fates()
    assert 25 <= fates["unknown"] < 200
    assert fates["unknown"] + fates["planned"] == 2_000


def test_an_outage_that_ends_is_waited_out(path: Path) -> None:
    """Five seconds without a connection: everything is sent in the end."""
    stage = Stage(rows=200)
    stage.script = lambda *_: Answer(UNREACHED if stage.loop.time() < 5 else ACCEPTED)

    stage.play(path)

    assert stage.fates() == {"accepted": 200}


def test_an_unexpected_fault_of_the_client_is_not_swallowed(path: Path) -> None:
    """It stops the run and is raised; its row may have left, so it is no planned one."""
    stage = Stage(rows=500, script=scripted(r9=[RuntimeError("a bug")]))

    with pytest.raises(RuntimeError, match="a bug"):
        stage.play(path)

    assert stage.entries()[7].status in ("claimed", "unknown")
    assert stage.fates()["planned"] > 400


# -- 429, 401, 403 ------------------------------------------------------------------------


def test_a_full_queue_slows_down_and_fails_nobody(path: Path) -> None:
    """However long Bandwidth answers 429: every row is accepted in the end."""
    stage = Stage(rows=300, rate=50)
    stage.script = lambda *_: Answer(FULL if stage.loop.time() < 60 else ACCEPTED)

    stage.play(path)

    assert stage.fates() == {"accepted": 300}
    assert stage.engine.tally.throttled > 6
    posted = [one.at for one in stage.poster.posted]
    assert len([at for at in posted if 20 < at < 60]) < 40 * 50 / 10


@pytest.mark.parametrize("rate", [1, 2, 10, 30, 60])
@pytest.mark.parametrize("weight", [1, 3])
def test_no_second_holds_more_than_the_rate_after_a_429_either(
    path: Path, rate: int, weight: int
) -> None:
    """Slowing down and recovering never send a burst."""
    stage = Stage(rows=max(60, 12 * rate // weight), rate=rate, weight=weight)
    stage.script = lambda *_: Answer(FULL if stage.loop.time() % 9 < 1 else ACCEPTED)

    stage.play(path)

    times = [one.at for one in stage.poster.posted]
    most = max(sum(t <= u < t + 1 for u in times) * weight for t in times)
    assert most <= max(floor(rate * 1.01), rate + weight)


def test_a_429_in_the_middle_of_a_long_message_does_no_harm(path: Path) -> None:
    """The pace may halve while a message waits for its many permits."""
    stage = Stage(rows=60, rate=300, weight=7)
    stage.script = lambda row, n: Answer(FULL if n == 1 and row % 9 == 0 else ACCEPTED)

    stage.play(path)

    assert stage.fates() == {"accepted": 60}


def test_one_401_renews_the_sign_in_once(path: Path) -> None:
    """All that met the old token are posted again under the new one."""
    stage = Stage(rows=200)
    good = 2
    stage.script = lambda *_: Answer(
        ACCEPTED if stage.poster.generation >= good else UNAUTHORIZED
    )

    stage.play(path)

    assert stage.fates() == {"accepted": 200}
    assert stage.poster.generation == good
    assert max(Counter(one.row for one in stage.poster.posted).values()) == 2


@pytest.mark.parametrize("is_renewed", [True, False])
def test_a_401_that_a_fresh_token_does_not_cure_stops_the_run(
    path: Path, is_renewed: bool
) -> None:
    """E503; no row is lost, none refused."""
    stage = Stage(rows=500, script=always(UNAUTHORIZED))
    stage.at = {0: lambda s: setattr(s.poster, "on_renew", lambda: is_renewed)}

    with pytest.raises(GateRefused, match="E503 401 some-type: Some words"):
        stage.play(path)

    assert stage.fates() == {"planned": 500}
    assert stage.poster.generation == (2 if is_renewed else 1)
    assert len(stage.poster.posted) < 50


def test_a_sign_in_that_fails_stops_the_run(path: Path) -> None:
    """Its own problem is raised, whether met before a POST or after a 401."""

    def fail() -> bool:
        raise NO_TOKEN

    for script in (always(NO_TOKEN), always(UNAUTHORIZED)):
        stage = Stage(rows=500, script=script, run_name=str(id(script)))
        stage.at = {0: lambda s: setattr(s.poster, "on_renew", fail)}

        with pytest.raises(GateRefused, match="E502"):
            stage.play(path)

        assert stage.fates() == {"planned": 500}


def test_a_403_halts_the_run_and_keeps_what_it_said(path: Path) -> None:
    """E503 in Bandwidth's words; nobody is refused for what is the account's affair."""
    stage = Stage(rows=500, script=scripted(r10=[FORBIDDEN]))

    with pytest.raises(GateRefused, match="E503 403 some-type: Some words"):
        stage.play(path)

    fates = stage.fates()
    assert fates.keys() == {"accepted", "planned"}
    assert fates["planned"] > 400


# -- the journal and the lease --------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.001])
def test_a_journal_that_cannot_be_written_stops_the_posts_at_once(
    path: Path, seconds: float
) -> None:
    """Nothing is posted after the first failure; its error is the one that is raised."""
    broken = BulksendError(Problem("E601", "the disk is full"))
    stage = Stage(rows=2_000, rate=200)
    stage.at = {seconds: lambda s: setattr(s.writer, "broken", broken)}

    with pytest.raises(BulksendError) as raised:
        stage.play(path)

    assert raised.value is broken
    # One commit may have been under way; what it had claimed was durable.
    assert stage.poster.posted[-1].at <= seconds + 0.06
    assert "unknown" not in stage.fates()
    assert stage.fates()["planned"] > 1_500


def test_what_waits_claimed_is_not_posted_after_a_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim was durable; but the outcome could not be written any more."""
    monkeypatch.setattr(engine_module, "MOST_IN_FLIGHT", 1)
    broken = BulksendError(Problem("E601", "the disk is full"))
    stage = Stage(rows=50, script=always(ACCEPTED, 0.4))
    stage.at = {0.2: lambda s: setattr(s.writer, "broken", broken)}

    with pytest.raises(BulksendError) as raised:
        stage.play(path)

    assert raised.value is broken
    assert stage.poster.posted[-1].at < stage.began + 0.5


def test_a_release_is_durable_before_the_row_is_claimed_again(path: Path) -> None:
    """Also where it is due at once, and an earlier commit is still under way."""
    late = [Answer(UNAUTHORIZED, 0.1), Answer(ACCEPTED)]
    stage = Stage(rows=2, script=scripted(r3=late))
    stage.at = {0.03: lambda s: setattr(s.writer, "seconds", 0.5)}

    stage.play(path)

    assert stage.fates() == {"accepted": 2}


def test_what_was_in_doubt_is_unknown_for_the_next_sender(path: Path) -> None:
    """Rows whose outcome could not be written are not sent again by anybody."""
    stage = Stage(rows=400, script=always(ACCEPTED, latency=0.4))
    broken = BulksendError(Problem("E601", "the disk is full"))
    stage.at = {1.0: lambda s: setattr(s.writer, "broken", broken)}
    with pytest.raises(BulksendError):
        stage.play(path)
    in_doubt = stage.fates()["claimed"]
    assert in_doubt > 5

    again = Stage(rows=400)
    again.play(path)

    assert again.fates() == {"accepted": 400 - in_doubt, "unknown": in_doubt}
    both = Counter(one.row for one in stage.poster.posted + again.poster.posted)
    assert set(both.values()) == {1}


@pytest.mark.parametrize("clock", ["boot_offset", "wall_offset"])
@pytest.mark.parametrize("rate", [5, 300])
def test_a_sender_that_slept_posts_nothing_more(
    path: Path, clock: str, rate: float
) -> None:
    """Either clock says that the lease is over: E611, and no POST after it."""

    def sleep(stage: Stage) -> None:
        setattr(stage.clocks, clock, getattr(stage.clocks, clock) + LEASE_MS)

    stage = Stage(rows=2_000, rate=rate, at={1.5: sleep})

    with pytest.raises(Stopped, match="E611"):
        stage.play(path)

    assert max(one.at for one in stage.poster.posted) < stage.began + 1.501
    assert set(stage.fates()) == {"accepted", "planned"}


class Broken(Pacer):
    """Fails in the middle of a round, when some of it are under way."""

    begun = 0

    def seconds_too_early(self, sender: str, weight: int, now: float) -> float:
        if self.begun == 3:
            raise RuntimeError
        return 0.0

    def posted(self, sender: str, weight: int, now: float) -> None:
        self.begun += 1


class BrokenPace(Stage):
    def pacer(self) -> Pace:
        return Broken(self.rate, self.loop.time())


def test_what_is_under_way_is_not_given_back_by_a_fault_of_ours(path: Path) -> None:
    """Three of a round left when the pace fails: only the others are planned again."""
    stage = BrokenPace(rows=9, rate=1_000, script=always(ACCEPTED, 0.5))
    released: list[int] = []
    record = InlineWriter.record

    def spy(writer: InlineWriter, outcome: Outcome) -> None:
        if outcome.event is Event.RELEASE:
            released.append(outcome.row)
        record(writer, outcome)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InlineWriter, "record", spy)
        with pytest.raises(RuntimeError):
            stage.play(path)

    posted = {one.row for one in stage.poster.posted}
    assert len(posted) == 3
    assert released
    assert not posted & set(released)
    assert stage.fates() == {"accepted": 3, "planned": 6}


class Jam(Pacer):
    """Bytes that are ready may not leave before *until*, seconds after the start."""

    until = 6.0

    def seconds_too_close(self, sender: str, weight: int, now: float) -> float:
        return max(0.0, self.until - now)


class Jammed(Stage):
    def pacer(self) -> Pace:
        return Jam(self.rate, self.loop.time())


def _sleep(stage: Stage) -> None:
    stage.clocks.boot_offset += LEASE_MS


class ClosingPlan(SlowPlan):
    """Its windows close five seconds after the start."""

    def is_late(self, message: Message) -> bool:
        return self._stage.loop.time() >= self._stage.began + 5

    def put_back(self, some: Iterable[Message]) -> None:
        """For another day."""


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (lambda stage: stage.engine.stop(), ""),
        (lambda stage: stage.engine.pause(), ""),
        (_sleep, "E611"),
    ],
    ids=["stop", "pause", "a machine that slept"],
)
def test_what_is_said_while_bytes_wait_for_their_turn_holds_them_back(
    path: Path, what: Callable[[Stage], None], code: str
) -> None:
    """All that forbids a message is asked when its bytes leave, not when it is begun."""
    stage = Jammed(rows=5, at={5.0: what})
    stage.at[8.0] = lambda stage: stage.engine.stop()
    if code:
        with pytest.raises(Stopped, match=code):
            stage.play(path)
    else:
        stage.play(path)

    assert not stage.poster.posted
    assert stage.fates() == {"planned": 5}


def test_a_deadline_that_passes_while_bytes_wait_holds_them_back(path: Path) -> None:
    """`not_after` is no moment to begin at: it is one to have left by."""
    ends = datetime.fromtimestamp(START + 5, UTC)
    stage = Jammed(rows=5, not_after=ends)

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert not stage.poster.posted
    assert stage.fates() == {"planned": 5}


def test_a_window_that_closes_while_bytes_wait_holds_them_back(path: Path) -> None:
    """Nobody is texted some seconds after it."""
    stage = Jammed(rows=5, source=ClosingPlan)

    stage.play(path)

    assert not stage.poster.posted
    assert stage.fates() == {"planned": 5}


def _all_opt_out(stage: Stage) -> None:
    """Everybody, in the store: what `bulksend listen` does with a STOP."""
    why = Cause(OPTED_OUT, "reply STOP", stage.clocks.wall_ms())
    people = [stage.message(row).to for row in range(2, stage.rows + 2)]
    with Journal.open(stage.path) as journal:
        journal.suppressions.add([suppression(one, why) for one in people])


SLOW_WAYS = (
    # a stage, and the most messages that may leave after the opt-outs were stored
    (Stage(rows=900, rate=300), 2 * 300 * TICK + 10),
    (Stage(rows=40, rate=300, script=always(ACCEPTED, 30)), 0),
    (Jammed(rows=60), 0),
)


@pytest.mark.parametrize(
    ("stage", "most"), SLOW_WAYS, ids=["at its pace", "slow answers", "slow to leave"]
)
def test_who_has_opted_out_gets_nothing_a_second_later(
    path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage, most: float
) -> None:
    """However long a claimed message must wait: for an answer, or for its turn."""
    stage = replace(stage, loop=VirtualLoop(), at={1.0: _all_opt_out})
    monkeypatch.setattr(engine_module, "MOST_IN_FLIGHT", 20)

    stage.play(path)

    late = [one.at - stage.began - 1.0 for one in stage.poster.posted]
    late = [seconds for seconds in late if seconds > 0]
    assert len(late) <= most
    assert all(seconds <= FRESH_SECONDS for seconds in late), late
    assert stage.fates().keys() <= {"accepted", "excluded"}
    assert stage.fates()["excluded"]
    assert stage.loop.time() <= stage.began + stage.rows / stage.rate + 35


def test_what_a_pause_held_back_goes_out_once_after_it(path: Path) -> None:
    """It was no attempt, and nobody is lost by it."""
    stage = Jammed(rows=5, at={5.0: lambda stage: stage.engine.pause()})
    stage.at[60.0] = lambda stage: stage.engine.resume()

    stage.play(path)

    assert sorted(one.row for one in stage.poster.posted) == [2, 3, 4, 5, 6]
    assert min(one.at for one in stage.poster.posted) >= 60
    assert stage.fates() == {"accepted": 5}


def test_a_lease_that_another_took_ends_the_sending(path: Path) -> None:
    """The claim is refused: what the other one has is never posted by this one."""

    def take(stage: Stage) -> None:
        stage.poster.intents.add("unknown")  # its own claims of the last moment
        stage._journal(lambda j: j.leases.end("c", stage.writer.epoch))
        stage._journal(
            lambda j: j.leases.take("c", Owner.me(), now=stage.clocks.wall_ms())
        )

    stage = Stage(rows=2_000, rate=200, at={1.5: take})

    with pytest.raises(Stopped, match="E611"):
        stage.play(path)

    assert max(one.at for one in stage.poster.posted) < 1.6
    assert stage.fates()["planned"] > 1_500


def test_a_lease_that_was_lost_before_the_start_is_said(path: Path) -> None:
    """Reading a great journal may outlast the lease: E611, no traceback."""
    stage = Stage()
    real = Engine.run

    async def late(engine: Engine) -> None:
        stage.clocks.wall_offset += LEASE_MS + 1
        await real(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "run", late)
        with pytest.raises(Stopped, match="E611"):
            stage.play(path)

    assert stage.poster.posted == []


def test_a_long_run_keeps_its_lease(path: Path) -> None:
    """Ten minutes at a slow pace: nobody can take over, and nothing stops."""
    refusals = []

    def knock(stage: Stage) -> None:
        try:
            stage._journal(
                lambda j: j.leases.take("c", Owner.me(), now=stage.clocks.wall_ms())
            )
        except GateRefused:
            refusals.append(stage.loop.time())

    stage = Stage(rows=300, rate=0.5, at={s * 25.0: knock for s in range(1, 23)})

    stage.play(path)

    assert stage.loop.time() > 590
    assert len(refusals) == 22


# -- stopping -----------------------------------------------------------------------------


def test_stopping_lets_what_is_under_way_end(path: Path) -> None:
    """Outcomes in flight are recorded; what was claimed and not posted is given back."""
    stage = Stage(rows=5_000, rate=400, script=always(ACCEPTED, 1.0), at=stop_at(2.0))

    stage.play(path)

    assert stage.fates() == {
        "accepted": len(stage.poster.posted),
        "planned": 5_000 - len(stage.poster.posted),
    }
    assert max(one.at for one in stage.poster.posted) <= stage.began + 2.0
    assert stage.loop.time() == pytest.approx(3.0, abs=0.1)


def test_what_does_not_end_in_time_is_unknown(path: Path) -> None:
    """A silent server is waited for as long as a drain may take, and no longer."""
    stage = Stage(rows=500, script=always(ACCEPTED, 60.0), at=stop_at(1.0))

    stage.play(path)

    assert stage.fates() == {
        "unknown": len(stage.poster.posted),
        "planned": 500 - len(stage.poster.posted),
    }
    assert stage.loop.time() == pytest.approx(1.0 + DRAIN_SECONDS, abs=0.1)


@pytest.mark.parametrize(
    ("rate", "weight", "chunk_seconds"),
    [
        (0.01, 1, 0),  # waits for a permit
        (1, 31, 0),  # waits for the permits of a long message
        (30, 31, 0),
        (500, 1, 0),
        (50, 1, 600),  # waits for the plan's next piece
    ],
)
def test_a_stop_is_heard_wherever_the_engine_waits(
    path: Path, rate: float, weight: int, chunk_seconds: float
) -> None:
    """The drain's time is the bound, whatever was being waited for."""
    stage = Stage(
        rows=20_000,
        rate=rate,
        weight=weight,
        chunk_seconds=chunk_seconds,
        at=stop_at(3.0),
    )

    stage.play(path)

    assert stage.loop.time() < 3.0 + DRAIN_SECONDS + 0.5
    assert set(stage.fates()) <= {"accepted", "planned"}


def test_a_stop_before_the_start_sends_nothing(path: Path) -> None:
    """The problem that stop was given is the one that is raised."""
    stage = Stage()
    real = Engine.run

    async def stopped(engine: Engine) -> None:
        engine.stop(Stopped(Problem("E631", "it was asked to stop")))
        engine.stop(Stopped(Problem("E510", "later")))
        await real(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "run", stopped)
        with pytest.raises(Stopped, match="E631"):
            stage.play(path)

    assert stage.poster.posted == []
    assert stage.fates() == {"planned": 5}


# -- what is not sent ---------------------------------------------------------------------


def test_repeats_of_earlier_runs_are_excluded(path: Path) -> None:
    """Their keys stand in the ledger: closed with the reason, never posted."""
    stage = Stage(rows=100)
    stage.ledger = [stage.envelope.once(stage.message(row)) for row in (2, 50, 101)]

    stage.play(path)

    assert stage.fates() == {"accepted": 97, "excluded": 3}
    assert {one.row for one in stage.poster.posted}.isdisjoint({2, 50, 101})
    assert {e.error_code for e in stage.entries() if e.status == "excluded"} == {
        "already_sent"
    }
    assert stage.intake.closed == 3


def test_a_second_run_of_the_same_content_sends_nothing(path: Path) -> None:
    """Under another name, by the first run's own ledger."""
    first = Stage(rows=30)
    first.play(path)
    second = Stage(rows=40, run_name="renamed")
    second.path = path
    other = Run("x", *("c", "plan", "h", "h", "h", "h", "p"), 1, 1, "", 0, None, 999)
    second.ledger = second._journal(lambda journal: journal.ledger(other))

    second.play(path)

    assert second.fates() == {"accepted": 10, "excluded": 30}


def test_what_has_expired_is_closed_and_not_posted(path: Path) -> None:
    """At the moment of its expiration, in the middle of a run."""
    end = START + 2 + LEAST_LIFE_MS / 1000
    expiration = datetime.fromtimestamp(end, UTC)
    stage = Stage(
        rows=400, rate=100, envelope=Envelope("c", "a", expiration=expiration)
    )

    stage.play(path)

    fates = stage.fates()
    assert fates == {"accepted": len(stage.poster.posted), "expired": fates["expired"]}
    assert 190 <= fates["accepted"] <= 210
    assert fates["expired"] == stage.intake.closed


def test_a_retry_is_not_sent_with_an_expiration_that_has_passed(path: Path) -> None:
    """A lifetime counts from each POST, not from the first."""
    stage = Stage(
        rows=1,
        script=scripted(r2=[UNREACHED] * 5 + [ACCEPTED]),
        envelope=Envelope("c", "app", expiration=timedelta(seconds=5)),
    )

    stage.play(path)

    start = START
    for posted in stage.poster.posted:
        ends = datetime.fromisoformat(posted.body["expiration"]).timestamp()
        assert 3.9 <= ends - start - posted.at <= 5


# -- pace and waiting ---------------------------------------------------------------------


def test_a_slow_claim_waits_for_its_permit(path: Path) -> None:
    """At low rates nothing lies claimed while the pace makes it wait."""
    claimed: list[int] = []

    def look(stage: Stage) -> None:
        claimed.append(stage.fates()["claimed"])

    stage = Stage(rows=60, rate=2, at={s + 0.4: look for s in range(28)})

    stage.play(path)

    assert set(claimed) == {0}


def test_little_is_claimed_ahead(path: Path) -> None:
    """What a kill could leave unknown without having been posted: some hundredths."""
    ahead: list[int] = []

    def look(stage: Stage) -> None:
        under_way = sum(
            one.at + one.answer.latency > stage.loop.time()
            for one in stage.poster.posted
        )
        ahead.append(stage.fates()["claimed"] - under_way)

    stage = Stage(rows=1_500, rate=1_000, at={s / 17: look for s in range(1, 25)})

    stage.play(path)

    assert max(ahead) <= 2 * 1_000 * TICK + 10


def test_the_pace_is_kept_through_the_whole_engine(path: Path) -> None:
    """At most the rate in any second, and hardly less, with latency and commits."""
    stage = Stage(rows=2_100, rate=500, script=always(ACCEPTED, 0.7))

    stage.play(path)

    times = [one.at for one in stage.poster.posted]
    assert len([t for t in times if t < 4]) >= 0.99 * 2_000
    first = 0
    for index, time in enumerate(times):
        while times[first] <= time - 1:
            first += 1
        assert index - first + 1 <= 505


def test_a_plan_that_comes_slowly_neither_hangs_nor_spins(path: Path) -> None:
    """A piece a minute: each is sent as it comes, and nothing turns in between."""
    stage = Stage(rows=30, chunk=3, chunk_seconds=60)

    stage.play(path)

    assert stage.fates() == {"accepted": 30}
    assert stage.loop.time() < 11 * 60
    assert stage.turns < 10_000


def test_retries_do_not_wait_for_the_plans_next_piece(path: Path) -> None:
    """A message that is due again goes out while the next piece is being read."""
    stage = Stage(
        rows=6, chunk=3, chunk_seconds=60, script=scripted(r3=[UNREACHED, ACCEPTED])
    )

    stage.play(path)

    first, second = stage.posts_of(3)
    assert second.at - first.at < 1


def test_a_plan_that_cannot_be_read_on_stops_the_run(path: Path) -> None:
    """Its error is raised, and what was under way has its outcome."""

    class Torn(SlowPlan):
        async def ahead(self) -> Sequence[Message] | None:
            if len(self._rows) < 1_500:
                raise BulksendError(Problem("E620", "it broke off"))
            return await super().ahead()

    stage = Stage(rows=1_500, chunk=500, chunk_seconds=1.0, source=Torn)

    with pytest.raises(BulksendError, match="E620"):
        stage.play(path)

    assert set(stage.fates()) == {"accepted", "planned"}


def test_a_full_house_waits_without_turning(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many POSTs under way as may be, and a retry due: it waits for one to end."""
    monkeypatch.setattr(engine_module, "MOST_IN_FLIGHT", 3)
    script = lambda row, attempt: Answer(  # noqa: E731
        UNREACHED if row == 2 and attempt == 1 else ACCEPTED, 0.01 if row == 2 else 20
    )
    stage = Stage(rows=12, rate=100, script=script)

    stage.play(path)

    assert stage.fates() == {"accepted": 12}
    assert stage.turns < 10_000


def test_its_repr_says_how_far_it_is(path: Path) -> None:
    """Counts, what is in flight, and the pace."""
    stage = Stage(rows=3, script=scripted(r2=[REFUSED], r3=[SILENT]))
    stage.play(path)

    assert repr(stage.engine) == (
        "<Engine 1 accepted · 1 refused · 1 unknown · 0 in flight · "
        "<Pacer 100/s of 100/s>>"
    )
    assert stage.engine.rate == 100


# -- whatever happens ---------------------------------------------------------------------

VERDICTS = st.sampled_from(
    [ACCEPTED] * 4
    + [REFUSED, UNAUTHORIZED, FORBIDDEN, FULL, BROKEN, GATEWAY, UNREACHED, SILENT]
    + [NO_TOKEN]
)
ANSWERS = st.builds(Answer, VERDICTS, st.sampled_from([0.0, 0.01, 0.3, 2.0, 45.0]))


class Scene(NamedTuple):
    """A script for a run, and what happens beside it."""

    answers: list[list[Answer]]
    rate: float
    weight: int
    chunk: int
    chunk_seconds: float
    stop: float | None
    sleep: float | None
    broken: float | None


SCENES = st.builds(
    Scene,
    answers=st.lists(
        st.lists(ANSWERS, min_size=1, max_size=4), min_size=1, max_size=40
    ),
    rate=st.sampled_from([0.5, 3, 24, 40, 300, 5_000]),
    weight=st.sampled_from([1, 2, 7]),
    chunk=st.integers(1, 20),
    chunk_seconds=st.sampled_from([0.0, 0.2, 30.0]),
    stop=st.none() | st.floats(0, 20),
    sleep=st.none() | st.floats(0, 20),
    broken=st.none() | st.floats(0, 20),
)


def _stage(scene: Scene) -> Stage:
    def script(row: int, attempt: int) -> Answer:
        mine = scene.answers[row - 2]
        return mine[attempt - 1] if attempt <= len(mine) else Answer(ACCEPTED)

    def sleep(stage: Stage) -> None:
        stage.clocks.boot_offset += LEASE_MS
        stage.clocks.wall_offset += LEASE_MS

    def tear(stage: Stage) -> None:
        stage.writer.broken = BulksendError(Problem("E601", "the disk is full"))

    beside = {
        scene.stop: lambda s: s.engine.stop(),
        scene.sleep: sleep,
        scene.broken: tear,
    }
    return Stage(
        rows=len(scene.answers),
        script=script,
        rate=scene.rate,
        weight=scene.weight,
        chunk=scene.chunk,
        chunk_seconds=scene.chunk_seconds,
        at={at: act for at, act in beside.items() if at is not None},
    )


@settings(derandomize=True, max_examples=60, deadline=None)
@given(scene=SCENES)
def test_whatever_happens_every_row_has_its_fate_and_nobody_is_texted_twice(
    scene: Scene,
) -> None:
    """Any script, stop, sleep and disk fault, and a resume that meets no trouble.

    What the journal says is what Bandwidth did: accepted rows were accepted once, no
    other row was, but among those that are unknown.
    """
    with _new_path() as path:
        stage = _stage(scene)
        codes: set[str] = set()
        try:
            stage.play(path)
        except BulksendError as error:
            codes = {problem.code for problem in error.problems}
        assert codes <= {"E502", "E503", "E510", "E601", "E611"}
        first = {one.row: one.status for one in stage.entries()}
        if scene.broken is None:
            assert "claimed" not in first.values()

        resumed = Stage(rows=stage.rows, rate=1_000)
        resumed.play(path)

        posted = stage.poster.posted + resumed.poster.posted
        _judge(resumed, posted)
        _nothing_after(stage, scene)


def _judge(stage: Stage, posted: list[Posted]) -> None:
    accepted = Counter(one.row for one in posted if one.answer.what is ACCEPTED)
    may_have_left = Counter(
        one.row for one in posted if one.answer.what in (ACCEPTED, SILENT, GATEWAY)
    )
    fates = {one.row: one.status for one in stage.entries()}
    assert fates.keys() == set(range(2, stage.rows + 2))
    assert set(fates.values()) <= {"accepted", "refused", "unknown"}
    for row, status in fates.items():
        assert may_have_left[row] <= 1
        assert accepted[row] == 1 if status == "accepted" else status != "accepted"
        assert status == "unknown" or accepted[row] == (status == "accepted")


def _nothing_after(stage: Stage, scene: Scene) -> None:
    """Nobody is posted to after a stop, a sleep or a fault of the journal."""
    for moment in (scene.stop, scene.sleep, scene.broken):
        if moment is not None:
            late = [one.row for one in stage.poster.posted if one.at > moment + 0.06]
            assert not late


# -- limits of a run ----------------------------------------------------------------------


def test_a_slow_sender_holds_up_nobody_in_a_run(path: Path) -> None:
    """Each at its own pace, to the end, with only so much of the plan in memory."""

    class Stage2(Stage):
        def message(self, row: int) -> Message:
            slow = row % 2 == 0
            return super().message(row)._replace(sender=SLOW if slow else FAST)

        def pacer(self) -> Pace:
            account = Pacer(200, self.loop.time())
            return BySender(account, {SLOW: 5, FAST: 150})

    stage = Stage2(rows=900, paced=(SLOW, FAST))

    stage.play(path)

    at = {
        sender: [one.at for one in stage.poster.posted if one.body["from"] == sender]
        for sender in (SLOW, FAST)
    }
    assert stage.fates() == {"accepted": 900}
    assert max(at[FAST]) == pytest.approx(3, abs=0.2)
    assert max(at[SLOW]) == pytest.approx(90, abs=1)
    assert [one.row for one in stage.poster.posted if one.body["from"] == SLOW] == list(
        range(2, 902, 2)
    )


class ManySenders(Stage):
    """Ten senders of 5/s each, on an account that others may send on, too."""

    def message(self, row: int) -> Message:
        return super().message(row)._replace(sender=f"+1919555000{row % 10}")

    def pacer(self) -> Pace:
        own = dict.fromkeys(self.paced, 5.0)
        account = Account("55", self.rate, writer=self.writer, clocks=self.clocks)
        return account.pace(own)


@pytest.mark.parametrize("weight", [1, 3])
def test_who_waits_for_its_own_pace_is_passed_by(path: Path, weight: int) -> None:
    """One whose moment is over holds up nobody else, whose moments would pass as well."""
    names = tuple(f"+1919555000{n}" for n in range(10))
    stage = ManySenders(rows=600 // weight, rate=100, weight=weight, paced=names)

    stage.play(path)

    at = sorted(one.at for one in stage.poster.posted)
    used = (len(at) - len(names)) * weight / (at[-1] - at[0]) / 50
    assert stage.fates() == {"accepted": stage.rows}
    assert used == pytest.approx(1.0, abs=0.04)
    for name in names:
        mine = [one.at for one in stage.poster.posted if one.body["from"] == name]
        densest = max(sum(t <= one < t + 1 for one in mine) for t in mine)
        assert densest * weight <= 5 + weight


def test_from_its_deadline_on_nothing_is_begun(path: Path) -> None:
    """What is under way ends, the rest stays as it was, and the reason is said."""
    ends = datetime.fromtimestamp(START + 2, UTC)
    stage = Stage(rows=1_000, rate=100, not_after=ends)

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert max(one.at for one in stage.poster.posted) < 2
    assert stage.fates() == {
        "accepted": len(stage.poster.posted),
        "planned": 1_000 - len(stage.poster.posted),
    }


def test_a_clock_that_is_set_back_moves_no_deadline(path: Path) -> None:
    """By the clock that is ahead: `not_after` in ten minutes stays in ten minutes."""

    def back(stage: Stage) -> None:
        stage.clocks.wall_offset -= 3 * 3_600_000

    stage = Stage(
        rows=1_000, rate=1, not_after=datetime.fromtimestamp(START + 600, UTC)
    )
    stage.patience, stage.at = 200_000, {60.0: back}

    with pytest.raises(Stopped, match="E516"):
        stage.play(path)

    assert 595 < max(one.at for one in stage.poster.posted) < 600


def test_a_list_that_is_refused_is_not_burnt(path: Path) -> None:
    """After eleven refusals at the start it stops, and the rest can be resumed."""
    stage = Stage(rows=1_000, rate=100, script=always(REFUSED))

    with pytest.raises(GateRefused, match="E513"):
        stage.play(path)

    fates = stage.fates()
    assert 11 <= fates["refused"] <= 30
    assert fates["planned"] == 1_000 - fates["refused"]


def test_a_run_in_doubt_sends_one_message_until_an_answer_proves_something(
    path: Path,
) -> None:
    """Three probes of a gateway that fails cost three unknowns, not a plan."""
    stage = Stage(rows=1_000, rate=100, script=always(SILENT, 1.0), in_doubt=True)

    with pytest.raises(GateRefused, match="E512"):
        stage.play(path)

    assert stage.fates() == {"unknown": 3, "planned": 997}
    healed = Stage(rows=300, rate=100, in_doubt=True)
    with _new_path() as other:
        healed.play(other)
        assert healed.fates() == {"accepted": 300}
    first, second, *_ = healed.poster.posted
    assert second.at >= first.at + first.answer.latency


def test_receipts_of_filtered_texts_stop_the_run(path: Path) -> None:
    """They come while it sends, from whoever hears them."""

    def filtered(stage: Stage) -> None:
        for _ in range(20):
            stage.engine.receipt_failed("4470")

    stage = Stage(rows=1_000, rate=100, at={1.0: filtered})

    with pytest.raises(GateRefused, match="E514"):
        stage.play(path)

    assert 90 < stage.fates()["accepted"] < 120

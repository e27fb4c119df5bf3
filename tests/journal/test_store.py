"""The journal on SQLite: the suite, and what a file, a disk and a `kill -9` can do."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.errors import BulksendError, InputError, Stopped
from bulksend.journal.owner import Owner
from bulksend.journal.records import ALREADY_SENT, Candidate, LeaseLost
from bulksend.journal.sqlite import Sqlite
from bulksend.journal.states import TRANSITIONS, Event, Status
from bulksend.journal.store import Journal
from tests.suites.journal_suite import JournalSuite
from tests.suites.mounts import mounted
from tests.suites.scene import CAMPAIGN, NOW, RUN, closed_rows, outcome

if TYPE_CHECKING:
    from collections.abc import Callable


class SqlitePlace:
    """A journal file."""

    refusal = sqlite3.IntegrityError

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> Journal:
        return Journal.open(self._path)

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute(statement)


class TestSqlite(JournalSuite):
    """Every promise of a journal, on SQLite."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> SqlitePlace:
        return SqlitePlace(tmp_path / "journal.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.db"


def _value(database: Sqlite, statement: str) -> object:
    (value,) = database.connection.execute(statement).fetchone()
    return value


def _full(path: Path, rows: int = 2_000) -> None:
    """A journal of several hundred pages, all in the file itself."""
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        wanted = [Candidate(row, row) for row in range(2, rows + 2)]
        claimed = journal.claim(run, epoch, wanted, now=NOW)
        said = [outcome(r, Event.ACCEPT, message_id=f"{r:029}") for r in claimed]
        journal.record(run.id, epoch, said)
        journal.leases.end(CAMPAIGN, epoch)


def _start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# -- as a file ----------------------------------------------------------------------


def test_a_commit_is_on_the_disk_before_it_returns(path: Path) -> None:
    """WAL with full sync, on every connection that writes."""
    with closing(Sqlite.open(path)) as database:
        assert _value(database, "pragma journal_mode") == "wal"
        assert _value(database, "pragma synchronous") == 2


def test_folders_are_made_and_odd_names_are_names(tmp_path: Path) -> None:
    """A path with marks of a URL is a path; the journal is exactly there."""
    path = tmp_path / "50% of?mode=ro#new" / "ünter wegs" / "journal.db"
    with Journal.open(path) as journal:
        journal.runs.add(RUN)
        assert repr(journal) == f"<Journal {path}>"

    assert path.exists()


def test_reading_only_reads(path: Path) -> None:
    """What is there can be read, and nothing can be changed; no file is made."""
    with pytest.raises(BulksendError, match="E601"):
        Journal.open(path, read_only=True)
    assert not path.parent.exists()
    with Journal.open(path) as journal:
        journal.runs.add(RUN)

    with Journal.open(path, read_only=True) as journal:
        assert [run.run for run in journal.runs.all()] == [RUN.run]
        with pytest.raises(BulksendError, match="E601"):
            journal.runs.add(RUN)


ASKED: dict[str, Callable[[Journal], object]] = {
    "a look": lambda journal: journal.runs.all(),
    "a stream": lambda journal: list(journal.suppressions.all()),
    "one statement": lambda journal: journal.suppressions.lift("+19195550100", now=NOW),
    "many": lambda journal: journal.runs.add(replace(RUN, run="another")),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_another_one_by_now_is_not_asked(
    path: Path, ask: Callable[[Journal], object], is_replaced: bool
) -> None:
    """Moved away or replaced while it is open: E608, and the one that is there stands."""
    other = path.with_name("other.db")
    Journal.open(other).close()
    with Journal.open(path) as journal:
        ask(journal)
        path.rename(path.with_name("moved.db"))
        if is_replaced:
            other.rename(path)
        with pytest.raises(Stopped, match="E608"):
            ask(journal)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_file_that_was_copied_over_is_neither_asked_nor_harmed(
    path: Path, ask: Callable[[Journal], object]
) -> None:
    """Its log is gone, the file the same: E616, and our log's pages stay out of it."""
    copy = path.with_name("copy.db")
    with Journal.open(path) as journal, closing(Sqlite.open(path)) as other:
        other.copy(copy)
        journal.runs.add(RUN)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink()
        shutil.copyfile(copy, path)
        with pytest.raises(Stopped, match="E616"):
            ask(journal)
    with pytest.raises(Stopped, match="E616"):
        Journal.open(path)
    assert path.read_bytes() == copy.read_bytes()


def test_what_is_written_while_the_file_is_replaced_is_undone(path: Path) -> None:
    """Between the statement and its commit: nobody is told that it is durable."""
    moved = path.with_name("moved.db")

    def write(journal: Journal) -> None:
        with journal.database.transaction():
            journal.runs.add(RUN)
            path.rename(moved)

    with Journal.open(path) as journal:
        with pytest.raises(Stopped, match="E608"):
            write(journal)
        moved.rename(path)
        assert not journal.runs.all()


# -- killed while it writes -----------------------------------------------------------

WRITE_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate, Outcome
from bulksend.journal.states import Event
from bulksend.journal.store import Journal

journal = Journal.open(Path(sys.argv[1]))
run, now = journal.runs.all()[0], int(sys.argv[2])
epoch = journal.leases.take(run.campaign, Owner.me(), now=now)
for first in count(int(sys.argv[3]), 3):
    rows = range(first, first + 3)
    for row in journal.claim(run, epoch, [Candidate(r, r) for r in rows], now=now):
        print("claimed", row, flush=True)
    journal.record(run.id, epoch, [Outcome(r, Event.ACCEPT, now) for r in rows])
    for row in rows:
        print("accepted", row, flush=True)
"""


@pytest.mark.crash
def test_what_was_committed_survives_kill_9(path: Path) -> None:
    """Whatever the writer said was durable is there, and nothing is half there."""
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)
    accepted: set[int] = set()
    for turn in range(6):
        writer = _start(WRITE_FOR_EVER, path, NOW, 2 + 10_000 * turn)
        assert writer.stdout
        lines = [writer.stdout.readline() for _ in range(20 + 17 * turn)]
        writer.kill()
        # Not `communicate`: it would pass by what `readline` has read ahead.
        lines += writer.stdout.read().splitlines(keepends=True)
        writer.communicate()
        words = [line.split() for line in lines if line.endswith("\n")]
        claimed = {int(row) for word, row in words if word == "claimed"}
        accepted |= {int(row) for word, row in words if word == "accepted"}

        with closing(Sqlite.open(path)) as database:
            assert _value(database, "pragma integrity_check") == "ok"
        with Journal.open(path) as journal:
            found = {e.row: e.status for e in journal.entries(run.id, 0, 10**6)}
            # It is dead, so the next turn takes over at once.
            assert journal.leases.holder(CAMPAIGN, now=NOW) is None
        assert {found[row] for row in accepted} == {"accepted"}
        assert {found[row] for row in claimed} <= {"claimed", "accepted"}
        assert sum(status == "claimed" for status in found.values()) in (0, 3)


TAKE = """
import sys
from pathlib import Path
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate
from bulksend.journal.store import Journal

with Journal.open(Path(sys.argv[1])) as journal:
    run = journal.runs.all()[0]
    epoch = journal.leases.take(run.campaign, Owner.me(), now=int(sys.argv[2]))
    journal.claim(run, epoch, [Candidate(2, None)], now=int(sys.argv[2]))
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.mark.crash
def test_a_sender_is_followed_when_it_is_dead_and_not_before(path: Path) -> None:
    """E610 while the process lives; after kill -9 at once, and its claim is unknown."""
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)
        other = _start(TAKE, path, NOW)
        assert other.stdout
        assert other.stdout.readline() == "taken\n"

        with pytest.raises(BulksendError, match=f"E610 process {other.pid} on "):
            journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        holder = journal.leases.holder(CAMPAIGN, now=NOW)
        assert holder
        assert holder.pid == other.pid

        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # still a zombie
        assert journal.leases.take(CAMPAIGN, Owner.me(), now=NOW) == 2
        assert journal.counts(run.id) == {Status.UNKNOWN: 1}
        other.communicate()


@pytest.mark.crash
def test_a_sender_that_stands_still_is_not_dead(path: Path) -> None:
    """SIGSTOP ends nothing: only the lease's end lets another one in."""
    with Journal.open(path) as journal:
        journal.runs.add(RUN)
        other = _start(TAKE, path, NOW)
        assert other.stdout
        other.stdout.readline()
        other.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(BulksendError, match="E610"):
                journal.leases.take(CAMPAIGN, Owner.me(), now=NOW + 30_000)
            assert journal.leases.take(CAMPAIGN, Owner.me(), now=NOW + 30_001) == 2
        finally:
            other.kill()
            other.communicate()


# -- several at once ------------------------------------------------------------------

OPEN = """
import sys
from pathlib import Path
from bulksend.journal.records import Run
from bulksend.journal.store import Journal

print("ready", flush=True)
for path in sys.stdin.read().split():
    with Journal.open(Path(path)) as journal:
        journal.runs.add(Run(sys.argv[1], "c", "", "", "", "", "", "", 1, 1, "", 0))
"""


def test_several_processes_may_open_a_fresh_journal_at_once(tmp_path: Path) -> None:
    """Nobody meets a locked or half-made file, and each one's run is there."""
    paths = [tmp_path / f"{n}.db" for n in range(25)]
    crowd = [_start(OPEN, name) for name in "abcd"]
    for one in crowd:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in crowd:
        assert one.stdin
        one.stdin.write("\n".join(map(str, paths)))
        one.stdin.flush()
    for one in crowd:
        assert one.stdin
        one.stdin.close()
        one.stdin = None

    assert [one.communicate()[1] for one in crowd] == [""] * 4
    for path in paths:
        with Journal.open(path) as journal:
            assert {run.run for run in journal.runs.all()} == set("abcd")


@pytest.mark.crash
def test_a_journal_half_made_is_finished_by_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A maker stopped at any point leaves nothing that keeps the next one out."""
    real = sqlite3.connect
    limit = 0

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*arguments, **options)
        steps = iter(range(limit))
        # Asked after every tenth machine step; what it ends is rolled back.
        connection.set_progress_handler(lambda: next(steps, None) is None, 10)
        return connection

    stopped = 0
    for limit in range(0, 400, 9):
        fresh = path.with_name(f"{limit}.db")
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", connect)
            try:
                Journal.open(fresh).close()
            except BulksendError:
                stopped += 1
        with closing(Sqlite.open(fresh)) as database:
            Journal(database).runs.add(RUN)
            made = _value(database, "select count(*) from transitions")
            assert made == sum(map(len, TRANSITIONS.values()))

    assert 3 < stopped < 44


# -- what a disk and a file can do ------------------------------------------------------


def _use_everything(path: Path) -> list[str]:
    """Call every public method; the code of each problem that was raised."""

    def claim(journal: Journal) -> None:
        epoch = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        run = journal.runs.named(RUN.run) or RUN
        journal.claim(run, epoch, [Candidate(5_000, None)], now=NOW)
        journal.record(run.id, epoch, [outcome(5_000, Event.ACCEPT)])
        journal.leases.renew(CAMPAIGN, epoch, now=NOW)
        journal.leases.end(CAMPAIGN, epoch)

    calls: list[Callable[[Journal], object]] = [
        lambda journal: journal.runs.all(),
        lambda journal: journal.runs.named(RUN.run),
        lambda journal: journal.counts(1),
        lambda journal: closed_rows(journal, 1),
        lambda journal: journal.entries(1, 0, 10_000),
        lambda journal: journal.ledger(replace(RUN, id=2)),
        lambda journal: journal.leases.holder(CAMPAIGN, now=NOW),
        lambda journal: journal.runs.add(replace(RUN, run="new")),
        lambda journal: journal.runs.finish(1, now=NOW),
        lambda journal: journal.runs.reopen(1),
        lambda journal: journal.runs.set_results(1, "x" * 5_000),
        lambda journal: journal.close_unsent(1, 1, [9], ALREADY_SENT, now=NOW),
        claim,
    ]
    codes = []
    try:
        journal = Journal.open(path)
    except BulksendError as error:
        return [error.problems[0].code]
    with journal:
        for call in calls:
            try:
                call(journal)
            except BulksendError as error:
                codes.append(error.problems[0].code)
            except LeaseLost:
                codes.append("lost")
    return codes


def test_a_healthy_journal_answers_everything(path: Path) -> None:
    """The measure for the tests below: no problem anywhere."""
    _full(path)

    assert _use_everything(path) == []


@pytest.mark.parametrize("length", [99, 100, 512, 4_096, 5_000, 20_480, 90_000])
def test_a_truncated_journal_is_a_coded_error(path: Path, length: int) -> None:
    """Wherever the file was cut, E601 names it, says it is damaged, and what to do."""
    _full(path)
    assert path.stat().st_size > 100_000
    os.truncate(path, length)

    codes = _use_everything(path)

    assert "E601" in codes
    assert set(codes) <= {"E601", "lost"}


@settings(derandomize=True, max_examples=150, deadline=None)
@given(spots=st.lists(st.tuples(st.integers(0, 300_000), st.binary(min_size=1))))
def test_a_corrupt_journal_never_ends_in_a_traceback(
    spots: list[tuple[int, bytes]],
) -> None:
    """Any bytes anywhere: each method gives its answer or a coded error."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        path.write_bytes(_healthy_bytes())
        with path.open("r+b") as file:
            for place, junk in spots:
                file.seek(place % len(_healthy_bytes()))
                file.write(junk)

        assert set(_use_everything(path)) <= {"E601", "E602", "E610", "lost"}


@cache
def _healthy_bytes() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        _full(path, rows=300)
        return path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"name,phone\nAnn,+19195550101\n" * 200, b"SQLite format 3\0" + b"\xff" * 2_000],
)
def test_a_file_of_another_kind_is_left_alone(path: Path, content: bytes) -> None:
    """Not a journal: E601 says so, and not one byte of it changes."""
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(BulksendError) as refused:
        Journal.open(path)

    (problem,) = refused.value.problems
    assert (problem.code, problem.file) == ("E601", str(path))
    assert problem.found == "it is not a bulksend journal"
    assert path.read_bytes() == content


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    """An SQLite file that is no journal gets no tables of ours."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table messages (id integer, body text)")
    content = path.read_bytes()

    for read_only in (False, True):
        with pytest.raises(BulksendError, match="it is not a bulksend journal"):
            Journal.open(path, read_only=read_only)

    assert path.read_bytes() == content


def test_a_later_versions_journal_is_refused(path: Path) -> None:
    """E602, to read and to write, and it is still a later version's afterwards."""
    with Journal.open(path) as journal:
        journal.runs.add(RUN)
    SqlitePlace(path).execute("update meta set value = '99'")

    for read_only in (False, True):
        with pytest.raises(BulksendError, match=r"E602 .*it has version 99; expected"):
            Journal.open(path, read_only=read_only)


def test_a_folder_or_a_file_in_the_way_is_a_coded_error(path: Path) -> None:
    """A folder where the file should be, and a file where the folder should be."""
    path.mkdir(parents=True)
    with pytest.raises(BulksendError, match=r"E601 .*it cannot be opened"):
        Journal.open(path)

    file = path / "file"
    file.touch()
    with pytest.raises(BulksendError, match="E601"):
        Journal.open(file / "journal.db")


def test_a_refused_opening_leaves_no_connection_behind(path: Path) -> None:
    """Whatever the reason, the file is closed again."""
    path.parent.mkdir()
    path.write_bytes(b"no journal" * 100)
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        with pytest.raises(BulksendError) as kept:
            Journal.open(path)

    assert kept.value.problems
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_folder_that_cannot_be_written_is_a_coded_error(tmp_path: Path) -> None:
    """Read-only: nothing is made, what is there is not touched, and E601 says so."""
    folder = tmp_path / "disk"
    with mounted(folder, "size=1m"):
        with Journal.open(folder / "journal.db") as journal:
            journal.runs.add(RUN)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)

        assert set(_use_everything(folder / "journal.db")) == {"E601"}
        with pytest.raises(BulksendError, match="E601"):
            Journal.open(folder / "new.db")
        with pytest.raises(BulksendError, match="E601"):
            Journal.open(folder / "new" / "journal.db")


def test_a_full_disk_is_said_and_what_was_committed_stays(tmp_path: Path) -> None:
    """E601: the disk is full; the journal is whole, and goes on when there is space."""
    folder = tmp_path / "disk"
    with mounted(folder, "size=600k"):
        with Journal.open(folder / "journal.db") as journal:
            run = journal.runs.add(RUN)
            epoch = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
            (folder / "ballast").write_bytes(b"x" * 250_000)
            claimed: list[int] = []

            def claim_for_ever() -> None:
                for first in range(0, 100_000, 50):
                    rows = [Candidate(row, row) for row in range(first, first + 50)]
                    claimed.extend(journal.claim(run, epoch, rows, now=NOW))

            with pytest.raises(BulksendError, match=r"E601 .*the disk is full"):
                claim_for_ever()
            (folder / "ballast").unlink()

            assert closed_rows(journal, run.id) == claimed
            assert journal.claim(run, epoch, [Candidate(99_999, 1)], now=NOW)

        with Journal.open(folder / "journal.db") as journal:
            assert journal.counts(run.id) == {Status.CLAIMED: len(claimed) + 1}


HIT_THE_LIMIT = """
import resource, signal, sys
from pathlib import Path
from bulksend.errors import BulksendError
from bulksend.journal.owner import Owner
from bulksend.journal.records import Candidate
from bulksend.journal.store import Journal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Journal.open(Path(sys.argv[1])) as journal:
    run = journal.runs.all()[0]
    epoch = journal.leases.take(run.campaign, Owner.me(), now=int(sys.argv[2]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    claimed = 0
    try:
        for first in range(0, 100_000, 50):
            rows = [Candidate(row, row) for row in range(first, first + 50)]
            claimed += len(journal.claim(run, epoch, rows, now=int(sys.argv[2])))
    except BulksendError as error:
        print(error.problems[0].code, claimed)
"""


def test_a_file_that_may_not_grow_stops_with_a_code(path: Path) -> None:
    """The process's own limit: what had been claimed by then stays, all of it."""
    with Journal.open(path) as journal:
        run = journal.runs.add(RUN)

    said, trouble = _start(HIT_THE_LIMIT, path, NOW).communicate()

    code, claimed = said.split()
    assert (code, trouble) == ("E601", "")
    assert int(claimed) > 0
    with Journal.open(path) as journal:
        assert journal.counts(run.id) == {Status.CLAIMED: int(claimed)}


def test_a_journal_that_stays_locked_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time it waits, E601 says that another process holds it."""
    monkeypatch.setattr("bulksend.journal.sqlite.BUSY_SECONDS", 0.05)
    with Journal.open(path) as journal, Journal.open(path) as other:
        with (
            other.database.transaction(),
            pytest.raises(BulksendError, match="another process kept it locked"),
        ):
            journal.runs.add(RUN)

        journal.runs.add(RUN)


def test_a_sqlite_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E607 at opening says which one is there and which is needed; no file is made."""
    path = tmp_path / "new" / "journal.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "sqlite_version_info", (3, 32, 3))
        with pytest.raises(InputError, match=r"E607 .*3\.33 or newer"):
            Sqlite.open(path)

    real = sqlite3.connect

    def without_json(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*arguments, **options)
        connection.set_authorizer(
            lambda _, __, name, *___: (
                sqlite3.SQLITE_DENY if name == "json_array" else sqlite3.SQLITE_OK
            )
        )
        return connection

    monkeypatch.setattr(sqlite3, "connect", without_json)
    with pytest.raises(InputError, match=r"E607 .*without JSON"):
        Sqlite.open(path)
    assert not path.parent.exists()

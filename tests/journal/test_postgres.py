"""The journal on a real PostgreSQL: the suite, and what a network and a server can do."""

from __future__ import annotations

import re
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from bulksend.errors import BulksendError, InputError, Stopped
from bulksend.home import Address, Home
from bulksend.journal.limits import Limits, Purse
from bulksend.journal.owner import Owner
from bulksend.journal.postgres import Postgres
from bulksend.journal.postgres_faults import explanation, refusals_explained
from bulksend.journal.receipts import Kept
from bulksend.journal.records import Candidate, Outcome, Use
from bulksend.journal.sql import postgres_queries, postgres_schema, queries, schema
from bulksend.journal.states import Event, Status
from bulksend.journal.store import Journal
from bulksend.journal.writer import Writer
from tests.suites.journal_suite import JournalSuite
from tests.suites.postgres_server import Server, free_port, postgres, running
from tests.suites.scene import CAMPAIGN, NOW, RUN, outcome, proof, reopened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bulksend.journal.records import Run

__all__ = ["postgres"]


class PostgresPlace:
    """A schema in the tests' own server."""

    refusal = psycopg.errors.IntegrityError

    def __init__(self, url: str) -> None:
        self.address = Address(url)

    def open(self) -> Journal:
        return Journal.open(self.address)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.address.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.address.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def place(postgres: Server) -> PostgresPlace:
    return PostgresPlace(postgres.schema())


EMPTY = """
set lock_timeout = '20s';
set session_replication_role = replica;
do $$
declare one record;
begin
    for one in select tablename as name from pg_tables where schemaname = current_schema()
    loop
        if one.name <> 'transitions' and one.name not like 'kept%' then
            execute format('delete from %I', one.name);
        end if;
    end loop;
    for one in select sequencename as name from pg_sequences
        where schemaname = current_schema()
    loop
        perform setval(one.name::regclass, 1, false);
    end loop;
end $$;
insert into meta select * from kept_meta;
"""


@pytest.fixture(scope="session")
def used(postgres: Server) -> PostgresPlace:
    """A journal for all who empty it: to make its tables takes ten times as long."""
    place = PostgresPlace(postgres.schema())
    with place.open():
        place.execute("create table kept_meta as select * from meta")
    return place


class TestPostgres(JournalSuite):
    """Every promise of a journal, on PostgreSQL."""

    @pytest.fixture
    def place(self, used: PostgresPlace) -> PostgresPlace:
        used.execute(EMPTY)
        return used


def test_a_connection_that_cannot_be_made_ready_is_closed(
    place: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer tries for two minutes: each try would leave one open."""
    seen: list[psycopg.Connection[tuple[object, ...]]] = []

    def fail(
        self: Postgres, connection: psycopg.Connection[tuple[object, ...]]
    ) -> None:
        seen.append(connection)
        connection.execute("select 1 / 0")

    with place.open():
        monkeypatch.setattr(Postgres, "_make_ready", fail)
        with pytest.raises(psycopg.DataError):
            place.open()
    assert [one.closed for one in seen] == [True]


# -- several at once ------------------------------------------------------------------


def test_who_was_in_anothers_way_does_it_again(place: PostgresPlace) -> None:
    """Two transactions that wait for each other: PostgreSQL ends ours, and it is done."""
    with place.open() as journal, psycopg.connect(place.address.url) as other:
        other.execute("set deadlock_timeout = '1min'")  # so it is ours that is ended
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(RUN.run), now=NOW)
        rows = range(2, 5)
        journal.claim(run, epoch, [Candidate(row, row) for row in rows], now=NOW)
        other.execute("update messages set ended_at = 1 where row = 4")
        accepted = [outcome(row, Event.ACCEPT) for row in rows]
        found: list[int] = []
        ours = threading.Thread(
            target=lambda: found.append(journal.record(run.id, epoch, accepted))
        )
        ours.start()
        while not place.ask("select 1 from pg_locks where not granted"):
            pass
        other.execute("update messages set ended_at = 1 where row in (2, 3)")
        other.commit()
        ours.join()

        assert found == [3]
        assert journal.counts(run.id) == {Status.ACCEPTED: 3}


USES = (Use("t-mobile", 2, 1), Use("att", 1, 1))
LIMITED = Limits(
    "bandwidth",
    (),
    (Purse("att", frozenset({"att"}), 9, NOW, NOW, 60_000, NOW),),
)


def _release(one: Journal, run: Run, epoch: int) -> object:
    return one.record(run.id, epoch, [outcome(3, Event.RELEASE, returns=USES)])


def _claim(one: Journal, run: Run, epoch: int) -> object:
    wanted = [Candidate(9, 9, weight=1, carrier="att")]
    return one.claim_within(run, epoch, wanted, LIMITED, now=NOW).rows


def _callback(one: Journal, *_: object) -> object:
    one.receipts.keep(
        [Kept("a", 1, "message-failed", NOW, NOW, 7, 4720, "x", said="x")]
    )
    return one.purges.callbacks(before=NOW + 1)


def _resend(one: Journal, run: Run, _: int) -> object:
    return one.decisions.resend(run.id, [(4, 1)], now=NOW, evidence="{}")


UNDONE: list[tuple[Callable[[Journal, Run, int], object], object]] = [
    (_release, 1),
    (_claim, [9]),
    (_callback, 1),
    (_resend, 1),
    (lambda one, run, epoch: one.leases.leave(run, epoch, now=NOW), None),
    (lambda one, run, _: one.runs.take_account(run.id, "1"), True),
    (lambda one, run, _: one.canaries.passed(run.id, by="", now=NOW), False),
    (lambda one, run, e: reopened(one, run, e, "failed", now=NOW), [5]),
    (lambda one, *_: one.limits.prepare(), None),
    (lambda one, *_: one.limits.close("a", at=1), True),
    (
        lambda one, run, _: one.decisions.believe(
            [proof(run.id, Event.ACCEPT)], now=NOW
        ),
        0,
    ),
    (lambda one, *_: one.paces._set_back("pace", "a", NOW), True),
]


@pytest.mark.parametrize(("work", "said"), UNDONE)
def test_every_transaction_that_is_undone_is_done_again(
    used: PostgresPlace,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Journal, Run, int], object],
    said: object,
) -> None:
    """Another was in the way of it, once: it says what it says, and is done once."""
    used.execute(EMPTY)
    with used.open() as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(RUN.run), now=NOW)
        journal.paces.reserve("a", 1, 10.0, now=NOW)
        wanted = [Candidate(row, row) for row in range(2, 6)]
        journal.claim(run, epoch, wanted, now=NOW)
        ends = [outcome(2, Event.ACCEPT, message_id="b"), outcome(5, Event.REFUSE)]
        journal.record(run.id, epoch, [*ends, outcome(4, Event.LOSE)])
        absent = proof(run.id, Event.DISPROVE, 4)
        journal.decisions.believe([absent], now=NOW)
        undone = _undone_once(monkeypatch)

        assert work(journal, run, epoch) == said
        assert undone == [True]


def _undone_once(patch: pytest.MonkeyPatch) -> list[bool]:
    """The next transaction ends in what PostgreSQL says of one that waits in a circle."""
    real, undone = Postgres.transaction, list[bool]()

    @contextmanager
    def once(self: Postgres, alone: str = "") -> Iterator[None]:
        with real(self, alone):
            yield
            if not undone:
                undone.append(True)
                self.connection.execute(
                    "do $$ begin raise exception using errcode = '40P01'; end $$"
                )

    patch.setattr(Postgres, "transaction", once)
    return undone


ORDERS: list[tuple[str, str, Callable[[Journal, Run, int], object]]] = [
    # what another holds, what ours must not have by then, and what ours does
    (
        "select 1 from purses where name = 'att' for update",
        "select 1 from purses where name = 't-mobile' for update nowait",
        _release,
    ),
    (
        "select 1 from leases for update",
        "select 1 from messages for update nowait",
        lambda one, run, epoch: one.leases.leave(run, epoch, now=NOW),
    ),
    (
        "select 1 from messages where row = 3 for update",
        "select 1 from purses for update nowait",
        lambda one, run, epoch: one.record(
            run.id,
            epoch,
            [outcome(row, Event.RELEASE, returns=USES) for row in (2, 3)],
        ),
    ),
]


@pytest.mark.parametrize(("first", "then", "work"), ORDERS)
def test_all_lock_in_one_order(
    place: PostgresPlace,
    first: str,
    then: str,
    work: Callable[[Journal, Run, int], object],
) -> None:
    """Leases, messages, purses by their names: so nobody waits in a circle.

    Whoever waits for what comes first has nothing yet of what comes after it.
    """
    with place.open() as journal, psycopg.connect(place.address.url) as other:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(RUN.run), now=NOW)
        journal.claim(run, epoch, [Candidate(2, 2), Candidate(3, 3)], now=NOW)
        journal.limits.take(USES)
        other.execute(first.encode())
        ours = threading.Thread(target=work, args=(journal, run, epoch))
        ours.start()
        while not place.ask("select 1 from pg_locks where not granted"):
            pass
        other.execute(then.encode())
        other.commit()
        ours.join()


def test_transactions_of_one_name_take_turns_and_others_do_not_wait(
    place: PostgresPlace,
) -> None:
    """A lease of one campaign does not wait for the callbacks of another."""
    with place.open() as one, place.open() as other:
        with one.database.transaction(alone="a"):
            with other.database.transaction(alone="b"):
                pass
            waits = threading.Thread(target=_turn, args=(other, "a"))
            waits.start()
            while not place.ask("select 1 from pg_locks where not granted"):
                pass
            assert waits.is_alive()
        waits.join()


def _turn(journal: Journal, name: str) -> None:
    with journal.database.transaction(alone=name):
        pass


def test_what_a_sender_writes_costs_the_same_however_large_the_run_is(
    place: PostgresPlace,
) -> None:
    """By the key, also before PostgreSQL knows anything of the table."""
    with place.open() as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(RUN.run), now=NOW)
        for first in range(2, 402, 5):  # a plan is made for good while there are few
            rows = range(first, first + 5)
            journal.claim(run, epoch, [Candidate(row, row) for row in rows], now=NOW)
            accepted = [outcome(row, Event.ACCEPT) for row in rows]
            journal.record(run.id, epoch, accepted)
        assert isinstance(journal.database, Postgres)
        journal.database.connection.execute("select pg_stat_force_next_flush()")
    ((read,),) = place.ask(
        "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables "
        "where schemaname = current_schema() and relname = 'messages'"
    )

    assert isinstance(read, int)
    assert 400 <= read <= 1_200


# -- the words ------------------------------------------------------------------------


def test_every_trigger_of_the_tables_is_there_on_postgresql() -> None:
    """What SQLite's triggers forbid, PostgreSQL's forbid too."""
    there = re.findall(r"create trigger if not exists (\w+)", schema())
    here = re.findall(r"create or replace trigger (\w+)", postgres_schema())

    assert there
    assert sorted(here) == sorted(there)


OUR_OWN = {"campaign", "now", "locked"}
"""What a server knows itself, or what only a file's lock needs."""


def test_what_is_said_otherwise_is_said_of_a_statement_that_there_is() -> None:
    """A name in queries_postgres.sql is a name in queries.sql, with the same values.

    What comes as `:records` there are the fields of records here.
    """
    ours, theirs = queries(), postgres_queries()
    fields = {
        "claim_new": Candidate._fields,
        "record": Outcome._fields,
        "suppress_numbers": ("person", "number"),
    }

    assert theirs.keys() == ours.keys()
    for name, text in theirs.items():
        wanted = set(re.findall(r"(?<!:):([a-z]\w*)", ours[name]))
        asked = set(re.findall(r"%\((\w+)\)s", text))
        if "records" in wanted:
            wanted.remove("records")
            asked -= set(fields[name])
        assert asked - OUR_OWN == wanted - OUR_OWN, name


# -- a place that does not work ---------------------------------------------------------


def test_a_server_that_is_not_there_is_said(place: PostgresPlace) -> None:
    """E563 says where and why; running it again later may help (exit code 4)."""
    address = Address(f"postgresql://u:se5ame@127.0.0.1:{free_port()}/journal")

    with pytest.raises(Stopped, match=r"E563 .*refused") as refused:
        Journal.open(address)

    assert "se5ame" not in str(refused.value)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("guarded:wr0ng@127.0.0.1:{port}/postgres", "password authentication failed"),
        ("guarded@127.0.0.1:{port}/postgres", "no password supplied"),
        ("nobody@127.0.0.1:{port}/postgres", 'role "nobody" does not exist'),
        ("bulksend@127.0.0.1:{port}/nowhere", 'database "nowhere" does not exist'),
        ("shut@127.0.0.1:{port}/postgres", 'role "shut" is not permitted to log in'),
        ("guarded:r1ght@127.0.0.1:{port}/closed", "permission denied for database"),
        ("bulksend@127.0.0.1:{port}/postgres?sslmode=require", "not support SSL"),
        ("bulksend@127.0.0.1:{port}/postgres?sslmode=x", "invalid sslmode value"),
        ("bulksend@127.0.0.1:{port}/postgres?colour=red", "the URL cannot be read"),
    ],
)
def test_a_refusal_is_the_inputs_fault(postgres: Server, where: str, said: str) -> None:
    """E561, and no password in it: here no retry can help (exit code 2)."""
    with psycopg.connect(postgres.url(), autocommit=True) as sql:
        sql.execute("drop role if exists guarded")
        sql.execute("create role guarded login password 'r1ght'")
        sql.execute("drop role if exists shut")
        sql.execute("create role shut nologin")
        sql.execute("drop database if exists closed")
        sql.execute("create database closed")
        sql.execute("revoke connect on database closed from public")

    with pytest.raises(InputError, match="E561") as refused:
        Journal.open(Address("postgresql://" + where.format(port=postgres.port)))

    assert said in str(refused.value)
    assert "wr0ng" not in str(refused.value)


@pytest.mark.parametrize(
    "said",
    [
        "SSL error: certificate verify failed",
        'server certificate for "db" does not match host name "10.0.0.7"',
    ],
)
def test_a_certificate_that_is_not_trusted_is_the_inputs_fault(said: str) -> None:
    """No later try trusts it: in libpq's own words, for our server has no certificate."""
    whole = f'connection to server at "db" (10.0.0.7), port 5432 failed: {said}'

    with pytest.raises(InputError, match="E561"), refusals_explained("db"):
        raise psycopg.OperationalError(whole)


def test_a_user_without_rights_is_said(postgres: Server) -> None:
    """E601 tells what to grant."""
    with psycopg.connect(postgres.url(), autocommit=True) as sql:
        sql.execute("drop role if exists poor")
        sql.execute("create role poor login")

    with pytest.raises(BulksendError, match=r"E601 .*may not do this.*Grant"):
        Journal.open(Address(postgres.url("poor")))


def test_no_client_library_is_said(
    place: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E560 names the extra to install."""
    monkeypatch.delitem(sys.modules, "bulksend.journal.postgres")
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(InputError, match=r"E560 .*bulksend\[postgres\]"):
        place.open()


def test_a_clock_that_is_wrong_is_said(
    place: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E562: a lease means nothing to a machine that lives in another minute."""
    real = time.time_ns
    place.open().close()

    monkeypatch.setattr(time, "time_ns", lambda: real() + 60 * 10**9)

    with pytest.raises(InputError, match=r"E562 .*differ by [56]\d,\d{3} ms"):
        place.open()


def test_a_journal_of_another_version_is_left_alone(place: PostgresPlace) -> None:
    """E602: an older bulksend does not write into what it does not understand."""
    place.open().close()
    place.execute("update meta set value = '99'")

    with pytest.raises(BulksendError, match=r"E602 .*version 99; expected version"):
        place.open()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:s3cret@db:5432/j", "postgresql://u@db:5432/j"),
        (
            "postgresql://db/j?user=u&password=s3cret",
            "postgresql://db/j?user=u&password=***",
        ),
        ("postgres://u:s3%40ret@a,b/j", "postgres://u@a,b/j"),
        ("postgresql://u:s3:cr:et@db/j", "postgresql://u@db/j"),
    ],
)
def test_an_address_is_shown_without_its_password(
    url: str, shown: str, tmp_path: Path
) -> None:
    """In every text that is made of it; the connection still has it."""
    address = Home.find(tmp_path, {"BULKSEND_JOURNAL": url}).journal

    assert isinstance(address, Address)
    assert str(address) == shown
    assert "s3" not in repr(address).replace(shown, "")
    assert address.url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3/cret@db/j",
        "postgresql://u:s3@cret@db/j",
        "postgresql://u:s3#cret@db/j",
        "postgresql://u:s3?cret@db/j",
        "host=db user=u password=s3cret",
        "dbname = j password = 's3 cret'",
    ],
)
def test_a_password_that_the_library_would_take_apart_is_refused_first(
    url: str, tmp_path: Path
) -> None:
    """Else it names parts of it as host or port; and no file is called so."""
    with pytest.raises(InputError, match=r"E561|E601 a journal as KEY") as refused:
        Home.find(tmp_path, {"BULKSEND_JOURNAL": url})

    assert "s3" not in str(refused.value)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    "setting",
    [
        "statement_timeout = '25ms'",
        "default_transaction_isolation = serializable",
    ],
)
def test_what_a_server_is_set_to_ends_no_statement_of_ours(
    postgres: Server, setting: str
) -> None:
    """A limit for people's queries is none for a journal."""
    url = postgres.schema()
    with psycopg.connect(postgres.url(), autocommit=True) as sql:
        sql.execute(f"alter database postgres set {setting}".encode())
        try:
            with Journal.open(Address(url)) as journal:
                run = journal.runs.add(RUN)
                epoch = journal.leases.take(CAMPAIGN, Owner.me(RUN.run), now=NOW)
                rows = [Candidate(row, row) for row in range(2, 20_002)]
                assert len(journal.claim(run, epoch, rows, now=NOW)) == 20_000
        finally:
            name = setting.partition(" ")[0]
            sql.execute(f"alter database postgres reset {name}".encode())


def test_a_statement_that_somebody_ended_is_done_again(place: PostgresPlace) -> None:
    """`pg_cancel_backend` undoes all of it: nothing is lost, and nothing is twice."""
    with place.open() as journal, psycopg.connect(place.address.url) as other:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(RUN.run), now=NOW)
        found: list[list[int]] = []
        assert isinstance(journal.database, Postgres)
        pid = journal.database.connection.info.backend_pid
        other.execute("lock table messages in exclusive mode")
        ours = threading.Thread(
            target=lambda: found.append(
                journal.claim(run, epoch, [Candidate(2, 2)], now=NOW)
            )
        )
        ours.start()
        while not place.ask("select 1 from pg_locks where not granted"):
            pass
        place.ask(f"select pg_cancel_backend({pid})")
        while not place.ask("select 1 from pg_locks where not granted"):
            pass
        other.rollback()
        ours.join()

    assert found == [[2]]


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (psycopg.errors.LockNotAvailable, True),
        (psycopg.errors.DiskFull, True),
        (psycopg.errors.ReadOnlySqlTransaction, True),
        (psycopg.errors.DeadlockDetected, True),
        (psycopg.errors.InsufficientPrivilege, False),
        (psycopg.errors.UndefinedColumn, False),
    ],
)
def test_what_may_pass_is_a_stop_that_a_scheduler_tries_again(
    error: type[psycopg.Error], may_pass: bool
) -> None:
    """Exit code 4 for a failover, a lock and a disk; rights do not come by waiting."""
    assert isinstance(explanation(error(), "there"), Stopped) == may_pass


def test_a_server_that_only_reads_is_said(postgres: Server) -> None:
    """E601 with the way out; before anything is sent."""
    url = postgres.schema()
    with psycopg.connect(postgres.url(), autocommit=True) as sql:
        sql.execute(b"alter database postgres set default_transaction_read_only = on")
        try:
            with pytest.raises(BulksendError, match=r"E601 .*only reads.*primary"):
                Journal.open(Address(url))
        finally:
            sql.execute(b"set default_transaction_read_only = off")
            sql.execute(b"alter database postgres reset default_transaction_read_only")


def test_a_journal_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    """E601 for a scheme that is none of ours."""
    with pytest.raises(InputError, match="E601 a journal at mysql://; expected a path"):
        Home.find(tmp_path, {}, "mysql://u:p@db/j")


def test_reading_only_reads(place: PostgresPlace) -> None:
    """No table is made by looking, and nothing can be changed."""
    with pytest.raises(BulksendError, match=r"E601 .*no journal"):
        Journal.open(place.address, read_only=True)
    with place.open() as journal:
        journal.runs.add(RUN)

    with Journal.open(place.address, read_only=True) as journal:
        assert [run.run for run in journal.runs.all()] == [RUN.run]
        with pytest.raises(BulksendError, match="E601"):
            journal.runs.add(replace(RUN, run="other"))


def test_the_tables_have_a_schema_of_their_own(postgres: Server) -> None:
    """Where the URL says nothing else, nothing of ours is in `public`."""
    with Journal.open(Address(postgres.url())) as journal:
        journal.runs.all()

    with psycopg.connect(postgres.url()) as sql:
        found = sql.execute(
            "select count(*) from pg_tables where tablename = 'messages' and "
            "schemaname = any(%s)",
            [["public", "bulksend"]],
        ).fetchone()
        assert found == (1,)


def test_several_may_open_a_fresh_journal_at_once(place: PostgresPlace) -> None:
    """Nobody meets half-made tables."""
    faults: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with place.open() as journal:
                journal.runs.add(replace(RUN, run=name))
        except BaseException as fault:  # noqa: BLE001  (the assertion below shows it)
            faults.append(fault)

    crowd = [threading.Thread(target=work, args=(name,)) for name in "abcdef"]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()

    assert faults == []
    with place.open() as journal:
        assert {run.run for run in journal.runs.all()} == set("abcdef")


# -- a connection that is lost ------------------------------------------------------------

CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'bulksend' and pid <> pg_backend_pid()
"""


def test_what_was_asked_when_the_connection_was_lost_is_not_known(
    place: PostgresPlace,
) -> None:
    """ConnectionLost, then `reconnect`, and the journal is as it was."""
    with place.open() as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        place.execute(CUT)
        with pytest.raises(Stopped, match=r"E563 .*lost"):
            journal.claim(run, epoch, [Candidate(2, 2)], now=NOW)

        journal.database.reconnect()

        assert journal.claim(run, epoch, [Candidate(2, 2)], now=NOW) == [2]


def test_a_claim_whose_answer_was_lost_is_still_ours(place: PostgresPlace) -> None:
    """Asked again it gives what it had claimed, and what is new; never another's."""
    with place.open() as journal:
        run = journal.runs.add(RUN)
        epoch = journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
        journal.claim(run, epoch, [Candidate(9, 9)], now=NOW - 5)
        journal.claim(run, epoch, [Candidate(3, 3), Candidate(4, 4)], now=NOW)
        journal.record(run.id, epoch, [outcome(4, Event.ACCEPT)])

        wanted = [Candidate(row, row) for row in (5, 4, 3, 9)]

        assert journal.claim_repeated(run, epoch, wanted, now=NOW).rows == [5, 3]


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.parametrize("how", ["cut", "restart", "crash"])
async def test_a_writer_outlives_its_connection(how: str) -> None:
    """However often it is lost: every row is claimed once, and every outcome is there."""
    with running() as server:
        place = PostgresPlace(server.url())
        with place.open() as journal:
            run = journal.runs.add(RUN)
        over = threading.Event()

        def disturb() -> None:
            turns = 0
            while not over.wait(0.15):
                turns += 1
                if how == "cut":
                    place.execute(CUT)
                elif turns % 5 == 1:
                    server.stop("fast" if how == "restart" else "immediate")
                    server.start()

        trouble = threading.Thread(target=disturb)
        claimed: list[int] = []
        async with Writer(place.address, run) as writer:
            writer.epoch = await writer.call(
                lambda journal: journal.leases.take(CAMPAIGN, Owner.me(), now=NOW)
            )
            trouble.start()
            try:
                for first in range(2, 2002, 4):
                    wanted = [Candidate(row, row) for row in range(first, first + 4)]
                    claimed += await writer.claim(wanted, now=NOW + first)
                    for row in range(first, first + 4):
                        writer.record(outcome(row, Event.ACCEPT))
            finally:
                over.set()
                trouble.join()

        assert claimed == list(range(2, 2002))
        with place.open() as journal:
            assert journal.counts(run.id) == {Status.ACCEPTED: 2000}

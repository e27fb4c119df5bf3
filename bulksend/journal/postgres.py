"""The journal's tables in PostgreSQL, for several workers.  The only user of psycopg.

Theory of operation
-------------------
A statement outside of a transaction is one trip over the network and durable when it
returns.  No transaction stays open while anybody thinks, and the server ends one whose
owner stands still, so a frozen worker keeps no lock.

When the connection is lost, nobody knows whether the last statement was committed.  It is
raised as `ConnectionLost`; `reconnect` waits for the server to come back.  What the
journal does for a sender may be done twice (see `writer.py`), so it is asked again.

The tables are in a schema of their own, `bulksend`, unless the URL names another
``search_path``.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from bulksend.errors import InputError, Problem, Stopped
from bulksend.journal import migrations
from bulksend.journal.database import rounds
from bulksend.journal.faults import (
    BUSY_SECONDS,
    ConnectionLost,
    undamaged,
    until_done,
)
from bulksend.journal.postgres_faults import explanation, refusals_explained
from bulksend.journal.sql import (
    OLDEST_PROGRAM,
    SCHEMA_VERSION,
    postgres_migration,
    postgres_queries,
    postgres_schema,
)
from bulksend.journal.states import arrows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from psycopg import Connection

    from bulksend.home import Address
    from bulksend.journal.database import Row

T = TypeVar("T")

CONNECT_SECONDS = 10
STANDING_STILL_SECONDS = 10
PATIENCE_SECONDS = 120.0
"""How long a sender waits for a server that is gone: a failover's time, and more."""

MOST_SKEW_MS = 3_000
"""A lease counts as ended 5 s early (send/hold.py); clocks may differ by less."""

SOME = 10_000

_SETTINGS = f"""
    set synchronous_commit = on;
    set lock_timeout = '{BUSY_SECONDS:g}s';
    set statement_timeout = 0;
    set idle_in_transaction_session_timeout = '{STANDING_STILL_SECONDS}s';
"""
_FOR_WRITERS = "set enable_seqscan = off; set jit = off;"
"""A run begins with a table that is empty or unlike its statistics.  What is prepared then
would read all of it, and go on so while it grows by thousands of rows a second."""
_OURS = 0x62756C6B
"""Advisory locks of bulksend; each has a name beside it, in its schema."""

_WAIT_FOR_TURN = (
    "select pg_advisory_xact_lock(%s, hashtext(current_schema() || ' ' || %s))"
)


class Postgres:
    """A `Database` in a server; use `Postgres.open`."""

    def __init__(self, address: Address, *, read_only: bool = False) -> None:
        self._address = address
        self._read_only = read_only
        self.name = str(address)
        self._q = postgres_queries()
        self.connection = self._connect()

    @classmethod
    def open(cls, address: Address, *, read_only: bool = False) -> Self:
        """Connect, and make the tables where there are none.

        Raises:
            InputError: E561, where the server refuses this user or has no such database;
                E562, where this machine's clock is wrong.
            Stopped: E563, where the server cannot be reached.
            BulksendError: E602, where the tables are of another version.
        """
        database = cls(address, read_only=read_only)
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        self.connection.close()

    def scrub(self) -> None:
        """Its server's own vacuum does it."""

    def reconnect(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the server is there again.

        Raises:
            Stopped: E563, where it is not within *seconds*.
        """
        self.close()
        until, pause = time.monotonic() + seconds, 0.1
        while True:
            try:
                self.connection = self._connect()
            except Stopped:
                if time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
                pause = min(2.0, pause * 2)
            else:
                return

    # -- statements -----------------------------------------------------------------

    def fetch(self, query: str, /, **values: object) -> list[Row]:
        statement = self._q[query]
        return self._alone(
            lambda: self.connection.execute(statement, values).fetchall()
        )

    def stream(self, query: str, /, **values: object) -> Iterator[Row]:
        with (
            self._explained(),
            self.connection.transaction(),
            self.connection.cursor(name="bulksend") as cursor,
        ):
            cursor.itersize = SOME
            cursor.execute(self._q[query], values)
            yield from cursor

    def execute(self, query: str, /, **values: object) -> int:
        statement = self._q[query]
        return self._alone(lambda: self.connection.execute(statement, values).rowcount)

    def change_each(
        self,
        query: str,
        records: Sequence[NamedTuple],
        /,
        *,
        given: str,
        **values: object,
    ) -> list[Any] | None:
        columns = _columns(records, values)
        changed = self._alone(
            lambda: self.connection.execute(self._q[query], columns).fetchall()
        )
        if not changed and not self.fetch(given, **values):
            return None
        return [first for (first,) in changed]

    def execute_each(
        self, query: str, records: Sequence[NamedTuple], /, **values: object
    ) -> int:
        if not records:
            return 0
        statement = self._q[query]
        change = self._change_all if "unnest(" in statement else self._change_one_by_one
        return self._alone(lambda: change(statement, records, values))

    def _change_all(
        self,
        statement: str,
        records: Sequence[NamedTuple],
        values: Mapping[str, object],
    ) -> int:
        parted = rounds(records)
        if len(parted) == 1:
            return self.connection.execute(
                statement, _columns(records, values)
            ).rowcount
        with self.connection.transaction():
            return sum(
                self.connection.execute(statement, _columns(one, values)).rowcount
                for one in parted
            )

    def _change_one_by_one(
        self,
        statement: str,
        records: Sequence[NamedTuple],
        values: Mapping[str, object],
    ) -> int:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(
                statement, [{**one._asdict(), **values} for one in records]
            )
            return cursor.rowcount

    def _alone(self, change: Callable[[], T]) -> T:
        """Outside of a transaction what was undone is done again."""

        def work() -> T:
            with self._explained():
                return change()

        is_part = self.connection.info.transaction_status != TransactionStatus.IDLE
        return work() if is_part else until_done(work)

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()  # each is one statement; two more would be for nothing

    @contextmanager
    def transaction(self, alone: str = "") -> Iterator[None]:
        with self._said(), self.connection.transaction():
            if alone:
                self.connection.execute(_WAIT_FOR_TURN, [_OURS, alone])
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self.connection.info.transaction_status != TransactionStatus.IDLE:
            yield
            return
        with self._said(), self.connection.transaction():
            self.connection.execute(
                "set transaction isolation level repeatable read, read only"
            )
            yield

    # -- the connection -------------------------------------------------------------

    def _connect(self) -> Connection[Row]:
        with refusals_explained(self.name):
            connection = psycopg.connect(
                self._address.url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="bulksend",
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=10_000,
            )
            try:
                self._make_ready(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    def _make_ready(self, connection: Connection[Row]) -> None:
        connection.execute(_SETTINGS)
        self._choose_schema(connection)
        if self._read_only:
            connection.execute("set default_transaction_read_only = on")
        else:
            connection.execute(_FOR_WRITERS)

    def _choose_schema(self, connection: Connection[Row]) -> None:
        (path,) = connection.execute("show search_path").fetchone() or ("",)
        if path != '"$user", public':
            return
        if not self._read_only:
            with suppress(errors.InsufficientPrivilege, errors.UniqueViolation):
                connection.execute("create schema if not exists bulksend")
        connection.execute("set search_path = bulksend")

    def _prepare(self) -> None:
        self._check_clock()
        with self._explained():
            made = self.connection.execute("select to_regclass('meta')").fetchone()
        if made == (None,):
            if self._read_only:
                raise InputError(Problem("E601", "it holds no journal", file=self.name))
            self._create()
        migrations.bring_up(self, read_only=self._read_only)

    def _create(self) -> None:
        with self.transaction(alone=migrations.TABLES):
            sql = self.connection
            sql.execute(postgres_schema())
            with sql.cursor() as cursor:
                cursor.executemany(
                    "insert into transitions values (%s, %s, %s) on conflict do nothing",
                    arrows(),
                )
            sql.execute(
                "insert into meta values ('schema', %s), ('oldest_program', %s) "
                "on conflict do nothing",
                [SCHEMA_VERSION, OLDEST_PROGRAM],
            )

    def take_step(self, number: int) -> None:
        self.connection.execute(postgres_migration(number).encode())

    def _check_clock(self) -> None:
        with self._explained():
            before = time.time_ns() // 1_000_000
            (theirs,) = self.connection.execute(
                "select (extract(epoch from clock_timestamp()) * 1000)::bigint"
            ).fetchone() or (before,)
            after = time.time_ns() // 1_000_000
        skew = max(before - theirs, theirs - after)
        if skew > MOST_SKEW_MS:
            raise InputError(
                Problem(
                    "E562",
                    f"this machine's clock and the database's differ by {skew:,} ms",
                    f"at most {MOST_SKEW_MS:,} ms",
                    file=self.name,
                )
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Of a statement: what cannot be read there is damaged, too."""
        with self._said(), undamaged(self.name):
            yield

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What the server says, or the network."""
        try:
            yield
        except psycopg.Error as error:
            if self.connection.closed:
                raise ConnectionLost(
                    Problem("E563", "the connection was lost", file=self.name)
                ) from error
            raise explanation(error, self.name) from error


def _columns(
    records: Sequence[NamedTuple], values: Mapping[str, object]
) -> dict[str, object]:
    """Each field as a list, beside the values that are the same for all."""
    columns = zip(*records, strict=True)
    fields = records[0]._fields if records else ()
    return {**dict(zip(fields, map(list, columns), strict=True)), **values}

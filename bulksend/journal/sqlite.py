"""The journal's tables in one file, through sqlite3.

Every transaction is committed with ``synchronous=FULL``: what it says is true after a
power cut.

Whatever is asked of it asks first whether its files are those that were opened, and what
is written asks so before it commits: `its_files`.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import contextmanager, nullcontext
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from bulksend.journal import migrations
from bulksend.journal.database import rounds
from bulksend.journal.faults import BUSY_SECONDS
from bulksend.journal.its_files import ItsFiles
from bulksend.journal.sql import (
    OLDEST_PROGRAM,
    SCHEMA_VERSION,
    migration,
    queries,
    schema,
)
from bulksend.journal.sqlite_faults import explained, refuse_network, refuse_old
from bulksend.journal.states import arrows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bulksend.journal.database import Row

SOME = 10_000
PAUSE_SECONDS = 0.01


class Sqlite:
    """A `Database` in a file; use `Sqlite.open`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.name = str(path)
        self._files = ItsFiles(path)
        self._q = queries()

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, may_create: bool = True
    ) -> Self:
        """Open, and create where there is none.

        Args:
            may_create: Whether one that is not there is made; never to read only.

        Raises:
            BulksendError: E601 or E602, where the file cannot be opened, is not a
                journal, or is of another version; E564, on a network file system;
                E607, where SQLite is too old.
        """
        with explained(str(path)):
            refuse_old(str(path))
            creates = may_create and not read_only
            if creates:
                path.parent.mkdir(parents=True, exist_ok=True)
            refuse_network(path)
            mode = f"mode={'ro' if read_only else 'rwc' if creates else 'rw'}"
            if _only_reads(path.parent, path.name):
                if not read_only:
                    raise sqlite3.OperationalError("a readonly folder")
                mode += "&immutable=1"
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?{mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # one at a time, but not always the same
            )
            try:
                database = cls(connection, path)
                database._prepare(read_only=read_only)
                database._files.note_log()
            except BaseException:
                connection.close()
                raise
            return database

    def close(self) -> None:
        self._files.close(self.connection)

    def reconnect(self) -> None:
        """A file is never lost."""

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Something is asked of it, and what fails is explained."""
        with explained(self.name):
            self._files.refuse_others()
            yield

    # -- statements -----------------------------------------------------------------

    def fetch(self, query: str, /, **values: object) -> list[Row]:
        with self._asked():
            return self.connection.execute(self._q[query], values).fetchall()

    def stream(self, query: str, /, **values: object) -> Iterator[Row]:
        with self._asked():
            found = self.connection.execute(self._q[query], values)
        while True:
            with explained(self.name):
                some = found.fetchmany(SOME)
            if not some:
                return
            yield from some

    def execute(self, query: str, /, **values: object) -> int:
        with self._asked():
            return self.connection.execute(self._q[query], values).rowcount

    def change_each(
        self,
        query: str,
        records: Sequence[NamedTuple],
        /,
        *,
        given: str,
        **values: object,
    ) -> list[Any] | None:
        with self._whole():
            if not self.connection.execute(self._q[given], values).fetchone():
                return None
            if not records:
                return []
            if ":records" in self._q[query]:
                return self._changed_at_once(query, records, values)
            statement, placed = _placed(query, (*records[0]._fields, *values))
            same = tuple(values.values())
            execute = self.connection.execute
            return [
                one[0]
                for one in records
                if execute(statement, placed((*one, *same))).rowcount == 1
            ]

    def _changed_at_once(
        self,
        query: str,
        records: Sequence[NamedTuple],
        values: Mapping[str, object],
    ) -> list[Any]:
        """As a rule they all change something; where not, each is asked alone."""
        execute = self.connection.execute
        execute("savepoint all_of_them")
        changed = self._at_once(query, records, values)
        if changed < len(records):
            execute("rollback to all_of_them")
        execute("release all_of_them")
        if changed == len(records):
            return [one[0] for one in records]
        return [one[0] for one in records if self._at_once(query, [one], values)]

    def _at_once(
        self,
        query: str,
        records: Sequence[NamedTuple],
        values: Mapping[str, object],
    ) -> int:
        said = orjson.dumps(list(map(tuple, records)), default=tuple).decode()
        both = {**values, "records": said}
        return self.connection.execute(self._q[query], both).rowcount

    def execute_each(
        self, query: str, records: Sequence[NamedTuple], /, **values: object
    ) -> int:
        if not records:
            return 0
        if ":records" in self._q[query]:
            with self._whole():
                return sum(
                    self._at_once(query, some, values) for some in rounds(records)
                )
        statement, placed = _placed(query, (*records[0]._fields, *values))
        same = tuple(values.values())
        rows = (placed((*one, *same)) for one in records)
        with self._whole():
            return self.connection.executemany(statement, rows).rowcount

    @contextmanager
    def transaction(self, alone: str = "") -> Iterator[None]:  # noqa: ARG002
        with explained(self.name):
            self.connection.execute("begin immediate")
        try:
            yield
            with explained(self.name):
                self._files.refuse_others()
                self.connection.execute("commit")
        except BaseException:
            if self.connection.in_transaction:
                with explained(self.name):
                    self.connection.execute("rollback")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self.connection.in_transaction:
            yield
            return
        with explained(self.name):
            self.connection.execute("begin")
        try:
            yield
        finally:
            if self.connection.in_transaction:  # the database may have ended it
                with explained(self.name):
                    self.connection.execute("rollback")

    def together(self) -> AbstractContextManager[None]:
        """The transaction that is open, or one of its own: one flush of the disk."""
        return nullcontext() if self.connection.in_transaction else self.transaction()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Statements of ours, `together`."""
        with explained(self.name), self.together():
            yield

    def copy(self, path: Path) -> None:
        # One read transaction: what it sees is one moment, and writers do not wait.
        with explained(str(path)):
            self.connection.execute("vacuum into ?", (str(path),))
            with path.open("rb") as written:
                os.fsync(written.fileno())

    def scrub(self) -> None:
        # What is overwritten with nulls leaves copies of itself where pages were parted.
        with self._asked():
            self.connection.execute("vacuum")
            self.connection.execute("pragma wal_checkpoint(truncate)").fetchall()

    # -- the file -------------------------------------------------------------------

    def _prepare(self, *, read_only: bool) -> None:
        sql = self.connection
        tables = sql.execute("select name from sqlite_master").fetchall()
        if ("meta",) not in tables and (tables or read_only):
            raise sqlite3.DatabaseError("the file is not a database of bulksend")
        if not read_only:
            self._write_ahead()
            sql.execute("pragma synchronous = full")
            if not tables:
                self._create()
        migrations.bring_up(self, read_only=read_only)

    def _write_ahead(self) -> None:
        """SQLite does not wait for its turn where a fresh file changes to WAL: this does."""
        for _ in range(round(BUSY_SECONDS / PAUSE_SECONDS)):
            try:
                self.connection.execute("pragma journal_mode = wal")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return
        self.connection.execute("pragma journal_mode = wal")

    def _create(self) -> None:
        # executescript commits by itself, so the script brings its own transaction, and
        # all of it: nobody may ever see, or be left with, a part of the schema.
        table = ", ".join(str(arrow) for arrow in arrows())
        self.connection.executescript(
            f"""begin immediate;
            {schema()}
            insert or ignore into transitions values {table};
            insert or ignore into meta values
                ('schema', '{SCHEMA_VERSION}'), ('oldest_program', '{OLDEST_PROGRAM}');
            commit;"""  # noqa: S608  (all of it our own words)
        )

    def take_step(self, number: int) -> None:
        # One by one: `executescript` would end the transaction.
        lines: list[str] = []
        for line in migration(number).splitlines():
            lines.append(line)
            if sqlite3.complete_statement(statement := "\n".join(lines)):
                self.connection.execute(statement)
                lines.clear()


def _only_reads(folder: Path, name: str) -> bool:
    """Whether no file can be made here, and nobody has the journal open.

    SQLite makes files beside a journal, to read it too, but where it can do without.
    """
    return not (os.access(folder, os.W_OK) or (folder / f"{name}-wal").exists())


@cache
def _placed(
    query: str, names: tuple[str, ...]
) -> tuple[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]]:
    """The statement with a mark for each value, and what puts a row's values there.

    A dictionary for each row would cost time.
    """
    text = queries()[query]
    order = [names.index(name) for name in re.findall(r":(\w+)", text)]
    return re.sub(r":\w+", "?", text), itemgetter(*order)

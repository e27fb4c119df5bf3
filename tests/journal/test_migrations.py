"""A journal of an earlier version: brought up whole, or left as it is."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from structlog.testing import capture_logs

from bulksend.errors import BulksendError, GateRefused, Stopped
from bulksend.home import Address
from bulksend.journal.owner import Owner
from bulksend.journal.sql import SCHEMA_VERSION
from bulksend.journal.states import arrows
from bulksend.journal.store import Journal
from tests.suites.postgres_server import Server, postgres

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["postgres"]

CASES = Path(__file__).parents[1] / "cases"
RUN = "hello-842d35b1dbb1"


# Each is a journal of version 1, written by that version's program: six were accepted.
# `ask` asks it whatever its version; `shape` is all that a program could notice of it.


class OldFile:
    def __init__(self, path: Path, script: str = "") -> None:
        self.place = path
        with sqlite3.connect(path) as sql:
            sql.executescript(script)
        sql.close()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        sql = sqlite3.connect(self.place)
        try:
            return sql.execute(statement).fetchall()
        finally:
            sql.commit()
            sql.close()

    def shape(self) -> list[Any]:
        made = "select type, name, sql from sqlite_master where sql is not null"
        found: list[Any] = []
        for kind, name, text in self.ask(made):
            if kind == "table":
                columns = self.ask(f"select * from pragma_table_info('{name}')")
                found += [(name, *column[1:]) for column in columns]
                found += [(name, check) for check in re.findall(r"check \(.*", text)]
                found += [(name, "rowid" in text, text.count("references"))]
            else:
                found.append((name, " ".join(text.split())))
        return sorted(found, key=str)


class OldSchema:
    def __init__(self, url: str, script: str = "") -> None:
        self.place = Address(url)
        with psycopg.connect(url, autocommit=True) as sql:
            sql.execute(script.encode())

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.place.url, autocommit=True) as sql:
            done = sql.execute(statement.encode())
            return done.fetchall() if done.description else []

    def shape(self) -> list[Any]:
        mine = "current_schema()"
        found: list[Any] = self.ask(
            "select table_name, column_name, data_type, is_nullable, column_default, "
            f"is_identity from information_schema.columns where table_schema = {mine}"
        )
        found += self.ask(
            "select conrelid::regclass::text, pg_get_constraintdef(oid) "
            f"from pg_constraint where connamespace = {mine}::regnamespace"
        )
        found += self.ask(
            f"select replace(indexdef, {mine} || '.', '') from pg_indexes "
            f"where schemaname = {mine}"
        )
        found += self.ask(
            f"select replace(pg_get_triggerdef(t.oid), {mine} || '.', '') "
            "from pg_trigger t join pg_class c on c.oid = tgrelid "
            f"where not tgisinternal and relnamespace = {mine}::regnamespace"
        )
        found += self.ask(
            f"select prosrc from pg_proc where pronamespace = {mine}::regnamespace"
        )
        return sorted(found, key=str)


Old = OldFile | OldSchema


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Old]:
    """Makes a journal: empty, or of an old version's *name*."""

    def one(name: str) -> Old:
        is_file = request.param == "sqlite"
        end = ".sql" if is_file else "_postgres.sql"
        script = (CASES / f"{name}{end}").read_text() if name else ""
        if is_file:
            return OldFile(tmp_path / f"{name}.sqlite", script)
        server: Server = request.getfixturevalue("postgres")
        return OldSchema(server.schema(), script)

    return one


@pytest.fixture
def old(make: Callable[[str], Old]) -> Old:
    return make("journal_1")


def _version(old: Old) -> str:
    ((version,),) = old.ask("select value from meta where name = 'schema'")
    return str(version)


def test_an_old_journal_becomes_what_a_new_one_is(
    old: Old, make: Callable[[str], Old]
) -> None:
    """In all that is asked here; else migration_N.sql lacks what schema.sql has."""
    fresh = make("")
    Journal.open(fresh.place).close()
    Journal.open(old.place).close()

    assert old.shape() == fresh.shape()
    there = old.ask("select status, event, next from transitions")
    assert sorted(there) == sorted(arrows())
    assert _version(old) == str(SCHEMA_VERSION)


def test_what_an_old_journal_knows_stays(old: Old) -> None:
    """Runs, messages, suppressions; and it is sent by, as any other."""
    before = old.ask("select row, status, once, message_id from messages order by row")
    with Journal.open(old.place) as journal:
        run = journal.runs.named(RUN)
        assert run is not None
        assert journal.counts(run.id) == {"accepted": 6}
        assert len(journal.ledger(run)) == 0
        assert len(list(journal.suppressions.all())) == 1
        journal.leases.take(run.campaign, Owner.me(RUN), now=time.time_ns() // 10**6)

    after = old.ask("select row, status, once, message_id from messages order by row")
    assert before == after
    assert len(before) == 6


def test_an_upgrade_says_what_to_start_again(old: Old) -> None:
    """Loudly, and once: a listener of the older version takes nothing in any more."""
    with capture_logs() as said:
        Journal.open(old.place).close()
        Journal.open(old.place).close()

    (one,) = said
    assert (one["log_level"], one["was"], one["to"]) == ("warning", 1, SCHEMA_VERSION)
    assert "bulksend listen" in one["next"]


def test_who_only_reads_changes_nothing(old: Old) -> None:
    """E602 says which command brings it up."""
    before = old.shape()

    with pytest.raises(BulksendError, match=r"E602 .*version 1; .*bulksend status"):
        Journal.open(old.place, read_only=True)

    assert old.shape() == before
    assert _version(old) == "1"


def test_nothing_changes_under_an_old_sender(old: Old) -> None:
    """E600 while its lease lives: it does not know what it would have to keep."""
    later = time.time_ns() // 10**6 + 60_000
    old.ask(f"update leases set expires = {later}")

    with pytest.raises(Stopped, match=r"E600 .*version 1, and 1 at work"):
        Journal.open(old.place)

    assert _version(old) == "1"
    old.ask("update leases set expires = 0")
    Journal.open(old.place).close()
    assert _version(old) == str(SCHEMA_VERSION)


KILLED = """
import os, signal, sys
from pathlib import Path
from bulksend.home import Address
from bulksend.journal import migrations
from bulksend.journal.store import Journal

class Deadly(int):
    "The last thing that is said before the commit."
    def __str__(self):
        os.kill(os.getpid(), signal.SIGKILL)

migrations.SCHEMA_VERSION = Deadly(migrations.SCHEMA_VERSION)
where = sys.argv[1]
Journal.open(Address(where) if "://" in where else Path(where))
"""


@pytest.mark.crash
def test_a_program_killed_on_the_way_has_changed_nothing(
    old: Old,
) -> None:
    """Kill -9 after every step and before the commit; the next one takes them all."""
    before = old.shape()
    where = old.place.url if isinstance(old.place, Address) else str(old.place)
    died = subprocess.run([sys.executable, "-c", KILLED, where], check=False)

    assert died.returncode == -signal.SIGKILL
    assert old.shape() == before
    assert _version(old) == "1"
    Journal.open(old.place).close()
    assert _version(old) == str(SCHEMA_VERSION)


@pytest.mark.crash
def test_several_programs_may_bring_it_up_at_once(old: Old) -> None:
    """One takes the steps, and the others find them taken."""
    where = old.place.url if isinstance(old.place, Address) else str(old.place)
    code = KILLED.replace("migrations.SCHEMA_VERSION =", "_ =")
    crowd = [subprocess.Popen([sys.executable, "-c", code, where]) for _ in range(3)]

    assert [one.wait() for one in crowd] == [0, 0, 0]
    assert _version(old) == str(SCHEMA_VERSION)


@pytest.mark.parametrize(
    ("version", "oldest", "code"),
    [
        ("99", None, "E602"),
        ("99", "98", "E602"),
        ("99", str(SCHEMA_VERSION), ""),
        ("99", "1", ""),
        ("none", None, "E602"),
    ],
)
def test_a_later_journal_is_used_where_it_says_that_it_may_be(
    old: Old, version: str, oldest: str | None, code: str
) -> None:
    """Else E602; and either way it is a later version's afterwards."""
    Journal.open(old.place).close()
    old.ask("delete from meta where name = 'oldest_program'")
    old.ask(f"update meta set value = '{version}' where name = 'schema'")
    if oldest:
        old.ask(f"insert into meta values ('oldest_program', '{oldest}')")

    for read_only in (False, True):
        if code:
            with pytest.raises(BulksendError, match=code):
                Journal.open(old.place, read_only=read_only)
        else:
            Journal.open(old.place, read_only=read_only).close()

    assert _version(old) == version


def test_a_sender_that_waited_through_an_upgrade_takes_no_lease(
    old: Old,
) -> None:
    """It opened the journal when it was of its version."""
    with Journal.open(old.place) as journal:
        old.ask("update meta set value = '99'")
        with pytest.raises((BulksendError, GateRefused), match="E602"):
            journal.leases.take("simulator/hello", Owner.me(RUN), now=1)

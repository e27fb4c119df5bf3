"""What the journal asks of a database: named statements, transactions, explained faults.

The statements stand in `queries.sql`, in words that SQLite and PostgreSQL both take;
`queries_postgres.sql` says the few otherwise that must differ.  Values have names
(``:run_id``), so a call reads as ``fetch("counts", run_id=7)``.

A call outside of `transaction` is a transaction of its own, durable when it returns.

In a server several write at once, and each row that one writes it holds until its end.  So
they write in one order, by which nobody waits in a circle: the lease, decisions, messages,
and purses last, these by their names.  Where two wait for each other all the same, one of
them is undone as a whole, and does it again (`atomically`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from bulksend.journal.faults import until_done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    Row = tuple[Any, ...]

T = TypeVar("T")


class Database(Protocol):
    """An open connection, used by one thread at a time.

    Every method raises BulksendError (E601) with a way out for what the database, the
    disk or the network says; ConnectionLost where nobody knows whether it was done.
    """

    @property
    def name(self) -> str:
        """Where it is, for people; never with a password."""

    def fetch(self, query: str, /, **values: object) -> list[Row]:
        """Every row of one statement."""

    def stream(self, query: str, /, **values: object) -> Iterator[Row]:
        """The rows of one statement that may have millions; reads only."""

    def execute(self, query: str, /, **values: object) -> int:
        """Run one statement; how many rows it changed."""

    def change_each(
        self,
        query: str,
        records: Sequence[NamedTuple],
        /,
        *,
        given: str,
        **values: object,
    ) -> list[Any] | None:
        """Run a statement for each of *records*, all or nothing.

        Each record's fields are values by their names, beside *values*, which are the
        same for all.

        Returns:
            The first field of each record that changed a row; or None, and nothing was
            changed, where the statement *given* finds nothing.
        """

    def execute_each(
        self, query: str, records: Sequence[NamedTuple], /, **values: object
    ) -> int:
        """Run a statement for each of *records*; how many rows were changed in all."""

    def transaction(self, alone: str = "") -> AbstractContextManager[None]:
        """All or nothing; not to be nested.  As a rule `atomically` is what is meant.

        Args:
            alone: What it reads and then decides on: one transaction at a time of all
                that name the same.  A file has one writer at a time anyway.
        """

    def together(self) -> AbstractContextManager[None]:
        """What is done meanwhile may become durable at once, where that is cheaper."""

    def snapshot(self) -> AbstractContextManager[None]:
        """All that is read meanwhile is of one moment, that of the first reading.

        Nobody waits for it, and nothing may be written by it; inside of a transaction it
        is that one.  As long as it lasts a file's log of changes grows.
        """

    def scrub(self) -> None:
        """Leave nothing in its files of what was removed; whoever writes waits for it."""

    def reconnect(self) -> None:
        """After ConnectionLost: wait until it is there again; raises Stopped (E563)."""

    def close(self) -> None: ...


def atomically(database: Database, work: Callable[[], T], *, alone: str = "") -> T:
    """What *work* gives, in a `transaction`; done again where another was in the way."""

    def once() -> T:
        with database.transaction(alone=alone):
            return work()

    return until_done(once)


def rounds(records: Sequence[NamedTuple]) -> list[Sequence[NamedTuple]]:
    """*records* in order, parted so that none has a row twice: a statement sees one."""
    if len({one[0] for one in records}) == len(records):
        return [records]
    parted: list[list[NamedTuple]] = []
    turn: Counter[object] = Counter()
    for one in records:
        if turn[one[0]] == len(parted):
            parted.append([])
        parted[turn[one[0]]].append(one)
        turn[one[0]] += 1
    return list(parted)

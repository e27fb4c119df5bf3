"""What an operator at another terminal wants of a run: that it pauses, or ends.

An order stands until it is taken back, whoever sends and however often: a run that was
paused is not begun by the next cron job, and an aborted one not by a retry.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.faults import undamaged

if TYPE_CHECKING:
    from bulksend.journal.database import Database


class Word(StrEnum):
    """The orders there are; the words the journal stores."""

    PAUSE = "pause"
    ABORT = "abort"


class Order(NamedTuple):
    """One order.

    Args:
        giver: Who gave it, for people.

        at: When; milliseconds since 1970.

        heeded_at: When its sender had let everything end; None until then.
    """

    word: Word
    giver: str
    at: int
    heeded_at: int | None = None


class Orders:
    """`Journal.orders`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def give(self, run_id: int, word: Word, giver: str, *, now: int) -> None:
        """Replaces an earlier order; the same one again changes nothing."""
        self._db.execute(
            "give_order", run_id=run_id, word=word.value, giver=giver, now=now
        )

    def take_back(self, run_id: int) -> None:
        self._db.execute("take_back_order", run_id=run_id)

    def of(self, run_id: int) -> Order | None:
        """The order that stands for a run."""
        found = self._db.fetch("order", run_id=run_id)
        if not found:
            return None
        ((word, giver, at, heeded_at),) = found
        with undamaged(self._db.name):
            return Order(Word(word), giver, at, heeded_at)

    def is_aborted(self, run_id: int) -> bool:
        order = self.of(run_id)
        return order is not None and order.word is Word.ABORT

    def heed(self, run_id: int, *, now: int) -> None:
        """Note that the sender has nothing under way any more."""
        self._db.execute("heed_order", run_id=run_id, now=now)

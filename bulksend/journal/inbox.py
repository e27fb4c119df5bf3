"""News from outside: what came in together is kept together, or not at all."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bulksend.journal.database import atomically
from bulksend.journal.migrations import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.journal.database import Database
    from bulksend.journal.decisions import Decisions, Evidence
    from bulksend.journal.receipts import Kept, Receipts
    from bulksend.journal.suppressions import Suppression, Suppressions


class News(NamedTuple):
    """What came in together: callbacks, what they prove, who wants what."""

    receipts: Sequence[Kept] = ()
    evidence: Sequence[Evidence] = ()
    opted_out: Sequence[Suppression] = ()
    opted_in: Sequence[Suppression] = ()


class Inbox:
    """`Journal.inbox`."""

    def __init__(
        self,
        database: Database,
        receipts: Receipts,
        decisions: Decisions,
        suppressions: Suppressions,
    ) -> None:
        self._db = database
        self._receipts = receipts
        self._decisions = decisions
        self._suppressions = suppressions

    def take_in(self, news: News, *, now: int) -> None:
        """Callbacks and all that follows from them, durable together.

        Raises:
            BulksendError: E602, where a newer program has upgraded the journal meanwhile.
        """
        atomically(self._db, partial(self._take_in, news, now=now), alone="news")

    def try_out(self, *, now: int) -> None:
        """Write as news are written, and leave only when that was.

        Raises:
            BulksendError: Nothing can be written; E602 as in `take_in`.
        """
        atomically(self._db, partial(self._try_out, now=now), alone="news")

    def _try_out(self, *, now: int) -> None:
        check(self._db)
        self._db.execute("say", name="tried_out", value=str(now))

    def _take_in(self, news: News, *, now: int) -> None:
        check(self._db)
        self._receipts.keep(news.receipts)
        self._decisions.apply(news.evidence, now=now)
        self._suppressions.add(news.opted_out)
        self._suppressions.lift_own(news.opted_in)

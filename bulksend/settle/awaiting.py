"""Which receipts of a run are still to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bulksend.settle.finding import find_run

if TYPE_CHECKING:
    from bulksend.home import Home


class Awaited(NamedTuple):
    """A message that was accepted, and of which nothing has been heard since.

    Args:
        row: The first such row of its run.

        since: When the run ended, in milliseconds since 1970; None where it has not.
    """

    row: int
    since: int | None


def awaited_receipt(run: str, *, home: Home, row: int = 0) -> Awaited | None:
    """The first message, from *row* on, of which a receipt may come; None: of none.

    Whoever asks again and again begins where the last answer was: what has its receipt
    does not lose it, so a run is read once, however often it is looked at.  What became
    accepted behind (an unknown that was settled) is found when nothing is left ahead.
    The simulator's messages have no receipts that anybody waits for.

    Raises:
        InputError: E630, where there is no such run.
        Stopped: E563, where the journal cannot be reached.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        if known.provider != "bandwidth":
            return None
        found = journal.decisions.waiting_from(known.id, row)
        if found is None and row:
            found = journal.decisions.waiting_from(known.id, 0)
        return None if found is None else Awaited(found, known.finished_at)

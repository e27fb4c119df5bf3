"""Who is of a run's first few: whose window opens first, then by chance; all lack its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.rules.hours import LEAST_LIFE_MS
from bulksend.rules.place import Place
from bulksend.send.ledger import is_repeat
from bulksend.send.source import messages
from bulksend.send.timed import UNKNOWN

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from bulksend.rules.hours import Hours
    from bulksend.send.message import Envelope

LEAST_AT_ONCE = 10_000
"""To find rows in a plan costs a reading of it, however few they are."""


def soonest(drawn: pl.DataFrame, hours: Hours | None, now: int) -> pl.Series:
    """The rows of `Plan.drawn` by their score, those who may be texted first before others.

    All others wait for the first of these: who is chosen of a far west would hold up
    the east for a morning.
    """
    if hours is None:
        return drawn.sort("score", "row")["row"]
    words = drawn["place"].cast(pl.String).fill_null(UNKNOWN)
    opens = {
        word: hours.next(Place.parse(word), now, least=LEAST_LIFE_MS)
        for word in words.unique()
    }
    starts = {
        word: None if one is None else max(one.start, now)
        for word, one in opens.items()
    }
    at = words.replace_strict(starts, return_dtype=pl.Int64)
    order = "at", "score", "row"
    return drawn.with_columns(at=at).sort(*order, nulls_last=True)["row"]


def first_new(
    rows: pl.Series,
    wanted: int,
    read: Callable[[pl.Series], pl.DataFrame],
    *,
    envelope: Envelope,
    ledger: array[int],
) -> tuple[pl.Series, list[int]]:
    """The first *wanted* of *rows* whose people do not have their message, and who has.

    Each reading is of twice as many as the one before: where nearly all have it, a plan
    is read some ten times, and not once for each of those who have not.
    """
    if not ledger:
        return rows.head(wanted), []
    found, had, at, most = rows.clear(), list[int](), 0, max(2 * wanted, LEAST_AT_ONCE)
    while len(found) < wanted and at < len(rows):
        some = rows.slice(at, most)
        those = [
            one.row for one in messages(read(some)) if is_repeat(one, envelope, ledger)
        ]
        found, had = pl.concat([found, some.filter(~some.is_in(those))]), had + those
        at, most = at + most, 2 * most
    return found.head(wanted), had

"""Who of a plan has had enough as of now, cap by cap: for a look before anything is sent.

A claim finds out anew, person by person; here the journal is asked once for each cap, and
whoever it names is looked for in the plan.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.journal.limits import Often
from bulksend.journal.records import person_key
from bulksend.rules.place import Place
from bulksend.send.caps import DAY_MS, per_day

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Iterator

    from bulksend.rules.hours import Hours
    from bulksend.send.caps import PersonCap

AT_ONCE = 50_000


class Asked(NamedTuple):
    """A cap to look for.

    Args:
        word: As people say it.

        places: The words of the places for which it is law; None where it holds for all.
    """

    word: str
    often: Often
    places: tuple[str, ...] | None = None


def of_campaign(caps: Iterable[PersonCap], *, now: int) -> Iterator[Asked]:
    """The campaign's own, as they hold at *now*."""
    for cap in caps:
        yield Asked(cap.word, Often(cap.most, now - cap.span_ms, cap.purpose))


def of_laws(hours: Hours, places: Iterable[str], *, now: int) -> Iterator[Asked]:
    """Those of laws, each with its *places*."""
    today = datetime.fromtimestamp((now - DAY_MS) / 1000, UTC).date()
    by_most: dict[int, list[str]] = {}
    for word in places:
        if limits := per_day(hours, Place.parse(word), today):
            by_most.setdefault(min(limits), []).append(word)
    for most, some in sorted(by_most.items()):
        yield Asked(f"{most} in 24h by law", Often(most, now - DAY_MS), tuple(some))


def rows_over(
    rows: pl.LazyFrame,
    asked: Iterable[Asked],
    had_enough: Callable[[Often], array[int]],
) -> dict[str, pl.Series]:
    """The rows of people who have had enough, by the cap's word; none that nobody meets.

    Args:
        rows: ``row``, ``place`` and ``to`` (numbers, parted by commas) of what would be
            sent.
    """
    people = {one: pl.Series(had_enough(one.often), dtype=pl.Int64) for one in asked}
    people = {one: keys for one, keys in people.items() if len(keys)}
    if not people:
        return {}
    found: dict[str, list[pl.Series]] = {}
    for chunk in rows.collect_batches(chunk_size=AT_ONCE, engine="streaming"):
        each = chunk.with_columns(pl.col("to").str.split(",")).explode("to")
        keys = pl.Series(map(person_key, each["to"]), dtype=pl.Int64)
        for one, many in people.items():
            is_over = keys.is_in(many.implode())
            if one.places is not None:
                is_over &= each["place"].cast(pl.String).is_in(one.places)
            found.setdefault(one.word, []).append(each["row"].filter(is_over).unique())
    series = {word: pl.concat(some) for word, some in found.items()}
    return {word: some for word, some in series.items() if len(some)}

"""One look into the message search: what it proves goes into the journal.

Who looks again, and when, is `settling`'s business; so the clock is an argument here.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from bulksend.journal.store import News
from bulksend.settle.evidence import BEFORE_MS, LOOKS_BACK_MS, Look, conclude
from bulksend.settle.proving import fate, gone, proven
from bulksend.settle.search import NUMBERS_A_CALL
from bulksend.settle.unknowns import open_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.prepare.plan import Plan
    from bulksend.settle.evidence import Open
    from bulksend.settle.search import MessageSearch

EDGE_MS = 2 * 3_600_000
"""For clocks that differ, where the statuses of accepted messages are asked for."""


async def look(  # noqa: PLR0913  (what is looked at, and how)
    journal: Journal,
    plans: Mapping[Run, Plan],
    search: MessageSearch,
    *,
    wait_ms: int,
    now: Callable[[], int],
    asked: Collection[int] | None = None,
) -> Counter[str]:
    """One look at every unknown message, ten numbers at a time; what is proven.

    Args:
        plans: Of every run with unknown messages: a record that fits several of them
            proves nothing, whichever runs they are of.

        asked: The runs that are to be settled; None is all of them.

        wait_ms: How long a message must be gone before its absence is believed.

        now: Milliseconds since 1970.

    Returns:
        Messages by `Proof`.

    Raises:
        As `MessageSearch`.
    """
    known = {one.id: one for one in plans}
    messages = [
        message
        for run, plan in plans.items()
        for message in open_messages(run, plan, journal.decisions.unknown(run.id))
    ]
    asked = known.keys() if asked is None else asked
    numbers_asked = {to for one in messages if one.run_id in asked for to in one.to}
    messages = [one for one in messages if not numbers_asked.isdisjoint(one.to)]
    counts: Counter[str] = Counter()
    if not messages:
        return counts
    first = min(one.since for one in messages) - BEFORE_MS
    watermark = await search.newest(max(first, reach(now())))
    for numbers, some in _batches(messages):
        since = min(one.since for one in some) - BEFORE_MS
        asked_at = now()
        since = max(since, asked_at - LOOKS_BACK_MS)
        found, unread = await search.to(numbers, since)
        ids = {one.message_id for one in found}
        ours = {one for one in ids if journal.receipts.place_of(one)}
        seen = Look(found, watermark, asked_at, search.skew, unread)
        of_all = conclude(some, seen, known_ids=ours, wait_ms=wait_ms)
        said = [one for one in of_all if one.message.run_id in asked]
        counts.update(one.proof for one in said)
        evidence = [one for each in said if (one := proven(each, known))]
        at = now()
        with journal.database.transaction():
            journal.decisions.apply(evidence, now=at)
    return counts


async def look_at_accepted(
    journal: Journal, search: MessageSearch, first: int, *, now: Callable[[], int]
) -> Counter[str]:
    """One look at all that was accepted from *first* on; only what is ours is believed.

    Returns:
        Messages by what became of them, as far as it is news.
    """
    found: Counter[str] = Counter()
    since = max(first - EDGE_MS, reach(now()))
    async for page in search.since(since):
        evidence = [one for sight in page if (one := fate(journal, sight, now=now()))]
        found.update(one.event.value for one in evidence)
        ended = [stop for sight in page if (stop := gone(journal, sight, now=now()))]
        journal.take_in(News((), evidence, ended), now=now())
    return found


def reach(now: int) -> int:
    """From when on a search asked *now* surely shows everything."""
    return now - LOOKS_BACK_MS + EDGE_MS


def _batches(messages: Iterable[Open]) -> Iterator[tuple[list[str], list[Open]]]:
    """Messages by ten numbers; all that are to one number stay together."""
    ordered = sorted(messages, key=lambda one: one.to)
    numbers: list[str] = []
    some: list[Open] = []
    for to, group in groupby(ordered, key=lambda one: one.to):
        if numbers and len(numbers) + len(to) > NUMBERS_A_CALL:
            yield numbers, some
            numbers, some = [], []
        numbers = [*dict.fromkeys([*numbers, *to])]
        some = [*some, *group]
    if some:
        yield numbers, some

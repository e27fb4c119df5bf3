"""One look into the message search: what it proves goes into the journal.

Who looks again, and when, is `settling`'s business; so the clock is an argument here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING

from bulksend.journal.decisions import Rival, Source
from bulksend.journal.inbox import News
from bulksend.journal.records import person_key
from bulksend.settle.evidence import BEFORE_MS, LOOKS_BACK_MS, Look, Proof, conclude
from bulksend.settle.proving import fate, gone, proven
from bulksend.settle.search import NUMBERS_A_CALL
from bulksend.settle.spellings import forms
from bulksend.settle.unknowns import open_messages
from bulksend.settle.witnesses import ask_for_witnesses

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Callable,
        Collection,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.settle.evidence import Conclusion, Open
    from bulksend.settle.ground import Ground
    from bulksend.settle.search import MessageSearch

EDGE_MS = 2 * 3_600_000
"""For clocks that differ, where the statuses of accepted messages are asked for."""

CALLS_A_SWEEP = 200
"""Questions, about twenty seconds of them, before their answers are believed together:
for that the journal is read once, and what is learned stays if the next one fails."""

Asked = tuple[list["Open"], Look, list[Rival]]
"""Messages, what the search shows of their numbers, and who else has one of these."""


async def look(ground: Ground, counts: Counter[str] | None = None) -> Counter[str]:
    """One look at every unknown message, ten numbers at a time; what is proven.

    Args:
        counts: Filled as it goes: what was proven before the search went away.

    Returns:
        Messages by `Proof`.

    Raises:
        As `MessageSearch`.
    """
    journal, search = ground.journal, ground.search
    counts = Counter() if counts is None else counts
    runs = {one.id: one for one in ground.plans}
    unknown = {run: journal.decisions.unknown(run.id) for run in ground.plans}
    times = [one.since for some in unknown.values() for one in some]
    if not times:
        return counts
    watermark = await search.newest(max(min(times) - BEFORE_MS, reach(ground.now())))
    seen = search.theirs.seen()
    if seen is not None:
        for run, rows in unknown.items():
            looked = [(one.row, one.attempt) for one in rows if one.seen is None]
            journal.decisions.note_looks(run.id, looked, at=seen)
    messages = _messages(ground)
    if seen is None:  # no clock that counts: then nothing is absent
        messages = [one._replace(seen=None) for one in messages]
    async for said in conclusions(ground, messages, watermark):
        counts.update(one.proof for one in said)
        evidence = [one for each in said if (one := proven(each, runs))]
        changed = journal.decisions.believe(evidence, now=ground.now())
        # Of the others another look has decided meanwhile, or they were sent again.
        absent = sum(one.proof is Proof.ABSENT for one in said)
        counts.subtract({Proof.ABSENT: absent - changed} if absent > changed else {})
    return counts


async def look_again(ground: Ground, run: Run) -> list[tuple[int, int]]:
    """One more look at what is called *not_sent*: what is found is accepted.

    Returns:
        Row and attempt of each that is absent still; and of what a person called so, of
        which the search has no record that fits.

    Raises:
        As `MessageSearch`.
    """
    journal, search, plan = ground.journal, ground.search, ground.plans[run]
    said_so = journal.decisions.disproved(run.id, Source.OPERATOR)
    rows = [*journal.decisions.disproved(run.id, Source.SEARCH), *said_so]
    if not rows:
        return []
    by_hand = {one.row for one in said_so}
    first = min(one.since for one in rows) - BEFORE_MS
    watermark = await search.newest(max(first, reach(ground.now())))
    if search.theirs.seen() is None:
        return []
    still: list[tuple[int, int]] = []
    messages = open_messages(run, plan, rows)
    async for said in conclusions(ground, messages, watermark):
        found = [one for one in said if one.proof is Proof.ACCEPTED]
        evidence = [one for each in found if (one := proven(each, {run.id: run}))]
        journal.decisions.believe(evidence, now=ground.now())
        still += [
            (each.message.row, each.message.attempt)
            for each in said
            if each.proof is Proof.ABSENT
            or (each.message.row in by_hand and not each.fitting)
        ]
    return still


async def conclusions(
    ground: Ground, messages: Sequence[Open], watermark: int | None
) -> AsyncIterator[list[Conclusion]]:
    """What the search proves about *messages*, some at a time.

    Args:
        watermark: Of this moment: it is asked for before all else.
    """
    search = ground.search
    hides, alone = await ask_for_witnesses(ground, messages)
    batches, by_number = _batches(messages), _by_number(messages)
    while sweep := list(islice(batches, CALLS_A_SWEEP)):
        answers: list[Asked] = []
        for numbers, some in sweep:
            asked_at = search.earliest()
            since = min(one.since for one in some) - BEFORE_MS
            since = max(since, asked_at - LOOKS_BACK_MS)
            found, unread = await search.to(numbers, since)
            look = Look(found, watermark, asked_at, search.skew, unread, hides, alone)
            answers.append((some, look, _beside(by_number, numbers, some)))
        yield _concluded(ground, answers)


def _messages(ground: Ground) -> list[Open]:
    """The unknown of the runs that are asked for, and all others to their numbers."""
    messages = [
        message
        for run, plan in ground.plans.items()
        for message in open_messages(
            run, plan, ground.journal.decisions.unknown(run.id)
        )
    ]
    asked = (one for one in messages if ground.is_asked(one.run_id))
    numbers = {to for one in asked for to in one.to}
    return [one for one in messages if not numbers.isdisjoint(one.to)]


def _concluded(ground: Ground, answers: Sequence[Asked]) -> list[Conclusion]:
    """What these answers prove.

    The journal is asked about rivals after the search has answered: behind each record
    that is shown stands a row that it has, because a claim is on the disk before it is
    posted.
    """
    journal = ground.journal
    ids = {one.message_id for _, look, _ in answers for one in look.found}
    earlier = journal.decisions.earlier_ids()
    ours = {one for one in ids if one in earlier or journal.receipts.place_of(one)}
    times = [
        one.received_at
        for _, look, _ in answers
        for one in look.found
        if one.message_id not in ours
    ]
    own = {message.place for some, _, _ in answers for message in some}
    rivals = _rivals(ground, own, times) if times else []
    return [
        one
        for some, look, beside in answers
        for one in conclude(
            some,
            look,
            known_ids=ours,
            rivals=chain(rivals, beside),
            wait_ms=ground.wait_ms,
        )
        if ground.is_asked(one.message.run_id)
    ]


def _rivals(
    ground: Ground, own: Collection[tuple[int, int]], times: Sequence[int]
) -> list[Rival]:
    """Rows beside our *own* that records of these *times* may be about.

    Only runs that were under way then, with a day to spare for clocks, are read.
    """
    first, last = min(times) - BEFORE_MS, max(times) + BEFORE_MS
    return [
        one
        for run in ground.journal.runs.all()
        if run.provider == "bandwidth"
        and run.created_at <= last
        and (run.finished_at is None or run.finished_at >= first)
        for one in ground.journal.decisions.rivals(run.id, now=ground.now())
        if (run.id, one.row) not in own
    ]


def _by_number(messages: Sequence[Open]) -> Mapping[str, Sequence[Open]]:
    """Whose a number is, where some have several; else one question has all of it."""
    found: defaultdict[str, list[Open]] = defaultdict(list)
    shared = [(form, one) for one in messages for to in one.to for form in forms(to)]
    if len(shared) > len(messages):
        for form, one in shared:
            found[form].append(one)
    return found


def _beside(
    by_number: Mapping[str, Sequence[Open]],
    numbers: Iterable[str],
    some: Iterable[Open],
) -> list[Rival]:
    """Messages of other questions that are to one of these *numbers*, too."""
    own = {one.place for one in some}
    return [
        Rival(one.row, person_key(number), one.since, one.until)
        for number in numbers
        for one in by_number.get(number, ())
        if one.place not in own
    ]


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
        evidence = [one for sight in page if (one := fate(journal, sight))]
        found.update(one.event.value for one in evidence)
        ended = [one for sight in page for one in gone(journal, sight, now=now())]
        journal.inbox.take_in(News((), evidence, ended), now=now())
    return found


def reach(now: int) -> int:
    """From when on a search asked *now* surely shows everything."""
    return now - LOOKS_BACK_MS + EDGE_MS


def _batches(messages: Iterable[Open]) -> Iterator[tuple[list[str], list[Open]]]:
    """Messages by ten numbers; all that are to one number alone stay together."""
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

"""Callbacks into the journal: what they prove, and who wants no more messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bulksend import codes
from bulksend.errors import BulksendError
from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.inbox import News
from bulksend.journal.receipts import Kept
from bulksend.journal.records import person_key
from bulksend.journal.states import Event
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import OPTED_OUT, SUPPRESSED, Cause, suppression
from bulksend.settle.opt_outs import Heard, Wish, heard
from bulksend.settle.planned import PlannedRows
from bulksend.settle.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.suppressions import Suppression
    from bulksend.settle.receipts import Receipt

    Place = tuple[int, int]

NO_CODE = "Bandwidth says that it failed, and gives no code."
MARK_LENGTH = 8
BELIEVED_AHEAD_MS = 3_600_000


class Taking:
    """Makes callbacks durable, with all that follows from them; for one thread.

    Args:
        now: Milliseconds since 1970.
    """

    def __init__(self, home: Home, now: Callable[[], int]) -> None:
        self._home = home
        self._now = now
        self._journal: Journal | None = None
        self._was_there = False
        self._runs: dict[str, Run | None] = {}
        self._plans = PlannedRows(home)

    def __call__(self, receipts: Sequence[Receipt]) -> None:
        """Take them in, in one transaction; of none it is tried whether they could be.

        Raises:
            BulksendError: They are not durable, as the disk or the server has it.
        """
        try:
            journal = self._journal = self._journal or self._open()
            now = self._now()
            if not receipts:
                journal.inbox.try_out(now=now)
                return
            places = self._places(journal, receipts)
            journal.inbox.take_in(news_of(receipts, places, now=now), now=now)
        except BulksendError:
            self.close()  # a connection may be at fault: the next one tries anew
            raise

    def _open(self) -> Journal:
        """The journal; where one was before and none is now, none is made.

        Somebody is about to put a backup there, and its runs have numbers of their own.
        """
        journal = Journal.open(self._home.journal, may_create=not self._was_there)
        self._was_there = True
        self._runs, self._plans = {}, PlannedRows(self._home)
        return journal

    def close(self) -> None:
        if self._journal is not None:
            journal, self._journal = self._journal, None
            journal.close()

    def _places(
        self, journal: Journal, receipts: Sequence[Receipt]
    ) -> list[Place | None]:
        """Run and row of each: by the tag's key, else by the message's id."""
        named = [self._named(journal, one) for one in receipts]
        rows: dict[Run, set[int]] = {}
        for found in named:
            if found is not None:
                rows.setdefault(found[0], set()).add(found[1])
        ours = {
            (run.id, row)
            for run, some in rows.items()
            for row in self._rows_of(journal, run, some)
        }
        return [
            (found[0].id, found[1])
            if found is not None and (found[0].id, found[1]) in ours
            else None
            if one.is_inbound or not one.message_id
            else journal.receipts.place_of(one.message_id)
            for one, found in zip(receipts, named, strict=True)
        ]

    def _named(self, journal: Journal, receipt: Receipt) -> tuple[Run, int] | None:
        """What the tag's key says."""
        key = receipt.row_key
        if key is None or receipt.is_inbound:
            return None
        run = self._run(journal, key[0])
        return None if run is None else (run, key[1])

    def _rows_of(self, journal: Journal, run: Run, rows: set[int]) -> set[int]:
        """Those of *rows* that the run sends.

        A row that the journal has never seen may be one of a journal that was put back
        from an old copy; its plan says whether there is such a row.
        """
        unseen = rows - journal.decisions.known_rows(run.id, rows)
        return rows - self._plans.without(run, unseen) if unseen else rows

    def _run(self, journal: Journal, mark: str) -> Run | None:
        """The run whose plan has this mark; None where none has, or more than one."""
        if mark not in self._runs:
            runs: dict[str, Run | None] = {}
            for run in journal.runs.all():
                name = run.plan_hash[:MARK_LENGTH]
                runs[name] = None if name in runs else run
            self._runs = runs
        return self._runs.get(mark)


def news_of(
    receipts: Sequence[Receipt], places: Sequence[Place | None], *, now: int
) -> News:
    """What follows from callbacks that came at *now*, each about its place or none."""
    evidence = [
        _evidence(one, place, now)
        for one, place in zip(receipts, places, strict=True)
        if place is not None and one.event is not None
    ]
    wishes = [(one, said) for one in receipts if (said := _heard(one))]
    return News(
        [_kept(one, place, now) for one, place in zip(receipts, places, strict=True)],
        evidence,
        [word for one in receipts for word in _ended(one, now)]
        + [word for one in wishes for word in _asked(*one, Wish.STOP, now)],
        [word for one in wishes for word in _asked(*one, Wish.START, now)],
    )


def _kept(one: Receipt, place: Place | None, now: int) -> Kept:
    run_id, row = place or (None, None)
    return Kept(
        one.message_id,
        one.digest,
        one.type,
        one.at or now,
        now,
        person_key(one.person) if one.person else None,
        one.error_code,
        one.carrier,
        run_id,
        row,
        one.said,
    )


def _evidence(one: Receipt, place: Place, now: int) -> Evidence:
    event = one.event
    assert event is not None
    said = {
        "type": one.type,
        "message_id": one.message_id,
        "error_code": one.error_code,
    }
    code = words = None
    if event is Event.FAIL:
        code = str(one.error_code or "failed")
        words = codes.sentence(one.error_code) if one.error_code else NO_CODE
    at = one.at or now
    return Evidence(
        *place,
        event,
        at,
        Source.RECEIPT,
        orjson.dumps({name: value for name, value in said.items() if value}).decode(),
        one.accepted_at or at,
        one.message_id or None,
        code,
        words,
    )


def _ended(one: Receipt, now: int) -> list[Suppression]:
    """Who must not be texted any more, because the network says so."""
    if one.event is not Event.FAIL or not one.person:
        return []
    if one.error_code not in codes.ENDS_NUMBER:
        return []
    reason = OPTED_OUT if one.error_code in codes.OPTED_OUT else SUPPRESSED
    why = Cause(reason, f"receipt {one.error_code}", _said_at(one, now))
    return [suppression(number, why) for number in spellings(one.person)]


def _heard(one: Receipt) -> Heard | None:
    return heard(one.text, ours=one.ours) if one.is_inbound and one.person else None


def _asked(one: Receipt, said: Heard, wish: Wish, now: int) -> list[Suppression]:
    if said.wish is not wish:
        return []
    why = Cause(OPTED_OUT, f"reply {said.words}", _said_at(one, now))
    return [suppression(number, why) for number in spellings(one.person)]


def _said_at(one: Receipt, now: int) -> int:
    """Bandwidth's own time, by which a person's words are ordered; our clock may be behind.

    What is more than an hour ahead of it is not believed: a START of 2099 would outweigh
    every STOP until then.
    """
    return one.at if one.at and one.at <= now + BELIEVED_AHEAD_MS else now

"""Callbacks into the journal: what they prove, and who wants no more messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bulksend import codes
from bulksend.errors import BulksendError
from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.receipts import Kept
from bulksend.journal.records import person_key
from bulksend.journal.states import Event
from bulksend.journal.store import Journal, News
from bulksend.journal.suppressions import OPTED_OUT, SUPPRESSED, Cause, suppression
from bulksend.settle.opt_outs import Wish, wish_of, word_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.home import Home
    from bulksend.journal.suppressions import Suppression
    from bulksend.settle.receipts import Receipt

    Place = tuple[int, int]

NO_CODE = "Bandwidth says that it failed, and gives no code."
MARK_LENGTH = 8


class Taking:
    """Makes callbacks durable, with all that follows from them; for one thread.

    Args:
        now: Milliseconds since 1970.
    """

    def __init__(self, home: Home, now: Callable[[], int]) -> None:
        self._home = home
        self._now = now
        self._journal: Journal | None = None
        self._runs: dict[str, int | None] = {}

    def __call__(self, receipts: Sequence[Receipt]) -> None:
        """Take them in, in one transaction.

        Raises:
            BulksendError: They are not durable, as the disk or the server has it.
        """
        try:
            if self._journal is None:
                self._journal = Journal.open(self._home.journal)
            journal = self._journal
            places = [self._place(journal, one) for one in receipts]
            now = self._now()
            journal.take_in(news_of(receipts, places, now=now), now=now)
        except BulksendError:
            self.close()  # a connection may be at fault: the next one tries anew
            raise

    def close(self) -> None:
        if self._journal is not None:
            journal, self._journal = self._journal, None
            journal.close()

    def _place(self, journal: Journal, receipt: Receipt) -> Place | None:
        """Run and row: by the tag's key, else by the message's id."""
        if receipt.event is None:
            return None
        key = receipt.row_key
        if key is not None:
            run_id = self._run(journal, key[0])
            if run_id is not None:
                return run_id, key[1]
        return journal.receipts.place_of(receipt.message_id)

    def _run(self, journal: Journal, mark: str) -> int | None:
        """The run whose plan has this mark; None where none has, or more than one."""
        if mark not in self._runs:
            runs: dict[str, int | None] = {}
            for run in journal.runs():
                name = run.plan_hash[:MARK_LENGTH]
                runs[name] = None if name in runs else run.id
            self._runs = runs
        return self._runs.get(mark)


def news_of(
    receipts: Sequence[Receipt], places: Sequence[Place | None], *, now: int
) -> News:
    """What follows from callbacks that came at *now*, each about its place or none."""
    evidence = [
        _evidence(one, place, now)
        for one, place in zip(receipts, places, strict=True)
        if place is not None
    ]
    wishes = [(one, _wish(one)) for one in receipts]
    return News(
        [_kept(one, place, now) for one, place in zip(receipts, places, strict=True)],
        evidence,
        [one for receipt in receipts if (one := _ended(receipt, now))]
        + [_asked(one, now) for one, wish in wishes if wish is Wish.STOP],
        [_asked(one, now) for one, wish in wishes if wish is Wish.START],
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


def _ended(one: Receipt, now: int) -> Suppression | None:
    """Who must not be texted any more, because the network says so."""
    if one.event is not Event.FAIL or not one.person:
        return None
    if one.error_code not in codes.ENDS_NUMBER:
        return None
    reason = OPTED_OUT if one.error_code in codes.OPTED_OUT else SUPPRESSED
    why = Cause(reason, f"receipt {one.error_code}", min(one.at or now, now))
    return suppression(one.person, why)


def _wish(one: Receipt) -> Wish | None:
    return wish_of(one.text, ours=one.ours) if one.is_inbound and one.person else None


def _asked(one: Receipt, now: int) -> Suppression:
    why = Cause(OPTED_OUT, f"reply {word_of(one.text)}", min(one.at or now, now))
    return suppression(one.person, why)

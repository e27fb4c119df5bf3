"""What the search proves, as the journal takes it: evidence, ends, suppressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bulksend import codes
from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.states import Event
from bulksend.journal.suppressions import OPTED_OUT, SUPPRESSED, Cause, suppression
from bulksend.settle.evidence import MEANING, Proof
from bulksend.settle.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal
    from bulksend.journal.suppressions import Suppression
    from bulksend.settle.evidence import Conclusion
    from bulksend.settle.sights import Sight

NOT_SENT = "not_sent"
NEVER_TAKEN = (
    "Bandwidth never took it: {why}. Send it with `bulksend settle {run} --resend`."
)


def proven(said: Conclusion, runs: Mapping[int, Run]) -> Evidence | None:
    """What is proven, for the journal; None where nothing is."""
    message = said.message
    if said.proof is Proof.ACCEPTED:
        at = said.received_at
        assert at is not None
        return Evidence(
            *message.place,
            Event.ACCEPT,
            at,
            Source.SEARCH,
            orjson.dumps(said.as_dict()).decode(),
            at,
            said.message_id,
        )
    if said.proof is Proof.ABSENT:
        run, why = runs[message.run_id], MEANING[said.proof]
        found = absent(run, message.row, said.asked_at, why, said.as_dict())
        return found._replace(attempt=message.attempt)
    return None


def absent(
    run: Run, row: int, at: int, why: str, said: Mapping[str, object]
) -> Evidence:
    return Evidence(
        run.id,
        row,
        Event.DISPROVE,
        at,
        Source.SEARCH,
        orjson.dumps(said).decode(),
        error_code=NOT_SENT,
        error=NEVER_TAKEN.format(why=why, run=run.run),
    )


def fate(journal: Journal, sight: Sight) -> Evidence | None:
    """What became of a message of ours; None where it is another's, or not over.

    The search says how it ended, and not when.
    """
    place = journal.receipts.place_of(sight.found.message_id)
    if place is None or sight.event is Event.ACCEPT:
        return None
    code = str(sight.error_code or "failed") if sight.event is Event.FAIL else None
    words = codes.sentence(sight.error_code) if sight.error_code and code else None
    said = {"received_at": sight.found.received_at, "error_code": sight.error_code}
    return Evidence(
        *place,
        sight.event,
        None,
        Source.SEARCH,
        orjson.dumps(said).decode(),
        sight.found.received_at,
        sight.found.message_id,
        code,
        words,
    )


def gone(journal: Journal, sight: Sight, *, now: int) -> list[Suppression]:
    """Who must not be texted any more, as far as messages of ours tell."""
    code = sight.error_code
    if sight.event is not Event.FAIL or code not in codes.ENDS_NUMBER:
        return []
    if journal.receipts.place_of(sight.found.message_id) is None:
        return []
    reason = OPTED_OUT if code in codes.OPTED_OUT else SUPPRESSED
    at = min(sight.found.received_at, now)  # a START since then outweighs it
    why = Cause(reason, f"search {code}", at)
    return [suppression(number, why) for number in spellings(sight.found.to)]

"""What happened to a row, in order: its message, callbacks, decisions and their evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from bulksend.journal.decisions import Source
from bulksend.journal.states import Event, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bulksend.journal.decisions import Decision
    from bulksend.journal.records import Entry, Run
    from bulksend.journal.store import Journal


class Step(NamedTuple):
    """Something that happened, ``at`` milliseconds since 1970.

    Args:
        evidence: What a decision rests on, as it was kept.
    """

    at: int
    what: str
    evidence: str = "{}"

    def as_dict(self) -> dict[str, Any]:
        said = orjson.loads(self.evidence)
        rests_on = {"evidence": said} if said else {}
        return {"at": _iso(self.at), "what": self.what} | rests_on


_TAKERS = {"simulator": "the simulator"}


def steps_of(journal: Journal, run: Run, row: int, entry: Entry | None) -> list[Step]:
    """All that the journal knows of a row of a run, in order; *entry* is its state now.

    Bandwidth's clock is not ours, and some of its times are whole seconds: what it says
    of a message is told after that was posted, whichever moments they have.
    """
    told = sorted(_moments(journal, run, row, entry), key=itemgetter(0))
    return [step for _, step in told]


def _moments(
    journal: Journal, run: Run, row: int, entry: Entry | None
) -> Iterator[tuple[int, Step]]:
    """Each step with the moment by which it is told; in one, a cause before its effect."""
    posted = taken = 0
    if entry is not None:
        posted = entry.posted_at or 0
        taken = max(posted, entry.accepted_at or 0)
        if entry.posted_at is not None:
            yield posted, Step(posted, _posted(entry.attempt))
        if entry.accepted_at is not None:
            by = _TAKERS.get(run.provider, "Bandwidth")
            named = f", id {entry.message_id}" if entry.message_id else ""
            yield taken, Step(entry.accepted_at, f"accepted by {by}{named}")
    for seen in journal.decisions.looks_at(run.id, row):
        yield seen.at, Step(seen.at, f"found unknown (try {seen.attempt})")
    decided = list(journal.decisions.of_rows(run.id, row, row))
    since = dict(filter(None, map(_taken, decided)))
    if entry is not None and entry.message_id and taken:
        since[entry.message_id] = taken
    for told in journal.receipts.of_row(run.id, row):
        code = f", code {told.error_code}" if told.error_code else ""
        carrier = f", carrier {told.carrier}" if told.carrier else ""
        what = f"callback {told.type}{code}{carrier}"
        yield max(told.at, since.get(told.message_id, 0)), Step(told.at, what)
    # What is not sent again may be asked for again: it is told of once.
    for step in dict.fromkeys(step for one in decided for step in _before(one, entry)):
        yield step.at, step
    for one in decided:
        yield one.decided_at, Step(one.decided_at, _decided(one), one.evidence)
    if entry is not None and entry.ended_at and entry.status != Status.ACCEPTED:
        code = f" ({entry.error_code})" if entry.error_code else ""
        what = f"{entry.status.replace('_', ' ')}{code}"
        yield max(entry.ended_at, taken), Step(entry.ended_at, what)


def _taken(one: Decision) -> tuple[str, int] | None:
    """The message of the try that a decision was about, and since when it was one."""
    said = orjson.loads(one.evidence)
    moment = max(said.get("since") or 0, said.get("accepted") or 0)
    return (said["message_id"], moment) if "message_id" in said and moment else None


def _posted(attempt: int) -> str:
    return "posted" + (f" (try {attempt})" if attempt > 1 else "")


def _before(one: Decision, entry: Entry | None) -> Iterator[Step]:
    """The try that a decision was about, where *entry* does not tell of it.

    What is tried again says when it was posted, and is told of by that: a row that is
    *failed* once more, because its person must not be texted, has its times again.
    """
    said = orjson.loads(one.evidence)
    attempt, since, ended = (said.get(name) for name in ("attempt", "since", "ended"))
    if entry is None or not attempt or not since or since == entry.posted_at:
        return
    if "status" not in said and attempt >= entry.attempt:
        return
    yield Step(since, _posted(attempt))
    if ended is not None:
        code = f" ({said['code']})" if "code" in said else ""
        yield Step(ended, f"{said.get('status', 'over')}{code}")


_ENDS = {
    "accept": "accepted",
    "disprove": "not sent",
    "deliver": "delivered",
    "fail": "failed",
    "again": "to be sent again",
}


def _decided(one: Decision) -> str:
    """A decision and what it rests on, in a sentence."""
    said, what = orjson.loads(one.evidence), _ENDS.get(one.event, one.event)
    if one.source == Source.OPERATOR:
        because = f", because {said['because']}" if "because" in said else ""
        return f"{what}: decided by {said.get('by', 'an operator')}{because}"
    if one.source == Source.RECEIPT:
        return f"{what}: a callback told so ({said.get('type', 'of no type')})"
    if one.event == Event.DISPROVE and "watermark" in said:
        asked, latest = (_iso(said[name]) for name in ("asked_at", "watermark"))
        return f"{what}: the search of {asked}, which showed messages up to {latest}"
    named = f" as {said['message_id']}" if "message_id" in said else ""
    return f"{what}: the message search has it{named}"


def _iso(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")

"""What the suites of a journal play with: its place, a sender, rows and their outcomes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bulksend.journal.decisions import Evidence, Source
from bulksend.journal.owner import Owner
from bulksend.journal.receipts import Kept
from bulksend.journal.records import (
    ALREADY_SENT,
    PAST_EXPIRATION,
    WHOLE,
    Candidate,
    Entry,
    Outcome,
    Part,
    Run,
    person_key,
)
from bulksend.journal.states import TRANSITIONS, Event, Status
from bulksend.journal.suppressions import SUPPRESSED, Cause, Suppression, suppression

if TYPE_CHECKING:
    from bulksend.journal.store import Journal


NOW = 1_790_000_000_000
CAMPAIGN = "bandwidth/spring-sale"
RUN = Run(
    run="spring-sale-1",
    campaign=CAMPAIGN,
    plan="plans/spring-sale-1.parquet",
    plan_hash="a1",
    plan_digest="b2",
    input_digest="c3",
    content_digest="d4",
    provider="bandwidth",
    rows=1_000,
    sendable=900,
    results="",
    created_at=NOW,
)
ELSEWHERE = Owner("web-3", "another machine", 4120, 77)
"""Nobody here can say whether it is alive."""

SAID = {
    Event.REFUSE: "400",
    Event.LOSE: "no_answer",
    Event.FAIL: "4785",
    Event.DISPROVE: "not_sent",
}


class Place(Protocol):
    """Where one journal lives; it can be open several times at once."""

    refusal: type[Exception]
    """What `execute` raises when the tables refuse a statement."""

    def open(self) -> Journal: ...

    def execute(self, statement: str) -> None:
        """Run plain SQL, past the journal, and commit it."""


def closed_rows(journal: Journal, run_id: int, part: Part = WHOLE) -> list[int]:
    """The rows of `Columns.closed`, in order."""
    return sorted(map(int, journal.columns.closed(run_id, part).split()))


def reopened(
    journal: Journal, run: Run, epoch: int, which: str, *, now: int
) -> list[int]:
    """The rows that `run --only` plans again, as a sender does."""
    rows = journal.selections.rows(run.id, which)
    journal.selections.reopen(run, epoch, rows, now=now)
    return list(rows)


def outcome(row: int, event: Event, at: int = NOW, **more: Any) -> Outcome:
    """An outcome with a code and words wherever the state asks for them."""
    said = SAID.get(event)
    plain = Outcome(row, event, at, error_code=said, error=said and f"It said {said}.")
    return plain._replace(**more)


def dead_owner() -> Owner:
    """A process of this machine that is over."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return replace(Owner.me(), pid=process.pid, started=1)


def path_to(status: Status) -> list[Status]:
    """Statuses that lead from planned to *status*, one arrow each."""
    if status is Status.PLANNED:
        return [Status.CLAIMED, Status.PLANNED]  # as a row: claimed and given back
    paths: dict[Status, list[Status]] = {Status.PLANNED: []}
    queue = [Status.PLANNED]
    while queue:
        one = queue.pop(0)
        for then in TRANSITIONS[one].values():
            if then not in paths:
                paths[then] = [*paths[one], then]
                queue.append(then)
    return paths[status]


class Sender(NamedTuple):
    """A journal under a lease, with a run to send."""

    journal: Journal
    run: Run
    epoch: int

    def claim(self, *rows: int, now: int = NOW) -> list[int]:
        wanted = [Candidate(row, 100 + row) for row in rows]
        return self.journal.claim(self.run, self.epoch, wanted, now=now)

    def record(self, *outcomes: Outcome) -> int:
        return self.journal.record(self.run.id, self.epoch, outcomes)

    def entry(self, row: int) -> Entry:
        (found,) = self.journal.entries(self.run.id, row, row)
        return found

    def bring(self, row: int, status: Status) -> None:
        """Lead *row* to *status* through the public methods."""
        if status in (Status.EXPIRED, Status.EXCLUDED):
            why = PAST_EXPIRATION if status is Status.EXPIRED else ALREADY_SENT
            self.journal.close_unsent(self.run.id, self.epoch, [row], why, now=NOW)
            return
        assert self.claim(row) == [row]
        events = {
            Status.PLANNED: [Event.RELEASE],
            Status.CLAIMED: [],
            Status.ACCEPTED: [Event.ACCEPT],
            Status.REFUSED: [Event.REFUSE],
            Status.UNKNOWN: [Event.LOSE],
            Status.NOT_SENT: [Event.LOSE, Event.DISPROVE],
            Status.DELIVERED: [Event.ACCEPT, Event.DELIVER],
            Status.FAILED: [Event.ACCEPT, Event.FAIL],
        }
        for event in events[status]:
            self.record(outcome(row, event))
        assert self.entry(row).status == status


OURS, THEIRS = "+19195550100", "+19195550199"
PROOFS = (Event.ACCEPT, Event.DELIVER, Event.FAIL, Event.DISPROVE)


def number_of(row: int) -> str:
    return f"+1919{2_000_000 + row}"


def person_of(row: int) -> Candidate:
    """A candidate that says whom it is for."""
    return Candidate(row, None, person=person_key(number_of(row)), sender=OURS)


def suppressed(row: int, **more: Any) -> Suppression:
    why = Cause(SUPPRESSED, "a list", NOW)
    return suppression(number_of(row), why._replace(**more))


def kept(**more: Any) -> Kept:
    return Kept("m2", 1, "message-delivered", NOW, NOW + 1)._replace(**more)


def proof(run_id: int, event: Event, row: int = 2) -> Evidence:
    is_absent = event is Event.DISPROVE
    return Evidence(
        run_id,
        row,
        event,
        NOW,
        Source.SEARCH,
        "{}",
        accepted_at=None if is_absent else NOW - 5,
        message_id=None if is_absent else f"m{row}",
        error_code="not_sent" if is_absent else None,
        error="It said so." if is_absent else None,
    )

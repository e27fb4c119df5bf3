"""How a run stands: counts that add up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bulksend.errors import DONE, RESUMABLE, SOME_FAILED, SOME_UNKNOWN
from bulksend.journal.records import WHOLE
from bulksend.journal.states import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.errors import BulksendError, Problem
    from bulksend.journal.owner import Owner
    from bulksend.journal.records import Part, Run
    from bulksend.journal.store import Journal

IN_FLIGHT = "in_flight"
"""What a living sender has under way: posted, or about to be, and not answered yet."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run stands: counts that add up, where the results are, what stopped it.

    Args:
        state: ``sending`` and by whom, ``paused``, ``aborted``, ``done`` or ``stopped``;
            empty where nobody asked.
        absent: Of those not sent: proven not to have been taken, and sent again only
            when somebody asks for it (`settle --resend`).

        claimed: Those that a sender has, or left, under way.

        any_hour: Why no rules about hours held, in the campaign's words.

        notices: What there was to know before anything was sent.

        was_over: It was before this command, which has sent nothing.

        is_held: A process has it at this moment: what that has under way is counted as
            ``in_flight``, and is not unknown before it ends without an answer.
    """

    run: str
    rows: int
    counts: dict[str, int]
    results: str
    stopped: BulksendError | None = None
    state: str = ""
    absent: int = 0
    claimed: int = 0
    any_hour: str = ""
    notices: tuple[Problem, ...] = ()
    was_over: bool = False
    is_held: bool = False

    @property
    def left(self) -> int:
        """Messages that the next run sends."""
        return self.counts["not_sent"] - self.absent

    @property
    def is_over(self) -> bool:
        """Whether nothing is left, and nobody has anything under way."""
        return not (self.left or self.claimed)

    @property
    def exit_code(self) -> int:
        if self.stopped is not None:
            return self.stopped.exit_code
        if self.is_held:  # nothing is to be run again
            return DONE
        if self.left:
            return RESUMABLE
        if self.counts["unknown"]:
            return SOME_UNKNOWN
        said = ("refused", "failed", "expired")
        lacking = sum(self.counts[name] for name in said) + self.absent
        return SOME_FAILED if lacking else DONE

    @property
    def resumes_at(self) -> str:
        """When there will be something to send again; empty where no time is known."""
        moment = getattr(self.stopped, "resumes_at", None)
        return (
            ""
            if moment is None
            else f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "rows": self.rows,
            **self.counts,
            "absent": self.absent,
            "results": self.results,
            **({"state": self.state} if self.state else {}),
            **({"was_over": True} if self.was_over else {}),
            **({"resumes_at": self.resumes_at} if self.resumes_at else {}),
            **({"any_hour": self.any_hour} if self.any_hour else {}),
            **(
                {"notices": [one.as_dict() for one in self.notices]}
                if self.notices
                else {}
            ),
            "exit_code": self.exit_code,
            "problems": [
                problem.as_dict() for problem in getattr(self.stopped, "problems", ())
            ],
        }


def standing(
    journal: Journal, run: Run, part: Part = WHOLE, *, now: int | None = None
) -> Ended:
    """Counts of a run as they are now.

    Args:
        part: The rows that *run*'s own numbers are about.

        now: For who looks from beside: asks, too, whether a process has the run.
    """
    is_held = now is not None and sender_of(journal, run, now=now) is not None
    return standing_of(run, journal.counts(run.id, part), is_held=is_held)


def standing_of(
    run: Run, found: Mapping[Status, int], *, is_held: bool = False
) -> Ended:
    """What the journal's counts say of a run.

    rows = the sum of all of them, or something is badly wrong.
    """
    late, claimed = found.get(Status.EXCLUDED, 0), found.get(Status.CLAIMED, 0)
    counts = {
        "accepted": found.get(Status.ACCEPTED, 0),
        "delivered": found.get(Status.DELIVERED, 0),
        "failed": found.get(Status.FAILED, 0),
        "refused": found.get(Status.REFUSED, 0),
        "unknown": found.get(Status.UNKNOWN, 0) + (0 if is_held else claimed),
        "expired": found.get(Status.EXPIRED, 0),
        "excluded": run.rows - run.sendable + late,
    }
    if is_held:
        counts[IN_FLIGHT] = claimed
    absent = found.get(Status.NOT_SENT, 0)
    touched = sum(n for status, n in found.items() if status is not Status.PLANNED)
    counts["not_sent"] = run.sendable - touched + absent
    assert sum(counts.values()) == run.rows
    return Ended(
        run.run,
        run.rows,
        counts,
        run.results,
        absent=absent,
        claimed=claimed,
        any_hour=run.any_hour,
        is_held=is_held,
    )


def state(journal: Journal, run: Run, *, now: int) -> str:
    """What goes on with a run, in a few words."""
    if journal.orders.is_aborted(run.id):
        return "aborted"
    order = journal.orders.of(run.id)
    if (sender := sender_of(journal, run, now=now)) is not None:
        doing = "paused" if order is not None else _doing(journal, run)
        return f"{doing} (process {sender.pid} on {sender.host})"
    if order is not None:
        return "paused"
    if run.finished_at is not None:
        return "done"
    halt = journal.canaries.standing(run.id)
    return "stopped" if halt is None else f"halted ({halt.code}: {halt.found})"


def sender_of(journal: Journal, run: Run, *, now: int) -> Owner | None:
    """The process that holds this run: it sends, waits for receipts, or is paused."""
    holder = journal.leases.holder(run.campaign, now=now)
    return holder if holder is not None and holder.run == run.run else None


def _doing(journal: Journal, run: Run) -> str:
    canary = journal.canaries.of(run.id)
    is_over = canary is None or canary.passed_at is not None
    if is_over or canary is None or canary.sent_at is None:
        return "sending"
    return f"waiting for receipts of the first {canary.size:,}"

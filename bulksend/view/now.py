"""A run at this moment, by two quick questions to the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bulksend.send.clocks import wall_ms
from bulksend.settle.finding import find_run
from bulksend.settle.standing import standing, state

if TYPE_CHECKING:
    from bulksend.home import Home
    from bulksend.journal.records import Run
    from bulksend.journal.store import Journal

PACE_SECONDS = 10
"""Over how long the pace is taken: longer than a breath, shorter than a change."""


@dataclass(frozen=True, slots=True)
class Now:
    """How a run stands at ``at`` (milliseconds since 1970).

    Args:
        state: ``sending``, ``paused``, ``aborted``, ``done``, ``stopped`` or
            ``halted``, and by whom or why.

        is_held: Whether a process has the run, whatever it waits for.

        per_second: Messages posted a second, over the last `PACE_SECONDS`.
    """

    run: Run
    at: int
    state: str
    is_held: bool
    counts: dict[str, int]
    left: int
    per_second: float

    @property
    def to_send(self) -> int:
        return self.run.rows - self.counts["excluded"]

    @property
    def done(self) -> int:
        return self.to_send - self.counts["not_sent"]

    @property
    def seconds_left(self) -> float | None:
        """At the pace of the last seconds; None where nothing moves, or nobody sends."""
        moves = self.is_held and self.per_second
        return self.left / self.per_second if moves else None

    @property
    def is_over(self) -> bool:
        """Nobody sends it, and nobody was told to wait."""
        is_halted = self.state.startswith("halted")
        return is_halted or self.state in ("done", "stopped", "aborted")

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run.run,
            "provider": self.run.provider,
            "state": self.state,
            "is_held": self.is_held,
            "at": self.at,
            "rows": self.run.rows,
            **self.counts,
            "to_send": self.to_send,
            "done": self.done,
            "left": self.left,
            "messages_per_second": round(self.per_second, 2),
            "seconds_left": self.seconds_left and round(self.seconds_left),
        }


def look(journal: Journal, run: Run, *, now: int) -> Now:
    """What the journal says of a run now."""
    stands = standing(journal, run, now=now)
    since = now - PACE_SECONDS * 1000
    posted = journal.columns.posted_since(run.id, since)
    return Now(
        run,
        now,
        state(journal, run, now=now),
        stands.is_held,
        stands.counts,
        stands.left,
        posted / PACE_SECONDS,
    )


def watch_run(run: str = "", *, home: Home) -> Now:
    """One look at a run, the newest where *run* is empty.

    It reads all of the run's rows: a second for some millions.  Who looks again and
    again should pause for several times what a look takes.

    Raises:
        InputError: E630, where there is no such run.
    """
    with find_run(run, home, read_only=True) as (journal, known):
        return look(journal, known, now=wall_ms())

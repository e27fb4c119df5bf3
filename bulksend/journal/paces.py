"""One rate for all senders: slots on a common line of time, reserved in turn.

Theory of operation
-------------------
Each account has a moment up to which its rate is given away.  Who wants to send *n*
segments moves it on by ``n / rate`` seconds, in one statement, and has the stretch in
between for itself.  So any number of workers keep one rate without knowing each other;
nobody asks twice, nobody is passed over, and what a dead worker does not ask for, the
others have (airflow.md §4.2).  What it had reserved is lost: the safe side.

After a 429 the share of the rate is halved for all, once a second at most; each second
gives a twentieth of the rate back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bulksend.journal.database import Database

MICROSECONDS = 1_000_000
SLOWEST_SHARE = 0.01
RECOVERY_PER_SECOND = 0.05


class Stretch(NamedTuple):
    """Segments that may go out one after the other.

    Args:
        wait: Seconds from now until the first.

        rate: Segments per second from then on.
    """

    wait: float
    segments: int
    rate: float


class Paces:
    """`Journal.paces`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def reserve(
        self, name: str, segments: int, full_rate: float, *, now: int
    ) -> Stretch:
        """The next *segments* of the account *name*.

        Args:
            now: Microseconds since 1970; a server uses its own clock instead.
        """
        ((until, now, rate),) = self._db.fetch(
            "reserve_pace",
            name=name,
            segments=segments,
            full=full_rate,
            recovery=RECOVERY_PER_SECOND,
            now=now,
        )
        begins = until - segments / rate * MICROSECONDS
        return Stretch(max(0.0, (begins - now) / MICROSECONDS), segments, rate)

    def slow_down(self, name: str, *, now: int) -> bool:
        """Halve the rate for all; whether this call did."""
        changed = self._db.execute(
            "slow_pace",
            name=name,
            slowest=SLOWEST_SHARE,
            recovery=RECOVERY_PER_SECOND,
            now=now,
        )
        return changed == 1

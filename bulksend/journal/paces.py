"""One rate for all senders: slots on a common line of time, reserved in turn.

Theory of operation
-------------------
Each account has a moment up to which its rate is given away.  Who wants to send *n*
segments moves it on by ``n / rate`` seconds, in one statement, and has the stretch in
between for itself.  So any number of workers keep one rate without knowing each other;
nobody asks twice, nobody is passed over, and what a dead worker does not ask for, the
others have (airflow.md §4.2).  What it had reserved is lost: the safe side.

A tenth of the rate is *kept* for urgent runs (``priority: high``): a second line beside
the first, for them alone, so that a notice does not wait behind a million of offers.  They
have their turns on the common line as well.  While none of them asks, nothing is kept: the
common line has the whole rate.  When one comes, its line begins where the common one was
given away at the whole rate, and from there on the common one goes on with the rest.  So
both together never give out more than the rate.

After a 429 the share of the rate is halved for all, once a second at most; each second
gives a twentieth of the rate back.

A *ramp* is a run's own line before the account's: it rises from a twentieth of the rate
to all of it, for all workers of the run together.  When nobody has sent the run for a
minute it begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bulksend.journal.database import Database

MICROSECONDS = 1_000_000
SLOWEST_SHARE = 0.01
RECOVERY_PER_SECOND = 0.05
KEPT_SHARE = 0.1
"""Of the rate, for urgent runs."""

KEPT_SECONDS = 1.0
"""So long after an urgent run had its last slot, its part is not given to others."""

RAMP_FROM = 0.05
RAMP_IDLE_SECONDS = 60.0


class Stretch(NamedTuple):
    """Segments that may go out one after the other.

    Args:
        wait: Seconds from now until the first.

        rate: Segments per second from then on.

        whole: The account's segments per second as it is now, of all lines together.
    """

    wait: float
    segments: int
    rate: float
    whole: float


class Paces:
    """`Journal.paces`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def reserve(
        self,
        name: str,
        segments: int,
        full_rate: float,
        *,
        now: int,
        kept: bool = False,
    ) -> Stretch:
        """The next *segments* of the account *name*.

        Args:
            now: Microseconds since 1970; a server uses its own clock instead.

            kept: Of the part that is kept for urgent runs.
        """
        ((until, now, whole, part),) = self._db.fetch(
            "reserve_kept" if kept else "reserve_pace",
            name=name,
            segments=segments,
            full=full_rate,
            recovery=RECOVERY_PER_SECOND,
            hold=round(KEPT_SECONDS * MICROSECONDS),
            kept=KEPT_SHARE,
            now=now,
        )
        rate = whole * part
        return Stretch(_wait(until, now, segments / rate), segments, rate, whole)

    def climb(
        self, run_id: int, segments: int, full_rate: float, *, seconds: float, now: int
    ) -> Stretch:
        """The next *segments* of a run whose pace rises within so many *seconds*.

        They are not the account's yet: `reserve` them when their time has come.
        """
        ((until, now, rate),) = self._db.fetch(
            "reserve_ramp",
            run_id=run_id,
            segments=segments,
            full=full_rate,
            idle=round(RAMP_IDLE_SECONDS * MICROSECONDS),
            ramp=seconds * MICROSECONDS,
            lowest=RAMP_FROM,
            now=now,
        )
        return Stretch(_wait(until, now, segments / rate), segments, rate, rate)

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


def _wait(until: int, now: int, seconds: float) -> float:
    """Until a stretch of so many *seconds* begins that is given out until then."""
    return max(0.0, (until - now) / MICROSECONDS - seconds)

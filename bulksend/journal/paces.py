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

A sender with a rate of its own has a line, too; what it may send is given out within the
account's stretches (send/senders.py).  It catches up one segment: the account's stretch
comes when it comes.

A *ramp* is a run's own line before the account's: it rises from a twentieth of the rate
to all of it, for all workers of the run together.  When nobody has sent the run for a
minute it begins anew.

*Whose clock.*  A server's, for all its workers; the senders of a file are on one machine,
and have the clock that counts while it runs and that nobody can set.  A server's can be
set back, and a machine starts anew: then all that was given away lies in a future that
does not come for hours.  So a line remembers the latest moment that it was asked at, and
one that was asked later than now is moved back by the difference.  (That a server's clock
was set forward the line cannot know; its workers do, each with its next answer, and use
nothing that was reserved before: send/shared.py.  With answers in some milliseconds no
second holds more than the rate; where each takes a tenth of one, once up to 1.4 times it.)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.journal.faults import BUSY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.journal.database import Database

MICROSECONDS = 1_000_000
SLOWEST_SHARE = 0.01
RECOVERY_PER_SECOND = 0.05
KEPT_SHARE = 0.1
"""Of the rate, for urgent runs."""

KEPT_SECONDS = 1.0
"""So long after an urgent run had its last slot, its part is not given to others."""

SET_BACK = MICROSECONDS
"""So far ahead of its clock a line is looked at: the clock may have been set back."""

RAMP_FROM = 0.05
RAMP_IDLE_SECONDS = 60.0


class Stretch(NamedTuple):
    """Segments that may go out one after the other.

    Args:
        wait: Seconds from now until the first.

        rate: Segments per second from then on.

        whole: The account's segments per second as it is now, of all lines together.

        begins: When the first is, in microseconds by the clock that gave it.

        now: What that clock says.
    """

    wait: float
    segments: int
    rate: float
    whole: float
    begins: int
    now: int

    @property
    def ends(self) -> int:
        return self.begins + round(self.segments / self.rate * MICROSECONDS)


class Paces:
    """`Journal.paces`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def reserve(  # noqa: PLR0913  (who, how much, when)
        self,
        name: str,
        segments: int,
        full_rate: float,
        *,
        now: int,
        lead: float = 0.0,
        kept: bool = False,
    ) -> Stretch:
        """The next *segments* of the account *name*.

        Args:
            now: Microseconds, of the clock that all senders of a file have; a server uses
                its own instead.

            lead: Seconds before which they are of no use to who asks.

            kept: Of the part that is kept for urgent runs.
        """
        until, now, whole, part = self._ask(
            "reserve_kept" if kept else "reserve_pace",
            "pace",
            name=name,
            segments=segments,
            full=full_rate,
            recovery=RECOVERY_PER_SECOND,
            hold=round(KEPT_SECONDS * MICROSECONDS),
            kept=KEPT_SHARE,
            lead=round(lead * MICROSECONDS),
            now=now,
        )
        rate = whole * part
        return _stretch(until, now, segments=segments, rate=rate, whole=whole)

    def climb(
        self, run_id: int, segments: int, full_rate: float, *, seconds: float, now: int
    ) -> Stretch:
        """The next *segments* of a run whose pace rises within so many *seconds*.

        They are not the account's yet: `reserve` them when their time has come.
        """
        until, now, rate = self._ask(
            "reserve_ramp",
            "ramp",
            name=run_id,
            segments=segments,
            full=full_rate,
            idle=round(RAMP_IDLE_SECONDS * MICROSECONDS),
            ramp=seconds * MICROSECONDS,
            lowest=RAMP_FROM,
            now=now,
        )
        return _stretch(until, now, segments=segments, rate=rate, whole=rate)

    def grant(
        self, name: str, senders: Mapping[str, float], stretch: Stretch
    ) -> dict[str, tuple[int, int]]:
        """What senders with a rate of their own may send in a *stretch* of the account.

        Args:
            name: The account.

            senders: Segments per second of each.

        Returns:
            When the first segment may go (microseconds), and how many may until the
            stretch ends; nothing of senders that may send none.
        """
        found: dict[str, tuple[int, int]] = {}
        for rate in set(senders.values()):
            names = {f"{name}/{one}": one for one in senders if senders[one] == rate}
            granted = self._db.fetch(
                "grant_pace",
                names=json.dumps(list(names)),
                rate=rate,
                begins=stretch.begins,
                ends=stretch.ends,
                catch_up=round(MICROSECONDS / rate),
            )
            for one, begins, until in granted:
                slots = round((until - begins) * rate / MICROSECONDS)
                found[names[one]] = (begins, slots)
        return found

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

    def _ask(self, query: str, line: str, **values: Any) -> list[Any]:
        """What a reservation says; of a line that is ahead of its clock after that."""
        ((until, now, asked, *rest),) = self._db.fetch(query, **values)
        if asked > now + SET_BACK:
            self._set_back(line, values["name"], values["now"])
            # Whoever moved it: what was reserved before lies ahead, and is lost.
            ((until, now, asked, *rest),) = self._db.fetch(query, **values)
        return [until, now, *rest]

    def _set_back(self, line: str, name: object, now: int) -> None:
        """Move a line to where its clock was set, unless another has done it."""
        locked = round(BUSY_SECONDS * MICROSECONDS)
        with self._db.transaction(alone=f"{line} {name}"):
            found = self._db.fetch(f"{line}_ahead", name=name, now=now, locked=locked)
            for ahead, moment in found:
                self._db.execute(f"set_{line}_back", name=name, ahead=ahead, now=moment)


def _stretch(
    until: int, now: int, *, segments: int, rate: float, whole: float
) -> Stretch:
    """The stretch that ends where all is given out now."""
    begins = max(now, until - round(segments / rate * MICROSECONDS))
    wait = (begins - now) / MICROSECONDS
    return Stretch(wait, segments, rate, whole, begins, now)

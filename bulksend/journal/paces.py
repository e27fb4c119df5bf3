"""One rate for all senders: slots on a common line of time, reserved in turn.

Theory of operation
-------------------
Each account has a moment up to which its rate is given away.  Who wants to send *n*
segments moves it on by ``n / rate`` seconds, in one statement, and has the stretch in
between for itself.  So any number of workers keep one rate without knowing each other;
nobody asks twice, nobody is passed over, and what a dead worker does not ask for, the
others have.  What it had reserved is lost: the safe side.

A tenth of the rate is *kept* for urgent runs (``priority: high``): a second line beside
the first, for them alone, so that a notice does not wait behind a million of offers.  They
have their turns on the common line as well.  While none of them asks, nothing is kept: the
common line has the whole rate.  When one comes, its line begins where the common one was
given away at the whole rate, and from there on the common one goes on with the rest, less
one of its longest messages a second: each line has a last message in a second, and the rate
allows for one.  So both together never give out more than that.

After a 429 the share of the rate is halved for all, once a second at most; each second
gives a twentieth of the rate back.

What is reserved is for messages that wait, each with all of its segments in one piece: a
message leaves when its piece begins.  So in any second go the segments of that second, and
what is left of the message that goes last, however many workers there are.  (When workers
reserved segments, and a message took what there was and owed the rest, each was up to a
message ahead: 2.4 times the rate, measured with eight of them.)

A sender with a rate of its own has a line, too, and both are moved together: `turns`.

A *ramp* is a run's own line before the account's: it rises from a twentieth of the rate
to all of it, for all workers of the run together.  When nobody has sent the run for a
minute it begins anew.

*Whose clock.*  A server's, for all its workers; the senders of a file are on one machine,
and have the clock that counts while it runs and that nobody can set.  A server's can be
set back, and a machine starts anew: then all that was given away lies in a future that
does not come for hours.  So a line remembers the latest moment that it was asked at, and
one that was asked later than now is moved back by the difference.  That a server's clock
was set forward the line cannot know: what lies reserved seems to be over, and would be
given out anew.  Its workers know, each with its next answer (send/reckoning.py).  Whoever
finds out moves the line on by as much as it was ahead of its clock before (`put_off`; the
line remembers that, too): what was reserved stays whose it is, and nothing new begins before
it is over.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.journal.database import atomically
from bulksend.journal.faults import BUSY_SECONDS
from bulksend.journal.stretches import Allotment, one_after_another, stretch_up_to
from bulksend.journal.turns import ALL_OTHERS, MICROSECONDS, turns, with_others

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bulksend.journal.database import Database
    from bulksend.journal.stretches import Stretch
    from bulksend.journal.turns import Own, Turns, Wanted

SLOWEST_SHARE = 0.01
RECOVERY_PER_SECOND = 0.05
"""After a 429, of the full rate; so for one worker that keeps its own pace, too
(send/pacing.py)."""

KEPT_SHARE = 0.1
"""Of the rate, for urgent runs."""

MOST_SPARE = 0.5

KEPT_SECONDS = 1.0
"""So long after an urgent run had its last slot, its part is not given to others."""

SET_BACK = MICROSECONDS
"""So far ahead of its clock a line is looked at: the clock may have been set back."""

OTHERS = "*"
"""What the line of all senders without a rate of their own is called: no sender is."""


class Rise(NamedTuple):
    """How a run's pace rises.

    Args:
        seconds: Until it is the whole.

        lowest: The share with which it begins.

        idle: Seconds without sending after which it begins anew.
    """

    seconds: float
    lowest: float
    idle: float


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
        longest: int = 0,
    ) -> Stretch:
        """The next *segments* of the account *name*.

        Args:
            now: Microseconds, of the clock that all senders of a file have; a server uses
                its own instead.

            lead: Seconds before which they are of no use to who asks.

            kept: Of the part that is kept for urgent runs.

            longest: Segments of the longest message among them.
        """
        values = _reservation(name, segments, full_rate, now=now, lead=lead)
        values |= _room(longest, full_rate)
        query = "reserve_kept" if kept else "reserve_pace"
        until, now, whole, part, queued = self._ask(query, "pace", **values)
        rate = whole * part
        found = stretch_up_to(until, now, segments=segments, rate=rate, whole=whole)
        return found._replace(queued=queued / MICROSECONDS)

    def climb(
        self, run_id: int, segments: int, full_rate: float, *, rise: Rise, now: int
    ) -> Stretch:
        """The next *segments* of a run whose pace rises so.

        They are not the account's yet: `reserve` them when their time has come.
        """
        until, now, rate = self._ask(
            "reserve_ramp",
            "ramp",
            name=run_id,
            segments=segments,
            full=full_rate,
            idle=round(rise.idle * MICROSECONDS),
            ramp=rise.seconds * MICROSECONDS,
            lowest=rise.lowest,
            now=now,
        )
        return stretch_up_to(until, now, segments=segments, rate=rate, whole=rate)

    def allot(  # noqa: PLR0913  (who, what, when)
        self,
        name: str,
        wanted: Sequence[Wanted],
        full_rate: float,
        *,
        own: Mapping[str, Own],
        most: int,
        now: int,
        lead: float = 0.0,
        kept: bool = False,
    ) -> Allotment:
        """A moment for each of *wanted*, or for some: those with a line ahead wait.

        Args:
            own: The senders that have a rate of their own.

            most: Segments after which no more is allotted.

            now, lead, kept: As `reserve` has them.
        """
        if own:
            ask = _Asked(name, wanted, full_rate, own, most, now, lead, kept)
            found, is_ahead = self._allot_together(ask)
            if is_ahead and self._set_back("pace", name, now):
                found, _ = self._allot_together(ask)
            return found
        segments = sum(one.weight for one in wanted)
        stretch = self.reserve(
            name,
            segments,
            full_rate,
            now=now,
            lead=lead,
            kept=kept,
            longest=max((one.weight for one in wanted), default=0),
        )
        return one_after_another(wanted, stretch)

    def _allot_together(self, ask: _Asked) -> tuple[Allotment, bool]:
        """The account's line is looked at and locked, and moved with its senders'.

        And whether it is ahead of its clock.
        """
        names = {one.sender: f"{ask.name}/{one.sender or OTHERS}" for one in ask.wanted}
        nothing = _reservation(ask.name, 0, ask.full_rate, now=ask.now, lead=0.0)
        longest = max((one.weight for one in ask.wanted), default=0)
        nothing |= _room(longest, ask.full_rate)

        def allot() -> tuple[Turns, int, int, float, float, int]:
            ((free, now, asked, whole, part, queued),) = self._db.fetch(
                "reserve_kept" if ask.kept else "reserve_pace", **nothing
            )
            listed = json.dumps(list(names.values()))
            ends: dict[str, int] = dict(self._db.fetch("lines", names=listed))
            begins = max(free, now + round(ask.lead * MICROSECONDS))
            found = turns(
                ask.wanted,
                with_others(ask.own, ask.full_rate),
                lines={one: ends[it] for one, it in names.items() if it in ends},
                begins=begins,
                rate=whole * part,
                most=ask.most,
                is_idle=begins > free,
            )
            if found.turns:
                moved = {names[one]: round(at) for one, at in found.lines.items()}
                self._move(ask, round(found.until), moved)
            return found, now, asked, whole, part, queued

        found, now, asked, whole, part, queued = atomically(self._db, allot)
        later = {
            one: (at - found.until) / MICROSECONDS
            for one, at in found.lines.items()
            if one != ALL_OTHERS and at > found.until
        }
        waits = queued / MICROSECONDS
        given = Allotment(found.turns, whole * part, whole, now, waits, later)
        return given, asked > now + SET_BACK

    def _move(self, ask: _Asked, until: int, senders: dict[str, int]) -> None:
        if ask.kept:
            self._db.execute("move_kept", name=ask.name, until=until)
        else:
            senders[ask.name] = until
        self._db.execute("move_lines", lines=json.dumps(senders))

    def put_off(self, name: str, seconds: float, *, now: int) -> None:
        """Give out nothing of the account *name* within the next so many *seconds*."""
        by = round(seconds * MICROSECONDS)
        self._db.execute("put_off", name=name, by=by, now=now)

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
        if asked > now + SET_BACK and self._set_back(
            line, values["name"], values["now"]
        ):
            # What was reserved before lies ahead, and is lost.
            ((until, now, asked, *rest),) = self._db.fetch(query, **values)
        return [until, now, *rest]

    def _set_back(self, line: str, name: object, now: int) -> bool:
        """Move a line to where its clock was set; whether it is there now.

        What is ahead by less than a file may be waited for proves nothing: then it stays.
        """
        locked = round(BUSY_SECONDS * MICROSECONDS)

        def move() -> bool:
            ((ahead, moment, was_set),) = self._db.fetch(
                f"{line}_ahead", name=name, now=now, locked=locked
            )
            if was_set:
                self._db.execute(f"set_{line}_back", name=name, ahead=ahead, now=moment)
            return bool(was_set) or ahead <= SET_BACK

        return atomically(self._db, move, alone=f"{line} {name}")


class _Asked(NamedTuple):
    """What `Paces.allot` is asked for."""

    name: str
    wanted: Sequence[Wanted]
    full_rate: float
    own: Mapping[str, Own]
    most: int
    now: int
    lead: float
    kept: bool


def _reservation(
    name: str, segments: int, full_rate: float, *, now: int, lead: float
) -> dict[str, Any]:
    return {
        "name": name,
        "segments": segments,
        "full": full_rate,
        "recovery": RECOVERY_PER_SECOND,
        "hold": round(KEPT_SECONDS * MICROSECONDS),
        "kept": KEPT_SHARE,
        "lead": round(lead * MICROSECONDS),
        "now": now,
    }


def _room(longest: int, full_rate: float) -> dict[str, float]:
    """For one message more: two lines each have a last one in a second.

    The others' share of the rate is less by it, and what is kept begins that much later.
    """
    spare = min(longest / full_rate, MOST_SPARE)
    return {
        "rest": 1.0 - KEPT_SHARE - spare,
        "apart": round(spare / KEPT_SHARE * MICROSECONDS),
    }

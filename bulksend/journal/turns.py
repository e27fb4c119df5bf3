"""Which message goes when, where senders have rates of their own.

Theory of operation
-------------------
A message needs its account's time and its sender's, and both have a line.  Lines that are
reserved apart seldom meet, and what one has given is then lost on the other.  So both are
moved together, message by message: at the account's next moment goes, of the senders whose
own line is not ahead of that moment, the one that would be late first.  (Earliest deadline
first.  While the senders' rates add up to no more than the account's, each can have all of
its own: some sender always may go.)  Where none may, the account's line stays where it is,
for whoever has messages of others.

A sender's line that has fallen behind may catch up its *credit*.  Messages without a rate
of their own have what the others leave, by a line like theirs that holds them up only
where others wait: so none of both starves the other.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MICROSECONDS = 1_000_000
ALL_OTHERS = ""

GAP = 10_000.0
"""Microseconds that a line which nobody waits for is moved on for a sender's sake."""


class Wanted(NamedTuple):
    """A message that waits.

    Args:
        sender: Whose own rate it needs, or `ALL_OTHERS`.

        weight: Segments.
    """

    sender: str
    weight: int


class Own(NamedTuple):
    """A sender's own rate.

    Args:
        rate: Segments per second.

        credit: Seconds that it may catch up.
    """

    rate: float
    credit: float


class Turn(NamedTuple):
    """A message and its moment, in microseconds."""

    wanted: Wanted
    at: float


class Turns(NamedTuple):
    """What was allotted.

    Args:
        until: Up to when the account's line is given away then.

        lines: Up to when each sender's is.
    """

    turns: list[Turn]
    until: float
    lines: dict[str, float]


def turns(  # noqa: PLR0913  (both lines, and who waits)
    wanted: Sequence[Wanted],
    own: Mapping[str, Own],
    *,
    lines: Mapping[str, float],
    begins: float,
    rate: float,
    most: int,
    is_idle: bool,
) -> Turns:
    """The next turns of the account's line, until *most* segments are given out.

    Args:
        own: Of each sender that is wanted, `ALL_OTHERS` too.

        lines: Up to when each sender's line is given away, if it has one, in microseconds.

        begins: Up to when the account's is.

        rate: The account's segments per second.

        is_idle: Whether nobody else waits for the account's line.
    """
    waiting: dict[str, deque[Wanted]] = {}
    for one in wanted:
        waiting.setdefault(one.sender, deque()).append(one)
    given: dict[str, float] = {one: lines.get(one, begins) for one in waiting}
    found: list[Turn] = []
    at, left = begins, most
    while waiting and left > 0:
        may = [one for one in waiting if one == ALL_OTHERS or given[one] <= at]
        if not may:
            soonest = min(given[one] for one in waiting)
            if not is_idle or soonest > at + GAP:
                break
            at = soonest
            continue
        ends = {
            one: max(given[one], at - own[one].credit * MICROSECONDS)
            + waiting[one][0].weight / own[one].rate * MICROSECONDS
            for one in may
        }
        sender = min(ends, key=ends.__getitem__)
        message = waiting[sender].popleft()
        if not waiting[sender]:
            del waiting[sender]
        found.append(Turn(message, at))
        given[sender] = ends[sender]
        at += message.weight / rate * MICROSECONDS
        left -= message.weight
    return Turns(found, at, given)


def with_others(own: Mapping[str, Own], full_rate: float) -> dict[str, Own]:
    """And what those without a rate of their own have: the rest, or one sender's share."""
    rest = full_rate - sum(one.rate for one in own.values())
    rate = max(rest, full_rate / (len(own) + 1))
    return {**own, ALL_OTHERS: Own(rate, 1.0 / rate)}

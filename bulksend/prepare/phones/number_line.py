"""Rules about numbers as rows on the number line, and the few ways to combine them.

A row ``(low, high, shift, what)`` says: whoever lies in ``low..high`` moves by *shift*,
and *what* is true of it.  A rule is a list of such rows, sorted and disjoint.

    area        where something holds; nothing moves, *what* is None
    rewriting   how numbers change; *what* is None, or says that the row cannot be settled
    table       where numbers end, and what they are

Cutting a prefix off a number, or putting one before it, is a shift as long as the prefix
is the same in the whole row.  That is all the rewriting that phone numbers need.

Digit strings lie on the line with a 1 before them: ``0044`` is 10044.  So they keep
their leading zeros, and strings of one length lie together.  In the documents of this
package that is a *written* number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Row: TypeAlias = tuple[int, int, int, T]
Rows: TypeAlias = list[Row[T]]
Area: TypeAlias = Sequence[Row[None]]

LONGEST = 18
"""Digits that a written number may have and still be an Int64.  What is longer can be no
number: a national one has 17 digits at most (libphonenumber's own limit)."""

POWERS = tuple(10**n for n in range(LONGEST + 2))

_low = itemgetter(0)
_high = itemgetter(1)


def length(written: int) -> int:
    """How many digits a written number has."""
    return len(str(written)) - 1


def area(intervals: Iterable[tuple[int, int]]) -> list[Row[None]]:
    """The union of *intervals*; neighbours become one."""
    found: list[Row[None]] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]), 0, None)
        else:
            found.append((low, high, 0, None))
    return found


EVERYTHING = area((ten, 2 * ten - 1) for ten in POWERS[: LONGEST + 1])
"""Every written number."""


def labelled(rows: Area, what: T) -> Rows[T]:
    return [(low, high, shift, what) for low, high, shift, _ in rows]


def within(rows: Sequence[Row[T]], place: Area) -> Rows[T]:
    """The part of *rows* that starts in *place*."""
    found: Rows[T] = []
    at = 0
    for low, high, shift, what in rows:
        while at < len(place) and place[at][1] < low:
            at += 1
        here = at
        while here < len(place) and place[here][0] <= high:
            found.append(
                (max(low, place[here][0]), min(high, place[here][1]), shift, what)
            )
            here += 1
    return found


def outside(rows: Sequence[Row[T]], place: Sequence[Row[object]]) -> Rows[T]:
    """The part of *rows* that does not start in *place*."""
    found: Rows[T] = []
    at = 0
    for low, high, shift, what in rows:
        while at < len(place) and place[at][1] < low:
            at += 1
        here, start = at, low
        while here < len(place) and place[here][0] <= high:
            if start < place[here][0]:
                found.append((start, place[here][0] - 1, shift, what))
            start = place[here][1] + 1
            here += 1
        if start <= high:
            found.append((start, high, shift, what))
    return found


def overlay(*layers: Iterable[Row[T]]) -> Rows[T]:
    """One rule out of several; where they overlap, the earlier one counts."""
    if len(layers) > 2:
        half = len(layers) // 2
        return overlay(overlay(*layers[:half]), overlay(*layers[half:]))

    first, second = (*layers, (), ())[:2]
    found = sorted(first, key=_low)
    return sorted([*found, *outside(sorted(second, key=_low), found)], key=_low)


def through(first: Sequence[Row[T | None]], then: Sequence[Row[T]]) -> Rows[T]:
    """First one rule, then the other.

    Rows of *first* that already say what is true have arrived and stay as they are.
    Numbers that end where *then* says nothing are dropped.
    """
    found: Rows[T] = []
    for low, high, shift, what in first:
        if what is not None:
            found.append((low, high, shift, what))
            continue
        at = bisect_left(then, low + shift, key=_high)
        while at < len(then) and then[at][0] <= high + shift:
            start, end, more, arrived = then[at]
            found.append(
                (max(low, start - shift), min(high, end - shift), shift + more, arrived)
            )
            at += 1
    return found


def relabelled(rows: Sequence[Row[T]], change: Callable[[T], T]) -> Rows[T]:
    return [(low, high, shift, change(what)) for low, high, shift, what in rows]


def joined(rows: Sequence[Row[T]]) -> Rows[T]:
    """Neighbours that say the same become one; so do those with nobody between them."""
    found: Rows[T] = []
    for row in rows:
        if found and found[-1][2:] == row[2:]:
            found[-1] = (found[-1][0], *row[1:])
        else:
            found.append(row)
    return found

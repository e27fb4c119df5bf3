"""Whose window is open, and who is next: those whose window closes first.

Theory of operation
-------------------
Rows stand by place, and all rows of a place share its openings; so what is kept in order
is a few hundred places, not millions of rows.  Open places stand in a heap by the moment
they close, closed ones in a heap by the moment they open.  A place that closes with rows
left waits for its next opening; one whose next opening comes after the campaign's end
has missed its time, and its rows are given up.

The rows of a place are a column of numbers, in the plan's order: of ten million rows none
becomes an object of Python's, and what is cut off or put before is not copied.

A message needs a little life to arrive, so a window counts as closed that much earlier.

Time is two moments, since a clock can jump: a window is open when both say so.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from bulksend.rules.hours import LEAST_LIFE_MS, Opening

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bulksend.send.clocks import Now


NO_ROWS = pl.Series(dtype=pl.UInt32)

NEVER_YET = Opening(0, 0)
"""The window of a place that has not opened, or of one that keeps no hours."""


class Due(NamedTuple):
    """Rows that may be sent now, until ``until``; each with its place."""

    rows: pl.Series
    place: int
    until: int


@dataclass(slots=True)
class _Standing:
    """Rows of one place that are still to be handed out."""

    rows: pl.Series

    def take(self, most: int) -> pl.Series:
        taken, self.rows = self.rows.head(most), self.rows.slice(most)
        return taken

    def put_back(self, back: pl.Series) -> None:
        if not len(back):
            return
        rest = self.rows
        if not len(rest) or back[-1] < rest[0]:  # as it is where nothing went out since
            self.rows = pl.concat([back, rest], rechunk=False)
        elif rest[-1] < back[0]:
            self.rows = pl.concat([rest, back], rechunk=False)
        else:
            self.rows = pl.concat([back, rest]).sort()


class Agenda:
    """Pure bookkeeping over places; nothing here waits or asks for the time.

    Args:
        rows: The rows to send by place, each list in the plan's order.

        opening: A place's first opening with some life left after a moment.

        end: When all of its messages expire; None where they do not.
    """

    def __init__(
        self,
        rows: Mapping[int, pl.Series],
        opening: Callable[[int, int], Opening | None],
        *,
        end: int | None = None,
    ) -> None:
        self._rows = {place: _Standing(some) for place, some in rows.items()}
        self._opening = opening
        self._end = end
        self._open: list[tuple[int, int]] = []
        self._closed: list[tuple[int, int, int]] = []
        self._new = list(self._rows)
        self._scheduled = set(self._new)
        self._window: dict[int, Opening] = {}
        self._missed = NO_ROWS

    def __len__(self) -> int:
        return sum(len(one.rows) for one in self._rows.values())

    def take(self, most: int, now: Now) -> list[Due]:
        """Up to *most* rows of the places that are open and close first."""
        self._advance(now)
        found: list[Due] = []
        while self._open and most > 0:
            until, place = self._open[0]
            standing = self._rows[place]
            rows = standing.take(most)
            if len(rows):
                found.append(Due(rows, place, until))
                most -= len(rows)
            if not len(standing.rows):
                heapq.heappop(self._open)
                self._scheduled.discard(place)
        return found

    def put_back(self, place: int, rows: pl.Series) -> None:
        """Rows that were taken and not sent, or others of that place; in order.

        They wait for its next opening; or go on with it, where it is open and has rows.
        """
        self._rows.setdefault(place, _Standing(NO_ROWS)).put_back(rows)
        if place not in self._scheduled:
            self._new.append(place)
            self._scheduled.add(place)

    def close(self, places: Collection[int]) -> None:
        """These places open later than was thought: ask for their openings again."""
        self._new += [one[-1] for one in self._open if one[-1] in places]
        self._new += [one[-1] for one in self._closed if one[-1] in places]
        self._open = [one for one in self._open if one[-1] not in places]
        self._closed = [one for one in self._closed if one[-1] not in places]
        heapq.heapify(self._open)
        heapq.heapify(self._closed)

    def window(self, place: int) -> Opening:
        """The window that opened last, even if it has passed.

        Never one that is still to open: what is read late must not go early.
        """
        return self._window.get(place, NEVER_YET)

    @property
    def has_missed(self) -> bool:
        return bool(len(self._missed))

    def missed(self, most: int) -> pl.Series:
        """Rows whose window cannot be met any more, some at a time; each is given once."""
        found, self._missed = self._missed.head(most), self._missed.slice(most)
        return found

    def next_opening(self) -> int | None:
        """When the next closed place opens; None where no rows wait for one."""
        return self._closed[0][0] if self._closed else None

    # -- inside ---------------------------------------------------------------------

    def _advance(self, now: Now) -> None:
        for place in self._new:
            self._plan(place, now)
        self._new.clear()
        while self._closed and self._closed[0][0] <= now.earliest:
            start, until, place = heapq.heappop(self._closed)
            self._window[place] = Opening(start, until)
            heapq.heappush(self._open, (until, place))
        while self._open and self._open[0][0] - LEAST_LIFE_MS <= now.latest:
            self._plan(heapq.heappop(self._open)[1], now)

    def _plan(self, place: int, now: Now) -> None:
        """Find the place's next opening, or give its rows up.

        They are given up only where both clocks say that there is none: what a clock
        took by jumping, it may give back.
        """
        found = self._reachable(place, now.latest)
        if found is None and now.earliest < now.latest:
            found = self._reachable(place, now.earliest)
        if found is None:
            standing = self._rows[place]
            late = standing.take(len(standing.rows))
            self._missed = pl.concat([self._missed, late], rechunk=False)
            self._scheduled.discard(place)
            return
        until = found.end if self._end is None else min(found.end, self._end)
        heapq.heappush(self._closed, (found.start, until, place))

    def _reachable(self, place: int, moment: int) -> Opening | None:
        found = self._opening(place, moment)
        if found is None or self._end is None:
            return found
        starts = max(found.start, moment)
        return found if starts < self._end - LEAST_LIFE_MS else None

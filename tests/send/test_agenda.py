"""Whose window is open, and who is next."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from bulksend.rules.hours import LEAST_LIFE_MS, Opening
from bulksend.send.agenda import Agenda
from bulksend.send.clocks import Now

MINUTE = 60_000
HOUR = 60 * MINUTE

MOST = 1_000

Windows = dict[int, list[tuple[int, int]]]


def at(ms: int) -> Now:
    return Now(ms, ms)


def rows_of(*rows: int) -> pl.Series:
    return pl.Series(rows, dtype=pl.UInt32)


def agenda(windows: Windows, rows: int = 3, end: int | None = None) -> Agenda:
    """Places 0, 1, ... with so many rows each: 0, 1, 2 and 100, 101, 102 and so on."""

    def opening(place: int, now: int) -> Opening | None:
        for start, close in windows[place]:
            if close - max(start, now) > LEAST_LIFE_MS:
                return Opening(start, close)
        return None

    by_place = {
        place: rows_of(*range(place * 100, place * 100 + rows)) for place in windows
    }
    return Agenda(by_place, opening, end=end)


def test_windows_that_close_first_go_first() -> None:
    """Of three open places the one with least time left is served before the others."""
    one = agenda({0: [(0, 9 * HOUR)], 1: [(0, 5 * HOUR)], 2: [(0, 7 * HOUR)]})
    due = one.take(100, at(HOUR))
    assert [(found.place, found.until) for found in due] == [
        (1, 5 * HOUR),
        (2, 7 * HOUR),
        (0, 9 * HOUR),
    ]
    assert list(due[0].rows) == [100, 101, 102]
    assert len(one) == 0


def test_a_place_that_opens_later_and_closes_earlier_goes_in_between() -> None:
    """What is handed out is decided at each asking, not once."""
    one = agenda({0: [(0, 9 * HOUR)], 1: [(HOUR, 3 * HOUR)]})
    assert [list(d.rows) for d in one.take(1, at(0))] == [[0]]
    assert [list(d.rows) for d in one.take(4, at(HOUR))] == [[100, 101, 102], [1]]


def test_nothing_goes_outside_of_its_window() -> None:
    """Before it opens, and from a minute before it closes; then it is the next day's."""
    one = agenda({0: [(HOUR, 2 * HOUR), (25 * HOUR, 26 * HOUR)]})
    assert one.take(1, at(HOUR - 1)) == []
    assert one.next_opening() == HOUR
    assert [list(d.rows) for d in one.take(1, at(HOUR))] == [[0]]
    assert [list(d.rows) for d in one.take(1, at(2 * HOUR - MINUTE - 1))] == [[1]]
    assert one.take(1, at(2 * HOUR - MINUTE)) == []
    assert one.next_opening() == 25 * HOUR
    assert [list(d.rows) for d in one.take(9, at(25 * HOUR))] == [[2]]


def test_a_clock_that_jumps_opens_nothing() -> None:
    """All clocks must say that a window is open, whichever of them jumped."""
    for wall, boot in ((HOUR, 0), (0, HOUR), (2 * HOUR, HOUR), (HOUR, 2 * HOUR)):
        one = agenda({0: [(HOUR, 2 * HOUR)]})
        assert one.take(9, Now(wall, boot)) == []
        assert list(one.missed(MOST)) == []
        assert len(one) == 3
    assert agenda({0: [(HOUR, 2 * HOUR)]}).take(9, Now(HOUR, HOUR + MINUTE))


def test_rows_whose_window_cannot_be_met_are_given_up_once() -> None:
    """At the campaign's end, and where no opening is in sight."""
    one = agenda({0: [(0, HOUR), (24 * HOUR, 25 * HOUR)], 1: []}, end=20 * HOUR)
    assert len(one.take(1, at(0))) == 1
    assert list(one.missed(MOST)) == [100, 101, 102]
    assert one.take(9, at(HOUR)) == []
    assert list(one.missed(MOST)) == [1, 2]
    assert list(one.missed(MOST)) == []
    assert one.next_opening() is None


def test_the_campaign_s_end_is_the_end_of_a_window_that_goes_on() -> None:
    """A message must not outlive the campaign."""
    (due,) = agenda({0: [(0, 9 * HOUR)]}, end=4 * HOUR).take(9, at(0))
    assert due.until == 4 * HOUR


def test_rows_that_are_put_back_come_again_in_order() -> None:
    """At once where the window is open still, else with its next opening; once each."""
    one = agenda({0: [(0, HOUR), (24 * HOUR, 25 * HOUR)]})
    (due,) = one.take(2, at(0))
    one.put_back(0, due.rows)
    one.put_back(0, rows_of())
    assert [list(d.rows) for d in one.take(9, at(0))] == [[0, 1, 2]]
    one.put_back(0, rows_of(2))
    one.put_back(0, rows_of(1))
    assert one.take(9, at(HOUR)) == []
    assert [list(d.rows) for d in one.take(9, at(24 * HOUR))] == [[1, 2]]


spans = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=4)


@given(
    st.dictionaries(st.integers(0, 4), spans, min_size=1),
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 9), st.booleans()), max_size=40
    ),
    st.one_of(st.none(), st.integers(1, 100)),
)
def test_every_row_goes_once_in_its_window_or_is_given_up(
    places: dict[int, list[tuple[int, int]]],
    steps: list[tuple[int, int, bool]],
    end: int | None,
) -> None:
    """Whatever the windows, the pace and what comes back: none lost, none twice."""
    windows: Windows = {}
    for place, some in places.items():
        edge = 0
        windows[place] = []
        for start, length in sorted(some):
            begin = max(edge, start) * MINUTE
            edge = max(edge, start) + length
            windows[place].append((begin, edge * MINUTE))
    last = None if end is None else end * MINUTE
    one = agenda(windows, end=last)
    now = 0
    sent: list[int] = []
    given_up: list[int] = []
    for minutes, most, comes_back in [*steps, (500, 0, False)]:
        now += minutes * MINUTE
        for due in one.take(most, at(now)):
            inside = [w for w in windows[due.place] if w[0] <= now < w[1]]
            assert inside
            assert due.until - now > LEAST_LIFE_MS or due.until - now >= MINUTE
            assert due.until == min(inside[0][1], last or inside[0][1])
            if comes_back:
                one.put_back(due.place, due.rows)
            else:
                sent.extend(due.rows)
        given_up.extend(one.missed(MOST))
    everything = {place * 100 + row for place in windows for row in range(3)}
    assert sorted(sent + given_up) == sorted(everything)

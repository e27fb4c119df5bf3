"""Bandwidth's clock beside ours: measured by answers, and never believed alone."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.send.theirs import MOST_APART_MS, TheirClock

NOW = 1_790_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE


class Machine:
    """A machine, and how far its clock is ahead of the truth."""

    def __init__(self, ahead: int = 0) -> None:
        self.truth = NOW
        self.ahead = ahead
        self.theirs = TheirClock(
            lambda: self.truth + self.ahead, lambda: self.truth - NOW
        )

    def hear(self, ahead: int = 0, *, took: int = 0) -> None:
        """An answer of a server whose clock is so far ahead, that took so long."""
        asked = self.theirs.boot()
        self.truth += took
        said = (self.truth + ahead) / 1000
        self.theirs.heard(formatdate(said, usegmt=True), asked=asked)


@pytest.mark.parametrize("date", [None, "", "soon", "Thu, 99 Jan 2026 00:00:30 GMT"])
def test_what_is_no_date_tells_nothing(date: str | None) -> None:
    """Neither that the clocks agree, nor that they do not."""
    machine = Machine()
    machine.theirs.heard(date, asked=0)
    assert not machine.theirs.is_known
    assert (machine.theirs.moment(), machine.theirs.problem()) == (None, None)


# how far our clock is ahead, what is said of it
APART = (
    (0, None),
    (MOST_APART_MS - 2_000, None),
    (2_000 - MOST_APART_MS, None),
    (12 * MINUTE, "this machine's is 12 min ahead of Bandwidth's"),
    (-90 * MINUTE, "this machine's is 90 min behind Bandwidth's"),
    (10 * HOUR, "this machine's is 10.0 h ahead of Bandwidth's"),
)


@pytest.mark.parametrize(("ahead", "found"), APART)
def test_clocks_far_apart_are_told(ahead: int, found: str | None) -> None:
    """E548: how far, and which way."""
    machine = Machine(ahead)
    machine.hear()
    problem = machine.theirs.problem()
    assert (problem.found if problem else None) == found


def test_a_clock_that_is_set_later_is_noticed() -> None:
    """What they showed goes on by the clock that nobody sets."""
    machine = Machine()
    machine.hear()
    machine.truth += HOUR
    machine.ahead = -HOUR
    assert machine.theirs.problem() is not None
    moment = machine.theirs.moment()
    assert moment is not None
    assert moment.earliest == NOW
    assert 0 <= moment.latest - machine.truth < 1_000


@given(
    ours=st.integers(-48 * HOUR, 48 * HOUR),
    theirs=st.integers(-48 * HOUR, 48 * HOUR),
    is_ours=st.booleans(),
    took=st.integers(0, MINUTE),
    later=st.integers(0, 48 * HOUR),
)
def test_one_right_clock_is_enough(
    ours: int, theirs: int, is_ours: bool, took: int, later: int
) -> None:
    """Whichever it is, and however long the answer took: now is between these."""
    machine = Machine(0 if is_ours else ours)
    machine.hear(theirs if is_ours else 0, took=took)
    machine.truth += later
    moment = machine.theirs.moment()
    assert moment is not None
    assert moment.earliest <= machine.truth <= moment.latest

"""In a year nobody is texted at a wrong hour: a sample of `python -m tests.year`."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from tests.year.clocks import clocks_of
from tests.year.judge import STATE_OF, WEEK, faults, possible
from tests.year.year import Sums, campaigns


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_in_a_year_nobody_is_texted_at_a_wrong_hour() -> None:
    """By the engine's own loop, over all changes of clocks: every POST is judged."""
    total = Sums()
    for told, sums in campaigns(size=600, runs=6):
        assert sums.holds, (told, sums, sums.wrong[:5])
        total.add(sums)
    assert total.posts > 0.9 * 6 * 600
    assert len(total.states) > 45
    assert len(total.countries) > 20


def ms(said: str) -> int:
    return round(datetime.fromisoformat(said).replace(tzinfo=UTC).timestamp() * 1000)


FLORIDA, SEATTLE, PARIS = "+13055550123", "+12065550123", "+33612345678"
JUDGED = [
    # number, ZIP, zone, posted, expires, what is wrong
    (FLORIDA, "", "", "2026-09-14T12:00", "2026-09-15T00:00", ""),
    (FLORIDA, "", "", "2026-09-14T11:59", "2026-09-14T23:00", "07:59 is outside"),
    (FLORIDA, "", "", "2026-09-15T00:00", "2026-09-15T00:30", "20:00 is outside"),
    (FLORIDA, "", "", "2026-09-14T23:00", "2026-09-15T00:01", "after US-FL closes"),
    (FLORIDA, "", "", "2026-09-14T23:00", "2026-09-15T00:00:01", "after US-FL closes"),
    (FLORIDA, "", "", "2026-09-14T23:00", "2026-09-15T23:00", "on another day"),
    (FLORIDA, "", "", "2026-09-14T23:59", "2026-09-14T23:59:30", "no time to arrive"),
    (FLORIDA, "35203", "", "2026-09-13T16:00", "2026-09-13T20:00", "US-AL is closed"),
    (FLORIDA, "35203", "", "2026-09-14T12:30", "2026-09-14T20:00", "07:30 is outside"),
    (FLORIDA, "", "America/Los_Angeles", "2026-09-14T14:59", "2026-09-14T20:00", "07:59"),
    (SEATTLE, "", "", "2026-03-08T15:00", "2026-03-09T03:00", ""),  # clocks went on
    (SEATTLE, "", "", "2026-03-07T15:59", "2026-03-08T03:00", "07:59 is outside"),
    (PARIS, "", "", "2026-05-08T10:00", "2026-05-08T18:00", "FR is closed"),
    (PARIS, "", "", "2026-12-26T10:00", "2026-12-26T18:00", "FR is closed"),
    ("+12252345671", "", "", "2026-10-12T15:00", "2026-10-12T20:00", "US-LA is closed"),
    ("+14012345671", "", "", "2026-05-04T15:00", "2026-05-04T20:00", "US-RI is closed"),
    # Pensacola is an hour behind Tallahassee, and libphonenumber knows one of them.
    ("+14482345671", "", "", "2026-09-14T12:30", "2026-09-14T20:00", "07:30 is outside"),
    ("+16892345671", "", "", "2026-09-15T00:30", "2026-09-15T00:50", "20:30 is outside"),
    ("+14234005671", "", "", "2026-09-15T01:30", "2026-09-15T01:50", "21:30 is outside"),
    ("+13082345671", "", "", "2026-09-14T13:30", "2026-09-14T20:00", "07:30 is outside"),
    ("+19282345671", "", "", "2026-09-15T03:30", "2026-09-15T03:50", "21:30 is outside"),
    ("+18673341234", "", "", "2026-09-15T00:30", "2026-09-15T00:50", "20:30 is outside"),
    ("+6281234567890", "", "", "2026-09-14T12:00", "2026-09-14T12:30", "21:00 is outside"),
    # Who has moved from California may be in Florida, and a soldier from anywhere.
    ("+14155550123", "", "America/New_York", "2026-09-15T00:30", "2026-09-15T00:50", "20:30 is"),
    ("+14155550123", "", "America/New_York", "2026-09-14T17:00", "2026-09-14T22:00", ""),
    ("+14155550123", "", "America/Los_Angeles", "2026-09-15T03:30", "2026-09-15T03:50", ""),
    ("+14155550123", "33101", "America/New_York", "2026-10-12T17:00", "2026-10-12T20:00", ""),
    ("+14155550123", "", "America/New_York", "2026-10-12T17:00", "2026-10-12T20:00", "US-LA"),
    ("+12125550123", "09001", "America/New_York", "2026-09-15T00:30", "2026-09-15T00:50", "20:30"),
    ("+14155550123", "", "US/Eastern", "2026-09-15T00:30", "2026-09-15T00:50", "20:30 is"),
    ("+13055550123", "", "US/Eastern", "2026-09-14T12:00", "2026-09-15T00:00", ""),
    ("+14165550123", "", "Canada/Eastern", "2026-09-14T12:30", "2026-09-14T20:00", "08:30 is outside of CA"),
    # A zone's name may tell the state: Michigan's day begins at 9, and Kentucky's at 10.
    ("+19195550123", "", "America/Detroit", "2026-09-14T12:30", "2026-09-14T20:00", "US-MI"),
    ("+19195550123", "", "America/Louisville", "2026-09-14T13:30", "2026-09-14T20:00", "US-KY"),
    ("+14155550123", "", "America/Phoenix", "2026-10-12T17:00", "2026-10-12T20:00", ""),
    ("+33612345678", "", "America/Indianapolis", "2026-10-12T17:00", "2026-10-12T20:00", ""),
    ("+33612345678", "", "US/Central", "2026-10-12T17:00", "2026-10-12T20:00", "US-LA"),
    (FLORIDA, "09001", "", "2026-09-14T15:00", "2026-09-14T20:00", "nobody knows"),
    ("+15852345671", "99634", "", "2026-10-31T16:00", "2026-11-01T00:00", ""),
    ("+15852345671", "99634", "", "2026-10-31T15:59", "2026-11-01T00:00", "07:59"),
    ("+17605550123", "86021", "", "2026-07-24T18:00", "2026-07-25T04:00", ""),
    ("+14155550123", "71749", "", "2026-09-13T17:00", "2026-09-13T20:00", "US-LA is closed"),
    ("+14165550123", "V6B 1A1", "", "2026-09-14T15:59", "2026-09-14T20:00", "08:59"),
    ("+14165550123", "V6B 1A1", "", "2026-09-14T16:00", "2026-09-14T20:00", ""),
    ("+14165550123", "90210", "", "2026-09-14T13:30", "2026-09-14T20:00", "06:30"),
    ("+18005550123", "", "", "2026-09-14T13:00", "2026-09-14T20:00", "is outside"),
    ("+17875550123", "", "", "2026-09-14T12:30", "2026-09-14T20:00", "08:30 is outside of PR"),
    ("+17875550123", "", "", "2026-09-14T13:00", "2026-09-15T01:00", ""),
    ("+18015550123", "", "", "2026-07-24T18:00", "2026-07-24T20:00", "US-UT is closed"),
    ("+12055550123", "", "", "2026-04-27T18:00", "2026-04-27T20:00", "US-AL is closed"),
    ("+12055550123", "", "", "2026-04-28T18:00", "2026-04-28T20:00", ""),
    # Nepal is 5:45 ahead, and Chatham 12:45 (13:45 from 27 September).
    ("+9779841234567", "", "", "2026-09-14T03:14", "2026-09-14T08:00", "08:59 is outside"),
    ("+9779841234567", "", "", "2026-09-14T03:15", "2026-09-14T08:00", ""),
    ("+6433001234", "", "Pacific/Chatham", "2026-09-27T06:14", "2026-09-27T06:16",
     "20:01:00, after"),
]  # fmt: skip


@pytest.mark.parametrize(("phone", "code", "zone", "at", "expires", "wrong"), JUDGED)
def test_the_judge_sees_what_is_wrong(
    phone: str, code: str, zone: str, *, at: str, expires: str, wrong: str
) -> None:
    """A judge that cannot say no proves nothing; one that always does neither."""
    found = faults(possible(phone, code, zone), ms(at), ms(expires))
    assert bool(found) == bool(wrong), found
    assert not wrong or any(wrong in one for one in found), found


def test_the_judge_knows_every_clock() -> None:
    """Of every state and its area codes, in names that the clocks have."""
    assert {state for state in STATE_OF.values() if not clocks_of("", state)} == set()
    zones = {
        zone for area, state in STATE_OF.items() for zone in clocks_of(area, state)
    }
    assert zones <= available_timezones()


def test_the_judge_knows_every_state() -> None:
    """All fifty and the capital have area codes, and no area code two of them."""
    assert len(set(STATE_OF.values())) == 51
    assert {one[3:] for one in WEEK if one.startswith("US-")} <= set(STATE_OF.values())

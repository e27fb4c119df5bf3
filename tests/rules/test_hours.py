"""Each rule at its edges; clocks that are put forward and back; days that are closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.rules import tz
from bulksend.rules.hours import Hours
from bulksend.rules.pack import RulePack, shipped_rules
from bulksend.rules.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.rules.hours import Opening
    from bulksend.rules.profile import Profile

PACK = shipped_rules()
MINUTE = 60_000

MON, SAT, SUN, HOLIDAY = (
    date(2026, 11, 16),
    date(2026, 11, 14),
    date(2026, 11, 15),
    date(2026, 11, 26),  # Thanksgiving, a Thursday
)


def local(zone: str, day: date, clock: str) -> int:
    """A local time in milliseconds since 1970."""
    hour, minute = map(int, clock.split(":"))
    days, hour = divmod(hour, 24)
    then = datetime(day.year, day.month, day.day, hour, minute, tzinfo=tz.zone(zone))
    return round((then + timedelta(days=days)).timestamp() * 1000)


def opened(
    jurisdictions: str,
    zones: str,
    day: date,
    *,
    profile: Profile = "us-marketing",
    window: tuple[int, int] | None = None,
    pack: RulePack = PACK,
) -> list[str]:
    """The openings that begin on a day, as the first zone's clocks show them."""
    hours = Hours(pack, profile, window)
    place = Place(tuple(jurisdictions.split()), tuple(zones.split()))
    zone = tz.zone(zones.split(maxsplit=1)[0])
    begin = local(zones.split(maxsplit=1)[0], day, "00:00")
    found = []
    for start, end in hours.openings(place, begin, begin + 24 * 60 * MINUTE):
        times = [
            datetime.fromtimestamp(t / 1000, UTC).astimezone(zone) for t in (start, end)
        ]
        if times[0].date() == day:
            found.append("-".join(f"{t:%H:%M}" for t in times))
    return found


def clocks(openings: Iterable[Opening], zone: str, begin: int) -> list[str]:
    """Openings as a zone's clocks show them, cut at a day's ends."""
    end = begin + 24 * 60 * MINUTE
    return [
        "-".join(
            f"{datetime.fromtimestamp(at / 1000, tz.zone(zone)):%H:%M}"
            for at in (max(one.start, begin), min(one.end, end))
        )
        for one in openings
    ]


RULES = [
    # state, zone, Monday, Saturday, Sunday, Thanksgiving
    ("US-CO", "America/Denver", [*["08:00-21:00"] * 4]),
    ("US-AL", "America/Chicago", ["08:00-20:00", "08:00-20:00", "", ""]),
    ("US-CA", "America/Los_Angeles", [*["09:00-21:00"] * 4]),
    ("US-CT", "America/New_York", [*["09:00-20:00"] * 4]),
    ("US-FL", "America/New_York", [*["08:00-20:00"] * 4]),
    ("US-KY", "America/New_York", [*["10:00-21:00"] * 4]),
    ("US-LA", "America/Chicago", ["08:00-20:00", "08:00-20:00", "", ""]),
    ("US-MA", "America/New_York", [*["08:00-20:00"] * 4]),
    ("US-MD", "America/New_York", [*["08:00-20:00"] * 4]),
    ("US-MI", "America/Detroit", [*["09:00-21:00"] * 4]),
    ("US-MN", "America/Chicago", [*["09:00-21:00"] * 4]),
    ("US-MS", "America/Chicago", ["08:00-20:00", "08:00-20:00", "", ""]),
    ("US-NJ", "America/New_York", [*["08:00-20:00"] * 4]),
    ("US-NM", "America/Denver", [*["09:00-21:00"] * 4]),
    ("US-NV", "America/Los_Angeles", [*["09:00-20:00"] * 4]),
    ("US-OK", "America/Chicago", [*["08:00-20:00"] * 4]),
    ("US-OR", "America/Los_Angeles", [*["08:00-20:00"] * 4]),
    ("US-PA", "America/New_York", ["09:00-19:00", "09:00-12:00", "", ""]),
    ("US-RI", "America/New_York", ["09:00-18:00", "10:00-17:00", "", ""]),
    ("US-TX", "America/Chicago", ["09:00-21:00", "09:00-21:00", "12:00-21:00", "09:00-21:00"]),
    ("US-UT", "America/Denver", ["08:00-21:00", "08:00-21:00", "", ""]),
    ("US-WA", "America/Los_Angeles", [*["08:00-20:00"] * 4]),
    ("US-WY", "America/Denver", [*["08:00-20:00"] * 4]),
    ("PR", "America/Puerto_Rico", [*["09:00-21:00"] * 4]),
    ("GU", "Pacific/Guam", [*["08:00-21:00"] * 4]),
    ("CA", "America/Toronto", ["09:00-20:00", "10:00-18:00", "10:00-18:00", "09:00-20:00"]),
    ("FR", "Europe/Paris", ["08:00-22:00", "08:00-22:00", "", "08:00-22:00"]),
    ("JP", "Asia/Tokyo", [*["09:00-20:00"] * 4]),
]  # fmt: skip


@pytest.mark.parametrize(("where", "zone", "said"), RULES)
def test_each_rule_opens_and_closes_when_it_says(
    where: str, zone: str, said: list[str]
) -> None:
    """On a weekday, a Saturday, a Sunday and a holiday, in the person's own time."""
    found = [opened(where, zone, day) for day in (MON, SAT, SUN, HOLIDAY)]
    assert found == [one.split() for one in said]


def test_every_rule_of_the_pack_is_in_the_table() -> None:
    """A rule that is added gets its row."""
    named = {row[0] for row in RULES} | {"US", "*", "AS", "GU", "MP", "VI"}
    assert {one for rule in PACK.rules for one in rule.jurisdictions} <= named


BEGAN = [
    # state, zone, the last day before a version and the first of it, and their hours
    ("US-CT", "America/New_York", ("2023-09-30", "09:00-21:00"), ("2023-10-01", "09:00-20:00")),
    ("US-FL", "America/New_York", ("2021-06-30", "08:00-21:00"), ("2021-07-01", "08:00-20:00")),
    ("US-MD", "America/New_York", ("2023-12-31", "08:00-21:00"), ("2024-01-01", "08:00-20:00")),
    ("US-NJ", "America/New_York", ("2023-12-31", "08:00-21:00"), ("2024-01-01", "08:00-20:00")),
    ("US-OK", "America/Chicago", ("2022-10-31", "08:00-21:00"), ("2022-11-01", "08:00-20:00")),
    ("US-OR", "America/Los_Angeles", ("2025-12-31", "08:00-21:00"), ("2026-01-01", "08:00-20:00")),
    ("US-PA", "America/New_York", ("2026-10-11", "08:00-21:00"), ("2026-10-18", "")),
    ("US-PA", "America/New_York", ("2026-10-16", "08:00-21:00"), ("2026-10-19", "09:00-19:00")),
    ("US-PA", "America/New_York", ("2018-11-22", "08:00-21:00"), ("2020-11-26", "")),
]  # fmt: skip


@pytest.mark.parametrize(("where", "zone", "before", "after"), BEGAN)
def test_a_law_holds_from_its_first_day(
    where: str, zone: str, before: tuple[str, str], after: tuple[str, str]
) -> None:
    """Not a day earlier, and not from the day on which the pack begins."""
    for day, said in (before, after):
        whole = Hours(PACK, "us-marketing").openings
        begin = local(zone, date.fromisoformat(day), "00:00")
        found = whole(Place((where,), (zone,)), begin, begin + 24 * 60 * MINUTE)
        assert clocks(found, zone, begin) == said.split()


SHUT = [
    # a state, a day on which its law, or a vendor's list, has a holiday, and which
    ("US-AL", "2027-02-09", "Mardi Gras, in two counties"),
    ("US-AL", "2026-12-01", "Rosa Parks Day"),
    ("US-LA", "2027-01-08", "the Battle of New Orleans"),
    ("US-LA", "2027-08-30", "Huey P. Long Day"),
    ("US-LA", "2027-10-11", "Columbus Day"),
    ("US-LA", "2027-11-01", "All Saints"),
    ("US-PA", "2027-03-26", "Good Friday"),
    ("US-PA", "2027-06-14", "Flag Day"),
    ("US-PA", "2026-11-03", "Election Day"),
    ("US-RI", "2027-05-04", "Rhode Island's independence"),
    ("US-RI", "2031-05-05", "the same, the day after a Sunday"),
    ("US-RI", "2026-11-03", "Election Day"),
    ("US-RI", "2027-08-09", "Victory Day"),
    ("US-RI", "2028-01-03", "New Year's Day, the Monday after a Saturday"),
    ("US-UT", "2027-03-26", "Good Friday"),
    ("US-UT", "2026-06-15", "Juneteenth, the Monday before"),
    ("US-UT", "2027-07-23", "Pioneer Day, the Friday before"),
    ("FR", "2027-05-17", "Whit Monday"),
    ("FR", "2026-11-11", "the Armistice"),
]


@pytest.mark.parametrize(("where", "day", "called"), SHUT)
def test_holidays_are_those_of_the_law(where: str, day: str, called: str) -> None:
    """Also those on which the state's own offices work; on weekdays, all of them."""
    closed = date.fromisoformat(day)
    zone = "Europe/Paris" if where == "FR" else "America/Chicago"
    assert closed.weekday() < 5, called
    assert opened(where, zone, closed) == [], called
    assert opened(where, zone, closed + timedelta(days=35)) != [], called


DAYS = [
    # a day, where, zone, its openings, in UTC
    ("2026-03-07", "US-FL", "America/New_York", "13:00-01:00"),  # before the change
    ("2026-03-08", "US-FL", "America/New_York", "12:00-00:00"),  # 2:00 became 3:00
    ("2026-10-31", "US-FL", "America/New_York", "12:00-00:00"),
    ("2026-11-01", "US-FL", "America/New_York", "13:00-01:00"),  # 2:00 became 1:00
    ("2026-03-08", "US-AZ", "America/Phoenix", "15:00-04:00"),  # no summer time
    ("2026-07-08", "US-AZ", "America/Phoenix", "15:00-04:00"),
    ("2026-07-08", "US-HI", "Pacific/Honolulu", "18:00-07:00"),
    ("2028-02-29", "US-FL", "America/New_York", "13:00-01:00"),  # leap day
    ("2026-03-29", "JP", "Europe/London", "08:00-19:00"),  # London's day
    ("2026-10-25", "JP", "Europe/London", "09:00-20:00"),
    ("2026-04-05", "JP", "Australia/Lord_Howe", "22:30-09:30"),  # half an hour
]


@pytest.mark.parametrize(("day", "where", "zone", "utc"), DAYS)
def test_local_hours_become_moments(day: str, where: str, zone: str, utc: str) -> None:
    """On the days that clocks change, on a leap day, in zones where they never do."""
    begin = local(zone, date.fromisoformat(day), "00:00")
    place = Place((where,), (zone,))
    (one,) = Hours(PACK, "us-marketing").openings(
        place, begin + MINUTE, begin + 23 * 60 * MINUTE
    )
    times = [datetime.fromtimestamp(t / 1000, UTC) for t in one]
    assert "-".join(f"{t:%H:%M}" for t in times) == utc


EDGES = [
    # New York's clocks: 2026-03-08 2:00 → 3:00; 2026-11-01 2:00 → 1:00
    ((150, 300), date(2026, 3, 8), "03:30-05:00"),  # opens at a time that is not
    ((60, 150), date(2026, 3, 8), "01:00-01:30"),  # closes at one: the earlier
    ((90, 300), date(2026, 11, 1), "01:30-05:00"),  # opens at one of two: the later
    ((0, 90), date(2026, 11, 1), "00:00-01:30"),  # closes at one of two: the earlier
    ((135, 165), date(2026, 3, 8), ""),  # never comes
]


@pytest.mark.parametrize(("window", "day", "said"), EDGES)
def test_an_edge_that_is_two_moments_or_none_is_taken_narrowly(
    window: tuple[int, int], day: date, said: str
) -> None:
    """Where a clock is moved inside an edge, the window opens late and closes early."""
    found = opened(
        "US-WY", "America/New_York", day, profile="transactional", window=window
    )
    assert found == ([said] if said else [])
    if day.month == 11 and said:
        place = Place(("US-WY",), ("America/New_York",))
        begin = local("America/New_York", day, "00:00")
        hours = Hours(PACK, "transactional", window)
        (one,) = hours.openings(place, begin, begin + 20 * 60 * MINUTE)
        edges = {(90, 300): (6.5, 10), (0, 90): (4, 5.5)}[window]
        midnight = round(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
        assert one == tuple(midnight + hour * 60 * MINUTE for hour in edges)


MANY = [
    # An area code of Florida and an address in Georgia: both rules, both zones
    ("US-FL US-GA", "America/New_York America/Chicago", MON, "09:00-20:00"),
    ("US-FL US-CA", "America/New_York America/Los_Angeles", MON, "12:00-20:00"),
    # Texas' Sunday and Connecticut's; Rhode Island has none
    ("US-CT US-TX", "America/New_York", SUN, "12:00-20:00"),
    ("US-RI US-TX", "America/New_York", SUN, ""),
    # The state is not known: all of them, so never on a Sunday
    ("US", "America/New_York", SUN, ""),
    ("US", "America/New_York", SAT, "10:00-12:00"),
    ("US", "America/New_York", MON, "10:00-18:00"),
    ("US", "America/New_York America/Los_Angeles", MON, "13:00-18:00"),
    # Nothing is common to these
    ("JP", "Pacific/Honolulu Europe/Athens", MON, ""),
    ("US-FL", "", MON, ""),
]


@pytest.mark.parametrize(("where", "zones", "day", "said"), MANY)
def test_all_that_may_be_true_must_agree(
    where: str, zones: str, day: date, said: str
) -> None:
    """The window is the intersection over all places; unknown is never open."""
    if zones:
        assert opened(where, zones, day) == ([said] if said else [])
    else:
        place = Place((where,), ())
        assert (
            Hours(PACK, "us-marketing").next(place, local("UTC", day, "00:00")) is None
        )


PROFILES: list[tuple[Profile, tuple[int, int] | None, str]] = [
    ("us-marketing", None, "08:00-21:00"),
    ("us-strict", None, "10:00-18:00"),
    ("us-marketing", (9 * 60, 20 * 60), "09:00-20:00"),
    ("us-marketing", (6 * 60, 23 * 60), "08:00-21:00"),
    ("transactional", (6 * 60, 23 * 60), "06:00-23:00"),
    ("us-marketing", (21 * 60, 22 * 60), ""),
]


@pytest.mark.parametrize(("profile", "window", "said"), PROFILES)
def test_a_profile_chooses_the_rules_and_a_campaign_narrows_them(
    profile: Profile, window: tuple[int, int] | None, said: str
) -> None:
    """A campaign's window never opens what a rule closes, but for transactional ones."""
    found = opened("US-CO", "America/Denver", MON, profile=profile, window=window)
    assert found == ([said] if said else [])


def test_transactional_without_a_window_is_always_open() -> None:
    """Whatever the place, even one that nobody knows."""
    hours = Hours(PACK, "transactional")
    now = local("UTC", MON, "03:00")
    found = hours.next(Place((), ()), now)
    assert found is not None
    assert found.start <= now
    assert found.end - now > 30 * 24 * 60 * MINUTE


def test_the_next_opening_skips_closed_days_and_short_rests() -> None:
    """From Saturday evening in Alabama over Sunday and Labor Day to Tuesday."""
    hours, place = Hours(PACK, "us-marketing"), Place(("US-AL",), ("America/Chicago",))
    saturday, tuesday = date(2026, 9, 5), date(2026, 9, 8)
    late = local("America/Chicago", saturday, "19:59")
    now = hours.next(place, late)
    assert now == (
        local("America/Chicago", saturday, "08:00"),
        local("America/Chicago", saturday, "20:00"),
    )
    later = hours.next(place, late, least=2 * MINUTE)
    assert later == (
        local("America/Chicago", tuesday, "08:00"),
        local("America/Chicago", tuesday, "20:00"),
    )


def test_a_window_over_a_month_s_end_is_one() -> None:
    """Months are only how it is worked out: Auckland's evening is in UTC's last night."""
    hours = Hours(PACK, "us-marketing")
    place = Place(("JP",), ("Pacific/Honolulu",))  # 9 to 20 is 19 to 6 in UTC
    begin = local("UTC", date(2026, 1, 31), "20:00")
    (one,) = hours.openings(place, begin, begin + MINUTE)
    assert one.end - one.start == 11 * 60 * MINUTE


def test_days_without_a_closed_hour_are_one_opening() -> None:
    """Midnight is no edge."""
    hours, place = (
        Hours(PACK, "transactional", (0, 24 * 60)),
        Place((), ("Asia/Tokyo",)),
    )
    start, end = local("UTC", MON, "00:00"), local("UTC", date(2026, 12, 24), "00:00")
    (one,) = hours.openings(place, start, end)
    assert one.start < start
    assert one.end > end


ZONES = ["America/New_York", "America/Denver", "Europe/Berlin", "Asia/Kathmandu",
         "Australia/Lord_Howe", "America/Havana", "Pacific/Apia"]  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(
    st.sets(st.sampled_from(ZONES), min_size=1, max_size=3),
    st.integers(0, 23 * 60),
    st.integers(1, 60 * 12),
    st.integers(0, 2 * 365 * 24 * 60),
)
def test_every_moment_of_an_opening_is_inside_in_every_zone(
    zones: set[str], begin: int, length: int, at: int
) -> None:
    """Asked of the clocks themselves: each minute tried shows a time in the window."""
    window = (begin, min(begin + length, 24 * 60))
    hours = Hours(PACK, "transactional", window)
    now = local("UTC", date(2026, 1, 1), "00:00") + at * MINUTE
    found = hours.next(Place((), tuple(sorted(zones))), now)
    if found is None:
        return
    assert found.end > now
    for moment in (found.start, (found.start + found.end) // 2, found.end - 1):
        for zone in zones:
            wall = datetime.fromtimestamp(moment / 1000, tz.zone(zone))
            minutes = wall.hour * 60 + wall.minute
            assert window[0] <= minutes < window[1], (zone, wall)

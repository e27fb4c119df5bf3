"""When a run ends, who does not fit, and what would help."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.planning import load_campaign
from bulksend.prepare.cuts import best_cuts, texts_over
from bulksend.prepare.ends import NEVER, Ends
from bulksend.prepare.forecast import course
from bulksend.prepare.outflow import Lane, Queue, Rates
from bulksend.prepare.outlook import _Openings, _volumes, alike_from, outlook
from bulksend.prepare.remedies import remedies
from bulksend.prepare.volumes import Caps, FirstFew, Load, Volume
from bulksend.rules.hours import Hours, Opening
from bulksend.rules.pack import shipped_rules
from tests.prepare.planning import campaign, plan

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000
MINUTE = 60_000

WINDOWS = {
    "always": [(0, 10_000 * HOUR)],
    "nine to five": [(d * 24 * HOUR + 9 * HOUR, d * 24 * HOUR + 17 * HOUR) for d in range(60)],
    "noon": [(d * 24 * HOUR + 12 * HOUR, d * 24 * HOUR + 13 * HOUR) for d in range(60)],
    "never": [],
}  # fmt: skip


def opening(place: str, now: int) -> Opening | None:
    for start, end in WINDOWS[place]:
        if end - max(start, now) > MINUTE:
            return Opening(max(start, now), end)
    return None


def load(
    *volumes: tuple[str, int], rate: float = 1.0, start: int = 0, end: int | None = None
) -> Load:
    every = tuple(Volume(place, weight, weight) for place, weight in volumes)
    return Load(every, start, Ends(end), Rates(rate), opening)


COURSES = [
    # volumes · rate · from · to, in hours · idle hours
    ((("always", 3600),), 1.0, 0.0, 1.0, 0.0),
    ((("always", 7200),), 2.0, 0.0, 1.0, 0.0),
    ((("nine to five", 3600),), 1.0, 9.0, 10.0, 0.0),
    # noon's 59 minutes take everything; the rest of noon's comes on the next day
    ((("noon", 3600),), 1.0, 12.0, 24 + 12 + 1 / 60, 23 + 1 / 60),
    # who closes first goes first: nine to five is interrupted at noon
    ((("nine to five", 4 * 3600), ("noon", 1800)), 1.0, 9.0, 13.5, 0.0),
    ((("always", 3600), ("nine to five", 3600)), 1.0, 0.0, 10.0, 8.0),
]


@pytest.mark.parametrize(("volumes", "rate", "begins", "ends", "idle"), COURSES)
def test_a_run_flows_through_its_windows(
    volumes: tuple[tuple[str, int], ...],
    rate: float,
    begins: float,
    ends: float,
    idle: float,
) -> None:
    """Rate, windows, and who goes first decide when it ends."""
    goes = course(load(*volumes, rate=rate))
    assert goes.begins is not None
    assert goes.ends is not None
    found = [goes.begins / HOUR, goes.ends / HOUR, goes.idle_ms / HOUR]
    # The last one takes no time, and after a pause a few leave at once: seconds.
    assert found == pytest.approx([begins, ends, idle], abs=5 / 3600)
    assert goes.left == 0


def test_who_does_not_fit_is_told_with_the_reason() -> None:
    """A window after the end, and a rate that does not suffice before it."""
    goes = course(load(("always", 7200), ("nine to five", 600), ("never", 5), end=HOUR))
    assert goes.too_late == {"nine to five": 600, "never": 5}
    assert goes.too_many["always"] == pytest.approx(7200 - 3540, abs=2)


@pytest.mark.parametrize(
    ("rate", "weight", "caps", "sent", "idle"),
    [
        (1.0, 10_000_000, Caps(), 60 * 24 * 3600, 0),  # four months of it
        (1 / 60, 100_000, Caps(), 60 * 24 * 60, 0),
        (1.0, 30_000, Caps(per_minute=2), 0, 0),  # less than a message: never
    ],
)
def test_what_takes_longer_than_is_looked_ahead_is_told(
    rate: float, weight: int, caps: Caps, sent: int, idle: int
) -> None:
    """After two months no more is looked at, and whoever is left is counted."""
    size = 3 if caps.per_minute else 1
    volumes = (Volume("always", weight, weight // size, "att"),)
    goes = course(Load(volumes, 0, NEVER, Rates(rate), opening, caps))
    assert goes.left == pytest.approx(weight // size - sent, abs=100)
    assert (goes.idle_ms, goes.last) == (idle, 60 * 24 * HOUR - MINUTE)


def test_a_minute_that_is_never_full_holds_nobody_up() -> None:
    """An hour of AT&T's at half the rate, and then the rest of them at all of it."""
    volumes = (
        Volume("always", 360, 360, "att", "0.1/s"),
        Volume("always", 360, 360, "", "0.2/s"),
        Volume("noon", 690, 690, "att", "0.2/s"),
    )
    rates = Rates(0.3, {"0.1/s": Lane(0.1), "0.2/s": Lane(0.2)})
    some = Load(volumes, 11 * HOUR, NEVER, rates, opening, Caps(per_minute=13))
    goes = course(some)
    assert goes.left == 0
    assert goes.ends == pytest.approx(12 * HOUR + 690 / 0.2 * 1000, abs=MINUTE)


def test_a_wait_after_which_nothing_comes_is_no_part_of_it() -> None:
    """The first few are all, so their receipts are waited for in vain."""
    all_first = replace(load(("noon", 60)), first=FirstFew(60, 2 * HOUR))
    goes = course(all_first)
    assert goes.ends == pytest.approx(12 * HOUR + 59_000, abs=2_000)
    assert goes.idle_ms == 0


def test_the_smallest_change_that_lets_everybody_in_is_named() -> None:
    """Twelve minutes of work in a window that is ten minutes too short."""
    short = load(("nine to five", 1800), start=16 * HOUR + 40 * MINUTE, end=17 * HOUR)
    short = replace(short, volumes=(short.volumes[0]._replace(saved=900),))
    assert course(short).left == pytest.approx(1800 - 1140, abs=1)
    named = {one.change: one for one in remedies(short, course(short), cut=4)}
    earlier = named["start 11 min earlier"]
    assert earlier.fits == course(short).left
    faster = next(one for change, one in named.items() if "segments/s more" in change)
    assert faster.fits == earlier.fits
    assert faster.change == "send 0.6 segments/s more"
    assert named["shorten the text by 4 characters"].fits == earlier.fits


def test_a_change_that_hardly_helps_is_not_named() -> None:
    """Most come too late at any rate: to send much faster for a few is no advice."""
    late = load(("noon", 6000), ("always", 3542), end=1 * HOUR)
    assert course(late).too_many == {"always": 1}
    assert remedies(late, course(late)) == []


@pytest.mark.parametrize("end", [None, HOUR, 30 * HOUR])
def test_a_run_whose_carrier_takes_no_more_before_its_end_is_told(
    end: int | None,
) -> None:
    """The day's cap is used up, and nothing else is left: those rows do not fit."""
    volumes = (Volume("always", 500, 500, "t_mobile"), Volume("noon", 9, 9, "att"))
    caps, queue = Caps(per_day=100, per_minute=5, used=100), Queue(2.0, 1800.0)
    goes = course(Load(volumes, 0, Ends(end), Rates(5.0), opening, caps, queue))
    assert goes.left == {None: 0, HOUR: 509, 30 * HOUR: 400}[end]


def test_whom_a_carrier_leaves_is_told_apart_from_whom_the_rate_does() -> None:
    """T-Mobile's day, then AT&T's minute: at any rate they would be left."""
    day = Caps(per_day=100)
    ends = Ends(stops=HOUR)
    many = (Volume("always", 500, 500, "t_mobile"), Volume("always", 99, 99))
    goes = course(Load(many, 0, ends, Rates(5.0), opening, day))
    assert (goes.over_caps, goes.too_many) == ({"always": 400}, {})
    minute = Caps(per_minute=5)
    many = (Volume("always", 500, 500, "att"), Volume("always", 99, 99))
    goes = course(Load(many, 0, ends, Rates(5.0), opening, minute))
    assert goes.over_caps["always"] == pytest.approx(500 - 5 * 3600 / 61, abs=6)
    assert goes.too_many == {}
    goes = course(Load(many, 0, ends, Rates(0.05), opening, day))
    assert goes.over_caps == {}
    assert goes.left == pytest.approx(599 - 180, abs=3)


@pytest.mark.parametrize(
    ("life", "expires"), [(120.0, 13_500), (900.0, 0), (901.0, 0), (inf, 0)]
)
def test_what_lives_too_short_for_the_queue_is_told(life: float, expires: int) -> None:
    """50 a second in, 10 out: after 30 s all wait longer than two minutes."""
    queue = Queue(10.0, 9_000.0)
    every = (Volume("always", 15_000, 15_000),)
    some = Load(every, 0, NEVER, Rates(50.0), opening, queue=queue, life=life)
    assert course(some).expires == pytest.approx(expires, abs=20)


def test_a_full_queue_stays_full_however_its_rate_is_shared_out() -> None:
    """Shares of 150 a second sum up to a little more: time goes on all the same."""
    names = [f"{rate}/s" for rate in range(3, 23)]
    rates = Rates(200.0, {name: Lane(float(name[:-2])) for name in names})
    volumes = tuple(Volume("always", 40_000, 40_000, "", name) for name in names)
    queue = Queue(150.0, 1_000.0)
    goes = course(Load(volumes, 0, NEVER, rates, opening, queue=queue))
    assert goes.ends == pytest.approx(40_000 / 3 * 1000, rel=0.01)


def test_a_slow_sender_holds_up_its_own_messages_alone() -> None:
    """A thousand of each in ten minutes, one of them at one a second: it lacks 460."""
    slow = Volume("always", 1000, 1000, "", "1/s")
    rates = Rates(20.0, {"1/s": Lane(1.0)})
    volumes = (slow, Volume("always", 1000, 1000))
    some = Load(volumes, 0, Ends(10 * MINUTE), rates, opening)
    assert course(some).left == pytest.approx(460, abs=2)
    changes = [one.change for one in remedies(some, course(some))]
    assert changes[0].startswith("raise `send.per_sender` by ")
    assert not any("segments/s more" in one for one in changes)  # it would not help


def changed(some: Load, change: str) -> Load:
    """A run with a change that was advised, as it is written."""
    if found := re.fullmatch(r"send ([0-9.,]+) segments/s more", change):
        more = float(found[1].replace(",", ""))
        account = some.rates.account + more
        return replace(some, rates=some.rates._replace(account=account))
    if found := re.fullmatch(r"raise `send.per_sender` by ([0-9,]+) %", change):
        times = 1 + int(found[1].replace(",", "")) / 100
        return replace(some, rates=some.rates.times(1.0, times))
    if found := re.fullmatch(
        r"raise `send.rate` and `send.per_sender` by ([0-9,]+) %", change
    ):
        times = 1 + int(found[1].replace(",", "")) / 100
        return replace(some, rates=some.rates.times(times, times))
    found = re.fullmatch(r"start (?:([0-9]+) h ?)?(?:([0-9]+) min )?earlier", change)
    assert found, change
    minutes = 60 * int(found[1] or 0) + int(found[2] or 0)
    return replace(some, start=some.start - minutes * MINUTE)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_promised_is_what_comes_of_it(seed: int) -> None:
    """Each change that is named, as it is written, lets in as many as it says."""
    rng = Random(seed)
    lanes = {name: Lane(rng.uniform(1, 9)) for name in "abc"[: rng.randrange(4)]}
    rates = Rates(rng.uniform(1, 20), lanes, rng.choice((0.0, 300.0)))
    volumes = tuple(
        Volume(place, rows * weight, rows, carrier, lane)
        for place in rng.sample(["always", "noon", "nine to five"], 2)
        for carrier in rng.sample(["", "t_mobile", "att", "unknown"], 2)
        for lane in ("", *lanes)
        for rows, weight in [(rng.randrange(100, 2000), rng.choice((1, 2)))]
    )
    caps = Caps(rng.choice((0, 900)), rng.choice((0, 90)))
    start = 24 * HOUR + rng.randrange(9, 13) * HOUR
    ends = Ends(stops=start + rng.randrange(10, 200) * MINUTE)
    queue = rng.choice((None, Queue(rates.account * 0.7, 400.0)))
    some = Load(volumes, start, ends, rates, opening, caps, queue)
    goes = course(some)
    for one in remedies(some, goes):
        assert goes.left - course(changed(some, one.change)).left == one.fits


def test_no_start_is_advised_that_has_another_end(tmp_path: Path) -> None:
    """At two in the night a run until ten cannot begin on the day before: it ended then."""
    people = "phone\n" + "".join(f"919234{n:04}\n" for n in range(2_000))
    send: dict[str, Any] = {"rate": "0.05/s", "not_after": "10:00 America/New_York"}
    send["rules"] = {"profile": "transactional", "because": "they asked for it"}
    checked = plan(tmp_path, people, send=send)
    loaded = load_campaign(campaign(tmp_path, send=send))
    now = round(datetime(2026, 9, 14, 6, tzinfo=UTC).timestamp() * 1000)
    found = outlook(checked.plan, loaded.campaign, now=now)
    assert found.course is not None
    (earlier,) = (one for one in found.remedies if "earlier" in one.change)
    assert earlier.change == "start 2 h earlier"
    assert earlier.fits == pytest.approx(2 * 3600 * 0.05, abs=2)


def test_no_start_is_advised_on_another_day_of_t_mobiles() -> None:
    """At eleven in the night of the 1st (UTC) all is used: on the day before it was not."""
    volumes = (Volume("always", 500, 500, "t_mobile"),)
    start, stops = 23 * HOUR, Ends(stops=30 * HOUR)
    used = Load(volumes, start, stops, Rates(5.0), opening, Caps(100, used=100))
    assert course(used).over_caps == {"always": 500}
    assert remedies(used, course(used)) == []
    fresh = replace(used, caps=Caps(100))
    (one,) = remedies(fresh, course(fresh))
    assert one.fits == 100


def test_an_account_as_fast_as_its_senders_is_raised_with_them() -> None:
    """Two senders at one a second each, an account at two: neither helps alone."""
    rates = Rates(2.0, {"1/s": Lane(2.0, 2.0)})
    volumes = (Volume("always", 2400, 2400, "", "1/s"),)
    some = Load(volumes, 0, Ends(stops=10 * MINUTE), rates, opening)
    goes = course(some)
    assert goes.left == pytest.approx(1200, abs=3)
    changes = [one.change for one in remedies(some, goes)]
    assert "raise `send.rate` and `send.per_sender` by 100 %" in changes
    assert not any("segments/s more" in one for one in changes)


def test_shorter_texts_end_earlier() -> None:
    """Where everybody fits, what a cut saves is minutes."""
    long = load(("always", 7200))
    volumes = (long.volumes[0]._replace(saved=2280),)
    long = replace(long, volumes=volumes)
    (one,) = remedies(long, course(long), cut=4)
    assert one == ("shorten the text by 4 characters", 0, 38)


def test_the_cut_that_saves_most_is_found(tmp_path: Path) -> None:
    """Texts of 164 characters lose a segment with 4 less; one of 300 would need 140."""
    texts = ["x" * 164] * 5 + ["y" * 160] + ["z" * 300] + ["é" * 75]
    people = pl.DataFrame({"phone": [f"919234567{n}" for n in range(8)], "text": texts})
    checked = plan(tmp_path, people, message={"text": "{{ text }}"})
    assert best_cuts(texts_over(checked.plan.open_rows())) == [(4, 5)]


def test_check_knows_when_a_plan_would_end(tmp_path: Path) -> None:
    """From Sunday evening in New York: people of North Carolina on Monday at nine."""
    people = "phone\n" + "".join(f"919234{n:04}\n" for n in range(600))
    send = {"rate": "1/s", "window": {"from": "09:00", "to": "20:00"}}
    checked = plan(tmp_path, people, send=send)
    loaded = load_campaign(campaign(tmp_path, send=send))
    now = round(datetime(2026, 9, 14, 2, tzinfo=UTC).timestamp() * 1000)
    found = outlook(checked.plan, loaded.campaign, now=now)
    assert found.course is not None
    assert found.course.begins == now + 11 * HOUR
    ends = now + 11 * HOUR + 10 * MINUTE
    assert found.course.ends == pytest.approx(ends, abs=3_000)
    (place,) = found.places
    assert (place.place, place.rows, place.rules) == (
        "number US-NC America/New_York",
        600,
        ("us-federal",),
    )


def merged(load: Load, hours: Hours) -> tuple[Volume, ...]:
    found = pl.DataFrame(load.volumes, schema=Volume._fields, orient="row")
    begin, last = load.start - 24 * HOUR, round(load.last)
    number = alike_from(found["place"], hours, begin, last)
    return _volumes(found, load.caps, pl.lit(pl.Series(number)))


@pytest.mark.parametrize("hours", [None, 6, 30, 24 * 9])
def test_places_as_one_flow_end_when_each_by_itself_would(hours: int | None) -> None:
    """A holiday far behind the end tells no places apart; carriers' caps always do."""
    rng, names = Random(7), ("US-NC", "US-TX", "US-LA", "US-AL", "US-UT", "US-FL")
    zones = ("America/New_York", "America/Chicago", "America/Denver")
    now = round(datetime(2026, 11, 24, 13, tzinfo=UTC).timestamp() * 1000)
    volumes = tuple(
        Volume(f"number {name} {zone}", 2 * (rows := rng.randrange(50, 500)), rows, *on)
        for name in names
        for zone in zones
        for on in (("t_mobile", ""), ("att", ""), ("verizon", "1/s"), ("", "1/s"))
    )
    known = Hours(shipped_rules(), "us-marketing")
    caps, rates = Caps(20_000, 100), Rates(5.0, {"1/s": Lane(1.0)})
    ends = Ends(stops=None if hours is None else now + hours * HOUR)
    apart = Load(volumes, now, ends, rates, _Openings(known, now), caps)
    together = replace(apart, volumes=merged(apart, known))
    one, other = course(apart), course(together)
    assert len(together.volumes) <= len(volumes) * 3 / 4
    assert one.left == pytest.approx(other.left, rel=0.005)
    assert one.ends is not None
    assert other.ends is not None
    assert one.ends - now == pytest.approx(other.ends - now, rel=0.005)

"""A plan's forecast: when it would end, who would not fit, what would help.

The plan is read once and narrowly; everything else is `forecast`'s.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.prepare.cuts import best_cuts, texts_over
from bulksend.prepare.ends import NEVER, ends_of, life_of
from bulksend.prepare.forecast import course
from bulksend.prepare.outflow import Lane, Queue, Rates
from bulksend.prepare.plan import CARRIER
from bulksend.prepare.remedies import remedies
from bulksend.prepare.timing import plan_hours
from bulksend.prepare.volumes import (
    DAY,
    HORIZON_DAYS,
    UNCAPPED,
    Caps,
    FirstFew,
    Load,
    Volume,
    last_of,
    shared_out,
)
from bulksend.rules.hours import LEAST_LIFE_MS, LOOK_AHEAD_DAYS, Hours, Opening
from bulksend.rules.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bulksend.define.campaign import Campaign
    from bulksend.define.halting import Canary
    from bulksend.prepare.forecast import Course
    from bulksend.prepare.plan import Plan
    from bulksend.prepare.remedies import Remedy

ALWAYS_MS = 100 * 366 * DAY
QUEUE_SECONDS = 900
"""Bandwidth holds a quarter of an hour of its rate."""

SHOWN_PLACES = 5
_WEIGHTS = ("weight", "saved")


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a plan would go if it were begun now.

    Args:
        course: None where there is nothing to send.

        places: The places with most people: the first opening of each, in order.
    """

    course: Course | None
    remedies: tuple[Remedy, ...]
    places: tuple[PlaceHours, ...]

    def as_dict(self) -> dict[str, Any]:
        said = asdict(self)
        return said | {"remedies": [one._asdict() for one in self.remedies]}


@dataclass(frozen=True, slots=True)
class PlaceHours:
    """People who may be at one place, when they may be texted next, and by which rules."""

    place: str
    rows: int
    opens: int | None
    closes: int | None
    rules: tuple[str, ...]


def place_hours(hours: Hours, place: str, rows: int, at: int) -> PlaceHours:
    """The window that is open at a moment, or comes next, with the rules that make it."""
    there = Place.parse(place)
    rules = tuple(rule.id for rule in hours.rules(there))
    opens, closes = hours.next(there, at) or (None, None)
    return PlaceHours(place, rows, opens, closes, rules)


def outlook(  # noqa: PLR0913  (what a forecast is asked)
    plan: Plan,
    campaign: Campaign,
    *,
    now: int,
    used: int = 0,
    left: int | None = None,
    closed: pl.Series | None = None,
    first: Callable[[int], FirstFew | None] | None = None,
) -> Outlook:
    """Forecast a run of *plan* that begins at *now*.

    Args:
        used: Segments that T-Mobile's day has taken already.

        left: How many of its messages are still to be sent, of each place its share; None
            is all.

        closed: Rows that are over, where it is known which: windows close one after the
            other, and so what is left of a run is no share of each place.

        first: What goes first of so many messages; None: as of a run that was not begun.
    """
    hours = plan_hours(plan)
    opening = _always if hours is None else _Openings(hours, now)
    keys = _keys(campaign)
    over = texts_over(plan.open_rows(closed), *keys)
    cuts = best_cuts(over) if not campaign.message.media else []
    over = over.filter(pl.col("over") <= (cuts[0][0] if cuts else 0))
    found, rates = _counted(plan.open_rows(closed), campaign, keys, over)
    if left is not None:
        found = _left_of(found, left)
    if not len(found):
        return Outlook(None, (), ())
    carriers, dequeue = campaign.send.carriers, campaign.send.dequeue
    caps, queue = UNCAPPED, None
    if carriers is not None:
        day, minute = carriers.t_mobile_per_day or 0, carriers.att_per_minute or 0
        caps = Caps(day, minute, used)
    if dequeue is not None:
        holds = dequeue.per_second * QUEUE_SECONDS
        queue = Queue(dequeue.per_second, holds)
    ends, life = ends_of(campaign, now), life_of(campaign)
    alike = pl.lit(0)
    if hours is not None:
        every = found["place"].unique().sort()
        number = alike_from(every, hours, now - DAY, round(last_of(now, ends)))
        alike = pl.col("place").replace_strict(every, number)
    volumes = _volumes(found, caps, alike)
    first = first or partial(first_few, campaign.send.canary)
    few = first(int(found["rows"].sum()))
    load = Load(volumes, now, ends, rates, opening, caps, queue, few, life)
    goes = course(load)
    cut = cuts[0][0] if cuts else 0
    shown = () if hours is None else _where_most_are(found, hours, opening, now)
    helps = remedies(load, goes, cut=cut, ends=partial(ends_of, campaign))
    return Outlook(goes, tuple(helps), shown)


def _where_most_are(
    found: pl.DataFrame,
    hours: Hours,
    opening: Callable[[str, int], Opening | None],
    now: int,
) -> tuple[PlaceHours, ...]:
    people = found.group_by("place").agg(pl.col("rows").sum())
    most = people.sort("rows", "place", descending=[True, False]).head(SHOWN_PLACES)
    shown = []
    for place, rows in most.iter_rows():
        rules = tuple(rule.id for rule in hours.rules(Place.parse(place)))
        opens, closes = opening(place, now) or (None, None)
        shown.append(PlaceHours(place, rows, opens, closes, rules))
    return tuple(shown)


def _always(word: str, moment: int) -> Opening:  # noqa: ARG001
    return Opening(moment, moment + ALWAYS_MS)


class _Openings:
    """The openings of a place's word: found as far as they are asked for, and kept.

    A forecast is played again and again, and asks from a day earlier on.
    """

    def __init__(self, hours: Hours, now: int) -> None:
        self._hours = hours
        self._from = now - DAY - LEAST_LIFE_MS
        self._until = now + (HORIZON_DAYS + LOOK_AHEAD_DAYS) * DAY
        self._known: dict[str, list[Opening]] = {}
        self._rest: dict[str, Iterator[Opening]] = {}

    def __call__(self, word: str, moment: int) -> Opening | None:
        known = self._known.get(word)
        if known is None:
            place = Place.parse(word)
            known = self._known[word] = []
            self._rest[word] = self._hours.openings(place, self._from, self._until)
        at = bisect_right(known, moment + LEAST_LIFE_MS, key=_end)
        while True:
            if at == len(known):
                more = next(self._rest[word], None)
                if more is None:
                    return None
                known.append(more)
            one = known[at]
            if one.end - max(one.start, moment) > LEAST_LIFE_MS:
                return one
            at += 1


def _end(one: Opening) -> int:
    return one.end


def alike_from(places: Iterable[str], hours: Hours, begin: int, last: int) -> list[int]:
    """A number for each place: the same for those that have the same openings until *last*.

    What is behind the end of a run tells no places apart that it comes to.
    """
    by_openings: dict[tuple[Opening, ...], int] = {}
    by_key: dict[object, int] = {}
    numbers = []
    for word in places:
        place = Place.parse(word)
        key = hours.alike(place, begin, last)
        if key not in by_key:
            found = hours.openings(place, begin, last)
            seen = tuple(Opening(max(start, begin), end) for start, end in found)
            by_key[key] = by_openings.setdefault(seen, len(by_openings))
        numbers.append(by_key[key])
    return numbers


def first_few(canary: Canary | None, messages: int) -> FirstFew | None:
    """What goes first of so many messages, as a forecast plays it."""
    size = 0 if canary is None else canary.size(messages)
    return FirstFew(size, wait_ms_of(canary)) if canary is not None and size else None


def wait_ms_of(canary: Canary) -> int:
    return round(canary.wait.total_seconds() * 1000)


def _keys(campaign: Campaign) -> list[pl.Expr]:
    """By what a plan's rows are counted: place, sender and carrier."""
    carrier = CARRIER if campaign.send.carriers else pl.lit("").alias("carrier")
    return [pl.col("place"), pl.col("from"), carrier]


def _in_words(counted: pl.DataFrame) -> pl.DataFrame:
    """Places as words: a category is counted sooner, and joined with no other frame's."""
    return counted.with_columns(pl.col(pl.Categorical).cast(pl.String).fill_null(""))


def _counted(
    rows: pl.LazyFrame, campaign: Campaign, keys: Sequence[pl.Expr], over: pl.DataFrame
) -> tuple[pl.DataFrame, Rates]:
    """What goes to each place, by lane and carrier, and the rates at which it leaves.

    Args:
        over: Texts that a cut would make a segment shorter, with their *keys*.
    """
    found = (
        rows.group_by(keys)
        .agg(
            pl.col("pace_weight").cast(pl.Int64).sum().alias("weight"),
            rows=pl.len().cast(pl.Int64),
        )
        .collect(engine="streaming")
    )
    senders = found.group_by("from").agg(pl.col("weight").sum())
    rates, lane_of = rates_of(campaign, senders.iter_rows())
    names = ["place", "from", "carrier"]
    saved = _in_words(over.group_by(names).agg(saved=pl.col("texts").sum()))
    counted = (
        _in_words(found)
        .join(saved, on=names, how="left")
        .with_columns(
            pl.col("saved").fill_null(0).cast(pl.Int64),
            lane=pl.col("from").replace_strict(lane_of, default=""),
        )
    )
    return counted, rates


def _volumes(found: pl.DataFrame, caps: Caps, alike: pl.Expr) -> tuple[Volume, ...]:
    """Places that nothing tells apart while the run goes are one flow, named by the first.

    Args:
        alike: The same for places with the same hours; of carriers counts which caps
            hold them up.
    """
    carriers = found["carrier"].unique().to_list()
    holding = [2 * day + minute for day, minute in map(caps.holding, carriers)]
    held = pl.col("carrier").replace_strict(carriers, holding)
    flows = (
        found.group_by(alike.alias("alike"), held.alias("held"), "lane")
        .agg(pl.col("place", "carrier").min(), pl.col("weight", "rows", "saved").sum())
        .select("place", "weight", "rows", "carrier", "lane", "saved")
        .sort("place", "carrier", "lane")
    )
    return tuple(Volume(*row) for row in flows.iter_rows())


def rates_of(
    campaign: Campaign, weights: Iterable[tuple[str, int]]
) -> tuple[Rates, dict[str, str]]:
    """The pace of a campaign of which each sender sends so much, and each one's lane.

    Senders with the same pace are one lane, which is through when the one is that has
    most to do.
    """
    send = campaign.send
    own = send.rates(campaign.senders)
    ramp = send.ramp.total_seconds() if send.ramp else 0.0
    lane_of = {name: f"{rate:g}/s" for name, rate in own.items()}
    sums: dict[str, tuple[float, int, int]] = {}
    for name, much in weights:
        if lane := lane_of.get(name):
            _, total, most = sums.get(lane, (0.0, 0, 0))
            sums[lane] = own[name], total + much, max(most, much)
    lanes = {
        name: Lane(rate * total / most, total / most)
        for name, (rate, total, most) in sums.items()
        if most
    }
    return Rates(send.rate.per_second, lanes, ramp), lane_of


def at_any_hour(
    campaign: Campaign, rows: int, weights: Sequence[tuple[str, int]]
) -> float:
    """Seconds from the first message to the last, where nobody's hours are asked for.

    Args:
        weights: What each sender sends.
    """
    rates, lane_of = rates_of(campaign, weights)
    sums: dict[str, int] = {}
    for name, much in weights:
        sums[lane_of.get(name, "")] = sums.get(lane_of.get(name, ""), 0) + much
    few = shared_out(rows, list(sums.values()))
    volumes = tuple(
        Volume(lane, much, max(some, 1), "", lane)
        for (lane, much), some in zip(sums.items(), few, strict=True)
        if much
    )
    first = first_few(campaign.send.canary, sum(one.rows for one in volumes))
    load = Load(volumes, 0, NEVER, rates, _always, first=first, ahead=ALWAYS_MS)
    goes = course(load)
    return ((goes.ends or 0) - (goes.begins or 0)) / 1000


def _left_of(found: pl.DataFrame, left: int) -> pl.DataFrame:
    few = pl.Series("rows", shared_out(left, found["rows"].to_list()))
    share = few / found["rows"]
    return found.with_columns(
        few, *((pl.col(name) * share).round().cast(pl.Int64) for name in _WEIGHTS)
    ).filter(pl.col("rows") > 0)

"""What would make the rows fit that do not, or the run end earlier: the least of each.

Pure: each change is a run that is played again (`forecast.course`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from bulksend.prepare.forecast import MINUTE, course
from bulksend.rules.carriers import pacific_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.prepare.ends import Ends
    from bulksend.prepare.forecast import Course
    from bulksend.prepare.outflow import Rates
    from bulksend.prepare.volumes import Load

MOST_TIMES = 1_000
"""So many times as fast is all that is tried."""

EARLIER = (*range(1, 15), *range(15, 60, 5), *range(60, 24 * 60 + 1, 15))
"""Minutes: nobody starts ten hours and seventeen minutes earlier."""

FEW = 0.01
"""A share that does not decide what is worth while."""


class Remedy(NamedTuple):
    """A change, and what it brings: rows that fit more, minutes that it ends earlier."""

    change: str
    fits: int
    minutes: int


def remedies(
    load: Load,
    now: Course,
    *,
    cut: int = 0,
    ends: Callable[[int], Ends] | None = None,
) -> list[Remedy]:
    """The smallest changes that make all rows fit; else those that help most.

    Args:
        now: How it goes without them.

        cut: Characters less in the text, which save what each volume says.

        ends: When it is over, where that depends on when it begins.
    """
    found = [
        one
        for one in (
            _earlier(load, now, ends),
            *_faster(load, now),
            _shorter(load, now, cut),
        )
        if one is not None and (one.fits or one.minutes)
    ]
    return sorted(found, key=lambda one: (-one.fits, -one.minutes))


def _gain(before: Course, after: Course, change: str) -> Remedy:
    minutes = 0
    if before.ends is not None and after.ends is not None and not after.left:
        minutes = max(0, round((before.ends - after.ends) / MINUTE))
    return Remedy(change, before.left - after.left, minutes)


def _earlier(
    load: Load, now: Course, ends: Callable[[int], Ends] | None
) -> Remedy | None:
    """The least earlier start that lets in nearly all who can be.

    On the day before, an end that is a time of day comes a day earlier too, and of
    T-Mobile's day another part was used: no such start is named.
    """
    today = pacific_day(load.start)

    def start(minutes: int) -> int:
        return load.start - minutes * MINUTE

    same = [
        one
        for one in EARLIER
        if (ends is None or ends(start(one)) == load.ends)
        and (not load.caps.used or pacific_day(start(one)) == today)
    ]
    if not now.left or not same:
        return None

    @cache
    def tried(minutes: int) -> Course:
        return course(replace(load, start=start(minutes)))

    minutes = _enough(now, same, tried)
    if minutes is None:
        return None
    return _gain(now, tried(minutes), f"start {_spell(minutes)} earlier")


def _faster(load: Load, now: Course) -> list[Remedy]:
    """The least rates that let in nearly all who can be: of the account, or of senders.

    Where the account's is what its senders' are together, neither helps alone.
    """
    if not now.too_many:
        return []
    account, rates = load.rates.account, load.rates

    def of_account(tenths: int) -> Rates:
        return rates.times(1 + tenths / 10 / account, 1.0)

    def of_senders(percent: int) -> Rates:
        return rates.times(1.0, 1 + percent / 100)

    def of_all(percent: int) -> Rates:
        return rates.times(1 + percent / 100, 1 + percent / 100)

    tenths = _round_numbers(ceil(account * MOST_TIMES * 10))

    def more(tenths: int) -> str:
        much = f"{tenths / 10:,.1f}".removesuffix(".0")
        return f"send {much} segments/s more"

    if not rates.lanes:
        return _raised(load, now, tenths, of_account, more)
    percents = _round_numbers(100 * MOST_TIMES)
    at_most = now.left - course(replace(load, rates=of_all(percents[-1]))).left
    if at_most <= FEW * now.left:
        return []
    alone = [
        *_raised(load, now, tenths, of_account, more),
        *_raised(load, now, percents, of_senders, _raise("`send.per_sender`")),
    ]
    if max((one.fits for one in alone), default=0) >= (1 - FEW) * at_most:
        return alone
    both = _raise("`send.rate` and `send.per_sender`")
    return [*_raised(load, now, percents, of_all, both), *alone]


def _raise(keys: str) -> Callable[[int], str]:
    return lambda percent: f"raise {keys} by {percent:,} %"


def _raised(
    load: Load,
    now: Course,
    efforts: Sequence[int],
    rates: Callable[[int], Rates],
    change: Callable[[int], str],
) -> list[Remedy]:
    """What the least of these *efforts* brings, which *change* puts into words."""

    @cache
    def tried(effort: int) -> Course:
        return course(replace(load, rates=rates(effort)))

    effort = _enough(now, efforts, tried)
    if effort is None:
        return []
    return [_gain(now, tried(effort), change(effort))]


def _round_numbers(most: int) -> Sequence[int]:
    """Up to *most*, and that; each is one more than the last, or 5 % of it at most."""
    found = [1]
    while (last := found[-1]) < most:
        step = 1 if last < 100 else 5 * 10 ** (len(str(last)) - 3)
        found.append(min(most, last + step))
    return found


def _enough(
    now: Course, efforts: Sequence[int], tried: Callable[[int], Course]
) -> int | None:
    """The least effort that brings what the last one brings; None where that is nothing.

    Where not all can be let in, the last few of those who can are not worth a much
    greater effort, and a few in all are worth none.
    """
    best = tried(efforts[-1]).left
    spared = 0 if not best else round(FEW * (now.left - best))
    if now.left - best <= FEW * now.left:
        return None
    return efforts[
        bisect_left(efforts, True, key=lambda one: tried(one).left <= best + spared)
    ]


def _shorter(load: Load, now: Course, cut: int) -> Remedy | None:
    if not cut:
        return None
    volumes = tuple(
        one._replace(weight=max(1, one.weight - one.saved)) for one in load.volumes
    )
    some = "1 character" if cut == 1 else f"{cut} characters"
    after = course(replace(load, volumes=volumes))
    return _gain(now, after, f"shorten the text by {some}")


def _spell(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{minutes} min"] if minutes or not hours else parts)

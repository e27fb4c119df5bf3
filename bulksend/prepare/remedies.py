"""What would make the rows fit that do not, or the run end earlier: the least of each.

Pure: each change is a run that is played again (`forecast.course`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bulksend.prepare.forecast import MINUTE, course

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.prepare.forecast import Course, Load

FEW = 0.01
"""A share that does not decide what is worth while."""


class Remedy(NamedTuple):
    """A change, and what it brings: rows that fit more, minutes that it ends earlier."""

    change: str
    fits: int
    minutes: int


def remedies(load: Load, *, cuts: Sequence[tuple[int, int]] = ()) -> list[Remedy]:
    """The smallest changes that make all rows fit; else those that help most.

    Args:
        cuts: Characters less in the text, and the segments that they save.
    """
    now = course(load)
    found = [
        one
        for one in (
            _earlier(load, now),
            _faster(load, now),
            *(_shorter(load, now, cut) for cut in cuts),
        )
        if one is not None and (one.fits or one.minutes)
    ]
    return sorted(found, key=lambda one: (-one.fits, -one.minutes))


def _gain(before: Course, after: Course, change: str) -> Remedy:
    minutes = 0
    if before.ends is not None and after.ends is not None and not after.left:
        minutes = max(0, round((before.ends - after.ends) / MINUTE))
    return Remedy(change, before.left - after.left, minutes)


def _earlier(load: Load, now: Course) -> Remedy | None:
    """The least earlier start that lets in nearly all who can be."""
    if not now.left:
        return None

    @cache
    def tried(minutes: int) -> Course:
        return course(replace(load, start=load.start - minutes * MINUTE))

    minutes = _enough(now, 24 * 60, tried)
    if minutes is None:
        return None
    return _gain(now, tried(minutes), f"start {_spell(minutes)} earlier")


def _faster(load: Load, now: Course) -> Remedy | None:
    """The least rate that lets in nearly all who can be."""
    if not now.too_many:
        return None

    @cache
    def tried(tenths: int) -> Course:
        return course(replace(load, rates=load.rates.faster(tenths / 10)))

    tenths = _enough(now, 10_000, tried)
    if tenths is None:
        return None
    more = f"{load.rates.full * tenths / 10:,.1f}".removesuffix(".0")
    return _gain(now, tried(tenths), f"send {more} segments/s more")


def _enough(now: Course, most: int, tried: Callable[[int], Course]) -> int | None:
    """The least effort that brings what *most* of it brings; None where that is nothing.

    Where not all can be let in, the last few of those who can are not worth a much
    greater effort, and a few in all are worth none.
    """
    best = tried(most).left
    spared = 0 if not best else round(FEW * (now.left - best))
    if now.left - best <= FEW * now.left:
        return None
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if tried(middle).left <= best + spared:
            high = middle
        else:
            low = middle + 1
    return low


def _shorter(load: Load, now: Course, cut: tuple[int, int]) -> Remedy:
    characters, saved = cut
    share = 1 - saved / sum(one.weight for one in load.volumes)
    volumes = tuple(
        one._replace(weight=max(1, round(one.weight * share))) for one in load.volumes
    )
    some = "1 character" if characters == 1 else f"{characters} characters"
    after = course(replace(load, volumes=volumes))
    return _gain(now, after, f"shorten the text by {some}")


def _spell(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{minutes} min"] if minutes or not hours else parts)

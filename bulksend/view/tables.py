"""The figures of a run as the tables of its page: outcomes, causes, use, arms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from bulksend.prepare.cost import money
from bulksend.view import comparison, words
from bulksend.view.causes import cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bulksend.settle.arms import Arm
    from bulksend.view.figures import Fate, Figures

MEANINGS = {
    "delivered": "A receipt says that it arrived. For a long code: that the carrier took it.",
    "accepted": "Bandwidth took it; no receipt has come yet.",
    "failed": "A receipt says that it did not arrive.",
    "refused": "Bandwidth answered that it will not send it.",
    "unknown": "It may have been sent; nothing proves it. It is not sent again.",
    "in_flight": "It is on its way; Bandwidth has not answered yet.",
    "expired": "Its time passed before it could be sent; nothing was sent.",
    "not_sent": "Nothing was sent yet.",
    "excluded": "A rule said that this row gets no message.",
}
"""Every outcome in the order of the bar, and what it says."""

MOST_LINES = 100
"""Of a table of codes, those with most rows first."""

NOT_WELL = ("failed", "refused", "unknown", "expired")


class Outcome(NamedTuple):
    """One part of the bar."""

    name: str
    rows: int
    share: str
    meaning: str


class Line(NamedTuple):
    """One code of a table: how often, and what to do."""

    status: str
    code: str
    rows: int
    share: float
    what: Markup
    fix: Markup


class Use(NamedTuple):
    """What was planned, what is used, what may be used."""

    what: str
    planned: str
    used: str
    maybe: str
    share: float


class Of(NamedTuple):
    """One arm of the experiment, and its shares in words, with their 95 % intervals.

    Args:
        share: Of all people who are in the experiment.
    """

    arm: Arm
    is_holdout: bool
    share: tuple[str, ...]
    delivered: tuple[str, ...]
    failed: tuple[str, ...]
    opted_out: tuple[str, ...]


def outcomes(seen: Figures) -> list[Outcome]:
    return [
        Outcome(name, count, words.share(count, seen.run.rows), meaning)
        for name, meaning in MEANINGS.items()
        if (count := seen.counts.get(name, 0))
    ]


def failures(seen: Figures) -> list[Line]:
    """Of what is not sent, only what somebody tried."""
    return _lines(
        one
        for one in seen.fates
        if one.status in NOT_WELL or (one.status == "not_sent" and one.code)
    )


def left_out(seen: Figures) -> list[Line]:
    return _lines(one for one in seen.fates if one.status == "excluded")


def uses(seen: Figures) -> list[Use]:
    """Segments, and money where the campaign has prices."""
    currency = seen.currency
    found = [_use(seen, "segments", lambda one: one.segments, words.number)]
    if currency is not None:
        found.append(
            _use(
                seen,
                "cost",
                lambda one: one.cost,
                lambda sum_: money(int(sum_), currency),
            )
        )
    return found


def _use(
    seen: Figures,
    what: str,
    of: Callable[[Fate], int],
    told: Callable[[float], str],
) -> Use:
    planned, used, maybe = (
        sum(map(of, some)) for some in (seen.planned, seen.used, seen.may_be_used)
    )
    ratio = used / planned if planned else 0.0
    return Use(what, told(planned), told(used), told(maybe) if maybe else "", ratio)


def arms(seen: Figures) -> list[Of]:
    """Those that get a message, by name; then who gets nothing."""
    experiment = seen.campaign.experiment
    holdout = None if experiment is None else experiment.holdout
    everybody = sum(one.people for one in seen.arms)
    return [
        Of(
            one,
            is_holdout=one.name == holdout,
            share=(words.share(one.people, everybody),),
            delivered=_of(one.delivered, one.ended, one.delivered_share),
            failed=_of(one.failed, one.ended, one.failed_share),
            opted_out=_of(one.opted_out, one.taken, one.opted_out_share),
        )
        for one in sorted(seen.arms, key=lambda one: one.name == holdout)
    ]


def _of(part: int, whole: int, spread: tuple[float, float] | None) -> tuple[str, ...]:
    if spread is None:
        return ()
    return words.share(part, whole), f"({comparison.spread(*spread)})"


def _lines(fates: Iterable[Fate]) -> list[Line]:
    found = list(fates)
    most = max((one.rows for one in found), default=1)
    return [
        Line(
            one.status,
            one.code or "",
            one.rows,
            one.rows / most,
            *map(with_code, cause(one)),
        )
        for one in found
    ]


def with_code(sentence: str) -> Markup:
    """What stands between backquotes is code."""
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence)))
    return Markup(said)  # noqa: S704  (escaped in the line above)

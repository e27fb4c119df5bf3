"""A run as one HTML page that needs nothing else: no network, no script.

The live page is the same page, which a small script keeps fresh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bulksend.errors import counted
from bulksend.kinds import KINDS
from bulksend.prepare.cost import money
from bulksend.view import charts, comparison, words
from bulksend.view.causes import cause
from bulksend.view.drawing import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from bulksend.settle.arms import Arm
    from bulksend.view.charts import Chart
    from bulksend.view.figures import Fate, Figures

MARK = '<meta name="generator" content="bulksend">'
"""Stands in every page, so that only a report is ever overwritten by one."""

WIDE, NARROW = 720, 330
"""Drawn once for a desk and once for a phone, so that words keep their size."""

MEANINGS = {
    "delivered": "A receipt says that it arrived. For a long code: that the carrier took it.",
    "accepted": "Bandwidth took it; no receipt has come yet.",
    "failed": "A receipt says that it did not arrive.",
    "refused": "Bandwidth answered that it will not send it.",
    "unknown": "It may have been sent; nothing proves it. It is not sent again.",
    "expired": "Its time passed before it could be sent; nothing was sent.",
    "not_sent": "Nothing was sent yet.",
    "excluded": "A rule said that this row gets no message.",
}
"""Every outcome in the order of the bar, and what it says."""

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


class Drawn(NamedTuple):
    """A chart, drawn in both widths, and its table."""

    chart: Chart
    wide: Markup
    narrow: Markup


class Use(NamedTuple):
    """What was planned, what is used, what may be used."""

    what: str
    planned: str
    used: str
    maybe: str
    share: float


class Of(NamedTuple):
    """One arm of the experiment, and its shares in words, with their 95 % intervals."""

    arm: Arm
    is_holdout: bool
    delivered: str
    failed: str


@dataclass(frozen=True, slots=True)
class Page:
    """The report of *figures*, in the words and the time zone of its readers."""

    figures: Figures
    zone: tzinfo | None = None
    live: bool = False
    look: int = 0
    """The live page's count of its own looks."""

    def html(self) -> str:
        """The whole page."""
        return _environment().get_template("page.html.j2").render(self._said())

    def main(self) -> str:
        """Only what changes while a run goes."""
        return _environment().get_template("main.html.j2").render(self._said())

    def _said(self) -> dict[str, Any]:
        seen = self.figures
        return {
            "page": self,
            "mark": Markup(MARK),  # noqa: S704  (our own)
            "figures": seen,
            "run": seen.run,
            "name": seen.campaign.name,
            "words": words,
            "version": version("bulksend"),
            "zone_name": words.zone_name(seen.at, self.zone),
        }

    def title(self, code: str) -> str:
        """What a problem is called."""
        return KINDS[code].title if code in KINDS else ""

    def moment(self, ms: int) -> str:
        return words.moment(ms, self.zone)

    # -- what is said -----------------------------------------------------------------

    @property
    def is_rehearsal(self) -> bool:
        return self.figures.run.provider == "simulator"

    @property
    def outcomes(self) -> list[Outcome]:
        seen = self.figures
        return [
            Outcome(name, count, words.share(count, seen.run.rows), meaning)
            for name, meaning in MEANINGS.items()
            if (count := seen.counts[name])
        ]

    @property
    def to_send(self) -> int:
        return self.figures.run.rows - self.figures.counts["excluded"]

    @property
    def taken(self) -> int:
        counts = self.figures.counts
        return counts["accepted"] + counts["delivered"] + counts["failed"]

    @property
    def state(self) -> tuple[str, str]:
        """A word for the run's state, and what it means."""
        seen = self.figures
        left = seen.counts["not_sent"]
        if left == self.to_send and left:
            return "not begun", "Nothing has been sent yet."
        if left and self.live:
            some = counted(left, "message is", "messages are")
            return "under way", f"{some} still to be sent."
        if left:
            some = counted(left, "message is", "messages are")
            return "unfinished", f"{some} not sent: run it again."
        if unknown := seen.counts["unknown"]:
            are = "message is" if unknown == 1 else "messages are"
            return "open", f"{unknown:,} {are} unknown: `bulksend settle` finds out."
        return "done", "Every row has its outcome."

    @property
    def lasted(self) -> tuple[int, int] | None:
        """The first and the last second in which something was posted, in ms."""
        pace = self.figures.pace
        return (pace[0].second * 1000, (pace[-1].second + 1) * 1000) if pace else None

    @property
    def attained(self) -> tuple[float, float]:
        """Segments a second: over the whole time, and in the fullest second."""
        pace = self.figures.pace
        sums = [one.taken + one.refused + one.unknown for one in pace]
        seconds = pace[-1].second - pace[0].second + 1
        return sum(sums) / seconds, max(sums)

    # -- tables -----------------------------------------------------------------------

    @property
    def failures(self) -> list[Line]:
        """Of what is not sent, only what somebody tried."""
        return _lines(
            one
            for one in self.figures.fates
            if one.status in NOT_WELL or (one.status == "not_sent" and one.code)
        )

    @property
    def left_out(self) -> list[Line]:
        return _lines(one for one in self.figures.fates if one.status == "excluded")

    @property
    def uses(self) -> list[Use]:
        """Segments, and money where the campaign has prices."""
        currency = self.figures.currency
        found = [self._use("segments", lambda one: one.segments, words.number)]
        if currency is not None:
            found.append(
                self._use(
                    "cost",
                    lambda one: one.cost,
                    lambda sum_: money(int(sum_), currency),
                )
            )
        return found

    def _use(
        self, what: str, of: Callable[[Fate], int], told: Callable[[float], str]
    ) -> Use:
        seen = self.figures
        planned, used, maybe = (
            sum(map(of, some)) for some in (seen.planned, seen.used, seen.may_be_used)
        )
        ratio = used / planned if planned else 0.0
        return Use(what, told(planned), told(used), told(maybe) if maybe else "", ratio)

    # -- charts -----------------------------------------------------------------------

    @property
    def pace_chart(self) -> Drawn:
        seen = self.figures
        return _drawn(charts.pace(seen.pace, seen.rate.per_second, self.zone))

    @property
    def answers_chart(self) -> Drawn:
        return _drawn(charts.delays(self.figures.answers, "Time to Bandwidth's answer"))

    @property
    def deliveries_chart(self) -> Drawn:
        return _drawn(charts.delays(self.figures.deliveries, "Time to delivery"))

    @property
    def sizes_chart(self) -> Drawn:
        return _drawn(charts.sizes(self.figures.sizes))

    @property
    def arms_chart(self) -> Drawn | None:
        """Nothing before a receipt has come."""
        seen = self.figures.arms
        told = any(one.delivered or one.failed for one in seen)
        return _drawn(comparison.arms(seen)) if told else None

    @property
    def arms(self) -> list[Of]:
        return [
            Of(
                one,
                is_holdout=one.name == self._holdout,
                delivered=_of(one.delivered, one.taken, one.delivered_share),
                failed=_of(one.failed, one.taken, one.failed_share),
            )
            for one in self.figures.arms
        ]

    @property
    def _holdout(self) -> str | None:
        experiment = self.figures.campaign.experiment
        return None if experiment is None else experiment.holdout


def _of(part: int, whole: int, spread: tuple[float, float] | None) -> str:
    if spread is None:
        return ""
    return f"{words.share(part, whole)} ({comparison.spread(*spread)})"


def _lines(fates: Iterable[Fate]) -> list[Line]:
    found = list(fates)
    most = max((one.rows for one in found), default=1)
    return [
        Line(
            one.status,
            one.code or "",
            one.rows,
            one.rows / most,
            *map(_with_code, cause(one)),
        )
        for one in found
    ]


def _with_code(sentence: str) -> Markup:
    """What stands between backquotes is code."""
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence)))
    return Markup(said)  # noqa: S704  (escaped in the line above)


def _drawn(chart: Chart) -> Drawn:
    wide, narrow = (
        Markup(draw(chart.specify(width), chart.summary))  # noqa: S704  (Vega escapes)
        for width in (WIDE, NARROW)
    )
    return Drawn(chart, wide, narrow)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bulksend.view"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _with_code
    return environment

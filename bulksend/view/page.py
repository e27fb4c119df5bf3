"""A run as one HTML page that needs nothing else: no network, no script.

The live page is the same page, which a small script keeps fresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bulksend.errors import counted
from bulksend.kinds import KINDS
from bulksend.settle.suppressing import OptOutRate
from bulksend.view import charts, comparison, tables, words
from bulksend.view.drawing import draw
from bulksend.view.pace import bins, pace, shows_rate
from bulksend.view.state import state_of

if TYPE_CHECKING:
    from datetime import tzinfo

    from bulksend.view.charts import Chart
    from bulksend.view.figures import Figures

MARK = '<meta name="generator" content="bulksend">'
"""Stands in every page, so that only a report is ever overwritten by one."""

WIDE, NARROW = 720, 330
"""Drawn once for a desk and once for a phone, so that words keep their size."""


class Drawn(NamedTuple):
    """A chart, drawn in both widths, and its table."""

    chart: Chart
    wide: Markup
    narrow: Markup


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
            "counted": counted,
            "version": version("bulksend"),
            "zone_name": words.zone_name(seen.at, self.zone),
            "state": state_of(seen),
            "outcomes": tables.outcomes(seen),
            "failures": tables.failures(seen),
            "left_out": tables.left_out(seen),
            "most_lines": tables.MOST_LINES,
            "uses": tables.uses(seen),
            "arms": tables.arms(seen),
            "differences": comparison.said(seen.arms),
        }

    def title(self, code: str) -> str:
        """What a problem is called."""
        return KINDS[code].title if code in KINDS else ""

    def fix(self, code: str) -> str:
        """What to do about it."""
        return KINDS[code].fix if code in KINDS else ""

    def moment(self, ms: int) -> str:
        return words.moment(ms, self.zone)

    def period(self, first: int, last: int) -> str:
        return words.period(first, last, self.zone)

    # -- what is said -----------------------------------------------------------------

    @property
    def is_rehearsal(self) -> bool:
        return self.figures.run.provider == "simulator"

    @property
    def taken(self) -> int:
        counts = self.figures.counts
        return counts["accepted"] + counts["delivered"] + counts["failed"]

    @property
    def opt_outs(self) -> tuple[str, str]:
        """What their share means to Bandwidth, and how a tile shows that."""
        rate = OptOutRate(self.figures.opted_out, self.taken)
        said = f"{words.share(rate.opted_out, rate.people)} of those taken"
        if rate.may_suspend:
            return f"{said}: over 4 % Bandwidth may suspend a campaign", "bad"
        if rate.may_audit:
            return f"{said}: over 0.5 % in a day Bandwidth asks for consent", "odd"
        return said, ""

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

    # -- charts -----------------------------------------------------------------------

    @property
    def pace_chart(self) -> Drawn:
        seen = self.figures
        return _drawn(pace(seen.pace, seen.rate.per_second, self.zone))

    @property
    def shows_rate(self) -> bool:
        """Whether the chart of the pace has the line of the rate."""
        return shows_rate(bins(self.figures.pace), self.figures.rate.per_second)

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
    environment.filters["code"] = tables.with_code
    return environment

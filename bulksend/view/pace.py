"""The chart of a run's pace: segments per second over time, against its rate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from bulksend.view.charts import Chart, base, colours
from bulksend.view.words import local, span
from bulksend.view.words import rate as told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from bulksend.view.charts import Spec
    from bulksend.view.figures import Slot

MOST_BARS = 90
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
"""How many seconds one bar of the pace may stand for, or lie between two ticks."""
DAY = 86_400

LEAST_OF_RATE = 1 / 20
"""What the highest bar must be of the rate for both to be drawn: less could not be seen.
A run of weeks stands still most of the time."""

TICK_WIDTH = 100
"""Room for a moment on the axis of time, in pixels."""


class Bin(NamedTuple):
    """Segments per second, from ``start`` on (seconds since 1970) for ``seconds``."""

    start: int
    seconds: int
    taken: float
    refused: float
    unknown: float


ANSWERS = Bin._fields[2:]


def bins(slots: Sequence[Slot]) -> list[Bin]:
    """The seconds in which something was posted, as at most about `MOST_BARS` bars."""
    if not slots:
        return []
    first, last = slots[0].second, slots[-1].second
    whole = last - first + 1
    step = _step(whole, MOST_BARS)
    start = first // step * step
    sums = [[0, 0, 0] for _ in range((last - start) // step + 1)]
    for second, *counts in slots:
        bar = sums[(second - start) // step]
        for place, count in enumerate(counts):
            bar[place] += count
    # The first and the last bar hold less time than the others: they are divided by
    # what they hold.
    return [
        Bin(at, step, *(count / _held(at, step, first, last) for count in counts))
        for at, counts in zip(range(start, last + 1, step), sums, strict=True)
    ]


def _held(at: int, step: int, first: int, last: int) -> int:
    return min(at + step, last + 1) - max(at, first)


def shows_rate(found: Sequence[Bin], rate: float) -> bool:
    """Whether bars are high enough to be seen beside the line of the rate."""
    return _highest(found) >= rate * LEAST_OF_RATE


def _highest(found: Sequence[Bin]) -> float:
    return max((sum(bar[2:]) for bar in found), default=0)


def pace(slots: Sequence[Slot], rate: float, zone: tzinfo | None = None) -> Chart:
    """Segments per second over time, against the rate that was asked for."""
    found = bins(slots)
    shown = [one for bar in found for one in _stacked(bar, zone)]
    line = {
        "data": {"values": [{"rate": rate, "said": f"the rate: {rate:g} segments/s"}]},
        "mark": {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.5},
        "encoding": {
            "y": {"field": "rate", "type": "quantitative"},
            "color": {"value": "var(--ink)"},
            "description": {"field": "said"},
        },
    }

    def specify(width: int) -> Spec:
        ticks = _ticks(found, width // TICK_WIDTH, zone)
        lines = [line] if shows_rate(found, rate) else []
        return base(width, 180) | {"layer": [_bars(shown, ticks), *lines]}

    rows = [(_clock(bar, zone), *(told(value) for value in bar[2:])) for bar in found]
    head = ("time", *(f"{name}, segments/s" for name in ANSWERS))
    return Chart(_paced(found, rate), head, rows, specify)


def _bars(shown: list[Spec], ticks: Spec) -> Spec:
    return {
        "data": {"values": shown},
        "mark": {"type": "rect"},
        "encoding": {
            "x": {
                "field": "from",
                "type": "temporal",
                "scale": {"type": "utc", "nice": False},
                "axis": {"title": None, "labelOverlap": True, "labelPadding": 8}
                | ticks,
            },
            "x2": {"field": "to"},
            "y": {
                "field": "low",
                "type": "quantitative",
                "title": None,
                "axis": {"tickCount": 5},
            },
            "y2": {"field": "high"},
            "color": colours("answer", ANSWERS),
            "description": {"field": "said"},
        },
    }


def _ticks(found: Sequence[Bin], most: int, zone: tzinfo | None) -> Spec:
    """Where the clock is written: at round moments, so far apart that each has room.

    Vega measures words in its own font, and so lets them overlap in the reader's.
    """
    first, last = (
        _as_utc(_wall(at, zone))
        for at in (found[0].start, found[-1].start + found[-1].seconds)
    )
    step = _step(last - first, most)
    moments = [*range(-(-first // step) * step, last + 1, step)] or [first]
    form = "%-d %b" if step >= DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
    return {"values": [1000 * at for at in moments], "format": form}


def _step(seconds: int, most: int) -> int:
    """A round number of seconds, of which *most* last at least as long."""
    days = -(-seconds // (most * DAY)) * DAY
    return next((one for one in _STEPS if seconds <= one * most), days)


def _as_utc(wall: str) -> int:
    return round(datetime.fromisoformat(wall).timestamp())


def _stacked(bar: Bin, zone: tzinfo | None) -> Iterator[Spec]:
    """The parts of one bar, each on top of the last."""
    low = 0.0
    for name, value in zip(ANSWERS, bar[2:], strict=True):
        if value:
            yield {
                "from": _wall(bar.start, zone),
                "to": _wall(bar.start + bar.seconds, zone),
                "answer": name,
                "low": float(f"{low:.6g}"),
                "high": float(f"{low + value:.6g}"),
                "said": f"{_clock(bar, zone)}: {told(value)} segments/s {name}",
            }
        low += value


def _paced(found: Sequence[Bin], rate: float) -> str:
    most, lasts = told(_highest(found)), span(1000 * found[0].seconds)
    return (
        f"Segments per second over time: at most {most} in a bar, at a rate of {rate:g}; "
        f"{len(found):,} bars of {lasts}."
    )


def _wall(second: int, zone: tzinfo | None) -> str:
    """What a clock on the wall shows, as if it were UTC: Vega knows no other zone."""
    return local(second * 1000, zone).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(bar: Bin, zone: tzinfo | None) -> str:
    at = local(bar.start * 1000, zone)
    return f"{at:%Y-%m-%d}" if bar.seconds >= DAY else f"{at:%Y-%m-%d %H:%M:%S}"

"""The charts, as Vega-Lite specifications: data and encoding, nothing drawn yet.

Colours are the page's own custom properties, so one drawing serves light and dark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.view.words import between, local, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import tzinfo

    from bulksend.view.figures import Size, Slot
    from bulksend.view.waits import Waits

Spec = dict[str, Any]

MOST_BARS = 90
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
"""How many seconds one bar of the pace may stand for."""

MOST_SIZES = 8
ROW_HEIGHT = 26
CHARACTER = 7.5
"""How wide a character of the charts is at most, in pixels."""

ENCODINGS = ("GSM-7", "UCS-2")


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, what it shows in a sentence, and the same as a table."""

    summary: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    specify: Callable[[int], Spec] = field(repr=False)
    """Vega-Lite's specification for a drawing of this many pixels across."""


class Bin(NamedTuple):
    """Segments per second, from ``start`` on (seconds since 1970) for ``seconds``."""

    start: int
    seconds: int
    taken: float
    refused: float
    unknown: float


def bins(slots: Sequence[Slot]) -> list[Bin]:
    """The seconds in which something was posted, as at most about `MOST_BARS` bars."""
    if not slots:
        return []
    first, last = slots[0].second, slots[-1].second
    whole = last - first + 1
    days = -(-whole // (MOST_BARS * 86_400)) * 86_400
    step = next((one for one in _STEPS if whole <= one * MOST_BARS), days)
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


def pace(slots: Sequence[Slot], rate: float, zone: tzinfo | None = None) -> Chart:
    """Segments per second over time, against the rate that was asked for."""
    found = bins(slots)
    names = Bin._fields[2:]
    shown = [one for bar in found for one in _stacked(bar, zone)]
    lasted = found[-1].start - found[0].start
    bars = {
        "data": {"values": shown},
        "mark": {"type": "rect"},
        "encoding": {
            "x": {
                "field": "from",
                "type": "temporal",
                "scale": {"type": "utc", "nice": False},
                "axis": {
                    "title": None,
                    "labelOverlap": True,
                    "tickCount": 6,
                    "format": _clock_format(lasted),
                },
            },
            "x2": {"field": "to"},
            "y": {
                "field": "low",
                "type": "quantitative",
                "title": "segments/s",
                "axis": {"tickCount": 5},
            },
            "y2": {"field": "high"},
            "color": _colours("answer", names),
            "description": {"field": "said"},
        },
    }
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
        return base(width, 180) | {"layer": [bars, line]}

    rows = [
        (_clock(bar, zone), *(f"{value:,.1f}" for value in bar[2:])) for bar in found
    ]
    head = ("time", *(f"{name}, segments/s" for name in names))
    return Chart(_paced(found, rate), head, rows, specify)


def _clock_format(seconds: int) -> str:
    if seconds > 2 * 86_400:
        return "%-d %b"
    return "%H:%M" if seconds > 600 else "%H:%M:%S"


def _stacked(bar: Bin, zone: tzinfo | None) -> Iterator[Spec]:
    """The parts of one bar, each on top of the last."""
    low = 0.0
    for name, value in zip(Bin._fields[2:], bar[2:], strict=True):
        if value:
            yield {
                "from": _wall(bar.start, zone),
                "to": _wall(bar.start + bar.seconds, zone),
                "answer": name,
                "low": round(low, 3),
                "high": round(low + value, 3),
                "said": f"{_clock(bar, zone)}: {value:,.1f} segments/s {name}",
            }
        low += value


def _paced(found: Sequence[Bin], rate: float) -> str:
    most = max(sum(bar[2:]) for bar in found)
    return (
        f"Segments per second over time: at most {most:,.1f}, at a rate of {rate:g}; "
        f"{len(found):,} bars of {found[0].seconds:,} s."
    )


def delays(waited: Waits, what: str) -> Chart:
    """How many messages waited how long."""
    rows = [(between(bar.low, bar.high), number(bar.messages)) for bar in waited.bars]
    values = [
        {"wait": wait, "messages": bar.messages, "said": f"{wait}: {said} messages"}
        for (wait, said), bar in zip(rows, waited.bars, strict=True)
    ]
    most = max(waited.bars, key=lambda bar: bar.messages)
    summary = f"{what}: most often {between(most.low, most.high)}."

    def specify(width: int) -> Spec:
        return _rows(values, "wait", width=width)

    return Chart(summary, ("time", "messages"), rows, specify)


def sizes(found: Iterable[Size]) -> Chart:
    """How many messages take how many segments, by encoding."""
    counts: dict[tuple[int, str], int] = {}
    for encoding, segments, messages in found:
        key = min(segments, MOST_SIZES), encoding
        counts[key] = counts.get(key, 0) + messages
    ordered = sorted(counts)
    values = [
        {
            "size": _size(size),
            "encoding": encoding,
            "place": ENCODINGS.index(encoding),
            "messages": counts[size, encoding],
            "said": f"{_size(size)}, {encoding}: {counts[size, encoding]:,} messages",
        }
        for size, encoding in ordered
    ]

    def specify(width: int) -> Spec:
        spec = _rows(values, "size", width=width)
        bars = spec["layer"][0]["encoding"]
        bars["color"] = _colours("encoding", ENCODINGS)
        bars["order"] = {"field": "place"}
        return spec

    rows = [
        (_size(size), encoding, number(counts[size, encoding]))
        for size, encoding in ordered
    ]
    total = sum(counts.values())
    single = sum(n for (size, _), n in counts.items() if size == 1)
    summary = f"Segments of each message: {single:,} of {total:,} take a single one."
    return Chart(summary, ("size", "encoding", "messages"), rows, specify)


def _size(segments: int) -> str:
    if segments == MOST_SIZES:
        return f"{segments} segments or more"
    return f"{segments} segment" + ("s" if segments > 1 else "")


def _rows(values: list[Spec], name: str, *, width: int) -> Spec:
    """A bar a row, its sum written at its end."""
    sums: dict[str, int] = {}
    for value in values:
        sums[value[name]] = sums.get(value[name], 0) + value["messages"]
    most = max(sums.values())
    beside = CHARACTER * (max(map(len, sums)) + 2)
    after = CHARACTER * (len(number(most)) + 1)
    room = max(width - beside - after, width / 4)
    y = {"field": name, "type": "nominal", "sort": list(sums), "title": None}
    x = {
        "field": "messages",
        "type": "quantitative",
        "title": None,
        "axis": None,
        "scale": {"domain": [0, most * (room + after) / room], "nice": False},
    }
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2, "color": "var(--taken)"},
        "encoding": {"y": y, "x": x, "description": {"field": "said"}},
    }
    ends = {
        "transform": [
            {
                "aggregate": [{"op": "sum", "field": "messages", "as": "messages"}],
                "groupby": [name],
            }
        ],
        "mark": {"type": "text", "align": "left", "dx": 5, "color": "var(--ink)"},
        "encoding": {
            "y": y,
            "x": x,
            "text": {"field": "messages", "type": "quantitative", "format": ","},
        },
    }
    spec = base(width, ROW_HEIGHT * len(sums))
    spec["config"]["axisY"] |= {"domain": False, "ticks": False, "labelPadding": 8}
    return spec | {"data": {"values": values}, "layer": [bars, ends]}


def _colours(name: str, values: Sequence[str]) -> Spec:
    colours = [f"var(--{value.lower()})" for value in values]
    return {
        "field": name,
        "type": "nominal",
        "scale": {"domain": list(values), "range": colours},
        "legend": None,
    }


def base(width: int, height: int) -> Spec:
    muted = {"labelColor": "var(--muted)", "titleColor": "var(--muted)"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": width,
        "height": height,
        "background": None,
        "padding": {"left": 8, "top": 6, "right": 4, "bottom": 2},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "text": {"fontSize": 12},
            "axis": {
                **muted,
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "gridColor": "var(--line)",
                "domainColor": "var(--line)",
                "tickColor": "var(--line)",
            },
            "axisX": {"grid": False},
            "axisY": {"domain": False, "ticks": False},
        },
    }


def _wall(second: int, zone: tzinfo | None) -> str:
    """What a clock on the wall shows, as if it were UTC: Vega knows no other zone."""
    return local(second * 1000, zone).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(bar: Bin, zone: tzinfo | None) -> str:
    at = local(bar.start * 1000, zone)
    return f"{at:%Y-%m-%d}" if bar.seconds >= 86_400 else f"{at:%Y-%m-%d %H:%M:%S}"

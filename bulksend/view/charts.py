"""The charts, as Vega-Lite specifications: data and encoding, nothing drawn yet.

Colours are the page's own custom properties, so one drawing serves light and dark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bulksend.errors import counted
from bulksend.view.words import between, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bulksend.view.figures import Size
    from bulksend.view.waits import Waits

Spec = dict[str, Any]

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


def delays(waited: Waits, what: str) -> Chart:
    """How many messages waited how long."""
    rows = [(between(bar.low, bar.high), number(bar.messages)) for bar in waited.bars]
    values = [
        {
            "wait": wait,
            "messages": bar.messages,
            "said": f"{wait}: {counted(bar.messages, 'message')}",
        }
        for (wait, _), bar in zip(rows, waited.bars, strict=True)
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
            "said": f"{_size(size)}, {encoding}: "
            f"{counted(counts[size, encoding], 'message')}",
        }
        for size, encoding in ordered
    ]

    def specify(width: int) -> Spec:
        spec = _rows(values, "size", width=width)
        bars = spec["layer"][0]["encoding"]
        bars["color"] = colours("encoding", ENCODINGS)
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


def colours(name: str, values: Sequence[str]) -> Spec:
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

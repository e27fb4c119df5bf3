"""The arms of an experiment side by side, as a chart: shares, and how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulksend.settle.arms import delivered, opted_out
from bulksend.view.charts import CHARACTER, ROW_HEIGHT, Chart, base
from bulksend.view.words import share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bulksend.settle.arms import Arm, Difference
    from bulksend.view.charts import Spec


def arms(found: Iterable[Arm]) -> Chart:
    """The share of each arm's messages that was delivered, and how sure that is."""
    rows: list[tuple[str, ...]] = []
    values: list[Spec] = []
    for one in found:
        if one.delivered_share is None:
            continue
        low, high = one.delivered_share
        middle = one.delivered / one.ended
        rows.append((one.name, share(one.delivered, one.ended), spread(low, high)))
        said = f"{one.name}: {rows[-1][1]} delivered; 95 % interval {rows[-1][2]}"
        values.append(
            {"arm": one.name, "low": low, "at": middle, "high": high, "said": said}
        )
    summary = "Share delivered, by arm: " + "; ".join(
        str(one["said"]) for one in values
    )
    head = ("arm", "share delivered", "95 % interval")

    def specify(width: int) -> Spec:
        return _intervals(values, width=width)

    return Chart(f"{summary}.", head, rows, specify)


def said(found: Sequence[Arm]) -> list[str]:
    """Whether the arms differ, and by how much; nothing before there is a share of two."""
    compared = {"Delivered": delivered(found), "Opted out": opted_out(found)}
    return [
        _said(what, one)
        for what, one in compared.items()
        if one is not None and one.more.hits  # what nobody did divides nobody
    ]


def _said(what: str, found: Difference) -> str:
    more, less = found.more, found.less
    digits = _digits(found.low, found.high)
    shares = " and ".join(
        f"{100 * one.share:.{digits}f} % of {one.name}" for one in (more, less)
    )
    apart = f"{100 * (more.share - less.share):.{digits}f} points"
    of = f", the clearest of {found.arms} arms," if found.arms > 2 else ""
    verdict = (
        "is more than chance brings"
        if found.is_proven
        else "means nothing: chance alone may bring it"
    )
    between = _between(found.low, found.high).replace("-", "−")  # noqa: RUF001
    return f"{what}: {shares}. The difference{of} of {apart} ({between}) {verdict}."


def spread(low: float, high: float) -> str:
    """``90.3 to 93.3 %``; two digits where one would hide the difference."""
    return f"{_between(low, high)} %"


def _between(low: float, high: float) -> str:
    digits = _digits(low, high)
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}"


def _digits(low: float, high: float) -> int:
    return 1 if high - low >= 0.005 else 2


def _intervals(values: list[Spec], *, width: int) -> Spec:
    """A line a row, from low to high, and a dot where the share is."""
    names = [one["arm"] for one in values]
    longest = min(CHARACTER * max(map(len, names)), width / 3)
    y = {
        "field": "arm",
        "type": "nominal",
        "sort": names,
        "title": None,
        "axis": {"labelLimit": longest, "minExtent": longest + CHARACTER},
    }
    said = {"description": {"field": "said"}}
    x = {
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False, "nice": True},
        "axis": {"format": ".1~%", "tickCount": max(width // 110, 2), "grid": True},
    }
    lines = {
        "mark": {"type": "rule", "strokeWidth": 3, "color": "var(--delivered)"},
        "encoding": {
            "y": y,
            "x": x | {"field": "low"},
            "x2": {"field": "high"},
            **said,
        },
    }
    dots = {
        "mark": {
            "type": "point",
            "filled": True,
            "size": 90,
            "opacity": 1,
            "color": "var(--delivered)",
        },
        "encoding": {"y": y, "x": x | {"field": "at"}, **said},
    }
    spec = base(width, ROW_HEIGHT * len(names) + 10)
    spec["config"]["axisY"] |= {"domain": False, "ticks": False, "labelPadding": 8}
    return spec | {"data": {"values": values}, "layer": [lines, dots]}

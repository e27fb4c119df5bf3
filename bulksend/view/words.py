"""Amounts and moments as people read them."""

from __future__ import annotations

from datetime import datetime
from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

_MINUTES_DO = 600_000
"""What lasts longer is told without seconds."""

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def number(count: float) -> str:
    return f"{count:,.0f}"


def rate(a_second: float) -> str:
    """``1,329``, ``49.8``, ``0.02``, ``0.004``: digits that count."""
    if not a_second:
        return "0"
    small = max(2, -floor(log10(a_second)))
    digits = 0 if a_second >= 100 else 1 if a_second >= 1 else small
    return f"{a_second:,.{digits}f}".removesuffix(".0")


def share(part: float, whole: float) -> str:
    """``97.9 %``; never 0 % of something, nor 100 % where something is missing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


def span(ms: float) -> str:
    """``64 ms``, ``1.5 s``, ``2 min``: two digits that count."""
    for size, unit in _UNITS:
        if ms >= size:
            value = ms / size
            return f"{value:.1f}".removesuffix(".0") + f" {unit}"
    return f"{ms:.0f} ms"


def lasting(seconds: float) -> str:
    """``1 h 12 min``, ``3 min 20 s``, ``4 s``."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def between(low: int, high: int | None) -> str:
    """``20–50 ms``, ``500 ms – 1 s``, ``under 10 ms``, ``over 1 d``."""
    if high is None:
        return f"over {span(low)}"
    if not low:
        return f"under {span(high)}"
    (first, unit), (last, same) = span(low).split(), span(high).split()
    return f"{first}–{last} {unit}" if unit == same else f"{span(low)} – {span(high)}"


def moment(ms: int, zone: tzinfo | None = None) -> str:
    """``26 Nov 2026, 14:03``, in *zone* or this machine's."""
    at = local(ms, zone)
    return f"{at.day} {at:%b %Y, %H:%M}"


def period(first: int, last: int, zone: tzinfo | None = None) -> str:
    """``26 Nov 2026, 14:03 to 15:20``: the day once, and seconds where they matter."""
    begun, ended = local(first, zone), local(last, zone)
    if begun.date() != ended.date():
        return f"{moment(first, zone)} to {moment(last, zone)}"
    clock = "%H:%M" if last - first >= _MINUTES_DO else "%H:%M:%S"
    return f"{begun.day} {begun:%b %Y}, {begun:{clock}} to {ended:{clock}}"


def local(ms: int, zone: tzinfo | None = None) -> datetime:
    return datetime.fromtimestamp(ms / 1000, zone).astimezone(zone)


def zone_name(ms: int, zone: tzinfo | None = None) -> str:
    """``CEST, UTC+02:00``."""
    at = local(ms, zone)
    offset = f"{at:%z}"
    name = at.tzname() or ""
    told = f"UTC{offset[:3]}:{offset[3:]}" if int(offset) else "UTC"
    return told if name in {told, "UTC"} else f"{name}, {told}"

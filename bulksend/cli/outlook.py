"""How a forecast looks on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from bulksend.cli.show import duration, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend import Course, Outlook

MOST_REMEDIES = 3
MOST_NAMES = 4
LEAST_SHOWN_MS = 60_000


def show_outlook(outlook: Outlook, begun: str = "begun now") -> None:
    """When it ends, where people are and when they may be texted, what would help.

    Args:
        begun: When it would begin, in words.
    """
    course = outlook.course
    if course is None:
        return
    out.print()
    _when(outlook, begun)
    places = Table.grid(padding=(0, 2, 0, 0))
    places.add_column(no_wrap=True)
    places.add_column(overflow="fold")
    for place in outlook.places:
        if place.opens is None or place.closes is None:
            continue
        places.add_row(
            f"[dim]{place.rows:>9,}[/]",
            f"{escape(_short(place.place))}: {moment(place.opens)} to {moment(place.closes)} "
            f"[dim]({escape(_few(place.rules) or 'send.window')})[/]",
        )
    if places.row_count:
        out.print(places)
    late, many = sum(course.too_late.values()), sum(course.too_many.values())
    if over := sum(course.over_caps.values()):
        out.print(
            f"[yellow]{over:,} would not be sent by {moment(course.last)}[/]: "
            "their carriers take no more (send.carriers)"
        )
    if late:
        out.print(
            f"[yellow]{late:,} would not be sent by {moment(course.last)}[/]: "
            "no window of theirs opens before"
        )
    if many:
        out.print(
            f"[yellow]{many:,} would not be sent by {moment(course.last)}[/]: "
            "the rate does not suffice"
        )
    for remedy in outlook.remedies[:MOST_REMEDIES]:
        brings = [f"{remedy.fits:,} more fit"] if remedy.fits else []
        if remedy.minutes:
            less = duration(remedy.minutes * 60).removesuffix(" 0 s")
            brings.append(f"{less} less")
        out.print(f"  {escape(remedy.change)}: {', '.join(brings)}")


def spent(course: Course) -> str:
    """From the first message to the last, and how much of that is waiting."""
    if course.begins is None or course.ends is None:
        return "nothing can be sent"
    idle = f", {duration(course.idle_ms / 1000)} of it waiting for windows, carriers or receipts"
    taken = duration((course.ends - course.begins) / 1000)
    return taken + (idle if course.idle_ms >= LEAST_SHOWN_MS else "")


def _when(outlook: Outlook, begun: str) -> None:
    """When Bandwidth gets it, and when it has sent it on."""
    course = outlook.course
    assert course is not None
    if course.begins is not None and course.ends is not None:
        out.print(
            f"{begun}, Bandwidth would get it from {moment(course.begins)} to "
            f"{moment(course.ends)}"
        )
        if course.first is not None and course.goes_on is not None:
            out.print(
                f"the first few by {moment(course.first)}, the rest after their "
                f"receipts, from {moment(course.goes_on)} on"
            )
        if course.leaves is not None and course.leaves - course.ends >= 60_000:
            out.print(f"and would have sent it on by {moment(course.leaves)}")
        if course.full_at is not None:
            out.print(
                f"[yellow]its queue would be full at {moment(course.full_at)}[/]: from "
                "then on it answers 429, and takes what it sends on"
            )
        if course.expires:
            out.print(
                f"[yellow]{course.expires:,} segments would expire in that queue[/]: "
                "their windows close, or their time is over, before their turn"
            )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} rules"


def _short(place: str) -> str:
    """A place's word, with long lists of zones counted."""
    claims = []
    for claim in place.split("; "):
        source, where, *zones = claim.split(" ")
        if len(zones) > MOST_NAMES:
            zones = [f"any of {len(zones)} zones"]
        claims.append(" ".join([source, where, *zones]))
    return "; ".join(claims)


def moment(ms: int) -> str:
    """A moment as this machine's clock shows it."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone():%a %d %b %H:%M %Z}"

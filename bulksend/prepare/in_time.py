"""Who of a plan has no hour left, asked before anything is sent.

That no hour is right at all the places where somebody may be is the row's reason
(`never_open`), and stays so.  Here it is about now: a rule may have shut for the time to
come, and a campaign's end may come before somebody's window.  Where that is so for all, a
gate says it; where for some, a warning.

Pure: the time is an argument, in milliseconds since 1970.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem, counted
from bulksend.prepare.ends import ends_of
from bulksend.prepare.timing import plan_hours
from bulksend.rules.hours import LEAST_LIFE_MS, LOOK_AHEAD_DAYS
from bulksend.rules.place import Place

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan
    from bulksend.rules.hours import Hours


def out_of_time(plan: Plan, campaign: Campaign, *, now: int) -> list[Problem]:
    """What is in the way of its messages: E421, E429 or E515; W421, W429 of some."""
    ends = ends_of(campaign, now)
    if ends.stops is not None and ends.stops <= now:
        return [begun_too_late(campaign)]
    hours = plan_hours(plan) if campaign.keeps_hours else None
    if hours is None and ends.last > now:
        return []
    opens = [(_opens(hours, word, now), rows) for word, rows in _counted(plan)]
    never = sum(rows for moment, rows in opens if moment == inf)
    late = sum(rows for moment, rows in opens if ends.last <= moment < inf)
    is_all = never + late == sum(rows for _, rows in opens)
    found = []
    if never:
        some = counted(never, "message")
        what = f"for {some} no window opens in the next {LOOK_AHEAD_DAYS} days"
        found.append(Problem("E421" if is_all else "W421", what))
    if late:
        some = counted(late, "message")
        what = f"the first hour for {some} comes after {_which(campaign, ends.stops, ends.last)}"
        found.append(Problem("E429" if is_all else "W429", what))
    return found


def begun_too_late(campaign: Campaign) -> Problem:
    return Problem("E515", f"it may be sent until {campaign.send.not_after}")


def _which(campaign: Campaign, stops: int | None, last: float) -> str:
    if stops == last:
        return f"send.not_after ({campaign.send.not_after})"
    moment = campaign.message.expiration
    return f"message.expiration ({moment:%Y-%m-%d %H:%M %Z})"


def _opens(hours: Hours | None, word: str, now: int) -> float:
    """When somebody there may be texted first."""
    if hours is None:
        return now
    found = hours.next(Place.parse(word), now, least=LEAST_LIFE_MS)
    return inf if found is None else max(now, found.start)


def _counted(plan: Plan) -> list[tuple[str, int]]:
    """The places where somebody gets a message, and how many do."""
    word = pl.col("place").cast(pl.String).fill_null("")
    found = (
        plan.frame()
        .filter(pl.col("reason").is_null())
        .group_by(word)
        .agg(rows=pl.len())
        .collect(engine="streaming")
    )
    return list(found.iter_rows())

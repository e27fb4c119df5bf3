"""A campaign's hours: from its file, and back from its plan.

A plan holds the rules that it was made with, whole: what was decided is what is sent,
and what somebody is asked about later is in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from bulksend.rules.hours import Hours
from bulksend.rules.pack import RulePack, read_rules, shipped_rules

if TYPE_CHECKING:
    from bulksend.define.load import Loaded
    from bulksend.prepare.plan import Plan

_PACK = TypeAdapter(RulePack)


def campaign_hours(loaded: Loaded) -> Hours | None:
    """None where people may be texted at any hour: nothing restricts the campaign.

    Raises:
        InputError: E121 or E122, where rules of the campaign's own are wrong.
    """
    chosen = loaded.campaign.rules
    pack = shipped_rules()
    if chosen.also:
        files = [loaded.folder / file for file in chosen.also]
        pack = read_rules(files, beside=pack)
    window = loaded.campaign.send.window
    own = None if window is None else (window.opens, window.closes)
    hours = Hours(pack, chosen.profile, own)
    return hours if hours.restricts else None


def as_said(hours: Hours | None) -> dict[str, Any] | None:
    """The hours for a plan's `about`; `plan_hours` reads them back."""
    if hours is None:
        return None
    return {
        "profile": hours.profile,
        "window": hours.window,
        "rules": _PACK.dump_python(hours.pack, mode="json"),
    }


def decisive(hours: Hours | None, *, bars: bool) -> list[Any] | None:
    """What of the hours decides who gets a message."""
    if hours is None:
        return None
    return [hours.profile, hours.window, hours.pack.digest, bars]


def plan_hours(plan: Plan) -> Hours | None:
    """The hours that a plan was made with; None where there are none."""
    said = plan.about.get("hours")
    if said is None:
        return None
    window = said["window"]
    return Hours(
        _PACK.validate_python(said["rules"]),
        said["profile"],
        None if window is None else (window[0], window[1]),
    )

"""A closer look at a plan: advice, how it would go, what changed, who is left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bulksend.journal.store import Journal
from bulksend.prepare.advice import Advice, advise
from bulksend.prepare.changes import Changes, changes, earlier_plan
from bulksend.prepare.outlook import Outlook, first_few, outlook, wait_ms_of
from bulksend.prepare.rejects import Rejects, place_rejects
from bulksend.prepare.volumes import FirstFew
from bulksend.rules.carriers import T_MOBILE, pacific_day
from bulksend.runs import closed_rows
from bulksend.send.caps import purse
from bulksend.settle.finding import is_day_over

if TYPE_CHECKING:
    import polars as pl

    from bulksend.define.campaign import Campaign
    from bulksend.home import Home
    from bulksend.planning import Checked
    from bulksend.storage.location import Where


@dataclass(frozen=True, slots=True)
class Closer:
    """A closer look at a plan: advice, forecast, changes, rejected rows."""

    advice: Advice
    outlook: Outlook
    changes: Changes | None
    rejects: Rejects[Where]


def look_closer(
    checked: Checked, campaign: Campaign, rejects: Where, home: Home | None = None
) -> Closer:
    """What `check` shows beyond the counts; writes the rejected rows to *rejects*.

    Args:
        home: Gives the credentials where *rejects* is in object storage.

    Raises:
        InputError: E621, where the rejects cannot be written; E627, where the plan is
            damaged.
    """
    plan = checked.plan
    before = earlier_plan(plan)
    with plan.undamaged():
        winners = plan.winners()
        return Closer(
            advice=advise(plan, campaign, winners=winners),
            outlook=forecast_plan(checked),
            changes=changes(before, plan) if before else None,
            rejects=place_rejects(plan, rejects, winners=winners, home=home),
        )


def forecast_plan(checked: Checked) -> Outlook:
    """How what is left of a plan would go, were it begun now, or when its turn is."""
    campaign, now = checked.campaign, checked.begins
    used = _used_today(campaign, checked.home, now)
    closed = None
    if checked.chosen is None:
        closed = closed_rows(checked.plan, checked.home)
    left = checked.left if closed is None else None
    return outlook(
        checked.plan,
        campaign,
        now=now,
        used=used,
        left=left,
        closed=closed,
        first=partial(_goes_first, checked, closed, now),
    )


def _goes_first(
    checked: Checked, closed: pl.Series | None, now: int, messages: int
) -> FirstFew | None:
    """What goes first of so many messages that are left: of a run, what is left of it."""
    canary, plan = checked.campaign.send.canary, checked.plan
    if canary is None or checked.chosen is not None or plan.kind != "send":
        return None
    if closed is None:
        return first_few(canary, messages)
    with Journal.open(checked.home.journal) as journal:
        run = journal.runs.named(plan.run)
        stands = None if run is None else journal.canaries.of(run.id)
    if stands is None:
        return first_few(canary, messages)
    if stands.passed_at is not None:
        return None
    wait_ms = wait_ms_of(canary)
    if stands.sent_at is not None:
        left_ms = stands.sent_at + wait_ms - now
        return FirstFew(0, left_ms) if left_ms > 0 else None
    return FirstFew(max(0, stands.size - len(closed)), wait_ms)


def _used_today(campaign: Campaign, home: Home, now: int) -> int:
    """Segments of T-Mobile's day that other runs have used."""
    carriers = campaign.send.carriers
    if carriers is None or not home.journal.exists():
        return 0
    name = purse(campaign.provider, T_MOBILE, carriers.brand)
    provider, most = campaign.provider, carriers.t_mobile_per_day or 0
    since, _ = pacific_day(now)
    with Journal.open(home.journal) as journal:
        if is_day_over(
            journal, home, provider=provider, brand=carriers.brand, since=since
        ):
            return most
        return min(most, sum(journal.limits.used(name, since=since).values()))

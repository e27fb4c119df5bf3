"""What must be true of a plan before anything is sent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from bulksend.errors import Problem, counted
from bulksend.prepare.carriers import US
from bulksend.prepare.cost import MICRO, money
from bulksend.prepare.lacking import lacking
from bulksend.prepare.links import links
from bulksend.prepare.lint import is_ignored
from bulksend.prepare.telling import telling

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan
    from bulksend.prepare.summary import Summary

SHOWN = 3


def closed_gates(
    plan: Plan, summary: Summary, campaign: Campaign, *, has_begun: bool = False
) -> list[Problem]:
    """Every gate that refuses this plan; nothing is sent while there is one.

    A link of the list to another domain closes none: it is a warning (W353), as are a number
    in a picture's address (W355), several countries that few would speak for (W431), and,
    but for a first contact, texts without sender or opt-out words (W350, W351).
    What the texts hold is asked before a run begins, and not each time it is resumed.
    """
    found = _over_budget(summary, campaign)
    if not has_begun:
        found += _several_countries(summary, campaign)
    if not summary.sendable and summary.reasons.get("never_open"):
        people = counted(summary.reasons["never_open"], "person", "people")
        found.append(Problem("E420", f"for {people} no hour is right"))
    message = campaign.message
    texts = [message.text or "", *(message.variants or {}).values()]
    if not has_begun and (
        message.file or any("{{" in text or "{%" in text for text in texts)
    ):
        found += [*links(plan, campaign), *lacking(plan, campaign)]
    if not has_begun and not is_ignored(campaign, "W355"):
        found += telling(plan, campaign)
    if campaign.recipients.duplicates == "refuse" and summary.reasons.get("duplicate"):
        is_duplicate = pl.col("reason") == "duplicate"
        lost = plan.frame().filter(is_duplicate).select("row").head(1).collect()
        row, won = plan.winners().join(lost, on="row").row(0)
        file, row = plan.sheets.place(row)
        found.append(
            Problem(
                "E402",
                f"this row's number stands in row {plan.sheets.named(won)} too",
                file=file or str(campaign.recipients.path[0]),
                row=row,
                more=summary.reasons["duplicate"] - 1,
            )
        )
    return found


def _several_countries(summary: Summary, campaign: Campaign) -> list[Problem]:
    """Where the first few are to speak for all; the United States' territories are theirs."""
    found: Counter[str] = Counter()
    for region, rows in summary.regions.items():
        found["US" if region in US else region] += rows
    if campaign.send.canary is None or len(found) < 2:
        return []
    shown = [f"{rows:,} to {region}" for region, rows in found.most_common(SHOWN)]
    more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [
        Problem(
            "W431", f"messages to {len(found)} countries: {', '.join(shown + more)}"
        )
    ]


def _over_budget(summary: Summary, campaign: Campaign) -> list[Problem]:
    budget = campaign.send.budget
    if budget is None:
        return []
    found = []
    if budget.segments is not None and summary.weight > budget.segments:
        found.append(
            Problem(
                "E400",
                f"the plan takes {counted(summary.weight, 'segment')}",
                f"at most {budget.segments:,} (send.budget.segments)",
            )
        )
    if budget.money is not None:
        found += _over_money(summary, budget.money)
    return found


def _over_money(summary: Summary, limit: float) -> list[Problem]:
    if summary.cost is None:
        what = "send.budget.money is set, and there are no prices"
        return [Problem("E401", what, "send.prices")]
    if summary.unpriced:
        some = counted(summary.unpriced, "message has", "messages have")
        what = f"{some} no price in send.prices"
        return [Problem("E401", what, "a price for each, or `default`")]
    if summary.cost <= round(limit * MICRO):
        return []
    return [
        Problem(
            "E400",
            f"the plan costs {money(summary.cost, summary.currency)}",
            f"at most {money(round(limit * MICRO), summary.currency)} (send.budget.money)",
        )
    ]

"""What a plan amounts to: counts, segments, cost, time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.prepare.cost import money
from bulksend.prepare.outlook import at_any_hour

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan

_WORDS = ("reason", "number_repair", "number_type", "number_region", "encoding")


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over a plan.  ``rows`` = ``sendable`` + the sum of ``reasons``.

    Args:
        weight: What the pace counts: segments, or recipients of group messages.

        cost: Millionths of the rate card's currency; None without a card, or where the
            card lacks a price.

        seconds: How long sending takes, where nobody's hours and no carrier are waited
            for; `outlook` knows those.
    """

    rows: int
    sendable: int
    reasons: dict[str, int]
    repairs: dict[str, int]
    types: dict[str, int]
    regions: dict[str, int]
    encodings: dict[str, int]
    segments: int
    weight: int
    cost: int | None
    currency: str
    unpriced: int
    seconds: float

    @property
    def price(self) -> str:
        """``$1,284.00``; nothing where it is not known."""
        return "" if self.cost is None else money(self.cost, self.currency)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def summarise(plan: Plan, campaign: Campaign) -> Summary:
    """Count a plan in one pass over its narrow columns.

    Of the words that describe a row there are few combinations, so it is those that are
    counted, and what is said of a plan is added up from them.
    """
    rates = campaign.send.rates(campaign.senders)
    words = (*_WORDS, "from") if rates else _WORDS
    counted = (
        plan.frame()
        .group_by(*words)
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("segments").cast(pl.Int64).sum(),
            pl.col("pace_weight").cast(pl.Int64).sum().alias("weight"),
            pl.col("cost_micros").sum().alias("cost"),
            pl.col("cost_micros").is_null().sum().cast(pl.Int64).alias("unpriced"),
        )
        .collect(engine="streaming")
    )
    sent = counted.filter(pl.col("reason").is_null())
    total = sent.select(pl.exclude(words).sum()).row(0, named=True)
    priced = campaign.send.prices is not None
    return Summary(
        rows=plan.rows,
        sendable=total["rows"],
        reasons=_counted(counted, "reason"),
        repairs=_counted(sent, "number_repair"),
        types=_counted(sent, "number_type"),
        regions=_counted(sent, "number_region"),
        encodings=_counted(sent, "encoding"),
        segments=total["segments"],
        weight=total["weight"],
        cost=total["cost"] if priced else None,
        currency=str((campaign.send.prices or {}).get("currency", "USD")),
        unpriced=total["unpriced"] if priced else 0,
        seconds=_seconds(campaign, sent) if total["rows"] else 0.0,
    )


def _seconds(campaign: Campaign, sent: pl.DataFrame) -> float:
    name = pl.col("from").cast(pl.String) if "from" in sent.columns else pl.lit("")
    weights = sent.group_by(name.alias("sender")).agg(pl.col("weight").sum())
    return at_any_hour(campaign, int(sent["rows"].sum()), weights.rows())


def _counted(counted: pl.DataFrame, column: str) -> dict[str, int]:
    """How many rows have each of a column's words, the commonest first."""
    return dict(
        counted.filter(pl.col(column).is_not_null())
        .group_by(pl.col(column).cast(pl.String))
        .agg(pl.col("rows").sum())
        .sort("rows", column, descending=[True, False])
        .iter_rows()
    )

"""What a plan amounts to: counts, segments, cost, time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.prepare.cost import money

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.define.sending import Send
    from bulksend.prepare.plan import Plan

_WORDS = ("reason", "number_repair", "number_type", "number_region", "encoding")


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over a plan.  ``rows`` = ``sendable`` + the sum of ``reasons``.

    Args:
        weight: What the pace counts: segments, or recipients of group messages.

        cost: Millionths of the rate card's currency; None without a card, or where the
            card lacks a price.

        seconds: How long sending takes at the campaign's rate.
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
        seconds=max(
            _ramped(campaign.send, total["weight"]),
            *(_of(sent, sender) / rate for sender, rate in rates.items()),
            0.0,
        ),
    )


def _ramped(send: Send, weight: int) -> float:
    """Seconds at the account's rate; of a ramp about half is lost."""
    ramp = send.ramp.total_seconds() if send.ramp else 0.0
    return weight / send.rate.per_second + min(ramp / 2, weight / send.rate.per_second)


def _of(sent: pl.DataFrame, sender: str) -> int:
    return int(sent.filter(pl.col("from") == sender)["weight"].sum())


def _counted(counted: pl.DataFrame, column: str) -> dict[str, int]:
    """How many rows have each of a column's words, the commonest first."""
    return dict(
        counted.filter(pl.col(column).is_not_null())
        .group_by(pl.col(column).cast(pl.String))
        .agg(pl.col("rows").sum())
        .sort("rows", column, descending=[True, False])
        .iter_rows()
    )

"""What a plan amounts to: counts, segments, cost, time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.prepare.plan import Plan


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

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def summarise(plan: Plan, campaign: Campaign) -> Summary:
    """Count a plan in one pass over its narrow columns."""
    frame = plan.frame()
    sent = frame.filter(pl.col("reason").is_null())
    totals, *grouped = pl.collect_all(
        [
            sent.select(
                pl.len().alias("sendable"),
                pl.col("segments").cast(pl.Int64).sum(),
                pl.col("pace_weight").cast(pl.Int64).sum().alias("weight"),
                pl.col("cost_micros").sum().alias("cost"),
                pl.col("cost_micros").is_null().sum().alias("unpriced"),
            ),
            _counted(frame, "reason"),
            _counted(sent, "number_repair"),
            _counted(sent, "number_type"),
            _counted(sent, "number_region"),
            _counted(sent, "encoding"),
        ],
        engine="streaming",
    )
    total = totals.row(0, named=True)
    reasons, repairs, types, regions, encodings = map(_mapping, grouped)
    priced = campaign.send.prices is not None
    return Summary(
        rows=plan.rows,
        sendable=total["sendable"],
        reasons=reasons,
        repairs=repairs,
        types=types,
        regions=regions,
        encodings=encodings,
        segments=total["segments"],
        weight=total["weight"],
        cost=total["cost"] if priced else None,
        currency=str((campaign.send.prices or {}).get("currency", "USD")),
        unpriced=total["unpriced"] if priced else 0,
        seconds=total["weight"] / campaign.send.rate.per_second,
    )


def _counted(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    return (
        frame.filter(pl.col(column).is_not_null())
        .group_by(pl.col(column).cast(pl.String).alias("value"))
        .len("count")
        .sort("count", "value", descending=[True, False])
    )


def _mapping(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.iter_rows())

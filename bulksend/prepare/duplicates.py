"""Which rows lose to another, and what tells messages apart that are equal on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare import audience
from bulksend.prepare.names import own
from bulksend.prepare.reasons import code

if TYPE_CHECKING:
    from bulksend.define.load import Loaded
    from bulksend.prepare.source import Source


def without_duplicates(
    frame: pl.LazyFrame, loaded: Loaded, source: Source, named: dict[str, list[str]]
) -> pl.LazyFrame:
    """With `duplicate` and `household` as the reason of the rows that lose by a policy.

    Args:
        named: The columns that the campaign's keys name.
    """
    policy = loaded.campaign.recipients.duplicates
    reason = pl.col(own("reason"))
    key: pl.Expr = pl.when(reason.is_null()).then(pl.col(own("e164")))
    if policy == "keep" and loaded.campaign.message.once_key:
        key, policy = _with_once_key(key), "first"
    ranks = [
        rank
        for column in named["recipients.duplicates.by"]
        for rank in audience.ranks(column, source.columns[column])
    ]
    keep = policy if isinstance(policy, str) else policy.keep
    loses = audience.losing(key, keep, ranks)
    frame = frame.with_columns(
        pl.when(loses).then(code("duplicate")).otherwise(reason).alias(own("reason"))
    )
    if not named["recipients.household"]:
        return frame
    home = audience.home(source.text(named["recipients.household"][0]))
    home = pl.when(reason.is_null()).then(home)
    return frame.with_columns(
        pl.when(audience.losing(home, "first"))
        .then(code("household"))
        .otherwise(reason)
        .alias(own("reason"))
    )


def _with_once_key(number: pl.Expr) -> pl.Expr:
    return pl.concat_str(number, pl.lit(" "), own("once_key"))


def with_repeats(frame: pl.LazyFrame, loaded: Loaded) -> pl.LazyFrame:
    """With `nth`: how many rows before have this message for this number; else null.

    Only where that tells messages apart.  The rows are gone through once before, for
    Polars would hold all of them to count: what repeats is little.
    """
    campaign = loaded.campaign
    if campaign.message.once_key or campaign.recipients.duplicates != "keep":
        return frame
    message = pl.concat_str(own("to"), pl.lit(" "), _said()).hash()
    sent = frame.filter(pl.col(own("reason")).is_null()).select("row", message=message)
    again = sent.filter(~pl.col("message").is_first_distinct())
    nth = pl.int_range(pl.len()).over("message") + 1
    repeats = again.collect(engine="streaming").sort("row")
    repeats = repeats.select("row", nth.alias(own("nth")))
    return frame.join(repeats.lazy(), on="row", how="left", maintain_order="left")


def _said() -> pl.Expr:
    return pl.concat_str(own("text"), own("media"), separator=" ", ignore_nulls=True)


def once_key(loaded: Loaded) -> pl.Expr:
    """What stands for the content in the ledger; null where the content does.

    Where duplicates are kept, the second equal message to a number is another one than
    the first, and the same one when the list is sent again.
    """
    campaign = loaded.campaign
    if campaign.message.once_key or campaign.recipients.duplicates != "keep":
        return pl.col(own("once_key"))
    nth = pl.col(own("nth"))
    again = pl.concat_str(_said(), pl.lit(" "), nth)
    return pl.when(nth.is_not_null()).then(again)

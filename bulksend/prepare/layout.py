"""The columns of a plan: the row, what the list had, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare import audience
from bulksend.prepare.cost import RateCard
from bulksend.prepare.duplicates import once_key
from bulksend.prepare.names import PLACES, PLAN, in_plan, own
from bulksend.prepare.reasons import REASON, code

if TYPE_CHECKING:
    from bulksend.define.campaign import Experiment
    from bulksend.define.load import Loaded
    from bulksend.prepare.source import Source


def plan_columns(
    loaded: Loaded, source: Source
) -> tuple[list[pl.Expr], dict[str, str]]:
    """The plan's columns: ``row``, the input's, ours."""
    campaign = loaded.campaign
    group = campaign.message.group
    names = in_plan(source.columns)
    places = [name for name in PLACES if name in source.frame.collect_schema()]
    reason = _with_holdout(campaign.experiment, pl.col(own("reason")))
    is_sent = reason.is_null()
    measured = pl.col(own("measured"))
    is_mms = bool(campaign.message.media) or group
    segments = pl.lit(1) if is_mms else measured.struct.field("segments")
    recipients = pl.col(own("to")).str.count_matches(",", literal=True) + 1
    weight = recipients if group else segments
    detail = (
        pl.when((reason == code("value_missing")) | (reason == code("value_unfit")))
        .then(pl.col(own("missing")))
        .when(reason == code("line_type"))
        .then(audience.barred_type(campaign.recipients, group=group))
    )
    ours = {
        "to": pl.col(own("to")),
        "from": audience.sender(campaign.senders, pl.col(own("e164"))),
        "text": pl.col(own("text")),
        "text_before": pl.col(own("text_before")),
        "media": pl.col(own("media")),
        "tag": pl.col(own("tag")),
        "once_key": once_key(loaded),
        "segments": segments.cast(pl.UInt16),
        "encoding": measured.struct.field("encoding"),
        "reason": reason.cat.to(REASON),
        "reason_detail": detail,
        "number_key": pl.col(own("e164")),
        "number_region": pl.col(own("region")),
        "number_type": pl.col(own("type")),
        "number_repair": pl.col(own("repair")),
        "experiment_arm": arm(campaign.experiment),
        "place": pl.col(own("placed")).struct.field("place"),
        "carrier_family": pl.col(own("carrier")),
        "pace_weight": weight.cast(pl.UInt16),
        "cost_micros": _cost(loaded, segments, recipients if group else None),
    }
    unsent = {
        "from",
        "media",
        "tag",
        "segments",
        "encoding",
        "pace_weight",
        "cost_micros",
    }
    final = [
        (pl.when(is_sent).then(ours[name]) if name in unsent else ours[name]).alias(
            name
        )
        for name in PLAN
    ]
    inputs = [
        # Parquet cannot hold an object without keys.
        (source.text(column) if "Struct({})" in str(kind) else pl.col(column)).alias(
            names[column]
        )
        for column, kind in source.columns.items()
    ]
    return ["row", *places, *inputs, *final], names  # type: ignore[list-item]


def arm(experiment: Experiment | None) -> pl.Expr:
    if experiment is None:
        return pl.lit(None, pl.String)
    return audience.arm(experiment, pl.col(own("e164")))


def _with_holdout(experiment: Experiment | None, reason: pl.Expr) -> pl.Expr:
    """The last reason: those held out are to be like those who are sent one."""
    if experiment is None or experiment.holdout is None:
        return reason
    held_out = reason.is_null() & (arm(experiment) == experiment.holdout)
    return pl.when(held_out).then(code("holdout")).otherwise(reason)


def original_headers(source: Source, names: dict[str, str]) -> dict[str, str]:
    """A column's name in the plan -> the header as it stands in the file."""
    headers = {column: header for header, column in source.headers.items()}
    return {name: headers[column] for column, name in names.items()}


def _cost(loaded: Loaded, segments: pl.Expr, recipients: pl.Expr | None) -> pl.Expr:
    card = loaded.campaign.send.prices
    if card is None:
        return pl.lit(None, pl.Int64)
    media = bool(loaded.campaign.message.media) or recipients is not None
    price = RateCard.read(dict(card), file=str(loaded.path)).price(
        pl.col(own("region")), pl.col(own("type")), segments, media=pl.lit(media)
    )
    return price if recipients is None else price * recipients

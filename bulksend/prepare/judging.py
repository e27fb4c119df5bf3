"""What becomes of each row by itself: number, text, place, and the reason if it gets none.

Expressions over the scan, each row for itself: so any part of a list gives the same rows
wherever it is worked out (`spread`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare import audience
from bulksend.prepare.basis import ARM
from bulksend.prepare.carriers import family
from bulksend.prepare.duplicates import message
from bulksend.prepare.identity import bars_hours
from bulksend.prepare.layout import arm
from bulksend.prepare.names import own
from bulksend.prepare.places import PLACED, Sources, placed, placed_together
from bulksend.prepare.reasons import code
from bulksend.prepare.render import faults
from bulksend.prepare.segments import measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.prepare.basis import Basis
    from bulksend.prepare.template.shared import Step


def judged(basis: Basis) -> pl.LazyFrame:
    """The list's rows with our columns, `reason` but for duplicates and holdout."""
    recipients = basis.loaded.campaign.recipients
    group = basis.loaded.campaign.message.group
    experiment = basis.loaded.campaign.experiment
    source, named, rendered = basis.source, basis.named, basis.rendered
    texts = [source.text(column) for column in named["recipients.phone"]]
    read = audience.read_group if group else audience.read
    return (
        source.frame.with_columns(read(texts, recipients.default_region))
        .with_columns(
            audience.group_numbers()
            if group
            else audience.numbers(len(texts), audience.barred_kinds(recipients))
        )
        .with_columns([arm(experiment).alias(ARM)] if experiment else [])
        .pipe(_after, rendered.steps)
        .with_columns(
            rendered.text.alias(own("text")),
            rendered.before.alias(own("text_before")),
            rendered.media.alias(own("media")),
            rendered.tag.alias(own("tag")),
            rendered.once_key.alias(own("once_key")),
            rendered.missing.alias(own("missing")),
            _carrier(basis).alias(own("carrier")),
            *([] if rendered.unfit is None else [rendered.unfit.alias(own("unfit"))]),
        )
        .with_columns(message(basis.loaded))
        .with_columns(measure(pl.col(own("text"))).alias(own("measured")))
        .with_columns(_place(basis).alias(own("placed")))
        .with_columns(_reason(basis).alias(own("reason")))
    )


def _after(frame: pl.LazyFrame, steps: Iterable[Step]) -> pl.LazyFrame:
    """What templates work out before their texts; the final select drops it."""
    for step in steps:
        frame = frame.with_columns(step)
    return frame


def _place(basis: Basis) -> pl.Expr:
    """Where each person may be; nothing where no hours are kept."""
    source, named, hours = basis.source, basis.named, basis.beside.hours
    if hours is None:
        return pl.lit(None, PLACED)
    postcode, zone = (
        next(map(source.text, named[f"recipients.{name}"]), None)
        for name in ("postcode", "zone")
    )
    if not basis.loaded.campaign.message.group:
        number, region = (pl.col(own(name)) for name in ("e164", "region"))
        return placed(hours, Sources(number, region, postcode, zone))
    members = []
    for member in range(audience.MOST_IN_GROUP):
        read = pl.col(own(f"read {member}")).struct
        e164, region = read.field("e164"), read.field("region")
        members.append(placed(hours, Sources(e164, region, postcode, zone)))
    return placed_together(hours, members)


def _carrier(basis: Basis) -> pl.Expr:
    columns = basis.named["recipients.carrier"]
    column = next(map(basis.source.text, columns), None)
    return pl.lit(None, pl.String) if column is None else family(column)


def _reason(basis: Basis) -> pl.Expr:
    """Everything but the duplicates and the holdout, in one order for every row."""
    loaded, rendered, lists = basis.loaded, basis.rendered, basis.beside.lists
    message = loaded.campaign.message
    group = message.group
    barred = audience.barred_type(loaded.campaign.recipients, group=group)
    checks = [("line_type", barred.is_not_null())]
    suppressed, only = lists["suppress"].numbers, lists["only"].numbers
    if len(suppressed):
        checks.append(("suppressed", audience.listed(suppressed, group=group)))
    if loaded.campaign.recipients.only:
        is_on = audience.listed(only, group=group, every=True)
        checks.append(("not_on_list", ~is_on))
    placed_there = pl.col(own("placed")).struct.field("fault")
    if not bars_hours(loaded.campaign):
        is_open = placed_there != code("never_open")  # on the simulator it is always
        placed_there = pl.when(is_open).then(placed_there)
    if rendered.unfit is not None:
        checks.append(("value_unfit", pl.col(own("unfit"))))
    checks.append(("value_missing", pl.col(own("missing")).is_not_null()))
    checks += faults(loaded)
    return pl.coalesce(
        pl.col(own("refusal")), audience.first_reason(*checks), placed_there
    )

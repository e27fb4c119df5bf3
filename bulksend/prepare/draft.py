"""A campaign and its lists to the plan's rows: the whole preparation on one page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from bulksend.errors import InputError, Problem
from bulksend.prepare import audience
from bulksend.prepare.carriers import family
from bulksend.prepare.duplicates import with_repeats, without_duplicates
from bulksend.prepare.identity import Beside, bars_hours, described
from bulksend.prepare.layout import arm, original_headers, plan_columns
from bulksend.prepare.lint import lint
from bulksend.prepare.lists import NumberList, Reading, read_list
from bulksend.prepare.names import own
from bulksend.prepare.naming import named_columns
from bulksend.prepare.phones import time_zones
from bulksend.prepare.places import PLACED, Sources, placed, placed_together
from bulksend.prepare.plan import plan_hash
from bulksend.prepare.ranking import ranked_as_text
from bulksend.prepare.reasons import code
from bulksend.prepare.render import (
    Rendered,
    faults,
    render,
    written_texts,
)
from bulksend.prepare.segments import measure
from bulksend.prepare.source import Source, scan
from bulksend.prepare.timing import campaign_hours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.define.load import Loaded
    from bulksend.prepare.template.shared import Step
    from bulksend.rules.hours import Hours
    from bulksend.storage.spool import Spool


ARM = "arm"
"""What a template calls the arm of an experiment."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan before it is written; keep it open while its frame is in use."""

    frame: pl.LazyFrame
    about: dict[str, Any]
    notices: tuple[Problem, ...]
    source: Source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


def draft(
    loaded: Loaded,
    *,
    version: str,
    slot: str = "",
    shards: int = 1,
    spool: Spool | None = None,
) -> Draft:
    """Read the lists, compile the templates, and describe every row.

    Args:
        version: bulksend's own; it is part of the plan's hash.

        slot: Which of a recurring campaign's sends this is, such as its date.

        shards: Into how many parts the plan is cut.

        spool: Where lists in object storage are copied to.

    Raises:
        InputError: Every problem of the lists, or every problem of the templates.
    """
    recipients = loaded.campaign.recipients
    source = scan(
        recipients.path,
        folder=loaded.folder,
        spool=spool,
        delimiter=recipients.delimiter,
        encoding=recipients.encoding,
        sheet=recipients.sheet,
    )
    try:
        drafted = _draft(loaded, source, version, slot, spool)
        return _cut(drafted, shards) if shards > 1 else drafted
    except BaseException:
        source.close()
        raise


def _cut(drafted: Draft, shards: int) -> Draft:
    """Another cut is another plan: its senders must not take it for this one."""
    about = drafted.about
    parts = {"plan": about["hash"], "shards": shards}
    return replace(drafted, about=about | {"shards": shards, "hash": plan_hash(parts)})


def _draft(
    loaded: Loaded, source: Source, version: str, slot: str, spool: Spool | None
) -> Draft:
    recipients = loaded.campaign.recipients
    if not source.rows:
        what = "there is a header, and no row under it"
        raise InputError(Problem("E204", what, file=recipients.path[0]))
    named, notices = named_columns(loaded, source)
    phone, region = recipients.phone, recipients.default_region
    reading = Reading(loaded.folder, phone, region, keeps_out=True, spool=spool)
    lists = {
        "suppress": read_list(recipients.suppress, reading),
        "only": read_list(recipients.only, replace(reading, keeps_out=False)),
    }
    hours = campaign_hours(loaded)
    about = described(loaded, source, Beside(lists, hours), version, slot)
    experiment = loaded.campaign.experiment
    arms = {} if experiment is None else {ARM: pl.String()}
    if arms and ARM in source.columns:
        what = "the list has a column `arm`, and an experiment's arm is called so"
        raise InputError(Problem("E126", what, file=str(loaded.path)))
    rendered = render(
        loaded,
        dict(source.columns) | arms,
        language=next(map(source.text, named["message.language"]), None),
    )
    said = lint(loaded, written_texts(loaded))
    if wrong := [problem for problem in said if not problem.is_warning]:
        raise InputError(wrong)
    group = loaded.campaign.message.group
    texts = [source.text(column) for column in named["recipients.phone"]]
    read = audience.read_group if group else audience.read
    frame = (
        source.frame.with_columns(read(texts, region))
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
            _carrier(source, named).alias(own("carrier")),
            *([] if rendered.unfit is None else [rendered.unfit.alias(own("unfit"))]),
        )
        .with_columns(measure(pl.col(own("text"))).alias(own("measured")))
        .with_columns(time_zones(pl.col(own("e164"))).alias(own("zones")))
        .with_columns(_place(loaded, source, named, hours).alias(own("placed")))
        .with_columns(_reason(loaded, lists, rendered).alias(own("reason")))
    )
    frame = without_duplicates(frame, loaded, source, named)
    frame = with_repeats(frame, loaded)
    final, names = plan_columns(loaded, source)
    about["columns"] = list(names.values())
    about["headers"] = original_headers(source, names)
    about["phone"] = [names[column] for column in named["recipients.phone"]]
    about["filled"] = sorted(names[column] for column in rendered.filled - {ARM})
    about["household"] = next((names[c] for c in named["recipients.household"]), None)
    return Draft(
        frame=frame.select(final),
        about=about,
        notices=(
            *source.notices,
            *notices,
            *ranked_as_text(loaded, source, named),
            *(note for one in lists.values() for note in one.notices),
            *rendered.warnings,
            *said,
        ),
        source=source,
    )


def _after(frame: pl.LazyFrame, steps: Iterable[Step]) -> pl.LazyFrame:
    """What templates work out before their texts; the final select drops it."""
    for step in steps:
        frame = frame.with_columns(step)
    return frame


def _place(
    loaded: Loaded, source: Source, named: dict[str, list[str]], hours: Hours | None
) -> pl.Expr:
    """Where each person may be; nothing where no hours are kept."""
    if hours is None:
        return pl.lit(None, PLACED)
    postcode, zone = (
        next(map(source.text, named[f"recipients.{name}"]), None)
        for name in ("postcode", "zone")
    )
    if not loaded.campaign.message.group:
        number, zones, region = (pl.col(own(n)) for n in ("e164", "zones", "region"))
        return placed(hours, Sources(number, zones, region, postcode, zone))
    members = []
    for member in range(audience.MOST_IN_GROUP):
        read = pl.col(own(f"read {member}")).struct
        e164, region = read.field("e164"), read.field("region")
        members.append(
            placed(hours, Sources(e164, time_zones(e164), region, postcode, zone))
        )
    return placed_together(hours, members)


def _carrier(source: Source, named: dict[str, list[str]]) -> pl.Expr:
    column = next(map(source.text, named["recipients.carrier"]), None)
    return pl.lit(None, pl.String) if column is None else family(column)


def _reason(
    loaded: Loaded, lists: dict[str, NumberList], rendered: Rendered
) -> pl.Expr:
    """Everything but the duplicates, in one order for every row."""
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
    experiment = loaded.campaign.experiment
    if experiment is not None and experiment.holdout is not None:
        checks.append(("holdout", arm(experiment) == experiment.holdout))
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

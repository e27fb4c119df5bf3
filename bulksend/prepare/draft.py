"""A campaign and its lists to the plan's rows: the whole preparation on one page."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import polars as pl

from bulksend.define.digest import content_digest
from bulksend.errors import InputError, Problem
from bulksend.prepare import audience
from bulksend.prepare.carriers import family
from bulksend.prepare.columns import find_column, is_made_up, row_with, shown
from bulksend.prepare.cost import RateCard
from bulksend.prepare.duplicates import once_key, with_repeats, without_duplicates
from bulksend.prepare.lint import lint
from bulksend.prepare.lists import NumberList, Reading, read_list
from bulksend.prepare.names import PLACES, PLAN, in_plan, own
from bulksend.prepare.phones import ZONES, metadata_version, time_zones
from bulksend.prepare.places import PLACED, Sources, placed, placed_together
from bulksend.prepare.plan import FORMAT, plan_hash
from bulksend.prepare.reasons import REASON, code
from bulksend.prepare.render import (
    Rendered,
    faults,
    read_template,
    render,
    written_texts,
)
from bulksend.prepare.segments import measure
from bulksend.prepare.source import Source, scan
from bulksend.prepare.timing import as_said, campaign_hours
from bulksend.prepare.timing import decisive as decisive_hours
from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.campaign import Campaign, Experiment
    from bulksend.define.load import Loaded
    from bulksend.rules.hours import Hours
    from bulksend.storage.spool import Spool


LOOKED_AT = 20
"""Rows in which a header may stand that is not the first row."""

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
    named, notices = _named(loaded, source)
    phone, region = recipients.phone, recipients.default_region
    reading = Reading(loaded.folder, phone, region, keeps_out=True, spool=spool)
    lists = {
        "suppress": read_list(recipients.suppress, reading),
        "only": read_list(recipients.only, replace(reading, keeps_out=False)),
    }
    hours = campaign_hours(loaded)
    about = _about(loaded, source, _Beside(lists, hours), version, slot)
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
        .with_columns([_arm(experiment).alias(ARM)] if experiment else [])
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
    final, names = _columns(loaded, source)
    about["columns"] = list(names.values())
    about["headers"] = _original_headers(source, names)
    about["phone"] = [names[column] for column in named["recipients.phone"]]
    about["filled"] = sorted(names[column] for column in rendered.filled - {ARM})
    about["household"] = next((names[c] for c in named["recipients.household"]), None)
    return Draft(
        frame=frame.select(final),
        about=about,
        notices=(
            *source.notices,
            *notices,
            *(note for one in lists.values() for note in one.notices),
            *rendered.warnings,
            *said,
        ),
        source=source,
    )


def _named(
    loaded: Loaded, source: Source
) -> tuple[dict[str, list[str]], list[Problem]]:
    """The columns that the campaign's keys name, and what to say of how they were found.

    Raises:
        InputError: With every name that no column has.
    """
    recipients, message = loaded.campaign.recipients, loaded.campaign.message
    wanted = {
        "recipients.phone": recipients.phone,
        "recipients.household": [recipients.household],
        "recipients.duplicates.by": [getattr(recipients.duplicates, "by", None)],
        "recipients.postcode": [recipients.postcode],
        "recipients.zone": [recipients.zone],
        "recipients.carrier": [recipients.carrier],
        "message.language": [message.language],
    }
    found: dict[str, list[str]] = {key: [] for key in wanted}
    notices: list[Problem] = []
    problems: list[Problem] = []
    lists = ", ".join(recipients.path)
    for key, name in ((key, name) for key, names in wanted.items() for name in names):
        if name is None:
            continue
        file, line = str(loaded.path), loaded.line_of(key)
        try:
            column, notice = find_column(
                source.headers, name, of=lists, key=key, file=file, line=line
            )
        except InputError as error:
            problems.extend(_by_its_header(error.problems, source, name))
            continue
        kind = source.columns[column]
        if kind.is_nested() and key != "recipients.phone":
            what = f"the column {shown(name)} is of type {kind}"
            problems.append(Problem("E309", what, file=file, line=line, column=key))
        found[key].append(column)
        notices.extend([notice] if notice else [])
    if problems:
        raise InputError(problems)
    return found, notices


def _by_its_header(
    problems: Sequence[Problem], source: Source, name: str
) -> list[Problem]:
    """Where the column's name stands further down, that is what there is to mend."""
    is_titled = len(source.headers) == 1 or any(map(is_made_up, source.headers))
    row = row_with(source.frame.head(LOOKED_AT).collect(), name) if is_titled else None
    if row is None:
        return list(problems)
    above = "row" if row == 2 else "rows"  # the first is taken for the header
    fix = f"{shown(name)} stands in row {row}: delete the {above} above it."
    return [replace(problem, fix=fix) for problem in problems]


class _Beside(NamedTuple):
    """What decides beside the campaign and its list."""

    lists: dict[str, NumberList]
    hours: Hours | None


def _about(
    loaded: Loaded,
    source: Source,
    beside: _Beside,
    version: str,
    slot: str,
) -> dict[str, Any]:
    """What is written into the plan beside its rows; the hash is over all of it."""
    campaign = loaded.campaign
    template = read_template(loaded) if campaign.message.file else ""
    said: dict[str, Any] = {
        # As it was written, for `send PLAN` reads it again by the rules of the file; but
        # a webhook's address is often a secret: `define.reference` keeps that one.
        "campaign": campaign.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude={"notify"}
        ),
        "content_digest": content_digest(campaign),
        "inputs": {
            "recipients": source.digest,
            "template": template,
            **{key: one.digest for key, one in beside.lists.items()},
        },
        "bulksend": version,
        "phonenumbers": metadata_version(),
        "hours": as_said(beside.hours),
    }
    # Pace and place of the results decide nobody's text: they may change in mid-run.
    # So may the lists' names, for their bytes count; but several name their own rows.
    named = list(zip(source.files, source.names, strict=True))
    several = named if len(named) > 1 else ()
    content = campaign.model_dump(
        mode="json",
        include={
            "name",
            "provider",
            "senders",
            "recipients",
            "message",
            "lint",
            "experiment",
        },
        exclude={"recipients": {"path", "suppress", "only"}, "message": {"file"}},
        exclude_defaults=True,
    )
    decisive = {key: said[key] for key in ("inputs", "bulksend", "phonenumbers")} | {
        "campaign": content,
        "hours": decisive_hours(beside.hours, bars=_bars_hours(campaign)),
        "prices": campaign.send.prices,  # the plan holds each message's cost
        "files": [
            name if is_address(name) else os.path.relpath(file, loaded.folder)
            for file, name in several
        ],
        "format": FORMAT,
    }
    if slot:
        decisive["slot"] = slot
    return said | {
        "slot": slot,
        "hash": plan_hash(decisive),
        "input_digest": plan_hash(said["inputs"]),
        "rows": source.rows,
    }


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


def _arm(experiment: Experiment | None) -> pl.Expr:
    if experiment is None:
        return pl.lit(None, pl.String)
    return audience.arm(experiment, pl.col(own("e164")))


def _bars_hours(campaign: Campaign) -> bool:
    """Whether a row without any right hour gets nothing: on the simulator it may."""
    return campaign.keeps_hours or campaign.speaks_of_hours


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
        checks.append(("holdout", _arm(experiment) == experiment.holdout))
    placed_there = pl.col(own("placed")).struct.field("fault")
    if not _bars_hours(loaded.campaign):
        is_open = placed_there != code("never_open")  # on the simulator it is always
        placed_there = pl.when(is_open).then(placed_there)
    if rendered.unfit is not None:
        checks.append(("value_unfit", pl.col(own("unfit"))))
    checks.append(("value_missing", pl.col(own("missing")).is_not_null()))
    checks += faults(loaded)
    return pl.coalesce(
        pl.col(own("refusal")), audience.first_reason(*checks), placed_there
    )


def _columns(loaded: Loaded, source: Source) -> tuple[list[pl.Expr], dict[str, str]]:
    """The plan's columns: ``row``, the input's, ours."""
    campaign = loaded.campaign
    group = campaign.message.group
    names = in_plan(source.columns)
    places = [name for name in PLACES if name in source.frame.collect_schema()]
    reason = pl.col(own("reason"))
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
        # A group is in no zone of its own.
        "number_zones": pl.lit(None, ZONES) if group else pl.col(own("zones")),
        "experiment_arm": _arm(campaign.experiment),
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


def _original_headers(source: Source, names: dict[str, str]) -> dict[str, str]:
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

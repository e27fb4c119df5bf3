"""What a plan says of itself beside its rows, and the hash over all that decides them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.define.digest import content_digest
from bulksend.prepare.phones import metadata_version
from bulksend.prepare.plan import FORMAT, plan_hash
from bulksend.prepare.render import read_template
from bulksend.prepare.timing import as_said
from bulksend.prepare.timing import decisive as decisive_hours
from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign
    from bulksend.define.load import Loaded
    from bulksend.prepare.lists import NumberList
    from bulksend.prepare.source import Source
    from bulksend.rules.hours import Hours


class Beside(NamedTuple):
    """What decides beside the campaign and its list."""

    lists: dict[str, NumberList]
    hours: Hours | None


def described(
    loaded: Loaded,
    source: Source,
    beside: Beside,
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
        "hours": decisive_hours(beside.hours, bars=bars_hours(campaign)),
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
        "sheets": source.sheets.files,
    }


def bars_hours(campaign: Campaign) -> bool:
    """Whether a row without any right hour gets nothing: on the simulator it may."""
    return campaign.keeps_hours or campaign.speaks_of_hours

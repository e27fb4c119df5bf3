"""A campaign file at an address: fetched, and what it names is beside it there.

Relative paths of lists and results become addresses; what else it names (a text, rules)
is fetched with it, so that everything after is as for a file of this machine.
"""

from __future__ import annotations

from dataclasses import replace
from posixpath import normpath
from typing import TYPE_CHECKING

from bulksend.define.load import load
from bulksend.define.sending import Chosen
from bulksend.errors import InputError, Problem
from bulksend.storage.location import is_address, located

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulksend.define.campaign import Campaign
    from bulksend.define.load import Loaded
    from bulksend.storage.location import Location
    from bulksend.storage.spool import Spool


def load_distant(
    place: Location, environment: Mapping[str, str], spool: Spool
) -> Loaded:
    """Read a campaign file in object storage.

    Raises:
        InputError: With every problem of the file; E100, where there is none; E693 to
            E695, what stands against fetching it.
        Stopped: E698.
    """
    found = spool.objects.look(place)
    if found is None:
        raise InputError(Problem("E100", "there is no such object", file=str(place)))
    loaded = load(spool.keep(found), environment, name=str(place))
    campaign = _with_files(_with_addresses(loaded.campaign, place), place, spool)
    return replace(loaded, campaign=campaign, path=place)


def _with_addresses(campaign: Campaign, place: Location) -> Campaign:
    lists = {
        key: tuple(beside(place, path) for path in getattr(campaign.recipients, key))
        for key in ("path", "suppress", "only")
    }
    return campaign.model_copy(
        update={
            "recipients": campaign.recipients.model_copy(update=lists),
            "results": beside(place, campaign.results),
        }
    )


def _with_files(campaign: Campaign, place: Location, spool: Spool) -> Campaign:
    """The text stands in the campaign then, and rules are copies on this machine."""
    update: dict[str, object] = {}
    message, rules = campaign.message, campaign.send.rules
    if message.file is not None:
        [copy] = spool.local(beside(place, message.file))
        try:
            text = copy.read_text(encoding="utf-8-sig").removesuffix("\n")
        except UnicodeDecodeError:
            found = f"`{message.file}` cannot be read: it is not UTF-8"
            raise InputError(Problem("E330", found, file=str(place))) from None
        update["message"] = message.model_copy(update={"file": None, "text": text})
    if isinstance(rules, Chosen) and rules.also:
        copies = tuple(
            str(copy.absolute())
            for file in rules.also
            for copy in spool.local(beside(place, file))
        )
        chosen = rules.model_copy(update={"also": copies})
        update["send"] = campaign.send.model_copy(update={"rules": chosen})
    return campaign.model_copy(update=update) if update else campaign


def beside(place: Location, path: str) -> str:
    """The address of what is named in the campaign at *place*."""
    if is_address(path):
        return path
    slash = "/" if path.endswith("/") else ""
    key = normpath(place.parent.key + path).lstrip("/")
    return str(located(f"{place.scheme}://{place.bucket}/{key}{slash}"))

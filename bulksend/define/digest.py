"""One short name for "the same campaign": what decides who gets which text."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.define.campaign import Campaign


def content_digest(campaign: Campaign) -> str:
    """Hex digest of name, senders, recipients and message; never of pace or results.

    Only what differs from a default is digested: a campaign keeps its digest when a
    later version adds a key, and when a default is written out.  Files are in it by
    path; what they hold is for the plan to hash.
    """
    content = campaign.model_dump(
        mode="json",
        include={"name", "senders", "recipients", "message"},
        exclude_defaults=True,
    )
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=16).hexdigest()

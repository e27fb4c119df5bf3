"""An object as it was found: by the version that a condition can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bulksend.storage.trouble import strange

if TYPE_CHECKING:
    from datetime import datetime

    from bulksend.storage.location import Location


class Found(NamedTuple):
    """An object as it is now.

    Args:
        size: Bytes.

        tag: Its ETag: another content has another one.

        generation: What Google calls a version, for conditional puts.
    """

    place: Location
    size: int
    tag: str
    generation: str
    modified: datetime

    @property
    def version(self) -> dict[str, str]:
        """What a conditional put compares."""
        said = {"e_tag": self.tag, "version": self.generation}
        return {key: value for key, value in said.items() if value}


def found_at(place: Location, meta: Any) -> Found:
    """By what the store says of it.

    Raises:
        Stopped: E698, where it has no ETag: no condition could hold it.
    """
    if not meta["e_tag"]:
        raise strange(str(place))
    return Found(
        place,
        meta["size"],
        _quoted(meta["e_tag"]),
        meta["version"] or "",
        meta["last_modified"],
    )


def _quoted(tag: str) -> str:
    """As a condition wants it: Azure's listing leaves the quotes out."""
    return f'"{tag}"' if tag and not tag.endswith('"') else tag

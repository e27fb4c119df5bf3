"""A zone's clock, by the newest time zone data that the machine has.

Python asks the system's data first, and a server's may be years old: by those of
January 2026 Vancouver, Edmonton and Winnipeg are an hour off from that autumn on, and so
would be every window there.  The package `tzdata` is the other source.  Both say of which
version they are; where the system's does not, the package's are taken.
"""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import tzdata

_VERSION = re.compile(r"(?:# version )?(\d{4}[a-z]+)\s*$")
_SAYS_IT = ("tzdata.zi", "+VERSION")


class _Packaged(zoneinfo.ZoneInfo):
    """Of the package; Python's own of a file could not be pickled."""

    def __reduce__(self) -> Any:
        return zone, (self.key,)


@cache
def names() -> frozenset[str]:
    """All zones that the package has; the system's are not asked, which reads each file."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The clock of one of `names`, or of whatever else the system knows.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: Nobody knows it.
    """
    if name not in names() or _system_version() > tzdata.IANA_VERSION:
        return zoneinfo.ZoneInfo(name)
    with files("tzdata").joinpath("zoneinfo", name).open("rb") as file:
        return _Packaged.from_file(file, key=name)


@cache
def _system_version() -> str:
    """Such as 2026f; nothing where there is none, or none that says it."""
    for folder in zoneinfo.TZPATH:
        for name in _SAYS_IT:
            try:
                with Path(folder, name).open(encoding="utf-8") as file:
                    said = _VERSION.match(file.readline())
            except (OSError, UnicodeDecodeError):
                continue
            if said:
                return said[1]
    return ""

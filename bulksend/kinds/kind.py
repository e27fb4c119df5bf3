"""One row of the table of problems."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """What a code means, and the usual way out."""

    code: str
    title: str
    fix: str

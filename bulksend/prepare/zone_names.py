"""The words of a zone column, and which of them name a place's clock.

``EST`` is an offset: whoever writes it for New York is an hour off all summer.  And
``CET`` is Tunis' clock and Berlin's, of which one has summer time.  So neither is taken
for a zone, nor guessed at.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

import polars as pl

from bulksend.rules import tz

BAD: Final = 0
"""The number of a word that names no place's zone."""

EMPTY: Final = 1
"""The number of an empty cell."""

_OFFSET = re.compile(
    r"Etc/|(EST|MST|HST|GMT.*|UTC|UCT|Zulu|Universal|Greenwich|Factory|localtime"
    r"|CET|EET|MET|WET)$"
)


class ZoneNames:
    """The zone column's words as small numbers: `BAD`, `EMPTY`, known ones."""

    @cached_property
    def _known(self) -> list[str]:
        """Without offsets and UTC, where nobody lives: EST is the East, and no summer."""
        return sorted(one for one in tz.names() if not _OFFSET.match(one))

    @cached_property
    def _number(self) -> dict[str, int]:
        return {zone.casefold(): place for place, zone in enumerate(self._known, 2)}

    def name(self, number: int) -> str | None:
        if number == BAD:
            return None
        return "" if number == EMPTY else self._known[number - 2]

    def numbers_of(self, cells: pl.Series) -> pl.Series:
        text = cells.str.strip_chars()
        words = text.unique().to_list()
        numbers = [self._read(word) for word in words]
        return text.replace_strict(
            pl.Series(words, dtype=pl.String),
            pl.Series(numbers, dtype=pl.UInt16),
            return_dtype=pl.UInt16,
        )

    def _read(self, word: str | None) -> int:
        if not word:
            return EMPTY
        name = word.casefold().replace(" ", "_")
        return self._number.get(name, BAD)

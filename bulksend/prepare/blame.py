"""Why a text takes the segments that it takes, and what would save some."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from bulksend.prepare.gsm7 import ALPHABET
from bulksend.prepare.segments import measure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Offender:
    """A character that is not in the GSM alphabet."""

    character: str

    @property
    def code_point(self) -> str:
        return f"U+{ord(self.character):04X}"

    @property
    def name(self) -> str:
        return unicodedata.name(self.character, "CONTROL OR UNNAMED CHARACTER")


@dataclass(frozen=True, slots=True)
class Blame:
    """Why one text takes the segments it takes, and what would save some."""

    encoding: str
    units: int
    segments: int
    offenders: tuple[Offender, ...]
    segments_without: int
    """What the text would take if the offenders were left out."""
    surplus: int
    """Characters to cut from the end to save one segment; 0 if there is only one."""


def blame(text: str) -> Blame:
    """The reasons for the length of one text: for the few that are shown."""
    foreign = [character for character in text if character not in ALPHABET]
    # A part holds at most 153 characters: cutting so many always saves one.
    shorter = [text[: len(text) - cut] for cut in range(1, min(len(text), 153) + 1)]
    without = "".join(character for character in text if character in ALPHABET)

    whole, plain, *cuts = _counted([text, without, *shorter])
    saving = (cut["segments"] < whole["segments"] for cut in cuts)
    return Blame(
        **whole,
        offenders=tuple(map(Offender, dict.fromkeys(foreign))),
        segments_without=plain["segments"],
        surplus=next((cut for cut, saves in enumerate(saving, 1) if saves), 0),
    )


def _counted(texts: Sequence[str]) -> list[dict[str, Any]]:
    return pl.select(measure(pl.lit(pl.Series(texts)))).to_series().to_list()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a character of a text came from; neither, if a filter made it."""

    template: bool
    columns: tuple[str, ...]


def culprits(
    offending: Collection[str], template_source: str, row: Mapping[str, str]
) -> dict[str, Origin]:
    """For each offending character, whether the template or which columns hold it.

    *row* should have only the columns that the template uses.  A column counts also if
    it holds the character in the other case, as `upper` and `title` change it.
    """
    return {
        character: Origin(
            template=character in template_source,
            columns=tuple(
                column
                for column, value in row.items()
                if character in value + value.upper() + value.lower()
            ),
        )
        for character in offending
    }

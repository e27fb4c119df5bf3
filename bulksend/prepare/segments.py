"""How many segments a text takes: exact for every text, quick for the usual ones.

The rule (3GPP TS 23.038 for the alphabets, TS 23.040 §9.2.3.24.1 for the parts): a
message carries 140 octets.  A text wholly in the GSM alphabet is counted in septets, an
extension character as two, and fills 160; any other text is counted in UTF-16 units, a
character outside the basic plane as two, and fills 70.  A longer text travels in parts,
whose header of 6 octets leaves 153 septets or 67 units.  The two halves of a character
stay in one part, so a part may end one short.

The theory of the speed.  Nearly all texts are ASCII without the few characters that
cost two septets or are not GSM at all; their byte length is the answer.  What has to be
fast is the proof that a text is such a one: as many characters as bytes, nothing of a
class of ten visible characters (ten is where the regex engine's vector search ends; a
larger class takes ten times as long), and a lowest byte above the control characters.
All other rows are gathered, weighed by themselves, and scattered back.

There too a column of bytes is quicker than a regular expression: the first byte of a
UTF-8 character tells whether it takes two units, and the highest byte of a text often
tells that it is not GSM.  The usual formula, units / 153 rounded up, is wrong only where
parts that end one short add up to one more; only texts for which that is possible are
cut, by a pattern that takes from the text what a phone puts into a part.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.gsm7 import ALPHABET, BASIC, EXTENSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

ENCODING = pl.Enum(["GSM-7", "UCS-2"])
MEASURED = pl.Struct({"segments": pl.UInt16, "encoding": ENCODING, "units": pl.UInt32})


def _class(characters: Iterable[str], *, but: bool = False) -> str:
    codes = "".join(f"\\x{{{ord(character):X}}}" for character in sorted(characters))
    return f"[{'^' if but else ''}{codes}]"


_FOREIGN = _class(ALPHABET, but=True)
_FIRST_BYTES = sorted({character.encode()[0] for character in ALPHABET})

# The ASCII characters that are not one septet, in classes of ten, from the last one
# down: the visible ones and DEL are just ten, and the others are all control characters.
_ODD = sorted(set(map(chr, range(0x80))) - set(BASIC), reverse=True)
_VISIBLE, *_CONTROLS = (_class(_ODD[at : at + 10]) for at in range(0, len(_ODD), 10))


@dataclass(frozen=True, slots=True)
class _Coding:
    """One of the two ways to write a text, and what fits into a message then."""

    name: str
    alone: int
    part: int
    wide: str
    """The class of the characters that take two units."""
    wide_bytes: tuple[tuple[int, int], ...]
    """Ranges of the UTF-8 bytes that only those characters begin with."""

    def segments(self, units: pl.Series) -> pl.Series:
        """The fast formula: right unless a pair sits on the edge of a part."""
        return _rounded_up(units, self.part).zip_with(units > self.alone, _ONE)

    def count(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The segments and the units of texts in this coding."""
        begins_wide = pl.any_horizontal(
            pl.element().is_between(*bounds) for bounds in self.wide_bytes
        )
        pairs = _bytes(text).list.eval(begins_wide).list.sum()
        units = text.str.len_chars() + pairs
        segments = self.segments(units)

        # Were every part one short, would there be more of them?
        longest = _rounded_up(units, self.part - 1).zip_with(units > self.alone, _ONE)
        doubtful = ((pairs > 0) & (longest != segments)).arg_true()
        if len(doubtful):
            segments.scatter(doubtful, self._cut(text.gather(doubtful)))
        return segments, units

    def _cut(self, text: pl.Series) -> pl.Series:
        # A wide character is its own first half and "_" the second, so a part that
        # would end in a wide character has to end one earlier.
        spread = text.str.replace_all(self.wide, "${0}_")
        full, rest = self.part - 1, self.wide.strip("[]")
        return spread.str.count_matches(f"(?s).{{{full}}}[^{rest}]|.{{1,{full}}}")


_GSM7 = _Coding(
    "GSM-7",
    alone=160,
    part=153,
    wide=_class(EXTENSION),
    wide_bytes=((0x0C, 0x0C), (0x5B, 0x5E), (0x7B, 0x7E), (0xE2, 0xE2)),
)
_UCS2 = _Coding(
    "UCS-2",
    alone=70,
    part=67,
    wide=r"[\x{10000}-\x{10FFFF}]",
    wide_bytes=((0xF0, 0xF4),),
)


def measure(text: pl.Expr) -> pl.Expr:
    """The segments, the encoding and the units of each text, as `MEASURED`.

    Units are septets or UTF-16 code units; segments end at 65,535.  Null stays null.  An empty text takes one
    segment, as an empty message would.
    """
    return text.map_batches(_measured, return_dtype=MEASURED, is_elementwise=True)


def offenders(text: pl.Expr) -> pl.Expr:
    """The distinct characters that make a text UCS-2, in order; null for GSM-7."""
    return text.map_batches(_offenders, return_dtype=pl.String, is_elementwise=True)


def _measured(text: pl.Series) -> pl.Series:
    units = text.str.len_bytes()
    segments = _GSM7.segments(units)
    encoding = pl.repeat(_GSM7.name, len(text), dtype=ENCODING, eager=True)

    for coding, rows in zip((_GSM7, _UCS2), _special(text), strict=True):
        if len(rows):
            parts, weight = coding.count(text.gather(rows))
            segments.scatter(rows, parts)
            units.scatter(rows, weight)
            encoding.scatter(rows, coding.name)

    measured = pl.struct(
        segments=segments.clip(upper_bound=_MOST).cast(pl.UInt16),
        encoding=encoding,
        units=units,
    )
    if text.null_count():
        measured = pl.when(text.is_not_null()).then(measured)
    return pl.select(measured.alias(text.name)).to_series()


def _offenders(text: pl.Series) -> pl.Series:
    found = pl.repeat(None, len(text), dtype=pl.String, eager=True)
    _, rows = _special(text)
    if len(rows):
        foreign = text.gather(rows).str.extract_all(_FOREIGN)
        found.scatter(rows, foreign.list.unique(maintain_order=True).list.join(""))
    return found.alias(text.name)


def _special(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The rows whose byte length is not the answer: those in GSM-7, those in UCS-2."""
    special = text.str.contains(_VISIBLE)
    octets = _bytes(text)
    all_octets = octets.explode()
    if (all_octets > 0x7F).any():
        special |= text.str.len_bytes() != text.str.len_chars()
    if (all_octets < 0x20).any():
        low = (octets.list.min() < 0x20).arg_true()
        lines = text.gather(low)
        for control in _CONTROLS:
            special.scatter(low.filter(lines.str.contains(control)), values=True)

    rows = special.arg_true()
    if rows.is_empty():
        return rows, rows
    ucs2 = _is_ucs2(text.gather(rows))
    return rows.filter(~ucs2), rows.filter(ucs2)


def _is_ucs2(text: pl.Series) -> pl.Series:
    # The highest byte is the first one of a character, and it has to be one that a
    # GSM character begins with: that alone finds emoji, Cyrillic, Arabic, Chinese.
    undecided = _bytes(text).list.max().is_in(_FIRST_BYTES)
    foreign = pl.when(undecided).then(text).str.contains(_FOREIGN).fill_null(value=True)
    return pl.select(foreign).to_series()


def _bytes(text: pl.Series) -> pl.Series:
    return text.cast(pl.Binary).cast(pl.List(pl.UInt8))


def _rounded_up(units: pl.Series, size: int) -> pl.Series:
    return (units + (size - 1)) // size


_ONE = pl.Series([1], dtype=pl.UInt32)

# What UInt16 holds; a text of 4 MB, as an unclosed quote in a CSV file can make one.
_MOST = 0xFFFF


@dataclass(frozen=True, slots=True)
class Offender:
    """A character that is not in the GSM alphabet, and where it stands."""

    character: str
    positions: tuple[int, ...]
    """In characters; the first one of a text is 1."""

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

    whole, plain, *cuts = _measured(pl.Series([text, without, *shorter])).to_list()
    saving = (cut["segments"] < whole["segments"] for cut in cuts)
    return Blame(
        **whole,
        offenders=tuple(
            Offender(each, tuple(at for at, one in enumerate(text, 1) if one == each))
            for each in dict.fromkeys(foreign)
        ),
        segments_without=plain["segments"],
        surplus=next((cut for cut, saves in enumerate(saving, 1) if saves), 0),
    )


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

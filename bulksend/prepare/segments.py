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

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.gsm7 import ALPHABET, BASIC, EXTENSION

if TYPE_CHECKING:
    from collections.abc import Iterable

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


_MOST = 0xFFFF
"""What UInt16 holds; a text of 4 MB, as an unclosed quote in a CSV file can make one."""

_TEXT = pl.col("text")
_OCTETS = _TEXT.cast(pl.Binary).cast(pl.List(pl.UInt8))
_ONE = pl.lit(1, pl.UInt32)


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

    @property
    def pairs(self) -> pl.Expr:
        """How many characters of a text take two units."""
        begins_wide = pl.any_horizontal(
            pl.element().is_between(*bounds) for bounds in self.wide_bytes
        )
        return _OCTETS.list.eval(begins_wide).list.sum()

    def segments(self, units: pl.Expr, *, short: int = 0) -> pl.Expr:
        """The fast formula: right unless a pair sits on the edge of a part.

        Args:
            short: By how much every part ends early.
        """
        size = self.part - short
        parted = (units + (size - 1)) // size
        return pl.when(units > self.alone).then(parted).otherwise(_ONE)

    def cut(self, text: pl.Series) -> pl.Series:
        """The segments of texts, by cutting them as a phone does."""
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


# -- the steps, built once: in a small batch that takes longer than to compute them ------

_UNITS = pl.col("units")
_PLAIN = (
    _TEXT.str.len_bytes().alias("units"),
    _GSM7.segments(_TEXT.str.len_bytes()).alias("segments"),
    pl.lit(0, pl.UInt8).alias("encoding"),
    (
        _TEXT.str.contains(_VISIBLE) | (_TEXT.str.len_bytes() != _TEXT.str.len_chars())
    ).alias("special"),
    (_OCTETS.explode() < 0x20).any().alias("low"),
)
"""What holds for a text of usual characters, and which ones are not such."""

# The highest byte is the first one of a character, and it has to be one that a GSM
# character begins with: that alone finds emoji, Cyrillic, Arabic, Chinese.
_UNDECIDED = _OCTETS.list.max().is_in(_FIRST_BYTES)
_IS_UCS2 = pl.when(_UNDECIDED).then(_TEXT).str.contains(_FOREIGN).fill_null(value=True)
_CODED = _IS_UCS2.cast(pl.UInt8).alias("encoding")


def _by_coding(gsm7: pl.Expr, ucs2: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("encoding") == 1).then(ucs2).otherwise(gsm7)


_PAIRS = _by_coding(_GSM7.pairs, _UCS2.pairs)
_COUNTED = (
    _PAIRS.alias("pairs"),
    (_TEXT.str.len_chars() + _PAIRS).alias("units"),
)
_FAST = _by_coding(_GSM7.segments(_UNITS), _UCS2.segments(_UNITS))
# Were every part one short, would there be more of them?
_SLOW = _by_coding(_GSM7.segments(_UNITS, short=1), _UCS2.segments(_UNITS, short=1))
_PARTED = (
    _FAST.alias("segments"),
    ((pl.col("pairs") > 0) & (_FAST != _SLOW)).alias("doubtful"),
)
_MEASURED = pl.when(_TEXT.is_not_null()).then(
    pl.struct(
        pl.col("segments").clip(upper_bound=_MOST).cast(pl.UInt16),
        pl.col("encoding").cat.to(ENCODING),
        "units",
    )
)


def measure(text: pl.Expr) -> pl.Expr:
    """The segments, the encoding and the units of each text, as `MEASURED`.

    Units are septets or UTF-16 code units; segments end at 65,535.  Null stays null.  An
    empty text takes one segment, as an empty message would.
    """
    return text.map_batches(_measured, return_dtype=MEASURED, is_elementwise=True)


def units_of(text: pl.Expr, *, is_gsm: pl.Expr) -> pl.Expr:
    """The units of texts whose encoding is known; less work than to `measure` them."""
    wide = (
        pl.when(given).then(text).str.count_matches(coding.wide).fill_null(0)
        for given, coding in ((is_gsm, _GSM7), (~is_gsm, _UCS2))
    )
    return text.str.len_chars() + pl.sum_horizontal(*wide)


def offenders(text: pl.Expr) -> pl.Expr:
    """The distinct characters that make a text UCS-2, in order; null for GSM-7."""
    return text.map_batches(_offenders, return_dtype=pl.String, is_elementwise=True)


def _measured(text: pl.Series) -> pl.Series:
    measured = text.alias("text").to_frame().with_columns(_PLAIN)
    rows = _special(measured)
    if len(rows):
        weighed = _weighed(measured["text"].gather(rows))
        measured = measured.with_columns(
            measured[name].scatter(rows, weighed[name])
            for name in ("segments", "units", "encoding")
        )
    return measured.select(_MEASURED.alias(text.name)).to_series()


def _weighed(text: pl.Series) -> pl.DataFrame:
    """*segments*, *units* and *encoding* of texts of any characters."""
    weighed = text.to_frame().with_columns(_CODED).with_columns(_COUNTED)
    weighed = weighed.with_columns(_PARTED)
    segments, doubtful = weighed["segments"], weighed["doubtful"]
    if doubtful.any():
        for code, coding in enumerate((_GSM7, _UCS2)):
            there = (doubtful & (weighed["encoding"] == code)).arg_true()
            if len(there):
                segments.scatter(there, coding.cut(text.gather(there)))
    return weighed.with_columns(segments)


def _offenders(text: pl.Series) -> pl.Series:
    found = pl.repeat(None, len(text), dtype=pl.String, eager=True)
    frame = text.alias("text").to_frame().with_columns(_PLAIN)
    rows = _special(frame)
    if len(rows):
        foreign = text.gather(rows).str.extract_all(_FOREIGN)
        said = foreign.list.unique(maintain_order=True).list.join("")
        found.scatter(rows.filter(said != ""), said.filter(said != ""))
    return found.alias(text.name)


def _special(plain: pl.DataFrame) -> pl.Series:
    """The rows whose byte length is not the answer.  *plain* has `_PLAIN`."""
    special = plain["special"]
    if plain["low"].any():
        low = plain.select(pl.arg_where(_OCTETS.list.min() < 0x20)).to_series()
        lines = plain["text"].gather(low)
        for control in _CONTROLS:
            special = special.scatter(low.filter(lines.str.contains(control)), True)
    return special.arg_true()

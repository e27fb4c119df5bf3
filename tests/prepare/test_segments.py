"""Segments are counted as 3GPP TS 23.038 says, for every text."""

from __future__ import annotations

import itertools
import random
import unicodedata
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.prepare.blame import Offender, Origin, blame, culprits
from bulksend.prepare.gsm7 import ALPHABET, BASIC, EXTENSION
from bulksend.prepare.segments import MEASURED, measure, offenders, units_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bulksend.prepare.blame import Blame

# -- the reference: the standard, one character at a time, sharing nothing ------------

SEPTETS = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
WEIGHT = dict.fromkeys(SEPTETS.replace("\x1b", ""), 1) | dict.fromkeys(
    ESCAPED.values(), 2
)


def scalar_segments(text: str) -> tuple[int, str, int]:
    """Segments, encoding and units, by filling one part after the other."""
    if all(character in WEIGHT for character in text):
        encoding, alone, part = "GSM-7", 160, 153
        weights = [WEIGHT[character] for character in text]
    else:
        encoding, alone, part = "UCS-2", 70, 67
        weights = [2 if character > "\uffff" else 1 for character in text]
    units = sum(weights)
    if units <= alone:
        return 1, encoding, units

    parts, room = 1, part
    for weight in weights:
        if weight > room:
            parts, room = parts + 1, part
        room -= weight
    return parts, encoding, units


def measured(texts: Sequence[str | None]) -> list[tuple[int, str, int] | None]:
    """What `measure` says of each text."""
    column = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    answers = column.select(measure(pl.col("text"))).to_series().to_list()
    return [answer and tuple(answer.values()) for answer in answers]


def disagreements(texts: Sequence[str]) -> list[tuple[str, object, object]]:
    """The texts on which `measure` and the reference part ways."""
    return [
        (text, ours, truth)
        for text, ours in zip(texts, measured(texts), strict=True)
        if ours != (truth := scalar_segments(text))
    ]


# -- the alphabet ---------------------------------------------------------------------


def test_the_alphabet_is_the_one_of_the_standard() -> None:
    """127 characters of one septet, in the standard's order, and ten of two."""
    assert "".join(BASIC) == SEPTETS.replace("\x1b", "")
    assert set(EXTENSION) == set(ESCAPED.values())
    assert (len(BASIC), len(EXTENSION), len(ALPHABET)) == (127, 10, 137)


@pytest.mark.parametrize(("character", "name"), (BASIC | EXTENSION).items())
def test_each_character_bears_its_unicode_name(character: str, name: str) -> None:
    """A character and the name beside it are the same one."""
    assert unicodedata.lookup(name) == character


def test_each_character_of_the_alphabet_has_its_weight() -> None:
    """Alone, each character is GSM-7, with one septet or two."""
    assert measured([*BASIC]) == [(1, "GSM-7", 1)] * 127
    assert measured([*EXTENSION]) == [(1, "GSM-7", 2)] * 10


def test_every_other_character_of_unicode_makes_a_text_ucs2() -> None:
    """All 1,112,064 characters, each alone: GSM-7 if and only if in the alphabet."""
    unicode = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    column = pl.DataFrame({"text": unicode}).select(measure(pl.col("text")))
    answers = column.unnest("text").with_columns(text=pl.Series(unicode))
    gsm = answers.filter(pl.col("encoding") == "GSM-7")["text"]
    two = answers.filter(pl.col("units") == 2)["text"]
    assert set(gsm) == ALPHABET
    assert set(two) == {*EXTENSION, *map(chr, range(0x10000, 0x110000))}
    assert answers["segments"].unique().to_list() == [1]


# -- the counting ---------------------------------------------------------------------

CASES = [
    ("", (1, "GSM-7", 0)),
    ("Hello", (1, "GSM-7", 5)),
    ("a" * 160, (1, "GSM-7", 160)),
    ("a" * 161, (2, "GSM-7", 161)),
    ("a" * 306, (2, "GSM-7", 306)),
    ("a" * 307, (3, "GSM-7", 307)),
    ("€" * 80, (1, "GSM-7", 160)),
    ("€" * 81, (2, "GSM-7", 162)),
    ("a" * 151 + "€" + "a" * 153, (2, "GSM-7", 306)),
    ("a" * 152 + "€" + "a" * 151, (2, "GSM-7", 305)),
    ("a" * 152 + "€" + "a" * 152, (3, "GSM-7", 306)),
    ("[" * 152, (2, "GSM-7", 304)),
    ("[" * 153, (3, "GSM-7", 306)),
    ("é" * 160, (1, "GSM-7", 160)),
    ("ç", (1, "UCS-2", 1)),
    ("it`s", (1, "UCS-2", 4)),
    ("tab\there", (1, "UCS-2", 8)),
    ("line\r\nbreak\f", (1, "GSM-7", 13)),
    ("’" * 70, (1, "UCS-2", 70)),
    ("’" * 71, (2, "UCS-2", 71)),
    ("’" * 134, (2, "UCS-2", 134)),
    ("’" * 135, (3, "UCS-2", 135)),
    ("\U0001f600" * 35, (1, "UCS-2", 70)),
    ("\U0001f600" * 36, (2, "UCS-2", 72)),
    ("\U0001f600" * 66, (2, "UCS-2", 132)),
    ("\U0001f600" * 67, (3, "UCS-2", 134)),
    ("a" * 66 + "\U0001f600" + "a" * 66, (3, "UCS-2", 134)),
    ("a" * 2047 + "a", (14, "GSM-7", 2048)),
    ("[" * 2048, (27, "GSM-7", 4096)),
    ("\U0001f600" * 2048, (63, "UCS-2", 4096)),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=range(len(CASES)))
def test_well_known_texts(text: str, expected: tuple[int, str, int]) -> None:
    """Texts on and beside each edge take the segments one finds by hand."""
    assert measured([text]) == [expected]
    assert scalar_segments(text) == expected


def hard_texts(count: int) -> list[str]:
    """Texts of the lengths and mixtures that make a counter stumble."""
    rng = random.Random(338)
    lengths = [1, *range(69, 72), *range(133, 137), *range(152, 163)]
    lengths += [*range(304, 309), *range(457, 462)]
    plain = ["abc XYZ 0189", "a\nb\r", "éñàÜßΩ¡"]
    odd = [
        "^{}\\[~]|€\f",
        "\U0001f600\U0001f389",
        "’—…ç",
        "á\u0301\u200d",
        "`\t\x00\x7f",
    ]
    odd += [
        "\U0001f469\u200d\U0001f467\ufe0f",
        "\U0001f1fa\U0001f1f8",
        "\U000e0067",
        "中я",
    ]

    noises = [
        "".join(rng.choices(base + extra, share, k=5_000))
        for base, extra in itertools.product(plain, odd)
        for rare in (0, 0.01, 0.1, 1, 50)
        for share in [[1] * len(base) + [rare] * len(extra)]
    ]
    texts = []
    for _ in range(count):
        noise, length = rng.choice(noises), rng.choice(lengths)
        start = rng.randrange(len(noise) - length)
        text = noise[start : start + length]
        if rng.random() < 0.5:
            edge = rng.choice([65, 66, 67, 69, 70, 151, 152, 153, 158, 159, 160, 304])
            text = text[:edge] + rng.choice(rng.choice(odd)) + text[edge + 1 :]
        texts.append(text)
    return texts


@pytest.mark.slow
def test_no_hard_text_is_counted_otherwise_than_by_the_reference() -> None:
    """200,000 texts of awkward lengths and characters: not one disagreement."""
    texts = hard_texts(200_000)
    assert disagreements(texts) == []
    encodings = {scalar_segments(text)[1] for text in texts[:1000]}
    assert encodings == {"GSM-7", "UCS-2"}


def test_a_pair_on_each_place_of_an_edge_is_kept_whole() -> None:
    """A pair, or several, at every place of texts around two and three parts."""
    texts = []
    for pair, filler, part in (("€", "a", 153), ("\U0001f600", "’", 67)):
        for length in (2 * part - 2, 2 * part - 1, 3 * part - 3, 3 * part - 2):
            for place in range(length):
                texts.append(filler * place + pair + filler * (length - place - 1))
                texts.append(filler * place + pair * 3 + filler * (length - place))
    assert disagreements(texts) == []


@pytest.mark.slow
def test_texts_of_the_api_s_limit_are_counted_like_the_reference() -> None:
    """2,048 characters, Bandwidth's most, of every mixture."""
    rng = random.Random(2048)
    texts = [
        "".join(rng.choices(["a", "€", "é", odd], [90, share, 5, other], k=2048))
        for odd in ("a", "\U0001f600", "’")
        for share, other in itertools.product((0, 1, 50, 500), repeat=2)
        for _ in range(5)
    ]
    assert disagreements(texts) == []


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=8))
def test_any_texts_are_counted_like_the_reference(texts: list[str]) -> None:
    """Whatever hypothesis writes, in one column, is counted as the standard says."""
    assert disagreements(texts) == []


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text("ab[€é’\n\f\U0001f600", max_size=40), max_size=8))
def test_units_of_a_known_encoding_are_those_that_are_measured(
    texts: list[str | None],
) -> None:
    """The short way to them, for who has the encoding, leads to the same ones."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    found = frame.select(measure(pl.col("text")).alias("it"), "text").unnest("it")
    is_gsm = pl.col("encoding") == "GSM-7"
    again = found.select(units_of(pl.col("text"), is_gsm=is_gsm)).to_series()
    assert again.to_list() == found["units"].to_list()


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.text("ab[€é’\U0001f600", max_size=350), st.text("ab[€é’\U0001f600", max_size=20)
)
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    """Appending characters cannot make a text cheaper."""
    short, long = measured([text, text + more])
    assert short is not None
    assert long is not None
    assert short[0] <= long[0]


def test_null_stays_null_and_the_types_are_as_promised() -> None:
    """A row without a text has no measure; the columns have the declared types."""
    frame = pl.DataFrame({"text": ["a", None, "’", None]}, schema={"text": pl.String})
    answer = frame.select(measure(pl.col("text"))).to_series()
    assert answer.dtype == MEASURED
    assert answer.is_null().to_list() == [False, True, False, True]
    empty = frame.clear().select(measure(pl.col("text"))).to_series()
    assert (empty.dtype, len(empty)) == (MEASURED, 0)
    assert measured([None, None]) == [None, None]


def test_a_text_of_megabytes_does_not_stop_a_run() -> None:
    """An unclosed quote makes one huge cell: it is counted up to what UInt16 holds."""
    segments, _, units = measured(["€" * 3_000_000, "a"])[0] or (0, "", 0)
    assert (segments, units) == (39_474, 6_000_000)
    assert (measured(["’" * 5_000_000]))[0] == (65_535, "UCS-2", 5_000_000)


def test_measuring_streams(tmp_path: Path) -> None:
    """In a streaming sink the plan keeps to the streaming engine, and rows in order."""
    texts = [*map(CASES.__getitem__, range(len(CASES)))] * 4000
    frame = pl.LazyFrame(
        {"row": range(len(texts)), "text": [text for text, _ in texts]}
    )
    lazy = frame.with_columns(measure(pl.col("text")).alias("m")).unnest("m")
    graph = lazy.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    assert graph is not None
    assert "in-memory-map" not in graph

    lazy.sink_parquet(tmp_path / "plan.parquet", engine="streaming")
    written = pl.read_parquet(tmp_path / "plan.parquet").sort("row")
    assert written["segments"].to_list() == [case[0] for _, case in texts]
    assert written["units"].to_list() == [case[2] for _, case in texts]


# -- who is to blame ------------------------------------------------------------------


def test_offenders_are_the_distinct_foreign_characters() -> None:
    """Each once, in order of appearance; null where a text is GSM-7 or null."""
    texts = ["it’s “it’s”", "plain é €", None, "", "a\tb`", "\U0001f600\U0001f600x"]
    frame = pl.DataFrame({"text": texts}).select(offenders(pl.col("text")))
    assert frame["text"].to_list() == ["’“”", None, None, None, "\t`", "\U0001f600"]


def test_blame_names_each_character_and_what_it_costs() -> None:
    """Character, code point and name; the segments without; what to cut."""
    blamed = blame("a’" + "b" * 68 + "’c")
    assert (blamed.encoding, blamed.units, blamed.segments) == ("UCS-2", 72, 2)
    assert blamed.offenders == (Offender("’"),)
    assert blamed.offenders[0].code_point == "U+2019"
    assert blamed.offenders[0].name == "RIGHT SINGLE QUOTATION MARK"
    assert blamed.segments_without == 1
    assert blamed.surplus == 2


def test_blame_names_a_character_without_a_name() -> None:
    """Control characters have no Unicode name, and are named all the same."""
    (tab,) = blame("a\tb").offenders
    assert (tab.code_point, tab.name) == ("U+0009", "CONTROL OR UNNAMED CHARACTER")


SURPLUS = [
    ("", 0),
    ("a" * 160, 0),
    ("a" * 161, 1),
    ("a" * 306, 146),
    ("a" * 307, 1),
    ("a" * 459, 153),
    ("€" * 81, 1),
    ("a" * 158 + "\U0001f600", 1),  # without the emoji at its end it is GSM-7
    ("\U0001f600" * 36, 1),
]


@pytest.mark.parametrize(("text", "surplus"), SURPLUS, ids=range(len(SURPLUS)))
def test_surplus_is_the_least_to_cut_for_one_segment_less(
    text: str, surplus: int
) -> None:
    """Cutting so many characters from the end saves a segment; one fewer does not."""
    blamed: Blame = blame(text)
    assert blamed.surplus == surplus
    if surplus:
        cut = len(text) - surplus
        assert scalar_segments(text[:cut])[0] < blamed.segments
        assert scalar_segments(text[: cut + 1])[0] == blamed.segments


def test_culprits_tell_the_template_from_the_columns() -> None:
    """Each character with the template, the columns, or both, that hold it."""
    row = {"name": "Chloé Łuk", "shop": "Joe’s", "city": "İzmir’"}
    found = culprits(["’", "ł", "—", "x"], "Hi — {{ name | lower }}’", row)
    assert found == {
        "’": Origin(template=True, columns=("shop", "city")),
        "ł": Origin(template=False, columns=("name",)),
        "—": Origin(template=True, columns=()),
        "x": Origin(template=False, columns=()),
    }

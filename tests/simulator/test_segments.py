"""3GPP TS 23.038 in rows, and what must hold for any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.simulator.segments import BASIC, EXTENDED, segment_count

ROWS = [
    ("", 1),
    ("x" * 160, 1),
    ("x" * 161, 2),
    ("x" * 306, 2),
    ("x" * 307, 3),
    ("€" * 80, 1),
    ("€" * 81, 2),  # 162 septets: 76 pairs fill 152 of 153
    ("€" * 152, 2),
    ("€" * 153, 3),  # 306 septets would be 2 parts if pairs could be split
    ("x" * 152 + "€" + "x" * 151, 2),
    ("x" * 152 + "€" + "x" * 152, 3),  # 306 septets, one lost before the pair
    ("\f\n\r@£ñ", 1),
    ("`" * 70, 1),  # the grave accent is ASCII, but not GSM
    ("`" * 71, 2),
    ("ç" * 71, 2),  # lower-case c cedilla is not GSM, its capital is
    ("Ç" * 160, 1),
    ("ж" * 70, 1),
    ("ж" * 71, 2),
    ("ж" * 134, 2),
    ("ж" * 135, 3),
    ("\U0001f600" * 35, 1),
    ("\U0001f600" * 36, 2),
    ("\U0001f600" * 66, 2),
    ("\U0001f600" * 67, 3),  # 134 units would be 2 parts if pairs could be split
    ("x" * 66 + "\U0001f600" * 34, 3),
]


@pytest.mark.parametrize(("text", "segments"), ROWS)
def test_segments_are_counted_as_the_standard_has_it(text: str, segments: int) -> None:
    """160/153 septets, 70/67 UTF-16 units, and no pair split over two parts."""
    assert segments == segment_count(text)


def test_the_alphabet_is_complete() -> None:
    """127 characters and the escape make 128; ten more hang on the escape."""
    assert (len(BASIC), len(EXTENDED)) == (127, 10)
    assert not BASIC & EXTENDED


texts = st.text(st.sampled_from("ab@£\n€[^`çж中\U0001f600\U0001f3fd"), max_size=700)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(texts)
def test_the_count_stays_between_its_two_bounds(text: str) -> None:
    """Packing can lose one unit a part to an unsplit pair, and never more."""
    gsm = set(text) <= BASIC | EXTENDED
    units = (
        sum(2 if letter in EXTENDED else 1 for letter in text)
        if gsm
        else len(text.encode("utf-16-le")) // 2
    )
    single, part = (160, 153) if gsm else (70, 67)

    count = segment_count(text)

    assert (count == 1) == (units <= single)
    if count > 1:
        assert -(-units // part) <= count <= -(-units // (part - 1))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(texts, st.sampled_from("aж€"))
def test_a_longer_text_never_costs_less(text: str, letter: str) -> None:
    """Adding a letter at the end keeps the count or raises it."""
    assert segment_count(text + letter) >= segment_count(text)

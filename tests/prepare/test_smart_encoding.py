"""Smart encoding makes texts cheaper, and never says something else."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.prepare.gsm7 import ALPHABET
from bulksend.prepare.smart_encoding import REPLACEMENTS, replaced, smart_encode


def encoded(*texts: str | None) -> list[str | None]:
    """What `smart_encode` makes of each text."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(smart_encode(pl.col("text")))["text"].to_list()


CASES = [
    ("It’s “fine”", 'It\'s "fine"'),
    ("9–5 — really", "9-5 - really"),
    ("wait…", "wait..."),
    ("10\u00a0am\u202f!", "10 am !"),
    ("• one", "* one"),
    ("oﬃce ﬁle", "office file"),
    ("Acme® ©2026 ™", "Acme(r) (c)2026 (tm)"),
    ("ＳＡＬＥ！　５０％", "SALE! 50%"),
    ("it`s", "it's"),
    ("a\tb", "a b"),
    ("soft\u00adhyphen \ufeff", "softhyphen "),
    ("cafe\u0301 man\u0303ana", "café mañana"),
    ("\u212bngstr\u00f6m 5 \u2126", "Ångström 5 Ω"),
]
KEPT = [
    "á í ó ú ç ł",
    "1½ m²",
    "col·laboració",
    "\U0001f600",
    "Hawaiʻi",
    "می\u200cخواهم",
]
KEPT += ["Hello é € [x]", "", "\u202eabc", "₹500", "я", "中文", "o\u0301"]


@pytest.mark.parametrize(("before", "after"), CASES)
def test_typography_turns_into_gsm_characters(before: str, after: str) -> None:
    """Each kind of typographic character becomes what one types for it."""
    assert encoded(before) == [after]
    assert set(after) <= ALPHABET


@pytest.mark.parametrize("text", KEPT)
def test_what_means_something_stays(text: str) -> None:
    """Accents, fractions, letters, joiners, currencies and emoji are left alone."""
    assert encoded(text) == [text]


def test_the_rest_of_a_text_is_replaced_beside_an_emoji() -> None:
    """The whole table is applied even where the text stays UCS-2."""
    assert encoded("It’s \U0001f600…") == ["It's \U0001f600..."]


def test_null_stays_null_and_rows_keep_their_places() -> None:
    """Rows that need nothing and rows that do, mixed, come out in order."""
    assert encoded(None, "a", "’", None, "b") == [None, "a", "'", None, "b"]


def test_every_replacement_is_gsm_and_no_key_is() -> None:
    """The table leads into the alphabet, and never away from it."""
    assert set("".join(REPLACEMENTS.values())) <= ALPHABET
    assert not [key for key in REPLACEMENTS if set(key) <= ALPHABET]


def test_letters_are_replaced_only_by_the_same_letters() -> None:
    """A letter's replacement is what Unicode's compatibility form says of it."""
    spelled_out = {"œ": "oe", "Œ": "OE"}
    marks = {"\u02b9", "\u02bc"}  # apostrophes that Unicode counts among the letters
    for key, plain in REPLACEMENTS.items():
        if unicodedata.category(key[0]).startswith("L") and key not in marks:
            same = unicodedata.normalize("NFKC", key)
            assert plain == spelled_out.get(key, same), key


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(st.sampled_from([*"ab é€", *"".join(REPLACEMENTS), "\U0001f600", "á"])))
def test_encoding_twice_is_encoding_once(text: str) -> None:
    """The second pass finds nothing, and no key is left."""
    (once,) = encoded(text)
    assert once is not None
    assert encoded(once) == [once]
    assert not [key for key in REPLACEMENTS if key in once]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(sorted(ALPHABET)))
def test_a_gsm_text_is_never_touched(text: str) -> None:
    """A text that is GSM-7 already comes out as it went in."""
    assert encoded(text) == [text]


def test_the_diff_lists_what_changed() -> None:
    """Each replaced character with its count over all texts, the most frequent first."""
    before = ["“It’s” ’n’ cafe\u0301 ½", "’", None, "a\u2028b"]
    found = replaced(pl.LazyFrame({"text_before": before}))
    assert found == (
        ("’", "'", 4),
        ("e\u0301", "é", 1),
        ("“", '"', 1),
        ("”", '"', 1),
        ("\u2028", "\n", 1),
    )
    nothing = pl.LazyFrame({"text_before": [None]}, schema={"text_before": pl.String})
    assert replaced(nothing) == ()

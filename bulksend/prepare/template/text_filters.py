"""The filters that make texts of texts, exactly as Jinja's do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import polars as pl

from .calls import each
from .pythonic import INT64, SPACES, not_ascii, text_of, unless
from .syntax import Refusal
from .values import Case, Kind, Result, Value

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTED = (0, 2**32)
"""Bounds of anything counted in one cell."""


def shown(case: Case) -> pl.Expr | None:
    """The text of whatever has one."""
    return None if case.kind in (Kind.NONE, Kind.STRUCT) else text_of(case)


def _rewritten(rewrite: Callable[[pl.Expr], pl.Expr]) -> Callable[[Value], Value]:
    def function(case: Case) -> Result:
        text = shown(case)
        return None if text is None else Case(Kind.TEXT, rewrite(text))

    return each(function)


def _letters(
    usual: Callable[[pl.Expr], pl.Expr], function: Callable[[str], str]
) -> Callable[[Value], Value]:
    """Letters of ASCII in Polars; the rest of Unicode by Python's own method."""
    return _rewritten(lambda text: unless(not_ascii, usual, function, text))


upper = _letters(lambda text: text.str.to_uppercase(), str.upper)
lower = _letters(lambda text: text.str.to_lowercase(), str.lower)
capitalize = _letters(
    lambda text: (
        text.str.head(1).str.to_uppercase() + text.str.slice(1).str.to_lowercase()
    ),
    str.capitalize,
)
string = _rewritten(lambda text: text)

_WORD_START = re.compile(r"([-\s({\[<]+)")


def _title_by_python(text: str) -> str:
    words = _WORD_START.split(text)
    return "".join(word[0].upper() + word[1:].lower() for word in words if word)


# Polars begins a word after anything but a letter: it would write O'Neil's as O'Neil'S,
# and 42nd as 42Nd.
title = _rewritten(
    lambda text: unless(
        lambda x: ~x.str.contains(r"^(?:[A-Za-z (<{\[-]|[0-9]+(?:[ (<{\[-]|$))*$"),
        lambda x: x.str.to_titlecase(),
        _title_by_python,
        text,
    )
)

urlencode = _rewritten(
    lambda text: unless(
        lambda x: ~x.str.contains(r"^[A-Za-z0-9_.~/-]*$"), lambda x: x, quote, text
    )
)


@each
def trim(case: Case, chars: str = SPACES) -> Result:
    text = shown(case)
    if text is None:
        return None
    return Case(Kind.TEXT, text.str.strip_chars(chars) if chars else text)


@each
def replace(case: Case, old: str, new: str, count: int = -1) -> Result:
    text = shown(case)
    if text is None:
        return None
    if not old:
        raise Refusal("E306", "replace has nothing to look for")
    if count < 0:
        copies = case.copies * max(1, len(new) // len(old))
        every = text.str.replace_all(old, new, literal=True)
        return Case(Kind.TEXT, every, copies=copies)
    few = text.str.replace(old, new, literal=True, n=count) if count else text
    return Case(Kind.TEXT, few)


@each
def truncate(
    case: Case,
    length: int = 255,
    killwords: bool = False,
    end: str = "...",
    leeway: int = 5,
) -> Result:
    if case.kind is not Kind.TEXT:
        return None
    if length < len(end) or leeway < 0:
        raise Refusal("E306", f"truncate({length}) has no room for its end {end!r}")
    text = case.expr
    cut = text.str.head(length - len(end))
    if not killwords:
        cut = cut.str.replace(r" [^ ]*$", "")
    fits = text.str.len_chars() <= length + leeway
    return Case(Kind.TEXT, pl.when(fits).then(text).otherwise(cut + pl.lit(end)))


@each
def length(case: Case) -> Result:
    if case.kind is not Kind.TEXT:
        return None
    count = case.expr.str.len_chars().cast(INT64)
    return Case(Kind.INTEGER, count, bounds=COUNTED)


def _count_words(text: str) -> int:
    return len(re.findall(r"\w+", text))


@each
def wordcount(case: Case) -> Result:
    text = shown(case)
    if text is None:
        return None
    count = unless(
        not_ascii,
        lambda x: x.str.count_matches(r"\w+"),
        _count_words,
        text,
        dtype=INT64,
    )
    return Case(Kind.INTEGER, count, bounds=COUNTED)


def _end(character: Callable[[pl.Expr], pl.Expr]) -> Callable[[Value], Value]:
    """`first` and `last`: those of '' are undefined, as in Jinja."""

    def function(case: Case) -> Result:
        if case.kind is not Kind.TEXT:
            return None
        some = case.expr.str.len_bytes() > 0
        return (
            Case(Kind.TEXT, character(case.expr), when=some),
            Case(Kind.UNDEFINED, case.expr, when=~some),
        )

    return each(function)


first = _end(lambda text: text.str.head(1))
last = _end(lambda text: text.str.tail(1))

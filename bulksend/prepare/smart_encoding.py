"""Typographic characters to ones that the GSM alphabet has, so that a text costs less.

What word processors and phones put in unasked (curly quotes, dashes, the ellipsis,
no-break spaces, ligatures) makes a text UCS-2 and more than doubles its segments.  A
character is in the table if a reader takes the replacement for the same thing:

* quotes, primes and the grave or acute accent used as an apostrophe; dashes, the minus;
  ellipsis; bullets; spaces of any width; invisible joins, breaks and byte order marks;
* ligatures, and (c), (r), (tm), (sm), No., which is how these signs are typed;
* full-width and small forms of a GSM character, and a GSM letter written in two code
  points (e and a combining acute) or as a sign (ohm, angstrom): the same letter.

Not in the table, as they mean something: letters that GSM lacks, such as the accents of
á í ó ú ç ł, which are never stripped; ½ and ² (1½ would turn into 11/2, 10² into 102);
· (Catalan l·l); U+02BB (a Hawaiian letter); the zero-width joiner and non-joiner (emoji,
Persian); marks of direction; currency signs; emoji.

The whole table is applied, whether or not the text then is GSM-7: one campaign has one
spelling, and a preview of one row shows it.  An ellipsis in a text that stays UCS-2
(an emoji beside it) therefore takes two units more.
"""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from bulksend.prepare.gsm7 import ALPHABET

_TYPOGRAPHIC = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02b9\u02bc\u00b4`\uff40",
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u301d\u301e\u301f",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58",
    " ": "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000",
    "\n": "\u0085\u2028\u2029",
    "": "\u00ad\u200b\u2060\ufeff",
    "*": "\u2022\u2023\u2219\u25aa\u25cf\u25e6\u204e\u2217",
    "/": "\u2044\u2215",
    "~": "\u02dc\u223c",
    ".": "\u2024",
    "..": "\u2025",
    "...": "\u2026",
    "x": "\u00d7",
    "ff": "\ufb00",
    "fi": "\ufb01",
    "fl": "\ufb02",
    "ffi": "\ufb03",
    "ffl": "\ufb04",
    "st": "\ufb05\ufb06",
    "oe": "\u0153",
    "OE": "\u0152",
    "ij": "\u0133",
    "IJ": "\u0132",
    "(c)": "\u00a9",
    "(r)": "\u00ae",
    "(tm)": "\u2122",
    "(sm)": "\u2120",
    "No.": "\u2116",
}


def _same_letters() -> dict[str, str]:
    """What Unicode itself calls the same as a GSM character, in another form."""
    forms: dict[str, str] = {}
    for letter in ALPHABET:
        apart = unicodedata.normalize("NFD", letter)
        if apart != letter:
            forms[apart] = letter
    for code in (0x2126, 0x212B, *range(0xFE50, 0xFE70), *range(0xFF01, 0xFFE7)):
        plain = unicodedata.normalize("NFKC", chr(code))
        if plain in ALPHABET:
            forms[chr(code)] = plain
    return forms


REPLACEMENTS: dict[str, str] = _same_letters() | {
    character: plain
    for plain, characters in _TYPOGRAPHIC.items()
    for character in characters
}
"""What is replaced, and by what; some keys are two code points."""

_ASCII_KEYS = f"[{''.join(filter(str.isascii, REPLACEMENTS))}]"


def smart_encode(text: pl.Expr) -> pl.Expr:
    """*text* with every key of `REPLACEMENTS` replaced; null stays null."""
    bare = text.str.len_bytes() == text.str.len_chars()
    bare &= ~text.str.contains(_ASCII_KEYS)
    # Rows with nothing to replace are null while the search runs: that skips them.
    replaced = (
        pl.when(~bare)
        .then(text)
        .str.replace_many(list(REPLACEMENTS), list(REPLACEMENTS.values()))
    )
    return pl.coalesce(replaced, text)


def replaced(sent: pl.LazyFrame) -> tuple[tuple[str, str, int], ...]:
    """What `smart_encode` replaced in a plan: characters, replacement, how many times.

    The most frequent first.  *sent* has the texts as they were in ``text_before``.
    """
    longest_first = map(re.escape, sorted(REPLACEMENTS, key=len, reverse=True))
    counted = (
        sent.filter(pl.col("text_before").is_not_null())
        .select(key=pl.col("text_before").str.extract_all("|".join(longest_first)))
        .explode("key")
        .group_by("key")
        .len()
        .collect(engine="streaming")
    )
    found = [(key, REPLACEMENTS[key], count) for key, count in counted.iter_rows()]
    return tuple(sorted(found, key=lambda one: (-one[2], one[0])))

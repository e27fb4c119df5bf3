"""Which single-byte encoding a list is in, judged by what its letters would be.

Theory.  Old exports do not say their encoding, and a wrong one garbles names: 0xB3 is the
ł of Michał in windows-1250, and a superscript three in windows-1252.  But names betray
it.  Each language writes few letters beyond ASCII, some far more often than others, alone
among plain letters and in the case of their neighbours; Cyrillic and Greek words have no
plain letters at all.  So each encoding is tried with each language it serves, and what it
makes of the words is weighed as a likelihood.  Only a clear winner is used: where another
encoding would give other letters and is nearly as likely, a person has to say.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# The letters of each language beyond ASCII, the commonest in names first.
_WEST = {
    "": "éáíóñüöäèçúãêåøëàâïôßõæùîûìòœýšžðþÿ",
    "fr": "éèëçïôêâîœàûüùæ",
    "de": "üöäßé",
    "es": "íéáóñúü",
    "pt": "ãçáéíóêõúâôà",
    "it": "òàèìùé",
    "nordic": "åäöøæéü",
    "is": "óíáúðöéýþæ",
}
_CENTRAL = {
    "pl": "łęńóśąćżź",
    "cs": "áíéřčěšžýůňúťďó",
    "sk": "áčíšéľžýťňúďôäóĺŕ",
    "hu": "áéóöíőüűú",
    "hr": "ćčšžđ",
    "ro": "ăîâşţ",
}
_BALTIC = {"lv": "āīšņēžķģļūč", "lt": "ėšūžųčįąę", "et": "äõöüšž"}
_CYRILLIC = {
    "ru": "аоеинрвлтскмдпуябзгьйчшхжюцщэфыё",
    "uk": "аоинврітеклсмдупяьбзчгйхюшщжєцїф",
    "sr": "аиоеврнјтскдљмпћлубзчшгђњцжхф",
}
_GREEK = {"el": "αοιςρνλτσπκυεγδμηάίόέώύήθχβφωζξψ"}
_HEBREW = {"he": "יוהלמנרבאתשכדקחעםפצגטזןסךףץ"}
_ARABIC = {"ar": "ايلمنردعبحسهوتفقكشصجةىخطزضذءثغئأظإؤآ"}

ENCODINGS: dict[str, tuple[dict[str, str], float]] = {
    "windows-1252": (_WEST, 4.0),
    "windows-1250": (_CENTRAL, 0.5),
    "windows-1254": ({"tr": "ışüçğöİâ"}, 0.0),
    "windows-1257": (_BALTIC, 0.0),
    "windows-1251": (_CYRILLIC, 0.0),
    "windows-1253": (_GREEK, 0.0),
    "windows-1255": (_HEBREW, 0.0),
    "windows-1256": (_ARABIC, 0.0),
    "iso-8859-2": (_CENTRAL, -0.5),
    "koi8-r": ({"ru": _CYRILLIC["ru"]}, -0.5),
    "mac-roman": (_WEST, 0.0),
    "cp850": (_WEST, 0.0),
    "cp852": (_CENTRAL, -0.5),
    "cp866": ({"ru": _CYRILLIC["ru"]}, -0.5),
}
"""Encoding -> its languages, and how usual it is before a word was read (in nats)."""

_SIGNS = "‘“”„–—…•´€£°ºª«»¿¡§©®™"  # noqa: RUF001 - they are meant
_JOINING = "’·\xa0"  # noqa: RUF001 - the apostrophe of typographers
_ODD = math.log(1e-4)
_OUT_OF_PLACE = math.log(0.03)
_BESIDE_ANOTHER = math.log(0.15)
_SIGN, _JOIN, _APOSTROPHE = math.log(0.01), math.log(0.03), math.log(0.4)

MARGIN = 2.0
"""Nats, or 7 to 1: by so much the winner must be likelier than all that read otherwise."""

FLOOR = -4.2
"""Nats a letter: what is less likely is no names in any language known here."""

MOST_WORDS = 4_000
MOST_SHOWN = 30
MOST_LOOKED_AT = 1_000
"""Words of each block; the first of them are as good as any."""

_HIGH = re.compile(rb"[\x80-\xff]+")
_BEFORE = re.compile(rb"[A-Za-z'\x80-\xff]*\Z")
_AFTER = re.compile(rb"[A-Za-z'\x80-\xff]*")
_NEAR = 30
_UTF8 = re.compile(
    rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+"
)
MOST_UTF8 = 0.05
"""Of the places beyond ASCII: with more of them UTF-8, the list is that, and damaged."""


MOST_READINGS = 3


class Verdict(NamedTuple):
    """The encoding, and a word as it reads; none where it is not clear.

    Then *readings* are what it may be, the likeliest first: encodings, and how one and
    the same word reads in each.
    """

    encoding: str = ""
    example: str = ""
    readings: tuple[tuple[str, str], ...] = ()


def judge_blocks(blocks: Iterable[bytes]) -> Verdict:
    """What a file of lines is that is not UTF-8; goes through all of it.

    Returns:
        Nothing where it is UTF-8 with some damage, or no names in any language known
        here.
    """
    words: dict[bytes, None] = {}
    octets: set[int] = set()
    utf8 = places = 0
    for lines in _whole_lines(blocks):
        if lines.isascii():
            continue
        pieces = Counter(_HIGH.findall(lines))
        octets.update(b"".join(pieces))
        places += pieces.total()
        utf8 += sum(n for piece, n in pieces.items() if _UTF8.fullmatch(piece))
        if len(words) < MOST_WORDS:
            words |= dict.fromkeys(_words(lines))
    if utf8 > places * MOST_UTF8:
        return Verdict()
    return judge(list(words)[:MOST_WORDS], bytes(sorted(octets)))


def _words(lines: bytes) -> Iterator[bytes]:
    for found in islice(_HIGH.finditer(lines), MOST_LOOKED_AT):
        start, end = found.span()
        before = _BEFORE.search(lines[max(start - _NEAR, 0) : start])
        after = _AFTER.match(lines[end : end + _NEAR])
        assert before  # both match nothing, too
        assert after
        yield before[0] + found[0] + after[0]


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut behind a line or, for lack of any, a plain character."""
    rest = b""
    for block in blocks:
        end = block.rfind(b"\n") + 1 or block.rfind(b" ") + 1 or len(block)
        yield rest + block[:end]
        rest = block[end:]
    yield rest


def judge(words: list[bytes], octets: bytes = b"") -> Verdict:
    """The encoding of words that hold bytes beyond ASCII, each given once.

    Args:
        octets: What else it must have a character for.
    """
    read = {
        encoding: texts
        for encoding in ENCODINGS
        if _decoded([octets], encoding) and (texts := _decoded(words, encoding))
    }
    if not words or not read:
        return Verdict()
    weights = {one: _weight(texts, one) for one, texts in read.items()}
    best = max(weights, key=lambda one: weights[one][0])
    total, letters = weights[best]
    rivals = [
        weight
        for one, (weight, _) in weights.items()
        if one != best and read[one] != read[best]
    ]
    is_names = total - ENCODINGS[best][1] >= FLOOR * letters
    if not is_names or (rivals and total - max(rivals) < MARGIN):
        return Verdict(readings=_readings(weights, read))
    return Verdict(best, read[best][_telling(read[best])][:MOST_SHOWN])


def _readings(
    weights: Mapping[str, tuple[float, int]], read: Mapping[str, list[str]]
) -> tuple[tuple[str, str], ...]:
    """Those that are names in some language, each other letters than the ones before."""
    ranked = sorted(weights, key=lambda one: -weights[one][0])
    names = [
        one
        for one in ranked
        if weights[one][0] - ENCODINGS[one][1] >= FLOOR * weights[one][1]
    ]
    place = _telling(read[names[0]]) if names else 0
    words: dict[str, str] = {}
    for one in names:
        words.setdefault(read[one][place][:MOST_SHOWN], one)
    found = [(encoding, word) for word, encoding in words.items()]
    return tuple(found[:MOST_READINGS])


def _decoded(words: list[bytes], encoding: str) -> list[str] | None:
    """None where the encoding lacks a byte, or makes a control character of one."""
    try:
        text = codecs.decode(b"\n".join(words), encoding)
    except UnicodeDecodeError:
        return None
    if any("\x7f" <= one <= "\x9f" for one in text):
        return None
    return text.split("\n")


def _weight(texts: list[str], encoding: str) -> tuple[float, int]:
    """The log-likelihood by the language that fits best, and of how many letters."""
    languages, usual = ENCODINGS[encoding]
    text = "\n".join(texts)
    places = [at for at, one in enumerate(text) if one > "\x7f"]
    fits = []
    for letters in languages.values():
        known = _likelihoods(letters)
        is_latin = len(letters) < 40 and any(one in letters for one in "éáóöüščāşâ")
        fits.append(sum(_of_place(text, at, known, is_latin=is_latin) for at in places))
    return usual + max(fits), len(places)


def _likelihoods(letters: str) -> dict[str, float]:
    """By rank, as in Zipf's law."""
    shares = [1 / (rank + 2) for rank in range(len(letters))]
    known = {
        letter: math.log(0.9 * share / sum(shares))
        for letter, share in zip(letters, shares, strict=True)
    }
    return known | {letter.upper(): chance for letter, chance in known.items()}


def _of_place(text: str, at: int, known: dict[str, float], *, is_latin: bool) -> float:
    """The log-likelihood of the character at *at*, with its neighbours."""
    character = text[at]
    before = text[at - 1] if at else "\n"
    after = text[at + 1] if at + 1 < len(text) else "\n"
    near = [one for one in (before, after) if one.isalpha()]
    if character in _JOINING:
        is_elision = before.isupper() and after.isupper()  # O'Neil
        is_owned = text[at + 1 : at + 3].strip().lower() == "s"  # Ana's
        return _APOSTROPHE if is_elision or is_owned else _JOIN
    if character in _SIGNS:
        return _SIGN + (len(near) == 2) * _OUT_OF_PLACE
    if character not in known:
        return _ODD
    foreign = [one for one in near if (one > "\x7f") == is_latin]
    raised = (before.islower() and character.isupper()) or (
        character.islower() and after.isupper()
    )
    beside = _BESIDE_ANOTHER if is_latin else _OUT_OF_PLACE
    return known[character] + len(foreign) * beside + raised * _OUT_OF_PLACE


def _telling(texts: list[str]) -> int:
    """Which word one recognises the language by: one that is mostly letters."""
    places = range(len(texts))
    words = [at for at in places if texts[at].replace("'", "").isalpha()] or places
    return max(words[:100], key=lambda at: min(len(texts[at]), 12))

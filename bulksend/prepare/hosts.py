"""The hosts that a text's links lead to, as a browser reads them.

A browser takes ``BIT.LY``, letters of double width and a Chinese full stop for bit.ly, and
shows ``xn--...`` in its letters.  Letters of another alphabet that only look the same lead
somewhere else: such a host is told from the one that it looks like (Unicode's TR 39).
"""

from __future__ import annotations

import re
import unicodedata

SHORTENERS = (
    "adf.ly", "bit.ly", "bitly.com", "bitly.ws", "bl.ink", "buff.ly", "clck.ru",
    "cutt.ly", "dub.sh", "goo.gl", "goo.su", "is.gd", "j.mp", "lnkd.in", "ow.ly",
    "rb.gy", "rebrand.ly", "s.id", "shorturl.at", "shorturl.com", "t.co", "t.ly",
    "tiny.cc", "tiny.one", "tinyurl.com", "v.gd",
)  # fmt: skip
"""Shared by everybody, so carriers filter what spammers use (Bandwidth 4771)."""

_LINK = re.compile(
    r"https?://(?:[^\s/?#@]*@)?([^\s/?#:\0]+)"  # what stands before an @ is no host
    r"|(?<![\w@.-])((?:[\w-]+\.)+[a-z]{2,})\.?(?=/|:\d|[?#][\w=]|\0)"
    r"|(?<![\w@.-])((?:[\w-]+\.)+(?:com|net|org|info|biz|shop|store|online|xyz|ly|io))(?![\w@.-]\w)",
    re.IGNORECASE,
)

_ANY_DOT = re.compile(r"(?<=[\w\0])[\u3002\uff0e\uff61](?=[a-z0-9])", re.IGNORECASE)
"""Others that a browser reads as one (IDNA); in Chinese text a sentence ends so."""

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_LIKE_LATIN = frozenset("асԁеһіјӏорԛѕԝхуѵανορυγικ")
"""Of Cyrillic and Greek: a name all of such letters reads as a Latin one."""


def hosts(text: str) -> list[str]:
    """Of all links, in order, in small letters and without ``www.``."""
    plain = unicodedata.normalize("NFKC", _ANY_DOT.sub(".", text))
    found = (match[1] or match[2] or match[3] for match in _LINK.finditer(plain))
    return [read_host(host) for host in found]


def read_host(said: str) -> str:
    """A host or domain as it is compared; an address gives the host in it."""
    host = re.sub(
        r"^[a-z+]+://|[/?#].*$", "", unicodedata.normalize("NFKC", said).lower()
    )
    labels = map(_spelled_out, host.rstrip(".").split("."))
    return ".".join(labels).removeprefix("www.")


def is_shared(host: str) -> bool:
    """Whether it is a public shortener's."""
    return any(is_in(host, one) for one in SHORTENERS)


def is_in(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def is_lookalike(host: str) -> bool:
    """Whether letters of another alphabet stand in it for those that it seems to have."""
    *labels, last = host.split(".")
    return any(
        len(alphabets := _alphabets(label)) > 1
        or (alphabets and last.isascii() and _LIKE_LATIN.issuperset(_letters(label)))
        for label in labels
    )


def _alphabets(label: str) -> set[str]:
    """Those of its letters; none where all of them are in ASCII."""
    if label.isascii():
        return set()
    names = (unicodedata.name(letter, "") for letter in _letters(label))
    return {one for name in names for one in _ALPHABETS if name.startswith(one)}


def _letters(label: str) -> list[str]:
    return [letter for letter in label if letter.isalpha()]


def _spelled_out(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label

r"""The hosts that a text's links lead to, as a browser reads them.

A browser takes ``BIT.LY``, letters of double width, a Chinese full stop, ``b%69t.ly`` and
what has a soft hyphen in it for bit.ly, ``\`` for ``/``, and shows ``xn--...`` in its
letters.  Letters that only look the same lead somewhere else: such a host is told from the
one that it looks like (Unicode's TR 39).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHORTENERS = (
    "adf.ly", "bit.do", "bit.ly", "bitly.com", "bitly.ws", "bl.ink", "buff.ly", "clck.ru",
    "cutt.ly", "dub.sh", "goo.gl", "goo.su", "is.gd", "j.mp", "lnkd.in", "ow.ly",
    "rb.gy", "rebrand.ly", "s.id", "shorte.st", "shorturl.at", "shorturl.com", "soo.gd",
    "t.co", "t.ly", "tiny.cc", "tiny.one", "tinyurl.com", "tny.im", "v.gd",
)  # fmt: skip
"""Shared by everybody, so carriers filter what spammers use (Bandwidth 4771)."""

_LINK = re.compile(
    r"https?://(?:[^\s/?#]*@)?([^\s/?#:\0]+)"  # what stands before an @ is no host
    r"|(?<![\w@.-])((?:[\w-]+\.)+[a-z]{2,})\.?(?=/|:\d|[?#][\w=]|\0)"
    r"|(?<![\w@.-])((?:[\w-]+\.)+(?:com|net|org|info|biz|shop|store|online|xyz|ly|io))(?![\w@.-]\w)",
    re.IGNORECASE,
)

_ANY_DOT = re.compile(r"(?<=[\w\0])[\u3002\uff0e\uff61](?=[a-z0-9])", re.IGNORECASE)
"""Others that a browser reads as one (IDNA); in Chinese text a sentence ends so."""

_IGNORED = re.compile(
    "[\u00ad\u034f\u180b-\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
"""Nobody sees them, and IDNA drops them."""

_ENCODED = re.compile(r"%(2[de]|3\d|[46][1-9a-f]|[57][\da])", re.IGNORECASE)
"""Of what an address may encode, what a host is written with."""

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_LIKE_LATIN = frozenset("асԁеһіјӏорԛѕԝхуѵανορυγικ")
"""Of Cyrillic and Greek: a name all of such letters reads as a Latin one."""
_ODD_LATIN = frozenset("ɑᴀƅʙᴄᴅᴇɡᶃɢʜɩɪȷᴊᴋʟᴍɴᴏᴑᴘƿʀꜱᴛᴜʋᴠᴡɯʏɣỿᴢ")
"""Latin letters of phonetics and the like, which hardly a name has but to look like one."""
_DOTTED = str.maketrans("\u0131", "i")


def hosts(text: str) -> list[str]:
    """Of all links, in order, in small letters and without ``www.``."""
    seen = _ANY_DOT.sub(".", _IGNORED.sub("", text))
    plain = unicodedata.normalize("NFKC", seen).replace("\\", "/")
    plain = _ENCODED.sub(lambda found: chr(int(found[1], 16)), plain)
    found = (match[1] or match[2] or match[3] for match in _LINK.finditer(plain))
    return [read_host(host) for host in found]


def read_host(said: str) -> str:
    """A host or domain as it is compared; an address gives the host in it."""
    host = re.sub(
        r"^[a-z+]+://|[/?#].*$", "", unicodedata.normalize("NFKC", said).lower()
    )
    labels = map(_spelled_out, host.rstrip(".").split("."))
    return ".".join(labels).removeprefix("www.")


def shortener(host: str) -> str:
    """What is wrong with a link of this host, where it is a public shortener's."""
    shared = _is_in_any(host, SHORTENERS)
    return f"a link of {host}, which everybody shares" if shared else ""


def stranger(host: str, domains: Sequence[str]) -> str:
    """What is wrong with a link of this host, where it is none of these domains'.

    Args:
        domains: As people write them; of none, a host may be anybody's, but no look-alike.
    """
    ours = [read_host(one) for one in domains]
    if _is_in_any(host, ours):
        return ""
    if is_lookalike(host) or _is_in_any(host.translate(_DOTTED), ours):
        return f"a link to {host}, with letters that only look like the usual ones"
    return (
        f"a link to {host}, and `lint.domains` has {', '.join(domains)}" if ours else ""
    )


def _is_in_any(host: str, domains: Iterable[str]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in domains)


def is_lookalike(host: str) -> bool:
    """Whether letters stand in it that only look like those that it seems to have.

    A Turk's dotless i is one only in what then looks like a shortener.
    """
    *labels, last = host.split(".")
    imitated = host.translate(_DOTTED)
    return (imitated != host and _is_in_any(imitated, SHORTENERS)) or any(
        len(alphabets := _alphabets(label)) > 1
        or not _ODD_LATIN.isdisjoint(label)
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

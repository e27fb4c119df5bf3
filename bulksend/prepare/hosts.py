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
    "adf.ly", "b.link", "bc.vc", "bit.do", "bit.ly", "bitly.com", "bitly.ws", "bl.ink", "buff.ly",
    "chilp.it", "clck.ru", "cli.re", "cutt.ly", "cutt.us", "da.gd", "dlvr.it", "dub.sh", "gg.gg",
    "goo.gl", "goo.su", "ift.tt", "is.gd", "j.mp", "kutt.it", "lnkd.in", "mcaf.ee", "n9.cl", "ow.ly",
    "po.st", "qr.ae", "qrco.de", "rb.gy", "rebrand.ly", "s.id", "shor.by", "short.gy", "shorte.st",
    "shorturl.at", "shorturl.com", "shrtco.de", "smarturl.it", "snip.ly", "soo.gd", "spoo.me",
    "surl.li", "t.co", "t.ly", "t2m.io", "tiny.cc", "tiny.one", "tiny.pl", "tinyurl.com", "tny.im",
    "tr.im", "u.nu", "ulvis.net", "urlz.fr", "v.gd", "vk.cc", "x.co", "x.gd", "zpr.io",
)  # fmt: skip
"""Shared by everybody, so carriers filter what spammers use (Bandwidth 4771)."""

_END = r"(?:xn--[a-z\d-]+|[a-z]{2,}|рф|укр|中国)"
_LINK = re.compile(
    r"https?://(?:[^\s/?#]*@)?([^\s/?#:\0]+)"  # what stands before an @ is no host
    rf"|(?<![\w@.-])((?:[\w-]+\.)+{_END})\.?(?=/|:\d|[?#][\w=]|\0)"
    rf"|(?<![\w@.-])((?:[\w-]+\.)+{_END})(?!\w|[@.-]\w)",
    re.IGNORECASE,
)

_ENDS = frozenset(
    ("biz", "cn", "co", "com", "edu", "gov", "io", "ly", "mil", "net", "org", "ru", "xyz", "рф", "укр", "中国")
)  # fmt: skip
"""Of domains, in any case, wherever they stand."""

_COUNTRIES = (
    "ac ad ae af ag ai al am ao ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz "
    "ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj "
    "fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in iq "
    "ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ma mc md me mg mh "
    "mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph "
    "pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx "
    "sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye "
    "yt za zm zw"
)  # fmt: skip
_OTHERS = (
    "academy accountant accountants actor ads adult aero agency amsterdam apartments app army art asia "
    "associates attorney auction auctions audio auto autos baby band bar bargains beauty beer berlin best "
    "bet bid bike bingo bio black blackfriday blog boats bond boo boston bot boutique broker builders "
    "business buzz cab cafe cam camera camp capital cards care cars casa cash casino cat catering center "
    "cfd channel charity chat cheap christmas church city claims cleaning click clinic clothing cloud club "
    "coach codes coffee college cologne community company computer condos construction consulting "
    "contractors cooking cool coop country coupons courses cpa credit creditcard cricket cruises cyou dad "
    "dance dating day deals degree delivery democrat dental dentist design dev diamonds diet digital direct "
    "directory discount doctor dog domains download earth eco education email energy engineer engineering "
    "enterprises equipment esq estate eus events exchange expert exposed express fail faith family fan fans "
    "farm fashion finance financial fish fishing fit fitness florist flowers food football forsale forum "
    "foundation fun fund furniture futbol fyi gal gallery game games garden gay gent gift gifts glass "
    "global gmbh gold golf graphics gratis green gripe group guide guitars guru hair hamburg haus health "
    "help hiphop hockey holdings holiday homes horse hospital host hosting hotel house icu immo immobilien "
    "inc industries info ink institute insurance insure international investments irish ist istanbul jetzt "
    "jewelry jobs kaufen kim kitchen kiwi koeln land lat law lawyer lease legal lgbt life lighting limited "
    "limo link live llc loan loans lol london love ltd luxury maison makeup management market marketing mba "
    "media melbourne meme memorial men menu miami mobi moda moe mom money monster mortgage motorcycles mov "
    "movie museum name navy network news nexus ngo ninja now nyc observer one ong onl online ooo organic "
    "page paris partners parts party pet phd photo photography photos pics pictures pink pizza place plus "
    "poker porn press pro productions prof promo promotions properties property protection pub quebec quest "
    "racing radio realestate realty recipes red rehab reise reisen rent rentals repair report republican "
    "rest restaurant review reviews rich rip rocks rodeo rsvp ruhr run saarland sale salon sarl sbs school "
    "science scot security services sex sexy shoes shop shopping show singles site ski skin soccer social "
    "software solar solutions spa space store stream studio style sucks supplies supply support surf "
    "surgery swiss sydney systems tattoo tax taxi team tech technology tel tennis theater theatre tickets "
    "tienda tips tires tirol today tokyo tools top tours town toys trade trading training travel tube "
    "university uno vacations vegas ventures versicherung vet viajes video villas vin vip vision vodka vote "
    "voto voyage wales wang watch watches webcam website wedding wien wiki win wine work works world wtf "
    "xxx yachts yoga you zip zone"
)  # fmt: skip
_OFTEN_WORDS = "am as at be by ca de do es et im in is it la ma me my ne no pm sa se so st to us va"
_KNOWN = frozenset([*_COUNTRIES.split(), *_OTHERS.split()])
"""What a link of a marketing text ends in, of IANA's list of 2026; a phone knows them all."""
ENDINGS = _KNOWN | _ENDS
SURE = (
    rf"^(?:[a-z0-9-]+\.)*(?:[a-z0-9-]+\.(?:{'|'.join(sorted(_ENDS))})"
    rf"|[a-z][a-z0-9-]+\.(?:{'|'.join(sorted(_KNOWN))}))$"
)
"""What is a host with nothing around it, for a query; a few others are too."""
_WORDS = frozenset([*_OFTEN_WORDS.split(), *_OTHERS.split()])
"""They stand behind a full stop as well, where a space was forgotten: `9 a.m.to 5`."""

_NO_HOST = re.compile(r"(?:ASP|VB|ADO|ML)\.NET|Socket\.IO|[\w.-]+\.js", re.ASCII)
"""Names of programs, as they are written; no domain ends in ``js``."""

_WWW = re.compile(r"www\.[^.]+\.", re.IGNORECASE)

_ANY_DOT = re.compile(r"(?<=[\w\0])[\u3002\uff0e\uff61](?=[a-z0-9])", re.IGNORECASE)
"""Others that a browser reads as one (IDNA); in Chinese text a sentence ends so."""

HIDDEN = "[\u00ad\u034f\u180b-\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]"
"""Nobody sees them, and IDNA drops them."""
_IGNORED = re.compile(HIDDEN)

_ENCODED = re.compile(r"%(2[de]|3\d|[46][1-9a-f]|[57][\da])", re.IGNORECASE)
"""Of what an address may encode, what a host is written with."""

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_LIKE_LATIN = dict(
    zip("асԁеһіјӏорԛѕԝхуѵανορυγικ", "acdehijlopqswxyvavopuyik", strict=True)
)
"""Of Cyrillic and Greek: a name all of such letters reads as a Latin one."""
_ODD_LATIN = dict(
    zip(
        "ɑᴀƅʙᴄᴅᴇɡᶃɢʜɩɪȷᴊᴋʟᴍɴᴏᴑᴘƿʀꜱᴛᴜʋᴠᴡɯʏɣỿᴢ",
        "aabbcdeggghiijjklmnoopprstuuvwwyyyz",
        strict=True,
    )
)
"""Latin letters of phonetics and the like, which hardly a name has but to look like one."""
_CAPITALS = dict(
    zip(
        "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
        "ABESIJKMHOPCTYX" + "ABEZHIKMNOPTYX",  # of Cyrillic, of Greek
        strict=True,
    )
)
_LATIN = str.maketrans(_LIKE_LATIN | _ODD_LATIN | _CAPITALS)
_DOTTED = str.maketrans("\u0131", "i")


def hosts(text: str) -> list[str]:
    """Of all links, in order, in small letters and without ``www.``."""
    plain = as_seen(_ANY_DOT.sub(".", _IGNORED.sub("", text))).replace("\\", "/")
    plain = _ENCODED.sub(lambda found: chr(int(found[1], 16)), plain)
    found = (
        match[1] or match[2] or match[3]
        for match in _LINK.finditer(plain)
        if not _NO_HOST.fullmatch(match[2] or match[3] or "")
        and (
            not match[3]
            or _is_address(match[3], in_a_path=plain[: match.start()].endswith("/"))
        )
    )
    return [read_host(host) for host in found]


def _is_address(said: str, *, in_a_path: bool) -> bool:
    """Whether words with dots between them are a host, with nothing else to tell it.

    A sentence that begins without a space has a capital (`5.Shop now`), a domain has not,
    but where all of it is in capitals, begins with ``www.`` or has an ending that is no
    word.  What stands in a path is a file (`menu.ai`).
    """
    *_, name, last = said.split(".")
    end = last.lower()
    if end in _ENDS or end.startswith("xn--") or _WWW.match(said):
        return True
    if in_a_path or name.isdigit() or end not in _KNOWN:
        return False
    if last.islower():
        return len(name) > 1 or end not in _WORDS
    return said.isupper() and len(name) > 1 and end not in _WORDS


def as_seen(text: str) -> str:
    """Without what nobody sees, and each letter as it is usually written."""
    return unicodedata.normalize("NFKC", _IGNORED.sub("", text))


def as_latin(text: str) -> str:
    """As it is seen, with the Latin letters that others of its letters look like."""
    return as_seen(text).translate(_LATIN)


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
        or not _ODD_LATIN.keys().isdisjoint(label)
        or (alphabets and last.isascii() and _LIKE_LATIN.keys() >= set(_letters(label)))
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

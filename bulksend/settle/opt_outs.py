"""What a reply means: a wish for no more messages, for messages again, or neither.

Bandwidth does nothing with STOP on long codes and short codes; on toll-free numbers the
network itself blocks, and lifts the block for START or UNSTOP as a single word.
So it is read here, by one rule:

1. **A keyword** ends messages where it is the whole reply, its first line (phones add
   signatures) or a clause of it, in any case, spacing and punctuation, and with courtesies
   around it: "Stop.", "s t o p", "Hello, please cancel this", "reply STOP to end".
   STOP is the word that people were asked for, so it counts anywhere in a reply, unless
   it is a noun or about something else: "bus stop", "stop by at 5".
2. **Any other words** count where a reasonable person would understand them as the same
   (47 CFR 64.1200(a)(10)): the table in `asking`.
3. **A no before it** takes it back ("don't stop"), but not in a complaint ("why don't you
   stop texting me").
4. **What is quoted is not said**, where the quotation is closed and something is left
   beside it: a phone's "Liked “… Reply STOP to end”" is no STOP, `"STOP"` is one.

Where a reply may be read both ways the person's silence is kept, as the law presumes: one
text too few is the cheaper mistake, and START takes it back.  START counts only as the
whole reply.  HELP and INFO change nothing.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from bulksend.settle.asking import ASKED, COMPLAINS, without_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS = frozenset(
    "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT REMOVE TD "  # noqa: SIM905
    "STOP2END CEASE DESIST DELETE UNLIST DISCONTINUE".split()
) | {
    "ARRET",
    "ARRETE",
    "ARRETER",
    "ALTO",
    "PARAR",
    "CANCELAR",
    "BAJA",
    "SAIR",
    "SALIR",
    "CESSER",
    "CESSEZ",
    "DESUSCRIBIR",
    "DESUSCRIBIRME",
    "ELIMINAR",
    "PARE",
    "PAREN",
    "STOPPEN",
    "DNC",
    "STPO",
    "SOTP",
    "TSOP",
}
"""The FCC's words (64.1200(a)(10)), those that carriers and AWS's required list add, and
what thumbs make of STOP."""

COURTESIES = frozenset(
    "PLEASE PLS PLZ THANKS THANK YOU NOW ME US ALL IT THIS THESE THAT AND "  # noqa: SIM905
    "TEXT TEXTS TEXTING SENDING MESSAGE MESSAGES MESSAGING TXT "
    "REPLY SAY SAID I TO 2 FOR GOOD OK OKAY YES NO HEY HI HELLO JUST SIR MADAM SORRY "
    "SVP STP SIL VOUS TE PLAIT MERCI BONJOUR POR FAVOR PORFAVOR GRACIAS HOLA YA".split()
)
"""What may stand around a word that ends messages."""

WHOLE = frozenset({
    "NO MORE", "NOMORE", "SPAM", "THIS IS SPAM", "GO AWAY", "TAKE ME OFF", "I REVOKE",
    "I WANT OUT", "BLOCK ME", "BLOCK MY NUMBER", "BLOCK THIS NUMBER",
    "ENOUGH", "ENOUGH ALREADY", "BLOCK", "UNFOLLOW", "GET LOST", "THIS IS HARASSMENT",
    "GO TO HELL", "EAT SHIT", "MUTE", "DECEASED", "NO ESTOY INTERESADO",
    "NO ESTOY INTERESADA", "PLUS DE PUB", "PLUS DE PUBS", "SE DESABONNER",
    "DNC LIST", "DO NOT CALL LIST", "FIN", "TERMINAR", "DETENER", "DETENGANSE",
    "BORRAME", "BORREME", "BORRENME", "ELIMINAME", "ELIMINEME", "ELIMINENME",
    "QUITAME", "QUITEME", "QUITENME", "SACAME", "SAQUEME", "SAQUENME",
    "CEASE AND DESIST", "NO MAS", "NOMAS", "BASTA", "NO ME INTERESA", "PAS INTERESSE",
    "PAS INTERESSEE", "PLUS DE MESSAGES", "PLUS DE TEXTOS",
    "DESABONNER", "DESABONNEMENT", "DESINSCRIRE", "DESINSCRIPTION",
    *map(" ".join, product(
        ("DO NOT", "DONT", "DNT"),
        ("CALL", "TEXT", "TXT", "MESSAGE", "CONTACT", "DISTURB", "CALL OR TEXT", "TEXT OR CALL"),
    )),
    *map("".join, product(
        ("", "IM ", "I AM ", "WE ARE ", "WERE "),
        ("NOT INTERESTED", "NO LONGER INTERESTED", "NOT INTRESTED", "NOT INTERSTED"),
        ("", " ANYMORE", " ANY MORE", " AT ALL"),
    )),
})  # fmt: skip
"""Requests where they are a whole clause, with nothing but courtesies around them."""

STARTS = frozenset({"START", "YES", "UNSTOP"})
TOLL_FREE_STARTS = frozenset({"START", "UNSTOP"})

LONGEST_REPLY = 40
"""No word is longer, whatever stands around it; what is quoted at greater length is ours."""

LONGEST_READ = 2_048
"""Characters: more than a message has."""

_COURTESY = f"(?:{'|'.join(sorted(COURTESIES))})"
_WHOLE = f"(?:{'|'.join(sorted(WHOLE))})"
_PHRASE = re.compile(rf"(?:{_COURTESY} )*({_WHOLE})(?: (?:{_COURTESY}|{_WHOLE}))*")
"""Nothing is taken out from within a phrase: courtesies are parts of some ("no more")."""

_TOLL_FREE = re.compile(r"\+18(00|33|44|55|66|77|88)\d{7}")
_NO_LETTER = re.compile(r"[\W_]+")
_APOSTROPHES = re.compile("['’‘`´]")  # noqa: RUF001
_ALIKE = str.maketrans("АВЕКМНОРСТУХΑΒΕΗΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXABEHKMNOPTYX")  # noqa: RUF001
"""Letters of other alphabets that look like ours, which hide a word from a filter."""
_ELSEWHERE = re.compile(r"(?<!\w)(?:СТОП|停止|退订|退訂|중지)(?!\w)")
"""STOP in the alphabets of its other readers."""
_NUMBER_SIGN = re.compile(r"\b(WRONG|MY|THIS)\s*#(?!\s*\d)")
_NO_ENTRY = re.compile("[⛔🚫]")
_NOUGHT = re.compile(r"(?<=[A-Z])0(?=[A-Z])")
_CLAUSE_ENDS = re.compile(r"[.!?;:,\n…]+")
_QUOTED = re.compile(r"(?<!\w)[“\"«„](.*?)[”\"»](?!\w)", re.DOTALL)
_QUOTED_LINE = re.compile(r"^[ \t]*>[> \t]*[ \t].*$", re.MULTILINE)
_REACTION = re.compile(
    r"\W*(?:(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned"
    r"|reacted .{1,20}to|removed an? .{1,20} from|a aimé|le gustó|me gustó)|(?<=[^\w!-~] )to)"
    r"\s*[“\"«„](?:.*[”\"»]|.*)",
    re.IGNORECASE | re.DOTALL,
)
"""How phones write that somebody tapped on a message of ours, which they quote."""


class Wish(Enum):
    """What the person asked for."""

    STOP = "no more messages"
    START = "messages again"


class Heard(NamedTuple):
    """A wish, and the words that were taken for it: of ours, never of the person's own."""

    wish: Wish
    words: str


def heard(text: str, *, ours: str) -> Heard | None:
    """What *text*, sent to our number *ours*, asks for; None for anything else."""
    said = _own_words(text.strip()[:LONGEST_READ])
    if (words := _stop(said)) is not None:
        return Heard(Wish.STOP, words)
    word = _NO_LETTER.sub("", _plain(said))
    if word not in STARTS or len(text) > LONGEST_REPLY:
        return None
    if _TOLL_FREE.fullmatch(ours) and _plain(text).strip() not in TOLL_FREE_STARTS:
        return None
    return Heard(Wish.START, word)


def clauses(said: str) -> Iterator[str]:
    """Each clause of a reply, in plain capitals: ``DONT TEXT ME``."""
    for clause in _CLAUSE_ENDS.split(_APOSTROPHES.sub("", _plain(said))):
        if words := " ".join(filter(None, _NO_LETTER.split(clause))):
            yield words


def _stop(said: str) -> str | None:
    """The words by which *said* asks for no more messages."""
    said = without_calls(_APOSTROPHES.sub("", _plain(said)))
    parts = list(clauses(said))
    for whole in (said, said.partition("\n")[0], *parts):
        if (word := _keyword(whole)) is not None:
            return word
    for clause, asked in product(parts, ASKED):
        if asked.beside is not None and any(map(asked.beside.fullmatch, parts)):
            continue
        for found in asked.words.finditer(clause):
            before = clause[: found.start()].rstrip()
            if not asked.unless.fullmatch(before) or COMPLAINS.search(before):
                return found[0]
    return None


def _keyword(said: str) -> str | None:
    """The keyword that is all of *said*, courtesies aside."""
    words = list(filter(None, _NO_LETTER.split(_APOSTROPHES.sub("", _plain(said)))))
    kept = [one for one in words if one not in COURTESIES]
    for some in (words, kept, dict.fromkeys(kept)):  # the last: said more than once
        if (word := "".join(some)) in STOPS:
            return word
    if kept and set(kept) <= STOPS:  # "STOP to end": our own words, said back
        return "STOP" if "STOP" in kept else kept[0]
    phrase = _PHRASE.fullmatch(" ".join(words))
    return phrase[1] if phrase else None


def _own_words(text: str) -> str:
    """Without what is quoted of a message of ours; a reply that is all quotation is said."""
    said = _REACTION.sub("", text, count=1) if _REACTION.match(text) else text
    for quoted in (_QUOTED_LINE, _QUOTED):
        rest = quoted.sub(_unquoted, said)
        said = rest if _NO_LETTER.sub("", rest) else said
    if _NO_ENTRY.search(said) and not _NO_LETTER.sub("", said):
        return "stop"
    return said.replace("🛑", " stop ")


def _unquoted(quoted: re.Match[str]) -> str:
    is_short = quoted.re is _QUOTED and len(quoted[1]) <= LONGEST_REPLY
    return quoted[1] if is_short else ""


def _plain(text: str) -> str:
    """In capitals without marks, and each letter in its usual form: ``Arrêt`` is ARRET."""
    known = _ELSEWHERE.sub("STOP", unicodedata.normalize("NFKC", text).upper())
    parted = unicodedata.normalize("NFKD", known).translate(_ALIKE)
    whole = "".join(one for one in parted if not unicodedata.combining(one))
    return _NOUGHT.sub("O", _NUMBER_SIGN.sub(r"\1 NUMBER", whole))

"""What a reply means: words that end messages to a person, and words that allow them.

Bandwidth does nothing with STOP on long codes and short codes; on toll-free numbers the
network itself blocks, and lifts the block for START or UNSTOP as a single word
(bandwidth.md §4).  A reply counts when it is nothing but the word, in any case and with
any punctuation: "Stop.", "STOP ALL", "opt-out".  One that ends messages counts also where
it is the whole first line, since phones add signatures, and in a courtesy ("please stop
texting me"): consent may be revoked in any reasonable manner (47 CFR 64.1200(a)(10)), and
of a doubtful reply one text too few is the cheaper mistake.  HELP and INFO change nothing.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

STOPS = frozenset(
    "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT".split()  # noqa: SIM905
) | {"ARRET", "ALTO", "PARAR"}
COURTESIES = frozenset(
    "PLEASE PLS PLZ THANKS THANK YOU NOW ME US ALL IT THIS THESE "  # noqa: SIM905
    "TEXT TEXTS TEXTING SENDING MESSAGE MESSAGES MESSAGING".split()
)
"""What may stand around a word that ends messages."""
STARTS = frozenset({"START", "YES", "UNSTOP"})
TOLL_FREE_STARTS = frozenset({"START", "UNSTOP"})

LONGEST_REPLY = 40
"""No word is longer, whatever stands around it."""

_TOLL_FREE = re.compile(r"\+18(00|33|44|55|66|77|88)\d{7}")
_NO_LETTER = re.compile(r"[\W_]+")


class Wish(Enum):
    """What the person asked for."""

    STOP = "no more messages"
    START = "messages again"


def wish_of(text: str, *, ours: str) -> Wish | None:
    """What *text*, sent to our number *ours*, asks for; None for anything else."""
    word = word_of(text)
    if word in STOPS:
        return Wish.STOP
    if len(text) > LONGEST_REPLY:
        return None
    if _TOLL_FREE.fullmatch(ours):
        is_single = _plain(text).strip() in TOLL_FREE_STARTS
        return Wish.START if is_single else None
    return Wish.START if word in STARTS else None


def word_of(text: str) -> str:
    """What is left of a reply without case, spaces and punctuation: ``STOPALL``.

    Courtesies around a word that ends messages are left out too.
    """
    words = _NO_LETTER.split(_plain(text.strip().partition("\n")[0]).strip())
    kept = [one for one in words if one and one not in COURTESIES]
    for some in (words, kept, dict.fromkeys(kept)):  # the last: said more than once
        if (said := "".join(some)) in STOPS:
            return said
    return _NO_LETTER.sub("", _plain(text))


def _plain(text: str) -> str:
    """In capitals without marks, and each letter in its usual form: ``Arrêt`` is ARRET."""
    parted = unicodedata.normalize("NFKD", text).upper()
    return "".join(one for one in parted if not unicodedata.combining(one))

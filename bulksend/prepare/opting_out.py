"""Whether a text says how to opt out: a keyword to answer, or words that mean it.

The keywords are CTIA's, and what other languages answer.  Most of them are everyday words
as well (`Reply CANCEL to cancel your appointment`, `stop 12345`), so what stands beside
them decides.
"""

from __future__ import annotations

import re

import polars as pl

from bulksend.prepare.hosts import HIDDEN, as_seen

_SURE = r"(?:stopp?(?:all)?|unsub\w*|opt-?out|alto|baja|parar|sair|arr[eê]t(?:er)?)"
_DOUBTFUL = r"(?:quit|end|cancel(?:ar)?|revoke|remove|salir)"
_WORD = rf"(?:{_SURE}|{_DOUBTFUL})"
_VERB = (
    r"(?:reply|replying|text|texting|send|txt|msg|answer|respond\w*|rispond\w*|invia\w*|"
    r"env[ií][ae]\w*|escrib[ae]|mand[ae]\w*|contest[ae]\w*|texto|envoyez|r[eé]pond\w*|tapez|antwort\w*|sende\w*|"
    r"schreib\w*|svara?|skicka|antwoord|stuur)"
)
_WITH = r"(?:(?:back|with|us|only|the\W?word|mit|med|con|com|avec|la\W?pala[bv]ra|le\W?mot)\W)?"
_FOR = r"(?:to|2|4|for|para|pour|per|zum|zur|=|:)"
_ENDS = (
    r"(?:end|quit|cancel|stop|opt|unsub|leave|remove|be removed|no more|no sms|salir|sair|"
    r"terminar|finir|no recibir|ne plus|annull|abmeld|abbestell|beend)"
)
_NO_MORE = (
    r"(?!\w*\W+(?:your|my|our|an?|this|the|su|tu|la|el|sua|seu|votre)\W+(?!(?:\w+\W+)?"
    r"(?:text|me?ss?a?ge|msg|mens|sms|alert|subs|susc|list|notif|updat|mail|offer|promo|"
    r"program|news|serv)))"
)
"""What is ended is no thing of another kind, such as an appointment."""
_ELSE = rf"(?!\W{{1,3}}(?:to|2|for|para|pour)\W+(?!{_ENDS}{_NO_MORE}))"

_SAYS_HOW = re.compile(
    rf"\b{_VERB}\W{{1,3}}{_WITH}\W{{0,2}}(?:{_SURE}|{_DOUBTFUL}\b{_ELSE})\b"
    rf"(?!\W(?:by|in|over|at|of)\b(?!\W(?:any|text|sms)))|"
    rf"(?<!n't )(?<!n\u2019t )(?<!not )(?<!never )\b{_WORD}\W{{0,2}}{_FOR}\W{{0,2}}"
    rf"{_ENDS}{_NO_MORE}|"
    rf"\bstop2(?:end|quit|stop)|"
    rf"\bstop\W{{1,2}}(?:sms\W)?(?:to|au|al|an|@)\W{{0,2}}\d{{4,6}}\b|"
    rf"\b(?-i:STOP)\W{{1,2}}(?:SMS\W{{1,2}})?\d{{4,6}}\b|"
    rf"\bhelp\b(?!\W(?:us|me|you|them|him|her|people|to|the|our|we)\b| stop\b)"
    rf".{{0,12}}\bstop\b(?!\W(?:by|in)\b)|"
    rf"\bstop\b[^a-z.!?]{{1,4}}help\b|(?-i:\bSTOP\b[^A-Za-z]{{1,4}}HELP\b)|"
    rf"\bopt[ -]?(?:ing[ -])?out\b|\bunsubscribe\b|\bd[ée]sabonn\w+|\bdarse de baja\b",
    re.IGNORECASE,
)
_BARE_STOP = re.compile(r"\bSTOP\b[\s.!)\]\"']*$")
"""At a text's end, where not all of it is in capitals."""


def says_how(text: str) -> bool:
    said = as_seen(text)
    if _SAYS_HOW.search(said):
        return True
    return said != said.upper() and _BARE_STOP.search(said) is not None


_ANY_WORD = (
    r"(?-u:\b)(?:stop|unsub|opt|alto|baja|parar|sair|arr[eê]t|quit|end|cancel|revoke|"
    r"remove|salir|d[eé]sabonn|darse)"
)
"""With one of these whatever says how begins, or it has one in it."""
_AROUND = rf"(?is).{{0,40}}{_ANY_WORD}(?:.*{_ANY_WORD})?.{{0,80}}"


def around_the_words(text: pl.Expr) -> pl.Expr:
    """What of a text decides whether it says how; null where no word of it could.

    Of ten million texts that greet everybody by name few remain that differ.
    """
    said = text.str.replace_all(HIDDEN, "").str.normalize("NFKC")
    is_loud = said == said.str.to_uppercase()
    near = said.str.extract(f"({_AROUND})")
    return pl.when(is_loud).then(near).otherwise("x " + near)

"""How people ask for no more messages when they do not use a keyword: a table.

47 CFR 64.1200(a)(10), in force since 2025-04-11: consent may be revoked in any reasonable
way, and words other than the keywords count where a reasonable person would understand
them so.  The rows are over one clause in plain capitals (`opt_outs.clauses`), and hold no
place for words of a person's own, so what they match may be kept and shown.
"""

from __future__ import annotations

import re

_MESSAGES = (
    "(?:TEXTS?|TXTS?|MESSAGES?|MSGS?|SMS|ALERTS?|NOTIFICATIONS?|SPAM|UPDATES|REMINDERS"
    "|PROMOS?|PROMOTIONS?|ADS|ADVERTS?|MARKETING|SUBSCRIPTION|COMMUNICATIONS?)"
)
_OF_THEM = "(?: (?:THE|THESE|THIS|THAT|THOSE|ALL|OF|YOUR|MY|ANY|MORE|FURTHER|FUTURE))*"
_WRITING = (
    "(?:TEXTING|TXTING|MESSAGING|MSGING|SENDING|CONTACTING|CALLING|WRITING|SPAMMING"
    "|BOTHERING|HARASSING|BUGGING|ANNOYING)"
)
_WRITE = "(?:TEXT|TXT|MESSAGE|MSG|CONTACT|CALL|WRITE|SPAM|BOTHER|HARASS|BUG|ANNOY)"
_ME = (
    "(?:ME|US|(?:MY|THIS)(?: CELL| MOBILE| PHONE)? (?:NUMBER|PHONE|CELL|NAME|INFO)"
    "|MY CELL|MY PHONE)"
)
_NO = "(?:DO NOT|DONT|NEVER|NO LONGER|NOT)"
_ENDING = "(?:STOP|QUIT|END|CANCEL|CEASE|HALT|DISCONTINUE|BLOCK)"

_NOT_BEFORE = "".join(
    rf"(?<!\b{word} )"
    for word in (
        *("A", "AN", "THE", "BUS", "PIT", "TRAIN", "TRUCK", "TRAM", "METRO", "SUBWAY"),
        *("REST", "NEXT", "LAST", "FIRST", "FULL", "ONE", "MY", "OUR", "HIS", "HER"),
        *("WHAT", "WHICH", "EACH", "EVERY", "NON", "WHISTLE", "DOOR"),
        *("SECOND", "ANOTHER", "SHORT", "QUICK", "YOUR", "TOUR"),
    )
)
_NOT_AFTER = (
    r"(?! (?:BY|OVER|OFF|SIGNS?|LIGHTS?|WATCH|LOSS|GAP|BUTTON|SHOP|AND SHOP|LAUGHING"
    r"|CRYING|SMILING|AT(?! ONCE)|IN(?! THE NAME)|FOR(?! (?:EVER|GOOD|NOW)\b)|ON(?!CE))\b)"
)

ASKED = tuple(
    re.compile(rf"\b{asked}\b")
    for asked in (
        # the word that we ask for, anywhere, where it is a verb about nothing else
        rf"{_NOT_BEFORE}ST+O+P+(?:ALL)?{_NOT_AFTER}",
        rf"{_ENDING} {_WRITING}(?: {_ME})?",
        rf"{_ENDING}{_OF_THEM} {_MESSAGES}",
        r"(?:UNSUB|UNSU[BSCRI]*BE?D?)",
        rf"OPT(?:ED|ING)?(?: {_ME})? ?OUT",
        # "do not text me", "never call this number", "don't send me these messages"
        (
            rf"{_NO}(?: EVER)? {_WRITE}(?: (?:OR|AND) {_WRITE})?(?: TO)?"
            rf" (?:{_ME}|AGAIN|ANY ?MORE)"
        ),
        rf"{_NO}(?: EVER)? SEND(?: {_ME})?{_OF_THEM} (?:{_MESSAGES}|ANYTHING)",
        (
            rf"{_NO} (?:WANT|WISH|CARE|LIKE|NEED)"
            rf"(?: TO| BE| GET| GETTING| RECEIVE| RECEIVING| HAVE| YOU)*{_OF_THEM}"
            rf" (?:{_MESSAGES}|{_WRITING}|TEXTED|MESSAGED|CONTACTED|CALLED|{_WRITE} ME"
            r"|HEAR(?:ING)? FROM YOU)"
        ),
        (
            rf"{_NO} (?:WANT|NEED)(?: TO (?:GET|RECEIVE))? (?:THIS|THESE|THOSE)"
            r"(?: AGAIN| ANY ?MORE)?$"
        ),
        rf"NO (?:MORE|FURTHER){_OF_THEM} (?:{_MESSAGES}|{_WRITING})",
        rf"^(?:PLEASE )?NO (?:{_MESSAGES}|{_WRITING}|SOLICITATIONS?|SOLICITING)",
        # off the list
        rf"(?:REMOVE|DELETE|ERASE) {_ME}",
        rf"(?:TAKE|GET|KEEP) {_ME} (?:OFF|OUT)",
        (
            r"(?:REMOVE|DELETE|^OFF|^OUT OF)(?: FROM)?(?: YOUR| THE| THIS| ALL| ANY)?"
            r"(?: MAILING| TEXT| CONTACT| PHONE| CALL)? LISTS?"
        ),
        r"UNLIST ME",
        # consent
        (
            r"(?:REVOKE|REVOKING|WITHDRAW|WITHDRAWING|RESCIND)"
            r"(?: MY| ALL| ANY| PRIOR)* (?:CONSENT|PERMISSION|OPT IN)"
        ),
        r"CONSENT (?:IS |HAS BEEN )?(?:REVOKED|WITHDRAWN)",
        (
            r"(?:DO NOT|DONT|DID NOT|DIDNT|NEVER) (?:GIVE |GAVE )?"
            r"(?:CONSENT(?:ED)?|SIGN(?:ED)? UP|SUBSCRIBED?|AGREED?|OPT(?:ED)? ?IN)"
        ),
        # plain speech
        r"LEAVE (?:ME|US) ALONE",
        rf"LOSE {_ME}",
        r"WRONG (?:NUMBER|PERSON|GUY)",
        r"(?:FUCK|PISS|BUGGER) (?:OFF|YOU)",
        # other languages of North America
        r"NO MAS(?: MENSAJES| TEXTOS)?",
        r"NO (?:ME )?(?:ENVIEN?|ENVIES|MANDEN?|MANDES|ESCRIBAN?|LLAMEN?|MOLESTEN?)",
        r"DEJEN? DE (?:ENVIAR|MANDAR|ESCRIBIR|MOLESTAR|LLAMAR)(?:ME)?",
        r"ARRETEZ",
    )
)
"""A request, unless it is taken back (`TAKEN_BACK`)."""

_NOT = (
    "(?:DO NOT|DONT|NOT|NEVER|CANT|CANNOT|WONT|WOULDNT|SHOULDNT|NO NEED TO"
    "|DIDNT|DID NOT|HAVENT|WITHOUT|RATHER THAN|INSTEAD OF)"
)

TAKEN_BACK = re.compile(
    rf"(?:^|.* ){_NOT}(?: (?:EVER|EVEN|JUST|PLEASE|WANT|WISH|NEED|HAVE|MEAN|ASK|SAY|SEND"
    "|TRY|TRYING|GOING|LET(?: IT| THIS| THEM)?|(?:YOU|U|IT|THIS|THEM) TO|TO))*"
)
"""What may stand before a request that is none: "I don't want you to STOP"."""

COMPLAINS = re.compile(
    rf"\bWHY\b|\b(?:YOU|U|THEY|IT|THESE|TEXTS) (?:WILL |DO |CAN |JUST )?{_NOT}\b"
)
"""Where such a no is a complaint: "why don't you", "you never", "these texts won't"."""

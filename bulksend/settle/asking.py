"""How people ask for no more messages when they do not use a keyword: a table.

47 CFR 64.1200(a)(10), in force since 2025-04-11: consent may be revoked in any reasonable
way, and words other than the keywords count where a reasonable person would understand
them so.  The rows are over one clause in plain capitals (`opt_outs.clauses`), and hold no
place for words of a person's own, so what they match may be kept and shown.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bulksend.settle.tongues import FRENCH, NO_FRENCH, NO_SPANISH, SPANISH

_MESSAGES = (
    "(?:TEXTS?|TXTS?|MESSAGES?|MSGS?|SMS|ALERTS?|NOTIFICATIONS?|SPAM|UPDATES|REMINDERS"
    "|PROMOS?|PROMOTIONS?|ADS|ADVERTS?|MARKETING|SUBSCRIPTION|COMMUNICATIONS?)"
)
_OF_THEM = (
    "(?: (?:THE|THESE|THIS|THAT|THOSE|ALL|OF|YOUR|MY|ANY|MORE|ANYMORE|FURTHER|FUTURE))*"
)
_WRITING = (
    "(?:TEXTING|TXTING|MESSAGING|MSGING|SENDING|CONTACTING|CALLING|WRITING|SPAMMING"
    "|BOTHERING|HARASSING|BUGGING|ANNOYING)"
)
_WRITE = "(?:TEXT|TXT|MESSAGE|MSG|CONTACT|CALL|WRITE|SPAM|BOTHER|HARASS|BUG|ANNOY)"
_ME = (
    "(?:ME|US|(?:MY|THIS)(?: CELL| MOBILE| PHONE)? (?:NUMBER|PHONE|CELL|NAME|INFO)"
    "|MY CELL|MY PHONE)"
)
_NO = "(?:DO NOT|DONT|DNT|NEVER|NO LONGER|NOT)"
_BID = (
    rf"(?<!\bYOU )(?<!\bU )(?<!\bDID )(?<!\bWHY ){_NO}"
    r"(?: EVER| (?:YOU|U) (?:EVER|DARE))?"
)
"""A no that bids: "you never text me" and "why did you not call me" miss something."""
_LIST = "(?: (?:THE|YOUR|A|YALLS|ALL|NATIONAL|FEDERAL|STATE|INTERNAL))*"
_NO_CALL_LIST = (
    "(?:DO ?NOT ?(?:CALL|CONTACT|TEXT)(?: LISTS?| REGISTRY)?|DNC (?:LISTS?|REGISTRY))"
)
_ENDING = "(?:STOP|QUIT|END|CANCEL|CEASE|HALT|DISCONTINUE|BLOCK)"

_STOP = "(?:ST+O+P+)+(?:ALL|IT|NOW|PLEASE|SMS|SPAM|TXTS?|TEXTS?|TEXTING|MESSAGES?|MESSAGING)?(?:ME)?"
"""The word that we ask for, as thumbs write it."""
_NO_NOUN = "".join(
    rf"(?<!\b{word} )"
    for word in (
        *("A", "AN", "THE", "BUS", "PIT", "TRAIN", "TRUCK", "TRAM", "METRO", "SUBWAY"),
        *("REST", "NEXT", "LAST", "FIRST", "FULL", "ONE", "MY", "OUR", "HIS", "HER"),
        *("WHAT", "WHICH", "EACH", "EVERY", "NON", "WHISTLE", "DOOR"),
        *("SECOND", "ANOTHER", "SHORT", "QUICK", "YOUR", "TOUR", "UN", "ONE MORE"),
        *("SHUTTLE", "TAXI", "FERRY", "TROLLEY", "RAIN", "SNOW"),
    )
)
_BUSINESS = (
    r"(?:(?:MY|THE|THAT|THIS) (?:ORDERS?|SHIPMENTS?|DELIVERY|REFILLS?|PRESCRIPTIONS?"
    r"|PILLS?|MEDS?|MEDICATIONS?|MEDICINES?|TREATMENT)"
    r"|(?:(?:MY|THE|THAT|THIS|A) )?(?:AUTO ?PAY(?:MENTS?)?|PAYMENTS?|DIRECT DEBIT))"
    r"(?:$| (?:PLEASE|PLS|THANKS|NOW|TODAY|TOMORROW|ON|FOR|UNTIL|BEFORE|AFTER)\b)"
)
"""Not "my payment reminders", nor "the delivery of these"."""
_NO_OTHER_MATTER = (
    r"(?! (?:BY|OVER|OFF|SIGNS?|LIGHTS?|WATCH|LOSS|GAP|BUTTON|SHOP|AND (?:SHOP|GO)|STREET|ROAD"
    r"|LAUGHING|CRYING|SMILING|RAINING|SNOWING|CRASHING|FREEZING|LEAKING|COUGHING"
    r"|BLEEDING|BARKING|SERVING|SELLING(?! (?:MY|OUR)\b)|TAKING(?! (?:MY TIME|UP)\b)"
    rf"|ACCEPTING|DRINKING|EATING|SMOKING|WORKING|IN (?:AND|TO|ON|AT|TODAY|TOMORROW|LATER|ANY ?TIME|SOON))\b)(?! {_BUSINESS})"
)
_WAITLIST = rf"(?: THE| YOUR)? WAIT(?:ING)? ?LIST\b(?!.*\b(?:{_MESSAGES}|LISTS?)\b)"
_NO_PLACE = (
    r"(?! (?:HERE|THERE|AT(?! (?:ONCE|THIS|ALL)\b)|ON(?! (?:ALL|MY|THIS|EVERY)\b)"
    r"|IN(?! (?:THE NAME|(?:THE )?FUTURE)\b)"
    r"|FOR(?! (?:EVER|GOOD|NOW|REAL|TODAY|ME|US|ALL)\b))\b)"
)

_THE_WORD = (
    rf"^(?:(?:PLEASE|PLS|PLZ|JUST) )*{_STOP}{_NO_OTHER_MATTER}",
    rf"{_NO_NOUN}{_STOP}{_NO_OTHER_MATTER}{_NO_PLACE}",
)
"""It counts anywhere, where it is a verb about nothing else."""

_IN_WORDS = (
    rf"{_ENDING} {_WRITING}(?: {_ME})?",
    rf"{_ENDING}{_OF_THEM} (?:{_MESSAGES}|CONTACT$)",
    rf"ENOUGH(?: WITH| OF)?{_OF_THEM} {_MESSAGES}",
    rf"{_STOP} (?:GETTING|RECEIVING|(?:THIS|THESE|THOSE|THEM|IT|ALL)$)",
    rf"HOW (?:TO|(?:DO|CAN|COULD|WOULD) (?:I|WE)) {_STOP}$",
    r"(?:UNSUB|UNS[UBSCRI]{3,}BE?D?)(?! FROM(?: THE| YOUR)? E ?MAILS? ONLY\b)",
    rf"OPT(?:ED|ING)?(?: {_ME})? ?OUT",
    # "do not text me", "never call this number", "don't send me these messages"
    rf"{_BID} {_WRITE}(?: (?:OR|AND) {_WRITE})?(?: TO)? (?:{_ME}|AGAIN|ANY ?MORE)",
    rf"(?:NOT|NEVER) TO(?: EVER)? {_WRITE} {_ME}",
    rf"{_BID} SEND(?: {_ME})?{_OF_THEM} (?:{_MESSAGES}|ANYTHING)",
    rf"{_BID} SEND(?: {_ME})? (?:ANY ?MORE|AGAIN|THIS|THESE|THOSE)$",
    rf"{_BID} REACH OUT",
    (
        rf"{_NO} (?:WANT|WISH|CARE|LIKE|NEED)"
        rf"(?: TO| BE| GET| GETTING| RECEIVE| RECEIVING| HAVE| YOU)*{_OF_THEM}"
        rf" (?:{_MESSAGES}|{_WRITING}|TEXTED|MESSAGED|CONTACTED|CALLED|{_WRITE} ME"
        r"|HEAR(?:ING)? FROM YOU)"
    ),
    (
        rf"{_NO} (?:WANT|NEED|(?:WANT|NEED|WISH|LIKE|CARE) (?:TO (?:GET|RECEIVE|BE GETTING"
        r"|BE RECEIVING)|GETTING|RECEIVING)) (?:THIS|THESE|THOSE)"
        r"(?: AGAIN| ANY ?MORE)?$"
    ),
    rf"{_NO} (?:WANT|WISH|LIKE|CARE) TO RECEIVE(?: ANYTHING)?(?: ANY ?MORE)?$",
    rf"NO (?:MORE|FURTHER){_OF_THEM} (?:{_MESSAGES}|{_WRITING})",
    (
        rf"^(?:PLEASE )?NO (?:{_MESSAGES}|{_WRITING}|SOLICITATIONS?|SOLICITING)"
        r"(?! (?:YET|RECEIVED|CAME|COME|COMING|ARRIVED|ON MY)\b)"
    ),
    # off the list
    rf"(?:REMOVE|DELETE|ERASE) {_ME}(?! FROM(?:{_WAITLIST}|{_LIST} {_NO_CALL_LIST}))",
    r"(?:REMOVE|DELETE|ERASE|TAKE)(?= (?:1 )?\d{3} ?\d{3} ?\d{4}\b)",
    r"(?:WANT|WISH|LIKE|ASK|ASKED|ASKING) TO BE (?:REMOVED|DELETED|TAKEN OFF)",
    (
        rf"(?:TAKE|GET|KEEP) {_ME} "
        rf"(?:OFF(?! HOLD\b| THE \d|{_WAITLIST}|{_LIST} {_NO_CALL_LIST})|OUT)"
    ),
    r"WANT OUT(?: OF (?:THIS|THESE|IT|HERE))?$",
    rf"BLOCK {_ME} FROM{_OF_THEM} (?:{_MESSAGES}|LISTS?)",
    r"WANT (?:OFF|OUT OF)(?: OF)?(?: THIS| YOUR| THE)?(?: TEXT| MAILING)? LISTS?",
    (
        r"(?:REMOVE|DELETE|^OFF|^OUT OF)(?: FROM)?(?: YOUR| THE| THIS| ALL| ANY)?"
        r"(?: MAILING| TEXT| CONTACT| PHONE| CALL)? LISTS?"
    ),
    rf"(?:UNLIST|UNENROLL|DISENROLL|EXCLUDE|DEACTIVATE) {_ME}",
    rf"TURN OFF{_OF_THEM} {_MESSAGES}",
    rf"GET OFF(?: OF)?{_LIST}(?: THIS| THESE)?(?: TEXT| MAILING| CONTACT)? LISTS?",
    rf"(?:(?:PUT|ADD|PLACE) {_ME} )?(?:ON|TO){_LIST} {_NO_CALL_LIST}",
    rf"(?:PUT|ADD|PLACE) {_ME} (?:ON|TO){_LIST} DNC",
    # consent
    (
        r"(?:REVOKE|REVOKING|WITHDRAW|WITHDRAWING|RESCIND)"
        r"(?: MY| ALL| ANY| PRIOR)* (?:CONSENT|PERMISSION|OPT IN)"
    ),
    r"CONSENT (?:IS |HAS BEEN )?(?:REVOKED|WITHDRAWN)",
    # plain speech
    r"LEAVE (?:ME|US)(?: TF| THE (?:HELL|FUCK|HECK))? ALONE(?! TIME\b)",
    rf"LOSE {_ME}",
    r"WRONG (?:PERSON|GUY)",
    r"(?:THIS|MY) (?:NUMBER|PHONE) BELONGS TO (?:SOMEONE|SOMEBODY|ANOTHER)",
    r"NO LONGER (?:HAS|USES|OWNS) THIS (?:NUMBER|PHONE)",
    r"(?:SUE|SUING|(?:ILL|WILL|AM|IM|BEEN|BE|GETTING) REPORT(?:ED|ING)?) (?:YOU|U|YALL)",
    rf"REPORT(?:ED|ING)?(?: (?:YOU|U|THIS|THESE|IT|THEM|YOUR|NUMBER|{_MESSAGES}))* AS SPAM",
    r"IS DECEASED",
    r"(?:FUCK|FU?CK|FU?K|FU? C?K|PISS|BUGGER|SCREW) (?:OFF|YOU|YOURSELF)",
    r"^(?:(?:PLEASE|JUST|GO) )*F (?:OFF|YOU|YOURSELF)",  # "f*** off"
    (
        rf"REPORT(?:ED|ING)?(?: (?:YOU|U|THIS|THESE|IT|THEM|YOUR|NUMBER|{_MESSAGES}))*"
        r" TO(?: THE)? (?:FCC|FTC|CRTC|ATTORNEY GENERAL)"
    ),
)

_NUMBER = "(?:(?:PHONE|CELL|MOBILE) )?(?:NUMBERS?|NUM|NUMBR|NUMER|NUBMER|NMBR)"
_PAPERS = (
    r"(?:ORDER|INVOICE|ACCOUNT|BILL|RECEIPT|TICKET|LABEL|FORM|WEBSITE|SITE|CARD)\b"
)
_GAVE_IT = (
    "(?:^|.* )(?:I|WE)(?: (?:HAVE|MUST|MAY|MIGHT|ACCIDENTALLY|JUST))* "
    "(?:GAVE|GIVEN|ENTERED|PUT|TYPED|WROTE|LEFT|DIALED|CALLED|TEXTED)"
    "(?: (?:YOU|YALL|IN|DOWN|THE|A|MY))*"
)
"""Who "gave you the wrong number" corrects it; who has it wrong is somebody else."""

_NEVER_AGREED = (
    r"(?:DO NOT|DONT|DID NOT|DIDNT|NEVER) (?:GIVE |GAVE )?"
    r"(?:CONSENT(?:ED)?|SIGN(?:ED)? UP|SUBSCRIBED?|AGREED?|OPT(?:ED)? ?IN)(?! YET\b)"
    rf"|(?:DID NOT|DIDNT|NEVER) ASK(?:ED)? FOR(?: (?:THIS|THESE|THOSE|IT)$|{_OF_THEM} {_MESSAGES})"
)

_NOT = (
    "(?:DO NOT|DONT|(?<!CAN )(?<!COULD )NOT|NEVER|WONT|WOULDNT|SHOULDNT|NO NEED TO"
    "|DIDNT|DID NOT|HAVENT|WITHOUT|RATHER THAN|INSTEAD OF)"
)
_TAKEN_BACK = (
    r"(?:^|.* )DID (?:I|WE)(?: (?:EVER|ALREADY|JUST|ACCIDENTALLY))*"
    rf"|(?:^|.* ){_NOT}(?: (?:EVER|EVEN|JUST|PLEASE|WANT|WISH|NEED|HAVE|MEAN|ASK|SAY|SEND"
    "|TRY|TRYING|GOING|LET(?: IT| THIS| THEM)?|(?:YOU|U|IT|THIS|THEM) TO|TO))*"
)
"""What may stand before a request that is none: "I don't want you to STOP".  Who writes
that they cannot has asked."""
_OWN_DOING = (
    "(?:^|.* )(?:(?:I|WE|HE|SHE)(?: (?:CAN|CANT|CANNOT|COULD|COULDNT|WILL|WOULD|SHOULD"
    "|SHALL|MUST|MIGHT|MAY|DO|DID|NOT|EVER|JUST|ALSO))*|ILL|WELL|CANT|CANNOT|CAN NOT"
    "|COULDNT|COULD NOT|LETS)"
)
"""What may stand before the word where somebody else stops something."""
_WHAT_IF = (
    "(?:^|.* )(?:(?:DOES|WHAT DO|WHAT IS)(?: THE)?(?: WORD)?|IF (?:I|WE) "
    "(?:REPLY|TEXT|SAY|SEND|TYPE|WRITE|ANSWER)(?: BACK)?(?: WITH)?)"
)
"""What may stand before the word where somebody asks what it does."""

COMPLAINS = re.compile(
    rf"\bWHY\b|\b(?:YOU|U|THEY|IT|THESE|TEXTS) (?:WILL |DO |CAN |JUST )?{_NOT}\b"
    r"|\bHAVE TO (?:ASK|SAY|TELL)\b"
)
"""Where a no is a complaint: "why don't you", "you never", "these texts won't"."""


_TEXT = r"(?:TEXT|TXT|MESSAGE)"
_BIDDEN = (
    rf"(?:{_TEXT}\W+(?:ME|US)|(?:PLEASE|PLS|YOU CAN|U CAN)\W+{_TEXT}(?:\W+(?:ME|US))?"
    rf"|SEND (?:ME|US) A {_TEXT})"
)
_COURTEOUSLY = r"(?:\W+(?:PLEASE|PLS|THANKS|THANK YOU))?"
_BIDDEN_ENDS = (
    rf"{_COURTEOUSLY}(?:[^\w,]*$|\s*[.!;\n](?!\W*N?OR\b)|\s*,\s*(?:IM|I AM|AT|IN)\b"
    r"|\s+WHEN (?:ITS|IT IS|THEYRE|READY|DONE)\b)"
)
"""Not "don't call, text me or write to me", which is a list of what not to do."""
_INSTEAD = re.compile(
    rf"\b{_TEXT}(?:\W+(?:ME|US))?\W+(?:ONLY|INSTEAD)\b"
    rf"|\b(?:JUST|ONLY|BUT)\W+(?:(?:PLEASE|PLS|YOU CAN|U CAN)\W+)?{_TEXT}"
    r"(?:\W+(?:ME|US))?\s*(?:[.!,;\n]|$)"
    rf"|(?:[.!,;:\n–—]|\s-)[^\S\n]*{_BIDDEN}{_BIDDEN_ENDS}"  # noqa: RUF001
    rf"|(?:[.!;\n–—]|\s-)[^\S\n]*{_TEXT}{_COURTEOUSLY}[^\w,]*$"  # noqa: RUF001
    rf"|\bCALL\W+(?:ME|US)\W+(?:{_BIDDEN}|{_TEXT}){_BIDDEN_ENDS}"
    r"|\bTEXT(?:S|ING)?\W+(?:IS|ARE)\W+(?:FINE|BETTER|BEST|OK|OKAY|GOOD|EASIER)\b"
    rf"|^\W*(?:PLEASE\W+)?{_TEXT}(?:\W+(?:ME|US))?[\s.,;!–—-]+(?:PLEASE\W+)?"  # noqa: RUF001
    r"(?:DO NOT|DONT)\W+CALL"
)
_NO_CALLS = re.compile(
    r"\b(?:DO NOT|DONT)\W+CALL(?:\W+(?:ME|US))?\b(?!\W*(?:\b(?:OR|AND|NOR)\b|[/&]))"
)


def without_calls(said: str) -> str:
    """Without "don't call" where texts are what the person wants instead of calls."""
    return _NO_CALLS.sub("", said) if _INSTEAD.search(said) else said


class Asked(NamedTuple):
    """A way to ask.

    Args:
        words: What is said, in one clause.

        unless: All that stands before it, where that takes it back.

        beside: Another clause, which takes it back.
    """

    words: re.Pattern[str]
    unless: re.Pattern[str]
    beside: re.Pattern[str] | None = None


def _row(words: str, *, unless: str = _TAKEN_BACK, beside: str = "") -> Asked:
    other = re.compile(beside) if beside else None
    return Asked(re.compile(rf"\b(?:{words})\b"), re.compile(unless), other)


ASKED = (
    *(
        _row(words, unless=f"{_TAKEN_BACK}|{_OWN_DOING}|{_WHAT_IF}")
        for words in _THE_WORD
    ),
    *map(_row, _IN_WORDS),
    *(_row(words, unless=NO_SPANISH) for words in SPANISH),
    *(_row(words, unless=NO_FRENCH) for words in FRENCH),
    _row(
        rf"WRONG {_NUMBER}(?! OF\b)(?! (?:ON|FOR) (?:MY|THE|OUR|YOUR) {_PAPERS})",
        unless=f"{_TAKEN_BACK}|{_GAVE_IT}|(?:^|.* )(?:NOT|ISNT|AINT) (?:THE|A)",
        beside=r"(?:I )?MEANT (?:TO (?:TEXT|CALL)|THE OTHER (?:STORE|SHOP|OFFICE|ONE))\b.*",
    ),
    _row(_NEVER_AGREED, beside="(?:SO )?(?:HOW (?:DO|CAN|COULD)|CAN|MAY) I"),
)
"""A request, unless it is taken back."""

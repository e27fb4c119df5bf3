"""How many SMS segments a text costs: 3GPP TS 23.038, counted one character at a time.

Written apart from `prepare.segments` on purpose: a witness that shares its counting
with the accused proves nothing.
"""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038 §6.2.1: one septet each."""

EXTENDED = frozenset("\f^{}\\[~]|€")
"""TS 23.038 §6.2.1.1: an escape and a septet, which must stay together."""

GSM = BASIC | EXTENDED

# 140 octets are 160 septets or 70 UTF-16 units; the concatenation header takes 6 octets.
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


def segment_count(text: str) -> int:
    """At least 1; an empty text still travels in one segment."""
    letters = set(text)
    if letters <= BASIC:
        return 1 if len(text) <= GSM_SINGLE else -(-len(text) // GSM_PART)
    if letters <= GSM:
        widths = [2 if letter in EXTENDED else 1 for letter in text]
        return _parts(widths, GSM_SINGLE, GSM_PART)
    widths = [2 if letter > "\uffff" else 1 for letter in text]
    return _parts(widths, UCS2_SINGLE, UCS2_PART)


def _parts(widths: list[int], single: int, part: int) -> int:
    """Fill part after part; a pair that does not fit moves on whole."""
    if sum(widths) <= single:
        return 1
    parts, filled = 1, 0
    for width in widths:
        if filled + width > part:
            parts, filled = parts + 1, 0
        filled += width
    return parts

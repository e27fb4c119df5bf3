"""A phone that has two numbers at once: Argentina's have a 9 behind the 54, or none.

From abroad a mobile is called with it, and a list may have it without.  A STOP must reach
the row whichever of them wrote it.
"""

from __future__ import annotations

import re

_TWINS = (
    (re.compile(r"\+549([123]\d{9})"), r"+54\1"),
    (re.compile(r"\+54([123]\d{9})"), r"+549\1"),
)


def spellings(number: str) -> tuple[str, ...]:
    """An E.164 *number*, and the other that leads to the same phone, where there is one."""
    for pattern, form in _TWINS:
        if found := pattern.fullmatch(number):
            return number, found.expand(form)
    return (number,)

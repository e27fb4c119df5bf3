"""A phone that has two numbers at once: Argentina's have a 9 behind the 54, or none.

From abroad a mobile is called with it, and a list may have it without.  A STOP must reach
the row whichever of them wrote it.  And a search may show what was sent to a number under
the one that the phone had before its country's grew (prepare/phones/renumbered.py).
"""

from __future__ import annotations

import re

_TWINS = (
    (re.compile(r"\+549([123]\d{9})"), r"+54\1"),
    (re.compile(r"\+54([123]\d{9})"), r"+549\1"),
)

_OLDER = (
    (re.compile(r"\+52(\d{10})"), r"+521\1"),
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2"),
    (re.compile(r"\+22901(\d{8})"), r"+229\1"),
)


def spellings(number: str) -> tuple[str, ...]:
    """An E.164 *number*, and the other that leads to the same phone, where there is one."""
    for pattern, form in _TWINS:
        if found := pattern.fullmatch(number):
            return number, found.expand(form)
    return (number,)


def forms(number: str) -> tuple[str, ...]:
    """Every way in which a record may have an E.164 *number* of ours; itself is the first."""
    older = (
        found.expand(form)
        for pattern, form in _OLDER
        if (found := pattern.fullmatch(number))
    )
    return *spellings(number), *older

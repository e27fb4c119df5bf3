"""Numbers of one person that are written in two ways.

Carriers go on writing mobiles as they were before a country's numbers grew or lost a
digit.  Plans never do: libphonenumber has the new form only.  Argentina has both at once,
for one line: with a 9 behind its 54 from abroad, and without.  A STOP must reach the row
whichever of them wrote it.
"""

from __future__ import annotations

import re

_RENEWED = (
    (re.compile(r"\+521(\d{10})"), r"+52\1"),  # Mexico, 2019
    (re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),  # Brazil, by 2016
    (re.compile(r"\+229(\d{8})"), r"+22901\1"),  # Benin, 2024
)
_TWINS = (
    (re.compile(r"\+549([123]\d{9})"), r"+54\1"),
    (re.compile(r"\+54([123]\d{9})"), r"+549\1"),
)


def renewed(number: str) -> str:
    """An E.164 *number* as plans have it."""
    return _rewritten(number, _RENEWED) or number


def spellings(number: str) -> tuple[str, ...]:
    """*number*, and the other that leads to the same phone, where there is one."""
    twin = _rewritten(number, _TWINS)
    return (number, twin) if twin else (number,)


def _rewritten(number: str, table: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, form in table:
        if found := pattern.fullmatch(number):
            return found.expand(form)
    return ""

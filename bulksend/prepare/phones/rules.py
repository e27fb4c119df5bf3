"""What libphonenumber makes of the digits in a cell, compiled to one table.

Every cell with digits becomes one integer, its *key*:

    national form        020 7946 0958      102079460958           a 1 keeps the 0
    international form   +44 20 7946 0958   4000000442079460958    4e18 and the digits

The table says for each key what to add to it; the sum is the E.164 number, and its region
and type are known.  Or there is a reason why this is no number.  Or the sum is the key to
look up next (`ABROAD`), or `phonenumbers` must be asked (`ASK`).  So a million cells are
one binary search and one addition.

The steps are those of `phonenumbers.parse`:

1.  ``011 44 20...`` in the US: the region's international prefix goes.
2.  ``1 415...`` in the US: the region's own calling code without its plus goes, if what
    is left fits the general pattern and the whole did not, or if the whole is too long.
3.  Else it is a national number.

Then the national prefix goes: that of the region itself after 3, and that of the *main*
region of the calling code after 1, 2 and a plus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as CALLING_CODES
from phonenumbers import country_code_for_valid_region

from bulksend.prepare.phones import number_line as line
from bulksend.prepare.phones.findings import NO_COUNTRY, TOO_LONG, TOO_SHORT, Finding
from bulksend.prepare.phones.number_line import LONGEST, POWERS
from bulksend.prepare.phones.plan import failed_length, general_area, metadata_of, plan
from bulksend.prepare.phones.prefixes import (
    INTERNATIONAL,
    Rewriting,
    dialled_abroad,
    stripped,
)

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

    from bulksend.prepare.phones.number_line import Rows


def international() -> Rows[Finding]:
    """The table for numbers in international form."""
    found: Rows[Finding] = []
    for code in CALLING_CODES:
        found += _from_plus(code, _behind(code, plus=True))

    # `parse` wants more than two digits before it looks for a calling code.
    short: Rows[Finding] = [(INTERNATIONAL, INTERNATIONAL + 99, 0, TOO_SHORT)]
    rest: Rows[Finding] = [
        (INTERNATIONAL, INTERNATIONAL + POWERS[LONGEST] - 1, 0, NO_COUNTRY)
    ]
    return line.overlay(short, found, rest)


def national(region: str) -> Rows[Finding]:
    """The table for whatever has no plus, where *region* is the default region."""
    code = country_code_for_valid_region(region)
    metadata = metadata_of(code, region)

    no_plus = line.relabelled(_from_plus(code, _own_code(code, metadata)), _lost_plus)
    home = line.through(stripped(metadata, checked=True), plan(code))
    return line.overlay(dialled_abroad(metadata), no_plus, home)


def _from_plus(code: int, rows: Rewriting) -> Rows[Finding]:
    """On from what stood behind a calling code."""
    numbers = line.through(rows, stripped(metadata_of(code), checked=True))
    return line.through(numbers, plan(code))


def _own_code(code: int, metadata: PhoneMetadata) -> Rewriting:
    """Step 2: which numbers lost their plus, and what stands behind the code."""
    cut = line.through(_behind(code, plus=False), stripped(metadata, checked=False))
    too_long = [
        row for row in cut if failed_length(metadata, line.length(row[0])) is TOO_LONG
    ]
    general = general_area(metadata)
    better = line.through(line.outside(cut, general), general)
    return line.overlay(too_long, better)


def _behind(code: int, *, plus: bool) -> Rewriting:
    """From numbers that begin with *code*, with or without a plus, to the rest of them."""
    rows: Rewriting = []
    for left in range(LONGEST - len(str(code)) + 1):
        start = INTERNATIONAL if plus else POWERS[left + len(str(code))]
        low = start + code * POWERS[left]
        rows.append((low, low + POWERS[left] - 1, POWERS[left] - low, None))
    return rows


def _lost_plus(what: Finding) -> Finding:
    return what._replace(repair="lost_plus") if what.region else what

"""National and international prefixes: what is cut off the front of a number.

A prefix rule is a pattern whose first way to match counts (see `shapes`), and at times a
text to put in its place.  Which digits go is known for each word that the pattern can
match, so each word makes rows that shift: cutting 0 off 02079460958 is the same
subtraction for all numbers of that length.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bulksend.prepare.phones import number_line as line
from bulksend.prepare.phones.findings import ABROAD, ASK, TOO_LONG, TOO_SHORT, Finding
from bulksend.prepare.phones.number_line import LONGEST, POWERS, Rows
from bulksend.prepare.phones.plan import (
    beginning,
    failed_length,
    general_area,
    written,
)
from bulksend.prepare.phones.shapes import Shape, intervals, shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phonenumbers import PhoneMetadata

    from bulksend.prepare.phones.number_line import Row

INTERNATIONAL = 4 * POWERS[LONGEST]
"""Keys in international form start here: above every written number (below 2e18), and
with 18 digits on top still an Int64."""

MOST_CUT, MOST_DIALLED = 10, 100
"""A way to match with more words than this becomes `ASK`: carrier selection codes (those
of China, Luxembourg and South Korea) that people dial but do not write down.  Each word
repeats the whole plan behind it, so they would make the tables many times as long."""

Rewriting: TypeAlias = "Rows[Finding | None]"


def dialled_abroad(metadata: PhoneMetadata) -> Rows[Finding]:
    """Which numbers begin with the region's international prefix.

    A prefix that a 0 follows is none, for no calling code begins with 0; and then no
    other way to match is tried.
    """
    pattern = metadata.international_prefix
    ways = shapes(pattern) if pattern else ()
    cut = line.overlay(*(_dialled(way) for way in ways))
    return [
        (low, high, shift, what) for low, high, shift, what in cut if what is not None
    ]


def stripped(metadata: PhoneMetadata, *, checked: bool) -> Rewriting:
    """Cut the national prefix off where there is one; other numbers stay as they are.

    Args:
        metadata: The region whose prefix it is.

        checked: Cut only where a possible length is left, as `parse` does at its end.
    """
    pattern = metadata.national_prefix_for_parsing
    if not pattern:
        return list(line.EVERYTHING)

    rule = metadata.national_prefix_transform_rule
    last = pattern.count("(") - pattern.count("(?:")
    cut = line.overlay(
        *(
            _cut(
                way,
                _edit(way, rule if way.captured(last) else None),
                metadata if checked else None,
            )
            for way in shapes(pattern)
        )
    )

    # What matched the general pattern before must match it still, or nothing is cut.
    general = general_area(metadata)
    still = line.through(line.within(cut, general), general)
    return line.overlay(still, line.outside(cut, general), line.EVERYTHING)


class _Edit(NamedTuple):
    """Replace the first *places* digits by *text* and some of themselves."""

    places: int
    text: str = ""
    kept: slice = slice(0, 0)

    def of(self, word: str) -> str:
        return self.text + word[self.kept]


def _edit(way: Shape, rule: str | None) -> _Edit:
    r"""What *rule*, such as ``9\1``, does to a match; without one, the match goes."""
    if not rule:
        return _Edit(len(way.digits))

    parts = re.fullmatch(r"(\d*)\\(\d)", rule)
    span = way.captured(int(parts[2])) if parts else None
    if parts is None or span is None:
        raise ValueError(f"cannot read the transform rule {rule!r}")
    start, end = span
    if end == len(way.digits):  # the group stays where it is: only the front changes
        return _Edit(start, parts[1])
    return _Edit(len(way.digits), parts[1], slice(start, end))


def _cut(
    way: Shape, edit: _Edit, check: PhoneMetadata | None
) -> Iterator[Row[Finding | None]]:
    for digits in beginning(way):
        left = len(digits) - edit.places
        length = left + len(edit.text) + edit.kept.stop - edit.kept.start
        if length > LONGEST or (
            check and failed_length(check, length) not in (None, TOO_LONG)
        ):
            yield from ((low, high, 0, None) for low, high in written(digits))
        elif _count(digits[: edit.places]) > MOST_CUT:
            yield from ((low, high, 0, ASK) for low, high in written(digits))
        else:
            rest = intervals(digits[edit.places :])
            for word in _words(digits[: edit.places]):
                low = _written(word) * POWERS[left]
                shift = _written(edit.of(word)) * POWERS[left] - low
                yield from ((low + a, low + b, shift, None) for a, b in rest)


def _dialled(way: Shape) -> Iterator[Row[Finding | None]]:
    for digits in beginning(way):
        left = len(digits) - len(way.digits)
        if _count(way.digits) > MOST_DIALLED:
            yield from ((low, high, 0, ASK) for low, high in written(digits))
            continue
        for word in _words(way.digits):
            low = _written(word) * POWERS[left]
            if left == 0:
                yield low, low, 0, TOO_SHORT
                continue
            nonzero = low + POWERS[left - 1]
            yield low, nonzero - 1, 0, None
            yield nonzero, low + POWERS[left] - 1, INTERNATIONAL - low, ABROAD


def _count(digits: tuple[str, ...]) -> int:
    return prod(map(len, digits))


def _words(digits: tuple[str, ...]) -> Iterator[str]:
    return map("".join, product(*digits))


def _written(word: str) -> int:
    return int("1" + word)

"""Numbering plans: which numbers a calling code has, and what each of them is.

Read from the metadata of the installed `phonenumbers` package, to the letter of
libphonenumber's `region_code_for_number`, `number_type` and
`is_possible_number_with_reason`; the differential tests hold it to them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as CALLING_CODES
from phonenumbers import PhoneMetadata

from bulksend.prepare.phones import number_line as line
from bulksend.prepare.phones.findings import (
    INVALID,
    SPECIAL_TYPES,
    TOO_LONG,
    TOO_SHORT,
    Finding,
)
from bulksend.prepare.phones.number_line import POWERS
from bulksend.prepare.phones.shapes import ANY, Shape, intervals, shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phonenumbers import PhoneNumberDesc

    from bulksend.prepare.phones.number_line import Area, Rows


@cache
def plan(code: int) -> Rows[Finding]:
    """From every national number of calling code *code* to its E.164 number."""
    rows: Rows[Finding] = []
    free: Area = line.EVERYTHING
    for region in CALLING_CODES[code]:
        metadata = metadata_of(code, region)
        types = _types(metadata)
        claim = _claim(code, metadata, types)
        for low, high, _, kind in line.within(types, line.within(free, claim)):
            shift = (code - 1) * POWERS[line.length(low)]
            rows.append((low, high, shift, Finding(region=region, type=kind)))
        free = line.outside(free, claim)

    main = metadata_of(code)
    failing = [
        (low, high, 0, failed_length(main, line.length(low)) or INVALID)
        for low, high, _, _ in line.EVERYTHING
    ]
    return line.overlay(sorted(rows), failing)


def metadata_of(code: int, region: str | None = None) -> PhoneMetadata:
    """The metadata of *region*, or of the main region of calling code *code*."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(
        code, region or CALLING_CODES[code][0]
    )
    if metadata is None:
        raise LookupError(f"phonenumbers has no metadata for +{code} {region}")
    return metadata


def failed_length(metadata: PhoneMetadata, length: int) -> Finding | None:
    """What is wrong with a number of so many digits; None when it is a possible length."""
    general = _described(metadata.general_desc)
    possible = general.possible_length
    if length < possible[0] or length in general.possible_length_local_only:
        return TOO_SHORT
    if length > possible[-1]:
        return TOO_LONG
    return None if length in possible else INVALID


def general_area(metadata: PhoneMetadata) -> Area:
    """Where the region's general pattern matches, whatever the possible lengths say."""
    return _matching(_described(metadata.general_desc).national_number_pattern, ())


def written(digits: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The intervals of a shape as written numbers."""
    one = POWERS[len(digits)]
    return ((one + low, one + high) for low, high in intervals(digits))


def beginning(shape: Shape) -> Iterator[tuple[str, ...]]:
    """Every shape that begins with *shape*: itself, one digit more, two digits more..."""
    most = 0 if shape.ends else line.LONGEST - len(shape.digits)
    return (shape.digits + (ANY,) * more for more in range(most + 1))


def _claim(code: int, metadata: PhoneMetadata, types: Rows[str]) -> Area:
    """Which numbers are the region's, be they valid or not.

    Regions that share a calling code are asked in turn: by their leading digits where
    they have them, else by whether they have such a number.
    """
    if len(CALLING_CODES[code]) == 1:
        return line.EVERYTHING
    if metadata.leading_digits is None:
        return line.area((low, high) for low, high, _, _ in types)
    return line.area(
        interval
        for shape in shapes(metadata.leading_digits)
        for digits in beginning(shape)
        for interval in written(digits)
    )


def _types(metadata: PhoneMetadata) -> Rows[str]:
    fixed, mobile = _area_of(metadata.fixed_line), _area_of(metadata.mobile)
    if metadata.same_mobile_and_fixed_line_pattern:
        mobile = fixed
    either = line.within(fixed, mobile)

    special = [(_area_of(getattr(metadata, kind)), kind) for kind in SPECIAL_TYPES]
    ordinary = [
        (either, "fixed_line_or_mobile"),
        (fixed, "fixed_line"),
        (mobile, "mobile"),
    ]
    found = line.overlay(
        *(line.labelled(area, kind) for area, kind in special + ordinary)
    )
    return line.within(found, _area_of(metadata.general_desc))


def _area_of(description: PhoneNumberDesc | None) -> Area:
    if description is None:
        return []
    return _matching(description.national_number_pattern, description.possible_length)


@cache
def _matching(pattern: str | None, lengths: tuple[int, ...]) -> Area:
    """Where *pattern* matches the whole number; *lengths* restrict it where given."""
    if not pattern:
        return []
    return line.area(
        interval
        for shape in shapes(pattern)
        if not lengths or len(shape.digits) in lengths
        for interval in written(shape.digits)
    )


def _described(description: PhoneNumberDesc | None) -> PhoneNumberDesc:
    assert description is not None, "every region has a general description"
    return description

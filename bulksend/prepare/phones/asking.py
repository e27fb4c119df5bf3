"""The few cells that the tables cannot settle, read by `phonenumbers` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import phonenumbers
import polars as pl
from phonenumbers import CountryCodeSource, NumberParseException, ValidationResult

from bulksend.prepare.phones.cells import FEWEST, MOST_OF_NEXT
from bulksend.prepare.phones.findings import CODE, CODES, Finding

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: "number_country",
    NumberParseException.NOT_A_NUMBER: "number_not_digits",
    NumberParseException.TOO_SHORT_AFTER_IDD: "number_too_short",
    NumberParseException.TOO_SHORT_NSN: "number_too_short",
    NumberParseException.TOO_LONG: "number_too_long",
}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "number_too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "number_too_short",
    ValidationResult.TOO_LONG: "number_too_long",
}
_SOURCE_REPAIRS = {
    CountryCodeSource.FROM_NUMBER_WITH_IDD: "zero_zero",
    CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN: "lost_plus",
}


def asked(texts: pl.Series, region: str | None) -> pl.DataFrame:
    """The columns of `tables.look_up`, row by row: some 50 times as slow."""
    answers = [_ask(text, region) for text in texts]
    columns = {"number": pl.Series([number for number, _ in answers], dtype=pl.Int64)}
    for place, field in enumerate(CODES):
        codes = [CODES[field].get(what[place] or "") for _, what in answers]
        columns[field] = pl.Series(codes, dtype=CODE)
    return pl.DataFrame(columns)


def _ask(text: str, region: str | None) -> tuple[int | None, Finding]:
    if _is_two(text, region):
        return None, Finding("number_several")
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=True)
    except NumberParseException as error:
        return None, Finding(_PARSE_REASONS[error.error_type])
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        return None, Finding(_LENGTH_REASONS.get(length, "number_invalid"))

    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    found = Finding(
        region=phonenumbers.region_code_for_number(number),
        type=kind.lower(),
        repair=_repair(number),
    )
    return int(e164), found


def _is_two(text: str, region: str | None) -> bool:
    """A number, a slash, and few digits: the end of another, if the first is whole."""
    head, slash, tail = text.rpartition("/")
    is_short = tail.strip().isdecimal() and len(tail.strip()) <= MOST_OF_NEXT
    last = head.rpartition("/")[2]
    is_long = sum(map(str.isdecimal, last)) >= FEWEST
    return bool(slash) and is_short and is_long and _is_number(head, region)


def _is_number(text: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except NumberParseException:
        return False


def _repair(number: PhoneNumber) -> str | None:
    if number.extension:
        return "extension"
    return _SOURCE_REPAIRS.get(number.country_code_source)

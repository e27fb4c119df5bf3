"""The words in which this package answers, and the codes that stand for them in tables."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl
from phonenumbers import REGION_CODE_FOR_NON_GEO_ENTITY, SUPPORTED_REGIONS

REGIONS: Final = (*sorted(SUPPORTED_REGIONS), REGION_CODE_FOR_NON_GEO_ENTITY)
"""ISO 3166 alpha-2, and 001 for numbers of no country (+800, +883...)."""

# libphonenumber asks in this order, then for fixed line and mobile; the first that fits
# is the number's type.
SPECIAL_TYPES: Final = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
TYPES: Final = (
    "mobile",
    "fixed_line",
    "fixed_line_or_mobile",
    *SPECIAL_TYPES,
    "unknown",
)

REASONS: Final = (
    "number_missing",
    "number_not_digits",
    "number_several",
    "number_damaged",
    "number_country",
    "number_too_short",
    "number_too_long",
    "number_invalid",
)

REPAIRS: Final = (
    "invisible",
    "fullwidth",
    "apostrophe",
    "tel_prefix",
    "scientific",
    "point_zero",
    "extension",
    "inner_zero",
    "zero_zero",
    "lost_plus",
)
"""Where several apply to one cell, the first of this list is named."""


class Finding(NamedTuple):
    """What is known of a number: a reason against it, or its region and type."""

    reason: str | None = None
    region: str | None = None
    type: str | None = None
    repair: str | None = None


TOO_SHORT: Final = Finding("number_too_short")
TOO_LONG: Final = Finding("number_too_long")
INVALID: Final = Finding("number_invalid")
NO_COUNTRY: Final = Finding("number_country")

ABROAD: Final = Finding("abroad", repair="zero_zero")
"""Not an end: an international prefix was dialled; see `rules`."""

ASK: Final = Finding("ask")
"""Not an end: the table cannot settle it, and `phonenumbers` is asked."""

# In tables each word is its place in its list.
WORDS: Final = {
    "reason": (*REASONS, "abroad", "ask"),
    "region": REGIONS,
    "type": TYPES,
    "repair": REPAIRS,
}
CODES: Final = {
    field: {word: code for code, word in enumerate(words)}
    for field, words in WORDS.items()
}
CODE = pl.UInt8
"""256 words at most; there are 246 regions."""

ENUMS: Final = {
    "region": pl.Enum(REGIONS),
    "type": pl.Enum(TYPES),
    "reason": pl.Enum(REASONS),
    "repair": pl.Enum(REPAIRS),
}

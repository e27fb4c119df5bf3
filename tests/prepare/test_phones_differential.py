"""`read_numbers` against `phonenumbers` itself, with numbers made to be hard.

The numbers come from the metadata: what the patterns of a region allow, behind prefixes
that its rules cut off or nearly do, then a digit more, less or another, then formatting.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import phonenumbers
import polars as pl
import pytest
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE as CALLING_CODES,
)
from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneMetadata,
    PhoneNumberType,
    ValidationResult,
)

from bulksend.prepare.phones import e164_text, read_numbers
from bulksend.prepare.phones.findings import SPECIAL_TYPES
from bulksend.prepare.phones.plan import metadata_of
from bulksend.prepare.phones.shapes import ANY, shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


# Shared calling codes, prefixes that are replaced, carrier codes, leading zeros.
HARD = ("US", "GB", "BR", "IT", "JP", "CX", "KZ", "AG")
DESCRIPTIONS = ("general_desc", "fixed_line", "mobile", *SPECIAL_TYPES)
PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: "number_country",
    NumberParseException.TOO_LONG: "number_too_long",
    NumberParseException.TOO_SHORT_NSN: "number_too_short",
    NumberParseException.TOO_SHORT_AFTER_IDD: "number_too_short",
    NumberParseException.NOT_A_NUMBER: "unviable",
}
LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "number_too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "number_too_short",
    ValidationResult.TOO_LONG: "number_too_long",
}


class Answer(NamedTuple):
    """What one of the two says of a cell."""

    e164: str | None = None
    region: str | None = None
    type: str | None = None
    reason: str | None = None


def gold(cell: str, region: str | None) -> Answer:
    """The answer of libphonenumber."""
    try:
        number = phonenumbers.parse(cell, region)
    except NumberParseException as error:
        return Answer(reason=PARSE_REASONS[error.error_type])
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        return Answer(reason=LENGTH_REASONS.get(length, "number_invalid"))
    return Answer(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        phonenumbers.region_code_for_number(number),
        PhoneNumberType.to_string(phonenumbers.number_type(number)).lower(),
    )


def ours(cells: list[str], region: str | None) -> list[Answer]:
    """The answers of `read_numbers`."""
    read = pl.LazyFrame({"cell": cells}).select(read_numbers(pl.col("cell"), region))
    frame = read.unnest("cell").with_columns(e164=e164_text(pl.col("e164"))).collect()
    return [Answer(*row) for row in frame.select(Answer._fields).iter_rows()]


class Maker:
    """Hard cells for one default region."""

    def __init__(self, region: str, rng: random.Random) -> None:
        self.rng = rng
        self.home = metadata_of(phonenumbers.country_code_for_region(region), region)

    def cells(self, count: int) -> Iterator[str]:
        for _ in range(count):
            sign, digits = self.digits()
            yield self.written(sign, self.changed(digits)[:18])

    def digits(self) -> tuple[str, str]:
        """A sign and a number: at home in half of the cases, else abroad."""
        rng, home, code = self.rng, self.home, str(self.home.country_code)
        national = self.matching(home)
        if rng.random() < 0.6:
            before = ("", self.prefix(home), code, code + self.prefix(home))
            return "", rng.choice((*before, self.prefix(home) + code)) + national

        calling = rng.choice(list(CALLING_CODES))
        there = metadata_of(calling, rng.choice(CALLING_CODES[calling]))
        trunk = self.prefix(there) if rng.random() < 0.3 else ""
        abroad = f"{calling}{trunk}{self.matching(there)}"
        if rng.random() < 0.2:
            abroad = "".join(rng.choices(ANY, k=rng.randint(1, 16)))
        return ("+", abroad) if rng.random() < 0.7 else ("", self.prefix(home) + abroad)

    def matching(self, metadata: PhoneMetadata) -> str:
        known = (getattr(metadata, name) for name in DESCRIPTIONS)
        patterns = [d.national_number_pattern for d in known if d is not None]
        return self.drawn(self.rng.choice([p for p in patterns if p]))

    def prefix(self, metadata: PhoneMetadata) -> str:
        national = metadata.national_prefix_for_parsing
        either = (national, metadata.national_prefix, metadata.international_prefix)
        return self.drawn(self.rng.choice(either) or "")

    def drawn(self, pattern: str) -> str:
        shape = self.rng.choice(shapes(pattern))
        return "".join(map(self.rng.choice, shape.digits))

    def changed(self, digits: str) -> str:
        """Half of them as they are; else a digit less, more or another."""
        at, digit = self.rng.randrange(len(digits) + 1), self.rng.choice(ANY)
        kind = self.rng.randrange(6)
        if kind > 2:
            return digits
        return digits[:at] + ("", digit, digit)[kind] + digits[at + (kind != 1) :]

    def written(self, sign: str, digits: str) -> str:
        """A third as digits; else in groups, with what else people write."""
        rng = self.rng
        if rng.random() < 1 / 3 or len(digits) < 3:
            return sign + digits
        groups = []
        rest = digits
        while rest:
            size = rng.randint(2, 5)
            groups.append(rest[:size])
            rest = rest[size:]
        mark = rng.choice((" ", "-", ".", " - ", "\u00a0", "–", "/", ") ", " ("))
        if groups[-1] in ("0", "00") and len(groups) == 2:
            mark = "-"  # 1234.0 is a spreadsheet's, on purpose
        cell = sign + mark.join(groups)
        around = (
            "{}",
            "{}",
            " {} ",
            "({}",
            "'{}",
            "tel:{}",
            "{} ext. 12",
            "{}x7",
            "{}.",
        )
        cell = rng.choice(around).format(cell)
        return cell.translate(FULL_WIDTH) if rng.random() < 0.05 else cell


FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in "+0123456789"}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        phonenumbers.enable_pattern_cache()
        yield


def agree(mine: Answer, theirs: Answer) -> bool:
    """The same, but that libphonenumber has no words for fewer than three digits."""
    return mine == theirs or (theirs.reason == "unviable" and mine.reason is not None)


def disagreements(
    regions: Iterable[str], count: int
) -> list[tuple[str, str, Answer, Answer]]:
    found = []
    for region in regions:
        cells = list(Maker(region, random.Random(region)).cells(count))
        for cell, mine in zip(cells, ours(cells, region), strict=True):
            theirs = gold(cell, region)
            if not agree(mine, theirs):
                found.append((region, cell, mine, theirs))
    return found


def test_agrees_with_libphonenumber_in_hard_regions() -> None:
    """Number, region, type and reason are libphonenumber's, in some hard regions."""
    assert disagreements(HARD, 2_500) == []


# What `parse` makes of a mark between a number and more digits: the cell, its region, the
# end of the number that it reads, and the extension.
MARKED = [
    ("415-555-0100, 0101", "US", "0100", "0101"),
    ("4155550100,21", "US", "0100", "21"),
    ("415-555-0100; 23", "US", "0100", "23"),
    ("03-1234-5678~80", "JP", "5678", "80"),
    ("030 1234567/68", "DE", "456768", None),
]


@pytest.mark.parametrize(("cell", "region", "end", "extension"), MARKED)
def test_deviates_where_a_mark_may_part_two_numbers(
    cell: str, region: str, end: str, extension: str | None
) -> None:
    """On purpose (docs/campaign-file.md): the other number may be the one that is meant."""
    theirs = phonenumbers.parse(cell, region)
    assert phonenumbers.is_valid_number(theirs)
    assert str(theirs.national_number).endswith(end)
    assert theirs.extension == extension
    (mine,) = ours([cell], region)
    assert mine == Answer(reason="number_several")


LABELS = ("ext. ", "x", " x ", "#", " #", ";ext=", ", ext ", ",,", " int ")


def test_an_extension_behind_a_label_is_read_as_libphonenumber_reads_it() -> None:
    """None of these can be another number."""
    cells = [f"415-555-0100{label}0107" for label in LABELS]
    assert ours(cells, "US") == [gold(cell, "US") for cell in cells]
    assert all(phonenumbers.parse(cell, "US").extension for cell in cells)


PARTS = 6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_agrees_with_libphonenumber_in_all_regions(part: int) -> None:
    """The same in every region there is, for half a million cells in all."""
    regions = sorted(SUPPORTED_REGIONS)
    assert len(regions) * 2_050 > 500_000
    assert disagreements(regions[part::PARTS], 2_050) == []


def test_agrees_without_a_default_region() -> None:
    """Without a default region international form is read, and nothing else."""
    cells = list(Maker("GB", random.Random(5)).cells(5_000))
    for cell, mine in zip(cells, ours(cells, None), strict=True):
        assert agree(mine, gold(cell, None)), cell


@pytest.mark.slow
def test_examples_of_every_region_and_type_are_accepted() -> None:
    """Each example in the metadata is read, in each of three formats."""
    for region in sorted(SUPPORTED_REGIONS):
        kinds = phonenumbers.supported_types_for_region(region)
        numbers = [phonenumbers.example_number_for_type(region, kind) for kind in kinds]
        cells = [
            phonenumbers.format_number(number, form)
            for number in numbers
            for form in (0, 1, 2)
            if number is not None
        ]
        assert ours(cells, region) == [gold(cell, region) for cell in cells]

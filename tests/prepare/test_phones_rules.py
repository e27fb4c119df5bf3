"""The compiler behind `read_numbers`: shapes, the number line, tables and their cache."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.prepare.phones import cache, rules, tables
from bulksend.prepare.phones import number_line as line
from bulksend.prepare.phones.findings import SPECIAL_TYPES
from bulksend.prepare.phones.plan import metadata_of
from bulksend.prepare.phones.shapes import ANY, Shape, intervals, shapes

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.prepare.phones.number_line import Rows

PROVEN = settings(derandomize=True, deadline=None, max_examples=200)


def patterns() -> list[str]:
    """Every pattern of a number or a prefix in the metadata."""
    found = set()
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            metadata = metadata_of(code, region)
            kinds = ("general_desc", "fixed_line", "mobile", *SPECIAL_TYPES)
            described = [getattr(metadata, kind) for kind in kinds]
            found |= {d.national_number_pattern for d in described if d is not None}
            found |= {metadata.international_prefix, metadata.leading_digits}
            found.add(metadata.national_prefix_for_parsing)
    return sorted(pattern for pattern in found if pattern)


PATTERNS = patterns()


def fits(shape: Shape, digits: str) -> bool:
    return len(shape.digits) <= len(digits) and all(
        digit in allowed for digit, allowed in zip(digits, shape.digits, strict=False)
    )


@PROVEN
@given(st.sampled_from(PATTERNS), st.data())
def test_shapes_match_what_the_pattern_matches(
    pattern: str, data: st.DataObject
) -> None:
    """The first shape that fits a beginning is where `re.match` ends, groups and all."""
    shape = data.draw(st.sampled_from(shapes(pattern)))
    digits = "".join(data.draw(st.sampled_from(allowed)) for allowed in shape.digits)
    at = data.draw(st.integers(0, len(digits)))
    text = digits[:at] + data.draw(st.text(ANY, max_size=4)) + digits[at:]

    found = re.match(pattern, text)
    first = next(
        (
            way
            for way in shapes(pattern)
            if fits(way, text) and not (way.ends and len(way.digits) < len(text))
        ),
        None,
    )
    assert (found and found.end()) == (first and len(first.digits))
    if found and first:
        spans = [found.span(group + 1) for group in range(len(found.groups()))]
        mine = [first.captured(group + 1) or (-1, -1) for group in range(len(spans))]
        assert mine == spans


@PROVEN
@given(
    st.lists(
        st.text("0123456789", min_size=1).map(lambda t: "".join(sorted(set(t)))),
        max_size=3,
    )
)
def test_intervals_are_the_numbers_of_a_shape(digits: list[str]) -> None:
    """Each number with allowed digits is in exactly one interval, and no other is."""
    inside = [n for low, high in intervals(tuple(digits)) for n in range(low, high + 1)]
    width = len(digits)
    every = [f"{n:0{width}}" if width else "" for n in range(10**width)]
    assert inside == [int(t or 0) for t in every if fits(Shape(tuple(digits)), t)]


@pytest.mark.parametrize("pattern", ["a", "[a]", "(1", "1*", "1)", "1+?", "^1", "[]"])
def test_an_unknown_pattern_is_refused(pattern: str) -> None:
    """A pattern the compiler does not know raises, rather than being read wrongly."""
    with pytest.raises(ValueError, match=r"cannot read|no closing"):
        shapes(pattern)


END = 40


@st.composite
def some_rows(draw: st.DrawFn) -> Rows[str]:
    cuts = sorted(draw(st.sets(st.integers(0, END), max_size=10)))
    rows = []
    for low, after in zip(cuts[::2], cuts[1::2], strict=False):
        shift = draw(st.integers(-low, END - after + 1))
        rows.append((low, after - 1, shift, draw(st.sampled_from("abc"))))
    return rows


def told(rows: Rows[str]) -> dict[int, tuple[int, str | None]]:
    """The rule, said for each number by itself."""
    return {n: (n + row[2], row[3]) for row in rows for n in range(row[0], row[1] + 1)}


@PROVEN
@given(some_rows(), some_rows(), some_rows())
def test_combining_rules_is_combining_them_number_by_number(
    one: Rows[str], two: Rows[str], three: Rows[str]
) -> None:
    """Overlay, within, outside, through and joined do what they say to each number."""
    a, b, c = told(one), told(two), told(three)
    place = line.area((low, high) for low, high, _, _ in two)
    moves: Rows[str | None] = [(low, high, shift, None) for low, high, shift, _ in one]

    assert told(line.overlay(one, two, three)) == c | b | a
    assert told(line.within(one, place)) == {n: a[n] for n in a if n in b}
    assert told(line.outside(one, place)) == {n: a[n] for n in a if n not in b}
    assert told(line.through(moves, two)) == {
        n: b[to] for n, (to, _) in a.items() if to in b
    }
    assert line.through(list(one), two) == one
    kept = told(line.joined(line.overlay(one, two, three)))
    assert {n: kept[n] for n in c | b | a} == c | b | a


def test_what_the_table_says_can_be_read() -> None:
    """For a few keys: what is added, and what is known then."""
    national = rules.national("GB")
    key = 1_0_20_7946_0958
    assert [
        (key + shift, what.region, what.type)
        for low, high, shift, what in national
        if low <= key <= high
    ] == [(442079460958, "GB", "fixed_line")]


def test_a_table_has_no_gap() -> None:
    """Every written number is in exactly one row of a national table."""
    rows = rules.national("AU")
    assert line.area((low, high) for low, high, _, _ in rows) == list(line.EVERYTHING)
    assert all(a[1] < b[0] for a, b in pairwise(rows))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


VALUE = 987_654_321_987


def small() -> pl.DataFrame:
    return pl.DataFrame({"start": [1, VALUE, 3]})


def never() -> pl.DataFrame:
    raise AssertionError("built again")


def kept_file(folder: Path) -> Path:
    (file,) = folder.rglob("*.table")
    return file


def test_a_table_is_built_once(folder: Path) -> None:
    """The second time it comes from the folder, under the metadata's version."""
    assert cache.kept("T", small).equals(cache.kept("T", never))
    assert cache.metadata_version() in str(kept_file(folder))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content.replace(VALUE.to_bytes(8, "little"), bytes(8)),
        lambda content: b"x" * 200,
    ],
)
def test_a_damaged_table_is_built_again(folder: Path, damage: object) -> None:
    """Empty, cut short, changed or foreign: it is built and kept anew, without a word."""
    cache.kept("T", small)
    file = kept_file(folder)
    assert callable(damage)
    damaged = damage(file.read_bytes())
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    assert cache.kept("T", small).equals(small())
    assert cache.kept("T", never).equals(small())


def test_without_a_writable_folder_tables_live_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cache folder cannot be made, the table is there all the same."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.kept("T", small).equals(small())


def test_kept_and_compiled_tables_are_the_same(folder: Path) -> None:
    """What comes back from the folder is what was compiled, column by column."""
    tables.table.cache_clear()
    compiled = tables.table("SG")
    tables.table.cache_clear()
    assert tables.table("SG").equals(compiled)
    assert compiled["start"].is_sorted()
    assert compiled["start"].n_unique() == compiled.height

"""What `read_numbers` makes of the cells that files really hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulksend.errors import InputError
from bulksend.prepare.phones import (
    READ,
    e164_text,
    metadata_version,
    read_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

US = 14155550100
GB = 442079460958


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def read(cells: list[str | None], region: str | None = "US") -> pl.DataFrame:
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    return frame.select(read_numbers(pl.col("cell"), region)).unnest("cell")


@pytest.mark.parametrize(
    ("cell", "region", "e164", "repair"),
    [
        # Formatting is no repair.
        ("4155550100", "US", US, None),
        ("+14155550100", "US", US, None),
        ("(415) 555-0100", "US", US, None),
        ("415.555.0100", "US", US, None),
        ("  1 415 555 0100", "US", US, "lost_plus"),
        ("+1 (415) 555-0100", None, US, None),
        ("415–555–0100", "US", US, None),
        ("\t415-555-0100\n", "US", US, None),
        ("-4155550100", "US", US, None),
        ("020 7946 0958", "GB", GB, None),
        ("020/7946/0958", "GB", GB, None),
        ("++44 20 7946 0958", "GB", GB, None),
        ("[020] 7946 0958", "GB", GB, None),
        ("06 1234 5678", "IT", 390612345678, None),
        ("+39 06 1234 5678", "US", 390612345678, None),
        ("011 15 2345-6789", "AR", 5491123456789, None),
        ("0 15 11 96123-4567", "BR", 5511961234567, None),
        ("8 (912) 345-67-89", "RU", 79123456789, None),
        ("+800 1234 5678", "US", 80012345678, None),
        # Repairs.
        ("14155550100", "US", US, "lost_plus"),
        ("442079460958", "GB", GB, "lost_plus"),
        ("0044 20 7946 0958", "DE", GB, "zero_zero"),
        ("011 44 20 7946 0958", "US", GB, "zero_zero"),
        ("+0044 20 7946 0958", "DE", GB, "zero_zero"),
        ("+44 (0)20 7946 0958", "US", GB, "inner_zero"),
        ("+44(0)2079460958", "US", GB, "inner_zero"),
        ("0044 (0)20 7946 0958", "DE", GB, "inner_zero"),
        ("1.4155550100E+10", "US", US, "scientific"),
        ("1,4155550100e+10", "US", US, "scientific"),
        ("4.1555501000E+9", "US", 4155550100 + 10**10, "scientific"),
        ("4155550100.0", "US", US, "point_zero"),
        ("14155550100.0", "US", US, "point_zero"),
        ("+14155550100.00", "US", US, "point_zero"),
        ("'+14155550100", "US", US, "apostrophe"),
        ('="4155550100"', "US", US, "apostrophe"),
        ("’4155550100", "US", US, "apostrophe"),
        ("'4155550100.0", "US", US, "apostrophe"),
        ("４１５５５５０１００", "US", US, "fullwidth"),
        ("＋１ ４１５ ５５５ ０１００", "US", US, "fullwidth"),
        ("（４１５）５５５－０１００", "US", US, "fullwidth"),
        ("٤١٥٥٥٥٠١٠٠", "US", US, "fullwidth"),
        ("+1\u00a0415\u00a0555\u00a00100", "US", US, "invisible"),
        ("\u200e+14155550100", "US", US, "invisible"),
        ("+1415\u200b555\u20600100\ufeff", "US", US, "invisible"),
        ("tel:+14155550100", "US", US, "tel_prefix"),
        ("Tel. (415) 555-0100", "US", US, "tel_prefix"),
        ("tel:415-555-0100;phone-context=+1", "DE", US, "tel_prefix"),
        ("415-555-0100 ext. 12", "US", US, "extension"),
        ("415-555-0100x12", "US", US, "extension"),
        ("+1 415 555 0100, extension 1234", "US", US, "extension"),
        ("+14155550100;ext=12", "US", US, "extension"),
        ("4155550100#12", "US", US, "extension"),
        ("415-555-0100 x 0107", "US", US, "extension"),
        ("4155550100,,23", "US", US, "extension"),
        # A slash within a number, where nothing before it is one.
        ("+1 415 555/0100", "US", US, None),
        ("0176/1234567", "DE", 491761234567, None),
        ("+49 176 12345/67", "DE", 491761234567, None),
        # The first in the list of repairs is named.
        ("'\u200e+14155550100", "US", US, "invisible"),
        ("'tel:4155550100 x12", "US", US, "apostrophe"),
    ],
)
def test_what_is_accepted(
    cell: str, region: str | None, e164: int, repair: str | None
) -> None:
    """A cell that can mean one number only is read, and its repair is named."""
    assert read([cell], region).select("e164", "reason", "repair").row(0) == (
        e164,
        None,
        repair,
    )


@pytest.mark.parametrize(
    ("cell", "region", "reason"),
    [
        (None, "US", "number_missing"),
        ("", "US", "number_missing"),
        (" \u00a0\t", "US", "number_missing"),
        ("--", "US", "number_missing"),
        ("n/a", "US", "number_not_digits"),
        ("call 4155550100", "US", "number_not_digits"),
        ("1-800-FLOWERS", "US", "number_not_digits"),
        ("4155550100a", "US", "number_not_digits"),
        ("0xx11 96123-4567", "BR", "number_not_digits"),
        ("415+5550100", "US", "number_not_digits"),
        ("???", "US", "number_missing"),
        ("4155550100, 4155550101", "US", "number_several"),
        ("4155550100/4155550101", "US", "number_several"),
        ("(415) 555-0100 or (415) 555-0101", "US", "number_several"),
        ("+14155550100 +14155550101", "US", "number_several"),
        ("4155550100 4155550101", "US", "number_several"),
        ("4155550100\n4155550101", "US", "number_several"),
        ("21234567, 21234568", "HK", "number_several"),
        ("1234567 1234568", "DE", "number_several"),
        ("415-555-0100, 0101", "US", "number_several"),
        ("415-555-0100/0101", "US", "number_several"),
        ("415-555-0100; 23", "US", "number_several"),
        ("415-555-0100 or 0101", "US", "number_several"),
        ("415-555-0100 AND 23", "US", "number_several"),
        ("415-555-0100 & 23", "US", "number_several"),
        ("4155550120,21", "US", "number_several"),
        ("03-1234-5678~80", "JP", "number_several"),
        ("030 1234567/68", "DE", "number_several"),
        ("4155550100,00", "US", "number_damaged"),
        ("1.41556E+10", "US", "number_damaged"),
        ("1,41556E+10", "DE", "number_damaged"),
        ("1.41555501E+10", "US", "number_damaged"),
        ("4E+09", "US", "number_damaged"),
        ("########", "US", "number_damaged"),
        ("#REF!", "US", "number_damaged"),
        ("4155550100", None, "number_country"),
        ("0044 20 7946 0958", None, "number_country"),
        ("+999 1234 5678", "US", "number_country"),
        ("+07700900123", "GB", "number_country"),
        ("5551234", "US", "number_too_short"),
        ("12", "US", "number_too_short"),
        ("0", "US", "number_too_short"),
        ("41555501001", "US", "number_too_long"),
        ("0044 20 7946 0958", "US", "number_too_long"),
        ("9" * 19, "US", "number_too_long"),
        ("9" * 300, "US", "number_too_long"),
        ("1234567890", "US", "number_invalid"),
        ("+1 212 055 0100", "US", "number_invalid"),
        ("+44 1000 000000", "US", "number_invalid"),
    ],
)
def test_what_is_rejected(cell: str | None, region: str | None, reason: str) -> None:
    """A cell that is no number has a reason, and nothing else."""
    assert read([cell], region).row(0) == (None, None, None, reason, None)


def test_region_and_type_of_a_number() -> None:
    """The region is the number's own; 001 is of no country."""
    frame = read(
        [
            "+14155550100",
            "+18005550100",
            "+12684641234",
            "+447400123456",
            "+80012345678",
        ]
    )
    assert frame.select("region", "type").rows() == [
        ("US", "fixed_line_or_mobile"),
        ("US", "toll_free"),
        ("AG", "mobile"),
        ("GB", "mobile"),
        ("001", "toll_free"),
    ]


TYPED = st.text(
    st.sampled_from("0123456789+-() .,;/x#eE'~\u00a0\u200e٣１ext"), max_size=30
)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.none() | st.text(max_size=40) | TYPED, max_size=80))
@example(["0" * 18, "-0", "+", "+0", "²³¹", "①②③", "\x00", "9" * 400])
@example([])
def test_any_text_has_a_number_or_a_reason(cells: list[str | None]) -> None:
    """Nothing raises; e164 is null where there is a reason, and only there."""
    for region in ("US", "DE", None):
        frame = read(cells, region)
        assert frame.height == len(cells)
        for e164, where, kind, reason, repair in frame.iter_rows():
            assert (e164 is None) == (reason is not None)
            assert (e164 is None) == (where is None) == (kind is None)
            assert repair is None or reason is None


def test_a_cell_is_read_alone_as_among_others() -> None:
    """Each row depends on its own cell only, whatever else is in the batch."""
    cells = [
        "4155550100",
        None,
        "tel:4155550100",
        "4155550100.0",
        "x",
        "+0114420794609",
    ]
    together = read(cells)
    assert together.equals(pl.concat([read([cell]) for cell in cells]))
    assert together.equals(read(cells[::-1])[::-1])


def test_numbers_and_floats_are_read_as_their_text() -> None:
    """A Parquet column of integers or floats is read like the text of it."""
    frame = pl.DataFrame({"i": [4155550100], "f": [4155550100.0]})
    for name in ("i", "f"):
        found = frame.select(read_numbers(pl.col(name), "US")).unnest(name)
        assert found["e164"].to_list() == [US]


def test_it_streams(tmp_path: Path) -> None:
    """The plan stays in the streaming engine, and a sink gives what a collect gives."""
    cells = ["4155550100", None, "n/a", "+44 (0)20 7946 0958"] * 5_000
    frame = pl.LazyFrame({"cell": cells})
    number = read_numbers(pl.col("cell"), "US").alias("number")
    query = frame.with_columns(number)
    query.sink_parquet(tmp_path / "out.parquet", engine="streaming")

    written = pl.read_parquet(tmp_path / "out.parquet")
    assert written.schema["number"] == READ
    assert written.equals(query.collect())
    assert FALLBACK not in physical(query)


FALLBACK = 'fillcolor="0.0'  # the red that Polars gives to nodes outside the engine


def physical(query: pl.LazyFrame) -> str:
    """The streaming engine's plan, as a graph."""
    plan = query.show_graph(
        engine="streaming", plan_stage="physical", raw_output=True, show=False
    )
    return plan or ""


def test_the_streaming_check_can_fail() -> None:
    """A Python function that is not elementwise shows in the plan."""
    query = pl.LazyFrame({"cell": ["1"]}).with_columns(
        copy=pl.col("cell").map_batches(lambda s: s, return_dtype=pl.String)
    )
    assert FALLBACK in physical(query)


def test_the_text_of_a_number() -> None:
    """The plus is put back, and null stays null."""
    frame = pl.DataFrame({"n": [US, None]}, schema={"n": pl.Int64})
    text = frame.select(e164_text(pl.col("n"))).to_series().to_list()
    assert text == ["+14155550100", None]


@pytest.mark.parametrize(("region", "near"), [("UK", "GB"), ("us", "US"), ("XX", "")])
def test_an_unknown_region_is_refused(region: str, near: str) -> None:
    """An unknown default region is a problem of the input, with the near one named."""
    with pytest.raises(InputError) as caught:
        read_numbers(pl.col("cell"), region)
    (problem,) = caught.value.problems
    assert region in problem.found
    assert near in problem.fix


def test_the_version_is_that_of_the_metadata() -> None:
    """The plan can say which metadata it was made with."""
    assert metadata_version().split(".")[0].isdigit()


@pytest.mark.parametrize(
    "cell", ["1919234560.5", "4155552671.25", "14155552671.125", "4155552671,0"]
)
def test_decimals_that_are_not_zero_are_damage(cell: str) -> None:
    """No digit of a number stands behind a decimal sign: libphonenumber would take it."""
    assert read([cell])["reason"].to_list() == ["number_damaged"]


@pytest.mark.parametrize("cell", ["+1.4155552671", "415.555.2671", "1.415.555.2671"])
def test_dots_between_the_parts_of_a_number_are_none(cell: str) -> None:
    """Dots are how many people write it."""
    assert read([cell])["e164"].to_list() == [14155552671]

"""A rate card is read whole, and its sums are exact."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulksend.errors import InputError
from bulksend.prepare.cost import RateCard, micro, money

if TYPE_CHECKING:
    from collections.abc import Mapping

CARD = {
    "currency": "USD",
    "default": 0.01,
    "carrier_fee": {"US": 0.003, "US.toll_free": "0.0025", "US.mms": 0.007},
    "prices": {"US": 0.0075, "US.toll_free": 0.009, "GB": 0.04, "US.mms": 0.015},
}

PRICES = [
    # region, type, segments, MMS, micro-units
    ("US", "mobile", 1, False, 10_500),
    ("US", "mobile", 3, False, 31_500),
    ("US", "toll_free", 2, False, 23_000),
    ("GB", "mobile", 1, False, 40_000),
    ("GB", "toll_free", 1, False, 40_000),
    ("FR", "mobile", 2, False, 20_000),
    (None, None, 1, False, 10_000),
    ("US", None, 1, False, 10_500),
    ("US", "mobile", 9, True, 22_000),
    ("US", "toll_free", 1, True, 22_000),
    ("GB", "mobile", 1, True, None),
    ("US", "mobile", None, False, None),
    ("US", "mobile", None, True, None),
]


def priced(card: Mapping[str, object], rows: list[tuple[object, ...]]) -> pl.Series:
    """The prices of rows of (region, type, segments, MMS)."""
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "region": pl.Enum(["US", "GB", "FR"]),
        "type": pl.Enum(["mobile", "toll_free"]),
        "segments": pl.UInt16,
        "media": pl.Boolean,
    }
    price = RateCard.read(card).price(
        pl.col("region"), pl.col("type"), pl.col("segments"), media=pl.col("media")
    )
    return pl.DataFrame(rows, schema=schema, orient="row").select(price).to_series()


def test_each_message_has_the_narrowest_price_and_fee() -> None:
    """Region and type before region before default; an MMS by itself; else null."""
    found = priced(CARD, [row[:4] for row in PRICES])
    assert found.dtype == pl.Int64
    assert found.to_list() == [row[4] for row in PRICES]


def test_without_a_default_an_unlisted_region_has_no_price() -> None:
    """What the card does not have is null, never nought."""
    card = {"currency": "EUR", "prices": {"US": 0.0075}}
    rows: list[tuple[object, ...]] = [
        ("US", "mobile", 2, False),
        ("GB", "mobile", 1, False),
    ]
    assert priced(card, rows).to_list() == [15_000, None]


def test_a_card_of_a_default_alone_prices_all_texts() -> None:
    """One price for everything is a whole card; the currency is USD unless said."""
    card = RateCard.read({"default": 0.01})
    assert card == RateCard("USD", Decimal("0.01"))
    price = card.price(pl.lit("JP"), pl.lit("voip"), pl.lit(4))
    assert pl.select(price).item() == 40_000


def test_strings_do_as_well_as_enums() -> None:
    """Region and type as plain strings find the same prices."""
    frame = pl.DataFrame({"r": ["US", "ZZ", None], "t": ["toll_free", "x", None]})
    price = RateCard.read(CARD).price(pl.col("r"), pl.col("t"), pl.lit(1))
    assert frame.select(price).to_series().to_list() == [11_500, 10_000, 10_000]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.decimals(0, 10, places=6),
    st.decimals(0, 1, places=6),
    st.lists(st.integers(1, 62), min_size=1, max_size=50),
)
def test_sums_are_exact(price: Decimal, fee: Decimal, segments: list[int]) -> None:
    """The sum of the column is the sum in decimal arithmetic, to the last digit."""
    card = {"currency": "USD", "prices": {"US": price}, "carrier_fee": {"US": fee}}
    rows: list[tuple[object, ...]] = [
        ("US", "mobile", each, False) for each in segments
    ]
    assert priced(card, rows).sum() == (price + fee) * sum(segments) * 1_000_000


def test_floats_of_yaml_are_read_as_they_are_written() -> None:
    """0.0075 is 7,500 millionths, though the float is a little off."""
    assert RateCard.read(CARD).prices["US"] == Decimal("0.0075")
    assert micro(Decimal("0.0075")) == 7_500


WRONG = [
    ("nothing", "E340", "send.prices", "not a rate card"),
    (["US"], "E340", "send.prices", "not a rate card"),
    ({"price": {}}, "E340", "send.prices.price", "Did you mean `prices`?"),
    ({"prices": [1]}, "E340", "send.prices.prices", "regions below it"),
    ({"prices": {"UK": 1}}, "E341", "send.prices.prices.UK", "Did you mean `GB`?"),
    ({"prices": {"us": 1}}, "E341", "send.prices.prices.us", "Did you mean `US`?"),
    ({"prices": {"Narnia": 1}}, "E341", "send.prices.prices.Narnia", "not a region"),
    ({"prices": {False: 1}}, "E341", "send.prices.prices.False", 'in quotes: "NO"'),
    (
        {"prices": {"US.tollfree": 1}},
        "E341",
        "tollfree",
        "Did you mean `toll_free`?",
    ),
    ({"prices": {"US.": 1}}, "E341", "send.prices.prices.US.", "not a line type"),
    ({"prices": {"US": "free"}}, "E342", "send.prices.prices.US", "not a price"),
    ({"prices": {"US": True}}, "E342", "send.prices.prices.US", "not a price"),
    ({"prices": {"US": None}}, "E342", "send.prices.prices.US", "not a price"),
    ({"carrier_fee": {"US": -1}}, "E342", "send.prices.carrier_fee.US", "not a price"),
    ({"default": float("nan")}, "E342", "send.prices.default", "not a price"),
    ({"default": 1e30}, "E342", "send.prices.default", "up to a million"),
    ({"default": "0.0000001"}, "E342", "send.prices.default", "six decimals"),
    ({"currency": "dollars"}, "E343", "send.prices.currency", "not a currency"),
    ({"currency": None}, "E343", "send.prices.currency", "not a currency"),
]


@pytest.mark.parametrize(
    ("section", "code", "column", "said"), WRONG, ids=range(len(WRONG))
)
def test_what_is_wrong_with_a_card_is_said(
    section: object, code: str, column: str, said: str
) -> None:
    """Each mistake has its code, its key and a way out."""
    with pytest.raises(InputError) as caught:
        RateCard.read(section, file="campaign.yaml")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.file == "campaign.yaml"
    assert column in problem.column
    assert said in str(problem)


def test_all_that_is_wrong_is_said_at_once() -> None:
    """One error carries every problem of the card."""
    card = {"currency": 1, "default": "x", "prices": {"UK": 1, "US": "y"}, "z": 0}
    with pytest.raises(InputError) as caught:
        RateCard.read(card)
    codes = sorted(problem.code for problem in caught.value.problems)
    assert codes == ["E340", "E341", "E342", "E342", "E343"]


MONEY = [
    (1_284_000_000, "USD", "$1,284.00"),
    (12_500_000, "CAD", "CAD 12.50"),
    (7_500, "USD", "$0.0075"),
    (500_000, "EUR", "€0.50"),
    (0, "GBP", "£0.00"),
    (1, "USD", "$0.000001"),
    (1_005_000, "USD", "$1.01"),
    (-2_500_000, "USD", "-$2.50"),
    (999_999, "USD", "$0.999999"),
]


@pytest.mark.parametrize(("amount", "currency", "shown"), MONEY)
def test_money_reads_as_people_write_it(amount: int, currency: str, shown: str) -> None:
    """Thousands in commas, cents; more digits only where cents would say nothing."""
    assert money(amount, currency) == shown

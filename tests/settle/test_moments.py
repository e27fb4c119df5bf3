"""Moments as text, held to the way that writes each of them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.settle.moments import MOST_MINUTES, WHOLE, iso

MINUTE = 60_000
YEAR_1700, YEAR_2250 = -8_520_336_000_000, 8_835_955_200_000

near = st.integers(0, 3 * MINUTE) | st.just(MOST_MINUTES * MINUTE)
gaps = st.lists(near | st.integers(0, 10**10) | st.none(), max_size=20)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@given(start=st.integers(YEAR_1700, YEAR_2250), gaps=gaps)
def test_moments_read_as_strftime_writes_them(
    unit: str, start: int, gaps: list[int | None]
) -> None:
    """Minutes or years apart, before 1970 and after it, with holes, or none at all."""
    ms = [None if gap is None else start + gap for gap in gaps]
    moments = pl.Series("at", ms, pl.Datetime("ms", "UTC")).dt.cast_time_unit(unit)  # type: ignore[arg-type]
    assert iso(moments).equals(moments.dt.strftime(WHOLE), null_equal=True)

"""A small plan of a large one: a sample of its rows, or one row for other people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.errors import InputError
from bulksend.prepare.excerpt import for_testers, read_testers, sample
from bulksend.prepare.timing import plan_hours
from tests.prepare.planning import number, plan

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.prepare.plan import Plan

NOBODY = pl.Series(dtype=pl.Int64)
ANN, BEN = 19195550101, 19195550102


def made(folder: Path, rows: int = 30, **said: Any) -> Plan:
    people = "".join(f"{number(n)},P{n}\n" for n in range(1, rows + 1))
    message = {"text": "Hi {{ name }}", "tag": "t"} | said.pop("message", {})
    return plan(
        folder, f"phone,name\n12,Nobody\n{people}", message=message, **said
    ).plan


@pytest.mark.parametrize(("rows", "given"), [(1, 1), (7, 7), (30, 30), (99, 30)])
def test_a_sample_is_spread_evenly(tmp_path: Path, rows: int, given: int) -> None:
    """So many rows of those that get a message, as they stand, under a run of their own."""
    whole = made(tmp_path)
    small = sample(whole, tmp_path / "small", rows, whole.about["campaign"])

    assert small.rows == given
    frame, known = small.frame().collect(), whole.frame().collect()
    assert frame["row"].is_sorted()
    assert frame["reason"].is_null().all()
    assert frame.equals(known.filter(pl.col("row").is_in(frame["row"].implode())))
    gaps = frame["row"].diff().drop_nulls()
    assert gaps.is_empty() or gaps.max() - gaps.min() <= 1  # type: ignore[operator]
    assert small.run != whole.run
    assert small.mark != whole.mark
    assert sample(whole, tmp_path / "small", rows, whole.about["campaign"]) == small


def test_a_test_is_the_rows_message_for_other_numbers(tmp_path: Path) -> None:
    """Text and tag as they would arrive; numbers, and the senders that they would have."""
    two: Any = {"from": ["+19195550180", "+19195550190"]}
    whole = made(tmp_path, **two)
    test = for_testers(whole, tmp_path / "tests", 5, [ANN, BEN], now=1)

    rows = test.frame().select("row", "to", "text", "tag", "reason").collect().rows()
    assert rows == [
        (2, "+19195550101", "Hi P3", "t", None),
        (3, "+19195550102", "Hi P3", "t", None),
    ]
    senders = set(test.frame().select("from").collect()["from"])
    assert senders <= {"+19195550180", "+19195550190"}
    assert test.rows == 2
    assert plan_hours(whole) is not None
    assert plan_hours(test) is None
    first = for_testers(whole, tmp_path / "tests", None, [ANN], now=1)
    assert first.frame().collect()["text"].to_list() == ["Hi P1"]


@pytest.mark.parametrize(("row", "code"), [(999, "E640 .*rows 2 to "), (2, "E413")])
def test_a_row_without_a_message_cannot_be_tested(
    tmp_path: Path, row: int, code: str
) -> None:
    """One that is not there, and one that gets nothing."""
    with pytest.raises(InputError, match=code):
        for_testers(made(tmp_path), tmp_path / "tests", row, [ANN], now=1)


def test_testers_are_read_like_everybody(tmp_path: Path) -> None:
    """In any spelling, once each; all that is wrong with them at once, unnamed."""
    assert read_testers(["+1 919 555 0101", "(919) 555-0101"], "US", NOBODY) == [ANN]
    with pytest.raises(InputError) as refused:
        read_testers(["12", "+19195550102", "919 555 0101"], None, pl.Series([BEN]))
    found = [problem.found for problem in refused.value.problems]
    assert len(found) == 3
    assert found[0] == "the number that ends in 12: the number needs a country code"
    assert refused.value.problems[0].fix.startswith("Add it with a +")
    assert "suppression list" in found[1]
    assert not any("555" in one for one in found)


@given(count=st.integers(11, 40))
def test_a_test_is_no_campaign(count: int) -> None:
    """At most ten numbers."""
    numbers = [f"+1919555{n:04}" for n in range(100, 100 + count)]
    with pytest.raises(InputError, match=r"E414 .*at most 10"):
        read_testers(numbers, None, NOBODY)

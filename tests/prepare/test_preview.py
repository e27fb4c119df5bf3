"""The rendered messages of a few rows, as they would arrive."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import InputError, Problem
from bulksend.prepare.preview import check_rows, preview_plan
from tests.prepare.planning import SENDER, number, plan

if TYPE_CHECKING:
    from pathlib import Path

    from bulksend.prepare.plan import Plan

A, B, C = map(number, range(1, 4))


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    """Rows 2 to 9: 2, 4, 6, 8 and 9 are sent, and get longer."""
    people = (
        f"phone,name,home\n{A},a,1\n{A},b,\n{B},{'b' * 70},\n12,c,\n{C},{'c' * 170},\n"
        f"{number(4)},,\n{number(5)},{'ж' * 70},2\n{number(6)},{'d' * 400},3\n{number(7)},e,3\n"
    )
    return plan(
        tmp_path,
        people,
        recipients={"household": "home", "allow": ["fixed_line_or_mobile"]},
        message={"text": "{{ name }}", "tag": "t"},
    ).plan


def shown(plan: Plan, **wish: object) -> list[int]:
    return [row["row"] for row in preview_plan(plan, **wish)]  # type: ignore[arg-type]  # any wish


def test_rows_are_shown_as_they_would_arrive(planned: Plan) -> None:
    """Or with the reason why they do not; the values are plain JSON."""
    first, lost, short, empty, home = preview_plan(planned, rows=[10, 5, 2, 3, 7])
    assert json.loads(json.dumps(first)) == {
        "row": 2, "to": A, "from": SENDER, "text": "a", "media": None, "tag": first["tag"],
        "segments": 1, "encoding": "GSM-7", "reason": None, "why": None,
    }  # fmt: skip
    assert first["tag"].startswith("t")
    assert lost["why"] == "The same number stands in the row that counts (row 2)."
    assert short["why"] == "The number has too few digits."
    assert (
        empty["why"]
        == "The message needs `name`, and it is empty, or says so (NULL, #N/A)."
    )
    assert home["why"] == "Another row counts for the same household (row 9)."


def test_the_longest_are_those_with_the_most_segments(planned: Plan) -> None:
    """Of two with as many the one with more characters; in the order of the list."""
    assert shown(planned, longest=1) == [9]
    assert shown(planned, longest=3) == [4, 6, 9]
    assert shown(planned, longest=99) == [2, 4, 6, 8, 9]


def test_a_sample_is_random_or_the_first(planned: Plan) -> None:
    """Of the rows that are sent; the same seed shows the same ones."""
    assert shown(planned, sample=2) == [2, 4]
    some = shown(planned, sample=3, rng=Random(1))
    assert some == shown(planned, sample=3, rng=Random(1)) == sorted(some)
    many = {tuple(shown(planned, sample=2, rng=Random(seed))) for seed in range(30)}
    assert len(many) > 5
    assert {row for pair in many for row in pair} == {2, 4, 6, 8, 9}
    assert shown(planned, sample=99, rng=Random(1)) == [2, 4, 6, 8, 9]


WISHES: list[tuple[dict[str, object], list[int]]] = [
    ({}, [2, 4, 6]),
    ({"rng": Random(1)}, [2, 4, 6]),
    ({"sample": 0}, []),
    ({"longest": 0}, []),
    ({"rows": [3], "sample": 2}, [2, 3, 4]),
    ({"rows": [3], "longest": 1}, [3, 9]),
    ({"rows": [9, 3], "sample": 1, "longest": 2}, [2, 3, 6, 9]),
    ({"rows": [3], "sample": 0}, [3]),
    ({"rows": [3, 3]}, [3]),
]


@pytest.mark.parametrize(("wish", "expected"), WISHES)
def test_wishes_add_to_each_other(
    planned: Plan, wish: dict[str, object], expected: list[int]
) -> None:
    """And 0 is none; only who wishes for nothing sees the first three."""
    assert shown(planned, **wish) == expected


ABSENT = [
    ([1], "there is no row 1"),
    ([11, 2], "there is no row 11"),
    ([100, 2, 99], "there are no rows 99, 100"),
    ([-1], "there is no row -1"),
    ([2**70, 2], f"there is no row {2**70}"),
]


@pytest.mark.parametrize(("rows", "found"), ABSENT)
def test_a_row_that_is_not_there_is_named(
    planned: Plan, rows: list[int], found: str
) -> None:
    """With the rows that are; and it hides no other."""
    with pytest.raises(InputError) as caught:
        check_rows(planned, rows)
    (problem,) = caught.value.problems
    assert problem == Problem("E640", found, "rows 2 to 10")
    assert shown(planned, rows=rows) == [2] * (2 in rows)
    check_rows(planned, [2, 10])


def test_a_plan_of_nothing_shows_nothing(tmp_path: Path) -> None:
    """No sample, no longest."""
    empty = plan(tmp_path, "phone\n12\n").plan
    assert preview_plan(empty, sample=3, rng=Random(1)) == []
    assert preview_plan(empty, longest=3) == []

"""The rows that get no message, as a file to mend and feed back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.prepare.rejects import write_rejects
from tests.prepare.planning import fates, number, plan

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = map(number, range(1, 4))
PEOPLE = (
    f'id,winner,phone,text\n1,x,{A},Hi\n2,y,{A},Hi\n3,z,12,"a, ""b"""\n4,,,\n5,,{B},\n'
)


def test_rejects_say_the_row_the_reason_and_the_way_out_and_keep_the_columns(
    tmp_path: Path,
) -> None:
    """Under their own headers, though the plan calls them otherwise."""
    checked = plan(tmp_path, PEOPLE, message={"text": "{{ text }}"})
    path = tmp_path / "new" / "rejects.csv"
    assert write_rejects(checked.plan, path) == 4
    frame = pl.read_csv(path, infer_schema=False)
    assert frame.columns == [
        "rejected_row", "rejected_reason", "rejected_because", "id", "winner", "phone", "text",
    ]  # fmt: skip
    assert frame["rejected_row"].to_list() == ["3", "4", "5", "6"]
    assert frame["rejected_reason"].to_list() == [
        "duplicate", "number_too_short", "number_missing", "value_missing",
    ]  # fmt: skip
    assert "(row 2)" in frame["rejected_because"][0]
    assert "`text`" in frame["rejected_because"][3]
    assert frame.row(1)[3:] == ("3", "z", "12", 'a, "b"')


def test_rejects_that_were_mended_are_a_list_again_and_again(tmp_path: Path) -> None:
    """Two rounds: what is still wrong is told anew, under the same three names."""
    checked = plan(tmp_path, PEOPLE)
    rejects = tmp_path / "rejects.csv"
    write_rejects(checked.plan, rejects)

    mended = rejects.read_text().replace(",12,", f",{C},")
    second = plan(tmp_path / "two", mended)
    assert fates(second) == ["sent", "sent", "number_missing"]
    assert write_rejects(second.plan, rejects) == 1

    third = plan(
        tmp_path / "three", rejects.read_text().replace("4,,,", f"4,,{number(9)},")
    )
    assert fates(third) == ["sent"]
    assert third.plan.inputs[:3] == [
        "rejected_row",
        "rejected_reason",
        "rejected_because",
    ]
    assert write_rejects(third.plan, rejects) == 0
    header = "rejected_row,rejected_reason,rejected_because,id,winner,phone,text"
    assert rejects.read_text().strip() == header


def test_values_of_any_type_are_written_as_text(tmp_path: Path) -> None:
    """What CSV cannot hold is JSON, or ISO 8601; and it is read again as it was."""
    people = pl.DataFrame(
        {
            "phone": [9192340001.0, 919.0],
            "many": [[1, 2]] * 2,
            "object": [{"a": [1]}] * 2,
            "bytes": [b"a"] * 2,
            "flag": [True] * 2,
            "moment": [dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)] * 2,
            "day": [dt.date(2026, 1, 2)] * 2,
            "nothing": [None] * 2,
        }
    )
    checked = plan(tmp_path, people, recipients={"path": "list.parquet"})
    path = tmp_path / "rejects.csv"
    write_rejects(checked.plan, path)
    (row,) = pl.read_csv(path, infer_schema=False).rows()
    assert row[3:] == (
        "919", "[1,2]", '{"a":[1]}', "a", "true", "2026-01-02T03:04:00.000000+00:00",
        "2026-01-02", None,
    )  # fmt: skip


def test_rejects_of_a_list_of_one_column(tmp_path: Path) -> None:
    """A row whose only cell is empty is one that can be mended."""
    checked = plan(tmp_path, f'phone\n{A}\n""\nx\n')
    path = tmp_path / "rejects.csv"
    assert write_rejects(checked.plan, path) == 2
    again = plan(tmp_path / "b", path.read_bytes())
    assert fates(again) == ["number_missing", "number_not_digits"]


def test_rejects_that_cannot_be_written_are_a_coded_error(tmp_path: Path) -> None:
    """A folder stands there."""
    checked = plan(tmp_path, PEOPLE)
    with pytest.raises(InputError, match="E621"):
        write_rejects(checked.plan, tmp_path)

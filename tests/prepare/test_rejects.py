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
ROWS = ["rejected_row", "rejected_reason", "rejected_because"]
PEOPLE = (
    f'id,winner,phone,text\n1,x,{A},Hi\n2,y,{A},Hi\n3,z,12,"a, ""b"""\n4,,,\n5,,{B},\n'
)


def test_rejects_say_the_row_the_reason_and_the_way_out_and_keep_the_columns(
    tmp_path: Path,
) -> None:
    """Under their own headers, though the plan calls them otherwise."""
    checked = plan(tmp_path, PEOPLE, message={"text": "{{ text }}"})
    found = write_rejects(checked.plan, tmp_path / "new" / "rejects.csv")
    assert (found.mendable, found.by_rule) == (3, 1)
    frame = pl.read_csv(found.to_mend, infer_schema=False)
    assert frame.columns == [*ROWS, "id", "winner", "phone", "text"]
    assert frame["rejected_row"].to_list() == ["4", "5", "6"]
    assert frame["rejected_reason"].to_list() == [
        "number_too_short", "number_missing", "value_missing",
    ]  # fmt: skip
    assert "`text`" in frame["rejected_because"][2]
    assert frame.row(0)[3:] == ("3", "z", "12", 'a, "b"')

    left_out = pl.read_csv(found.left_out, infer_schema=False)
    assert left_out.columns == frame.columns
    assert left_out.row(0)[:2] == ("3", "duplicate")
    assert "(row 2)" in left_out.row(0)[2]


def test_who_is_held_out_is_not_to_mend(tmp_path: Path) -> None:
    """Fed back as a list of another campaign, it would be texted."""
    arms = {"all": 50, "none": 50}
    checked = plan(
        tmp_path,
        "phone\n" + "".join(f"{number(row)}\n" for row in range(2, 42)),
        experiment={"name": "any", "arms": arms, "holdout": "none"},
    )
    held_out = fates(checked).count("holdout")
    found = write_rejects(checked.plan, tmp_path / "rejects.csv")
    assert (found.mendable, found.by_rule) == (0, held_out)
    assert held_out


def test_rejects_that_were_mended_are_a_list_again_and_again(tmp_path: Path) -> None:
    """Two rounds: what is still wrong is told anew, under the same three names.

    A row that lost to another one is not among them: alone in a list it would be sent.
    """
    checked = plan(tmp_path, PEOPLE)
    rejects = tmp_path / "rejects.csv"
    write_rejects(checked.plan, rejects)

    mended = rejects.read_bytes().replace(b",12,", f",{C},".encode())
    second = plan(tmp_path / "two", mended)
    assert fates(second) == ["sent", "number_missing"]
    assert write_rejects(second.plan, rejects).mendable == 1

    mended = rejects.read_bytes().replace(b"4,,,", f"4,,{number(9)},".encode())
    third = plan(tmp_path / "three", mended)
    assert fates(third) == ["sent"]
    assert third.plan.inputs[:3] == ROWS
    assert write_rejects(third.plan, rejects).mendable == 0
    assert not rejects.exists()


@pytest.mark.parametrize(
    ("reason", "recipients"),
    [
        ("duplicate", {}),
        ("household", {"household": "home"}),
        ("suppressed", {"suppress": ["off.csv"]}),
        ("not_on_list", {"only": ["off.csv"]}),
    ],
)
def test_a_row_that_a_rule_leaves_out_is_never_among_those_to_mend(
    tmp_path: Path, reason: str, recipients: dict[str, object]
) -> None:
    """Fed back, it would be sent."""
    people = f"phone,home\n{A},x\n{B},x\n{A},\n"
    off = {"off.csv": f"n\n{B}\n"}
    checked = plan(tmp_path, people, off, recipients=recipients)
    assert reason in fates(checked)
    found = write_rejects(checked.plan, tmp_path / "rejects.csv")
    assert found.mendable == 0
    assert not found.to_mend.exists()
    assert reason in found.left_out.read_text()


def test_of_several_files_each_row_is_named_as_its_own_file_numbers_it(
    tmp_path: Path,
) -> None:
    """Also the row that won; and a column of ours of the last time is not kept."""
    east = f"phone,name\n{A},Ann\n12,\n\n"
    west = f"Phone,name\n\n{A},Annie\n13,\n"
    checked = plan(
        tmp_path,
        east,
        {"west.csv": west},
        recipients={"path": ["list.csv", "west.csv"]},
    )
    found = write_rejects(checked.plan, tmp_path / "rejects.csv")
    mend = pl.read_csv(found.to_mend, infer_schema=False)
    assert mend.columns == ["rejected_file", *ROWS, "phone", "name"]
    assert mend.select("rejected_file", "rejected_row").rows() == [
        ("list.csv", "3"), ("west.csv", "4"),
    ]  # fmt: skip
    lost = pl.read_csv(found.left_out, infer_schema=False)
    assert lost.row(0)[:3] == ("west.csv", "3", "duplicate")
    assert "(row 2 of list.csv)" in lost.row(0)[3]

    fed_back = plan(tmp_path / "b", found.to_mend.read_bytes())
    write_rejects(fed_back.plan, tmp_path / "again.csv")
    again = pl.read_csv(tmp_path / "again.csv", infer_schema=False)
    assert again.columns == [*ROWS, "phone", "name"]
    assert again["rejected_row"].to_list() == ["2", "3"]


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
    assert write_rejects(checked.plan, path).mendable == 2
    again = plan(tmp_path / "b", path.read_bytes())
    assert fates(again) == ["number_missing", "number_not_digits"]


def test_rejects_that_cannot_be_written_are_a_coded_error(tmp_path: Path) -> None:
    """A folder stands there."""
    checked = plan(tmp_path, PEOPLE)
    with pytest.raises(InputError, match="E621"):
        write_rejects(checked.plan, tmp_path)

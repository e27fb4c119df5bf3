"""Column names of recipient files: made fit, found, compared, and missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.prepare.columns import find_column
from bulksend.prepare.source import scan
from tests.prepare.reading import put, refused, rewrite, rows, workbook

if TYPE_CHECKING:
    from pathlib import Path


def test_header_names_are_made_fit_and_said(tmp_path: Path) -> None:
    """Trimmed, named where empty, and out of the way of our own names."""
    put(tmp_path, "l.csv", " a ,,to,input_to,row\n1,2,3,4,5\n")
    with scan(["l.csv"], folder=tmp_path, reserved=["to"]) as source:
        assert list(source.columns) == [
            "a", "column_2", "input_input_to", "input_to", "input_row"
        ]  # fmt: skip
        assert source.renamed == {"to": "input_input_to", "row": "input_row"}
        assert [n.code for n in source.notices] == ["W210", "W210", "W221", "W221"]
        assert rows(source) == [(2, "1", "2", "3", "4", "5")]


def test_several_files_are_one_sheet(tmp_path: Path) -> None:
    """Rows count on; each also knows its file and its row there."""
    put(tmp_path, "b.csv", "y;x\n4;3\n\n6;5\n")
    put(tmp_path, "a.csv", "x,y\n1,2\n\n")
    put(tmp_path, "c.csv", "x,y\n7,8\n")
    with scan(["c.csv", "[ab].csv"], folder=tmp_path) as source:
        assert rows(source) == [
            (2, "a.csv", 2, "1", "2"),
            (4, "b.csv", 2, "3", "4"),
            (6, "b.csv", 4, "5", "6"),
            (7, "c.csv", 2, "7", "8"),
        ]
        assert [path.name for path in source.files] == ["a.csv", "b.csv", "c.csv"]


ALIKE = [
    ("same names, another order", "Mobile No,name\n", "name,Mobile No\n", ""),
    ("case", "phone,First Name\n", "Phone,FIRST NAME\n", "`Phone` as `phone`, `FIRST NAME` as `First Name`"),
    ("spaces and dashes", "Mobile No,name\n", "name,mobile_no\n", "`mobile_no` as `Mobile No`"),
    ("full width", "phone,name\n", "ｐｈｏｎｅ,name\n", "`ｐｈｏｎｅ` as `phone`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [one[1:] for one in ALIKE],
    ids=[one[0] for one in ALIKE],
)
def test_files_whose_headers_are_alike_belong_together(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    """Each cell comes under the name that the first file has; what was matched is said."""
    put(tmp_path, "a.csv", first + "+1,Ann\n")
    turned = second.lower().startswith("name")
    put(tmp_path, "b.csv", second + ("Bob,+2\n" if turned else "+2,Bob\n"))
    with scan(["a.csv", "b.csv"], folder=tmp_path) as source:
        assert list(source.columns) == first.strip().split(",")
        assert [row[3:] for row in rows(source)] == [("+1", "Ann"), ("+2", "Bob")]
        notices = [str(notice) for notice in source.notices]
    expected = f"W215 b.csv: read with the columns of a.csv: {said}."
    assert notices == ([f"{expected} Nothing needs to be done."] if said else [])


def test_files_whose_headers_may_mean_two_columns_do_not(tmp_path: Path) -> None:
    """Which of them is meant, nobody can know."""
    put(tmp_path, "a.csv", "phone,Phone\n1,2\n")
    put(tmp_path, "b.csv", "PHONE,Phone\n1,2\n")
    assert "E215 b.csv" in refused(tmp_path, "*.csv")[0]
    put(tmp_path, "a.csv", "phone,name\n1,2\n")
    put(tmp_path, "b.csv", "Phone,PHONE,name\n1,2,3\n")
    assert "E215 b.csv" in refused(tmp_path, "*.csv")[0]


def test_files_with_other_columns_are_named(tmp_path: Path) -> None:
    """Each is compared with the first."""
    put(tmp_path, "a.csv", "x,y\n1,2\n")
    put(tmp_path, "b.csv", "x,z\n1,2\n")
    assert refused(tmp_path, "*.csv")[0].startswith(
        "E215 b.csv: its columns are not those of a.csv: it lacks `y`; it has `z` besides"
    )


# -- columns ------------------------------------------------------------------------

HEADERS = {
    n: n for n in ("first_name", "Mobile Phone", "to", "A-b", "a_B", "+19195550123")
}


HEADERS["to"] = "input_to"


@pytest.mark.parametrize(
    ("wanted", "column", "said"),
    [
        ("first_name", "first_name", ""),
        ("to", "input_to", ""),
        ("input_to", "input_to", ""),
        ("First Name", "first_name", "W216 c.yaml:9: recipients.phone: `First Name` was taken to mean the column `first_name`"),
        ("mobile_phone", "Mobile Phone", "W216"),
        ("ＭｏｂｉｌｅＰｈｏｎｅ", "Mobile Phone", "W216"),
    ],
)  # fmt: skip
def test_a_column_is_found_by_its_name_or_one_that_differs_in_spelling(
    wanted: str, column: str, said: str
) -> None:
    """An exact name wins; case, spaces, dashes and underscores may differ, and it is said."""
    found = find_column(
        HEADERS, wanted, of="list.csv", key="recipients.phone", file="c.yaml", line=9
    )
    assert found.column == column
    assert str(found.notice or "").startswith(said)
    assert (found.notice is None) == (said == "")


@pytest.mark.parametrize(
    ("wanted", "phrases"),
    [
        ("frist_name", ["E216 c.yaml:9: recipients.phone: there is no column `frist_name`", "Did you mean `first_name`?"]),
        ("phone number", ["E216", "Did you mean `Mobile Phone`?", "`+1919…23`"]),
        ("zzz", ["E216", "there are: `first_name`, `Mobile Phone`"]),
        ("ab", ["E217", "`ab` may mean each of `A-b`, `a_B`"]),
    ],
)  # fmt: skip
def test_a_column_that_is_not_there_is_explained(
    wanted: str, phrases: list[str]
) -> None:
    """With what is there, a near name, and no whole number."""
    with pytest.raises(InputError) as caught:
        find_column(
            HEADERS,
            wanted,
            of="list.csv",
            key="recipients.phone",
            file="c.yaml",
            line=9,
        )
    for phrase in phrases:
        assert phrase in str(caught.value)
    assert "9195550123" not in str(caught.value)


@pytest.mark.parametrize("sign", ["~", ":", "^", "#", " "])
def test_an_unusual_delimiter_is_asked_for(tmp_path: Path, sign: str) -> None:
    """The wanted name is a part of the only header there is."""
    (tmp_path / "l.csv").write_text(f"phone{sign}name\n+14155552671{sign}Ana\n")
    with (
        scan(["l.csv"], folder=tmp_path) as source,
        pytest.raises(InputError) as caught,
    ):
        find_column(source.headers, "phone", of="l.csv", key="k", file="c", line=1)
    assert str(caught.value).startswith(
        "E207 c:1: k: all columns of l.csv were read as"
    )


@pytest.mark.parametrize("name", ["l.csv", "l.parquet", "l.ndjson", "l.xlsx"])
def test_a_nul_byte_in_a_column_name_is_named(tmp_path: Path, name: str) -> None:
    """Also in one that is the name of our own column of rows."""
    for column in ("\0row", "na\0me"):
        people = pl.DataFrame({"phone": ["x"], column: ["y"]})
        if name == "l.xlsx":
            cells: list[tuple[int, int, object]] = [(0, 0, "phone"), (0, 1, "QQ")]
            workbook(tmp_path / name, cells)
            rewrite(tmp_path / name, b"QQ", column.replace("\0", "_x0000_").encode())
        else:
            getattr(people, f"write_{name[2:]}")(tmp_path / name)
        (problem,) = refused(tmp_path, name)
        said = f"E206 {name} row 1: a NUL byte is in the name of column 2"
        assert problem.startswith(said)


def test_a_column_may_be_called_as_polars_calls_a_count(tmp_path: Path) -> None:
    """`len`, `0` and such are columns of people's files as others are."""
    people = pl.DataFrame({"len": [1, 2], "count": ["a", None], "0": [None, "b"]})
    people.write_parquet(tmp_path / "l.parquet")
    with scan(["l.parquet"], folder=tmp_path) as source:
        assert rows(source) == [(2, 1, "a", None), (3, 2, None, "b")]

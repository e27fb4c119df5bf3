"""Recipient files with types: Parquet, NDJSON and workbooks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest
import xlsxwriter

from bulksend.prepare.columns import as_text
from bulksend.prepare.source import scan
from tests.prepare.reading import put, refused, rewrite, rows, workbook

if TYPE_CHECKING:
    from pathlib import Path


# -- files with types ---------------------------------------------------------------


def test_parquet_keeps_types_and_offers_text(tmp_path: Path) -> None:
    """Numbers stay numbers; as text they have no dot and no exponent."""
    frame = pl.DataFrame(
        {
            "phone": [14155550100.0, None, 2.5],
            "row": [1, 2, 3],
            "day": [dt.date(2026, 1, 31)] * 3,
            "at": [dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)] * 3,
            "ok": [True, None, False],
        }
    )
    frame.write_parquet(tmp_path / "l.parquet")
    with scan(["l.parquet"], folder=tmp_path) as source:
        assert rows(source)[0][:3] == (2, 14155550100.0, 1)
        assert source.columns["phone"] == pl.Float64
        text = source.frame.select(*map(source.text, source.columns)).collect()
    assert text.rows() == [
        ("14155550100", "1", "2026-01-31", "2026-01-31T09:30:00.000000+00:00", "true"),
        (None, "2", "2026-01-31", "2026-01-31T09:30:00.000000+00:00", None),
        ("2.5", "3", "2026-01-31", "2026-01-31T09:30:00.000000+00:00", "false"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series([1, None]), ["1", None]),
        (pl.Series([1.0, 1e20, float("nan"), -0.5]), ["1", "100000000000000000000", None, "-0.5"]),
        (pl.Series([["a"], []]), ['["a"]', "[]"]),
        (pl.Series([{"a": 1}]), ['{"a":1}']),
        (pl.Series(["x"], dtype=pl.Categorical), ["x"]),
        (pl.Series([dt.time(9, 30)]), ["09:30:00"]),
        (pl.Series([b"x", b"\xff"]), ["x", None]),
    ],
)  # fmt: skip
def test_every_type_has_a_text(values: pl.Series, expected: list[str | None]) -> None:
    """None raises, whatever a Parquet file holds."""
    frame = values.alias("v").to_frame().lazy()
    text = frame.select(as_text("v", values.dtype)).collect()
    assert text.columns == ["v"]
    assert text["v"].to_list() == expected


def test_ndjson_keeps_structs_and_late_types(tmp_path: Path) -> None:
    """A type that first comes after a thousand lines is known from the first."""
    lines = ['{"a":1,"b":{"c":[2]}}', *['{"a":2}'] * 1000, "", '{"a":2.5,"d":"x"}']
    put(tmp_path, "l.ndjson", "\n".join(lines))
    with scan(["l.ndjson"], folder=tmp_path) as source:
        found = rows(source)
        assert found[0] == (2, 1.0, {"c": [2]}, None)
        assert found[-1] == (1003, 2.5, None, "x")


def test_a_workbook_gives_text_as_a_person_sees_it(tmp_path: Path) -> None:
    """Numbers without a dot, dates as in ISO 8601, rows as the spreadsheet numbers them."""
    first = [14155550100, "007", dt.date(2026, 1, 31), 12.5, True, dt.time(9, 30)]
    header = ["phone", "code", "day", "sum", "ok", "at"]
    cells: list[tuple[int, int, object]] = [
        (2, i, name) for i, name in enumerate(header)
    ]
    cells += [(3, i, value) for i, value in enumerate(first)]
    cells += [(6, 0, "+1"), (6, 2, dt.datetime(2026, 1, 31, 9, 30))]  # noqa: DTZ001 -- a workbook has no zones
    workbook(tmp_path / "l.xlsx", cells)
    with scan(["l.xlsx"], folder=tmp_path) as source:
        assert rows(source) == [
            (4, "14155550100", "007", "2026-01-31", "12.5", "true", "09:30:00"),
            (7, "+1", None, "2026-01-31 09:30:00", None, None, None),
        ]
        assert [notice.code for notice in source.notices] == ["W214", "W220"]
        assert "row 5" in str(source.notices[1])


def test_the_errors_of_a_sheet_are_kept_and_said(tmp_path: Path) -> None:
    """Nothing in their place would be an empty cell; a row of them is no empty row."""
    with xlsxwriter.Workbook(tmp_path / "l.xlsx") as book:
        sheet = book.add_worksheet("Notes & <more>")
        sheet.write_row(2, 1, ["phone", "name", "b"])
        sheet.write_formula(3, 1, "=NA()", None, "#N/A")
        sheet.write_row(3, 2, ["Ann", True])
        for column in (1, 2):
            sheet.write_formula(4, column, "=1/0", None, "#DIV/0!")
        sheet.write_row(5, 1, ["+1", "Bob"])
        sheet.write_formula(6, 27, "=Z1", None, "#REF!")
    with scan(["l.xlsx"], folder=tmp_path) as source:
        assert rows(source) == [
            (4, "#N/A", "Ann", "true", None), (5, "#DIV/0!", "#DIV/0!", None, None),
            (6, "+1", "Bob", None, None), (7, None, None, None, "#REF!"),
        ]  # fmt: skip
        said = [str(one) for one in source.notices if one.code == "W223"]
    assert said[0].startswith('W223 l.xlsx row 4, column "B": the cell holds #N/A')
    assert said[0].endswith(" 3 more like this.")


# format, number in the cell, what it shows
PADDED = [
    ("00000", 501, "00501"),
    ("00000\\-0000", 5011234, "00501-1234"),
    ('0#" "##" "##" "##" "##', 612345678, "06 12 34 56 78"),
    ("[$-409]000", 7, "007"),
    ("0000", 123456, "123456"),
    ("(###) 000", 1234, "(1) 234"),
    ("0", 7, "7"),
    ("#,##0", 1200, "1200"),
    ("0.00", 19.9, "19.9"),
    ("000", 1.5, "1.5"),
    ("000", -7, "-7"),
]


def test_zeros_that_a_format_fills_up_with_are_kept(tmp_path: Path) -> None:
    """The ZIP 00501 is the number 501 to a spreadsheet; other formats change nothing."""
    with xlsxwriter.Workbook(tmp_path / "l.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["phone", "zip"])
        for row, (code, value, _) in enumerate(PADDED, start=1):
            sheet.write(row, 0, "x")
            sheet.write(row, 1, value, book.add_format({"num_format": code}))
        sheet.write(len(PADDED) + 1, 1, "501", book.add_format({"num_format": "00000"}))
        sheet.write_formula(0, 2, "=NA()", None, "#N/A")
    with scan(["l.xlsx"], folder=tmp_path) as source:
        shown = [row[2] for row in rows(source)]
        assert [one.code for one in source.notices] == ["W223"]
    assert shown == [*(text for _, _, text in PADDED), "501"]


def test_hidden_sheets_are_not_read_and_merged_cells_are_said(tmp_path: Path) -> None:
    """What nobody sees is no list; and of merged cells one holds what all of them show."""
    with xlsxwriter.Workbook(tmp_path / "l.xlsx") as book:
        lookup, list_ = book.add_worksheet("Lookup"), book.add_worksheet("List")
        lookup.write(0, 0, "x")
        lookup.hide()
        list_.activate()
        list_.merge_range(0, 3, 0, 4, "of the header")
        list_.write_row(0, 0, ["phone", "name", "team"])
        for row in (1, 2, 3):
            list_.write_row(row, 0, ["1", "Ann"])
        list_.merge_range(1, 2, 2, 2, "Red")
        list_.merge_range(4, 0, 4, 1, "z")
    with scan(["l.xlsx"], folder=tmp_path) as source:
        assert [row[3] for row in rows(source)] == ["Red", None, None, None]
        said = [str(one) for one in source.notices if one.code in ("W214", "W227")]
    assert said[0].startswith("W214 l.xlsx: sheet `List` is read")
    assert said[1].startswith('W227 l.xlsx row 2, column "C": it is merged')
    assert said[1].endswith(" 1 more like this.")
    with scan(["l.xlsx"], folder=tmp_path, sheet="Lookup") as source:
        assert source.columns.keys() == {"x"}


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    """A wrong name gets a near one; an empty sheet is an empty file."""
    workbook(tmp_path / "l.xlsx", [(0, 0, "a")])
    assert "Did you mean `Notes`?" in refused(tmp_path, "l.xlsx", sheet="Note")[0]
    assert refused(tmp_path, "l.xlsx", sheet="Notes")[0].startswith("E204 l.xlsx")
    with scan(["l.xlsx"], folder=tmp_path, sheet="List") as source:
        assert rows(source) == []


def test_a_nul_byte_in_a_workbook_is_named(tmp_path: Path) -> None:
    """Polars would print it, and Bandwidth refuse it."""
    cells: list[tuple[int, int, object]] = [
        (2, 0, "phone"), (3, 0, "x"), (4, 0, "QQ"), (6, 0, "aQQ")
    ]  # fmt: skip
    workbook(tmp_path / "l.xlsx", cells)
    rewrite(tmp_path / "l.xlsx", b"QQ", b"_x0000_")
    (problem,) = refused(tmp_path, "l.xlsx")
    assert problem.startswith("E206 l.xlsx row 5: a NUL byte is in this row")
    assert "1 more" in problem


MIXED: list[tuple[str, str, str]] = [
    ("text, object", '{"a":"x"}\n{"a":{"b":1}}\n', "E225 l.ndjson:2: a: this is an object, and in line 1 it is a plain value"),
    ("list, text", '{"a":null}\n\n{"a":["x"]}\n{"a":"x"}\n', "E225 l.ndjson:4: a: this is a plain value, and in line 3 it is a list"),
    ("number, list", '{"a":1}\n{"a":[1]}\n', "E225 l.ndjson:2: a: this is a list"),
    ("list, object", '{"a":[1]}\n{"a":{"b":1}}\n', "E225 l.ndjson:2: a: this is an object, and in line 1 it is a list"),
    ("object, number", '{"a":{"b":1}}\n{"a":1}\n', "E225 l.ndjson:2: a: "),
    ("in a group", '{"a":{"b":"x"}}\n{"a":{"b":[1]}}\n', "E225 l.ndjson:2: a.b: "),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"), [c[1:] for c in MIXED], ids=[c[0] for c in MIXED]
)
def test_a_column_of_words_and_json_is_refused(
    tmp_path: Path, content: str, said: str
) -> None:
    """Read as text, it would greet somebody with `["x"]`."""
    (problem,) = refused(tmp_path, put(tmp_path, "l.ndjson", content))
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "content",
    ['{"a":"[x]"}\n{"a":"{y}"}\n', '{"a":1}\n{"a":"x"}\n', '{"a":null}\n{"a":[1]}\n',
     '{"a":{"b":"x"}}\n{"a":{"b":null}}\n{"a":null}\n{}\n'],
)  # fmt: skip
def test_columns_of_one_kind_are_read(tmp_path: Path, content: str) -> None:
    """Text with brackets is text; null goes with everything."""
    with scan([put(tmp_path, "l.ndjson", content)], folder=tmp_path) as source:
        assert rows(source)

"""The results as a file: where it may go, and what people open it with."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import fastexcel
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.errors import InputError
from bulksend.settle import workbook
from bulksend.settle.files import check_output, write_results
from tests.suites.mounts import mounted

CELLS = [
    ("=1+1", "'=1+1"),
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("@SUM(1)", "'@SUM(1)"),
    ("\t=1", "'\t'=1"),
    ("\r=1", "'\r'=1"),
    ("-2+3+cmd|x", "'-2+3+cmd|x"),
    ("+cmd|x", "'+cmd|x"),
    ("+1+cmd|x", "'+1+cmd|x"),
    ("＝1+1", "'＝1+1"),
    ("+19192345671", "+19192345671"),
    ("+1 (919) 234-5671", "'+1 (919) 234-5671"),
    ("+1-919-234-5671", "'+1-919-234-5671"),
    ("+1-1", "'+1-1"),
    ("-1+1", "'-1+1"),
    ("+1/2", "'+1/2"),
    ("+1.919.234.5671", "+1.919.234.5671"),
    ("+1 919 234 5671", "'+1 919 234 5671"),
    ("+19192345671,+19192345672", "'+19192345671,+19192345672"),
    ("+", "'+"),
    ("-", "'-"),
    ("+1,", "'+1,"),
    ("+19192345671\n", "'+19192345671\n"),
    ("\n=1", "'\n'=1"),
    ("x;=1+1;y", "x;'=1+1;y"),
    ('x; "=1+1";-2', "x; \"'=1+1\";'-2"),
    ("x\t@SUM(1)", "x\t'@SUM(1)"),
    ("a list:\n- one", "a list:\n'- one"),
    ("a; b, -c", "a; b, -c"),
    ("919-234-5671", "919-234-5671"),
    ("-12.50", "-12.50"),
    ("-1,234.50", "-1,234.50"),
    ("Ana", "Ana"),
    ("a=1", "a=1"),
    ("", ""),
]


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_a_csv_for_spreadsheets_runs_nothing_and_keeps_numbers(tmp_path: Path) -> None:
    """What would run begins with an apostrophe, in the header too; a + stays a +."""
    frame = pl.LazyFrame({"=x": [cell for cell, _ in CELLS], "n": range(len(CELLS))})
    write_results(frame, tmp_path / "a.csv", for_spreadsheet=True)
    head, *rows = lines(tmp_path / "a.csv")
    assert head == ["'=x", "n"]
    assert [row[0] for row in rows] == [safe for _, safe in CELLS]
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")

    write_results(frame, tmp_path / "b.csv")
    assert [row[0] for row in lines(tmp_path / "b.csv")[1:]] == [c for c, _ in CELLS]
    with pytest.raises(InputError, match="E625"):
        write_results(frame, tmp_path / "a.parquet", for_spreadsheet=True)


@given(st.lists(st.text(max_size=12) | st.text(';=+"\t\n x', max_size=9), min_size=1))
def test_no_cell_ever_begins_like_a_formula(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Whatever stands in it; and nothing is lost but what the apostrophe adds."""
    path = tmp_path_factory.mktemp("any") / "a.csv"
    safe = [text.encode("utf-8", "replace").decode() for text in texts]
    write_results(pl.LazyFrame({"a": safe, "b": "b"}), path, for_spreadsheet=True)
    for text, (cell, _) in zip(safe, lines(path)[1:], strict=True):
        assert cell.replace("'", "") == text.replace("'", "")
        assert len(cell) >= len(text)
        for part in re.split(r"[;\t\r\n]", cell)[1:]:
            assert part.lstrip(' "')[:1] not in tuple("=+@-＝＋－＠")
        first = cell[:1]
        assert first not in set("=@\t\r\n＝＋－＠")
        assert first not in set("+-") or not set(cell[1:]) - set("0123456789.,")


MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC)
TYPED = {
    "text": ["=1+1", "007", None],
    "marked": ["<r>a & b</r>", " two ", "\x00_x0041_\r\n\ufffe"],
    "count": [1, None, 2**31],
    "float": [1.5, float("nan"), None],
    "yes": [True, None, False],
    "at": [MOMENT, None, None],
    "day": [dt.date(2026, 1, 2), None, None],
    "many": [["a", "b"], None, []],
    "long": ["x" * 40_000, "", None],
    "wide": ["x" + "😀" * 20_000, "😀", None],
}


@pytest.mark.parametrize(
    ("names", "head"),
    [
        (["=X", "'=X"], ["''=X", "'=X"]),
        (["'=X", "=X"], ["'=X", "''=X"]),
        (["=X", "'=X", "''=X"], ["'''=X", "'=X", "''=X"]),
        (["=X", "@X", "X"], ["'=X", "'@X", "X"]),
    ],
)
def test_no_two_columns_get_one_name(
    tmp_path: Path, names: list[str], head: list[str]
) -> None:
    """A header that is made safe may meet a column that has that name already."""
    frame = pl.LazyFrame({name: [str(place)] for place, name in enumerate(names)})
    write_results(frame, tmp_path / "a.csv", for_spreadsheet=True)
    values = [str(place) for place in range(len(names))]
    assert lines(tmp_path / "a.csv") == [head, values]


def sheet(path: Path, name: str = "Results") -> pl.DataFrame:
    return fastexcel.read_excel(path).load_sheet(name).to_polars()


def test_a_workbook_holds_texts_as_texts_and_times_as_times(tmp_path: Path) -> None:
    """No formula, no lost zero, no lost +; longer than a cell can be is cut."""
    path = tmp_path / "a.xlsx"
    write_results(pl.LazyFrame(TYPED), path)
    found = sheet(path)
    assert found.columns == list(TYPED)
    assert found["text"].to_list() == ["=1+1", "007", None]
    assert found["marked"].to_list()[:2] == ["<r>a & b</r>", " two "]
    assert found["count"].to_list() == [1, None, 2**31]
    assert found["float"].to_list() == [1.5, None, None]
    assert found["yes"].to_list() == [True, None, False]
    assert found["at"][0] == MOMENT.replace(tzinfo=None)
    assert found["day"][0] == "2026-01-02"
    assert found["many"].to_list()[0] == '["a","b"]'
    assert len(found["long"][0]) == 32_767
    assert found["wide"].to_list() == ["x" + "😀" * 16_383, "😀", None]
    assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]


def test_numbers_that_excel_would_round_are_texts(tmp_path: Path) -> None:
    """15 digits are a number, 16 a text: Excel would end an id in a zero."""
    ids = [10**15 - 1, 10**15, -(2**63), None]
    write_results(pl.LazyFrame({"id": ids}), tmp_path / "a.xlsx")
    with ZipFile(tmp_path / "a.xlsx") as book:
        tree = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = tree.findall(".//{*}row")[1:]
    assert ["".join(row.itertext()) for row in rows] == [
        "999999999999999",
        "1000000000000000",
        "-9223372036854775808",
        "",
    ]
    kinds = [cell.get("t", "number") for row in rows for cell in row]
    assert kinds == ["number", "inlineStr", "inlineStr"]


@given(
    st.lists(st.text(max_size=12) | st.from_regex("_x[0-9a-fA-F]{3,5}_"), min_size=1)
)
def test_a_workbook_holds_any_text(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Characters that XML cannot hold are written as Excel does, and so is what looks so."""
    path = tmp_path_factory.mktemp("any") / "a.xlsx"
    wanted = [text.encode("utf-8", "replace").decode() for text in texts]
    write_results(pl.LazyFrame({"a": wanted}), path)
    with ZipFile(path) as book:
        tree = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    cells = tree.findall(".//{*}is/{*}t")
    found = [
        re.sub("_x([0-9A-F]{4})_", lambda one: chr(int(one[1], 16)), cell.text or "")
        for cell in cells
    ]
    assert found == wanted


def test_rows_beyond_a_sheet_go_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """White box: sheets of ten rows; each has the header, and no row is lost."""
    monkeypatch.setattr(workbook, "MOST_ROWS", 10)
    monkeypatch.setattr(workbook, "CHUNK_ROWS", 4)
    write_results(pl.LazyFrame({"row": range(2, 25)}), tmp_path / "a.xlsx")
    names = fastexcel.read_excel(tmp_path / "a.xlsx").sheet_names
    assert names == ["Results", "Results 2", "Results 3"]
    rows = [row for name in names for row in sheet(tmp_path / "a.xlsx", name)["row"]]
    assert rows == list(range(2, 25))


# -- where they go ------------------------------------------------------------------


def test_results_that_cannot_be_written_leave_what_is_there(tmp_path: Path) -> None:
    """The file of the last time stays whole, and nothing is left beside it."""
    path = tmp_path / "out" / "a.csv"
    write_results(pl.LazyFrame({"a": [1]}), path)

    def fail(frame: pl.DataFrame) -> pl.DataFrame:
        raise OSError(28, "No space left on device")

    with pytest.raises((InputError, pl.exceptions.PolarsError)):
        write_results(pl.LazyFrame({"a": [2]}).map_batches(fail), path)
    assert path.read_text() == "a\n1\n"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match="E625"):
        write_results(pl.LazyFrame({"a": [1]}), path / "b.csv")


def test_a_disk_that_is_full_is_a_problem_in_every_form(tmp_path: Path) -> None:
    """E625 from the file system's own word in mid-file; the old file stays, alone."""
    code = """
import resource, secrets, sys
from pathlib import Path
import polars as pl
from bulksend.errors import InputError
from bulksend.settle.files import write_results
frame = pl.LazyFrame({"a": [secrets.token_hex(20) for _ in range(50_000)]})
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for path in map(Path, sys.argv[1:]):
    path.write_text("old")
    try:
        write_results(frame, path)
    except InputError as error:
        (problem,) = error.problems
        print(path.name, problem.code, problem.found, problem.fix)
"""
    paths = [tmp_path / f"a.{form}" for form in ("csv", "parquet", "xlsx")]
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = ran.stdout.splitlines()
    assert [line.split()[:2] for line in said] == [[p.name, "E625"] for p in paths], ran
    assert all("file too large Raise the limit" in line for line in said)
    assert {path.read_text() for path in paths} == {"old"}
    assert sorted(tmp_path.iterdir()) == sorted(paths)


@pytest.mark.parametrize(
    ("name", "is_ours", "code"),
    [
        ("new/a.csv", False, ""),
        ("there.csv", True, ""),
        ("there.csv", False, "E624"),
        ("folder.csv", True, "E625"),
        ("there.csv/a.csv", False, "E625"),
        ("a.txt", False, "E625"),
        ("\udcff.csv", False, "E625"),
        ("new/a.xlsx", False, ""),
    ],
)
def test_a_place_for_results_is_tried_before_anything_is_sent(
    tmp_path: Path,
    name: str,
    is_ours: bool,
    code: str,
) -> None:
    """Nothing is overwritten, and no trace of the trial is left."""
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    if code:
        with pytest.raises(InputError, match=code):
            check_output(tmp_path / name, is_ours=is_ours)
    else:
        check_output(tmp_path / name, is_ours=is_ours)
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert not [path for path in tmp_path.rglob("*") if "probe" in path.name]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """Each writes a file of its own; what a dead one left is swept, what lives stays."""
    done = subprocess.Popen([sys.executable, "-S", "-c", ""])
    done.wait()
    dead = tmp_path / f".a.csv.{done.pid}@{gethostname()}.unfinished"
    alive = tmp_path / f".a.csv.{os.getppid()}@{gethostname()}.unfinished"
    other = tmp_path / f".b.csv.{done.pid}@{gethostname()}.unfinished"
    distant = tmp_path / f".a.csv.{done.pid}@elsewhere.unfinished"
    for left in (dead, alive, other, distant):
        left.write_text("half")
    write_results(pl.LazyFrame({"a": [1]}), tmp_path / "a.csv")
    assert not dead.exists()
    assert {one.read_text() for one in (alive, other, distant)} == {"half"}
    assert (tmp_path / "a.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.xlsx", "for people.csv"])
def test_a_full_disk_is_said_and_what_to_do(tmp_path: Path, name: str) -> None:
    """Not that the folder is to be made writable: it is; and the old file is as it was."""
    frame = pl.LazyFrame({"a": [secrets.token_hex(20) for _ in range(5_000)]})
    with mounted(tmp_path / "small", "size=64k"):
        path = tmp_path / "small" / name
        path.write_text("old")
        with pytest.raises(InputError, match="E625") as refused:
            write_results(frame, path, for_spreadsheet="people" in name)
        (problem,) = refused.value.problems
        assert problem.found == "no space left on device"
        assert problem.fix == "Free some space, or write elsewhere with --results PATH."
        assert path.read_text() == "old"
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_folder_that_may_not_be_looked_into_is_a_problem() -> None:
    """Not a traceback: whoever runs it lacks the right even to see what is there."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o700)
        code = (
            "import os, pathlib\n"
            "from bulksend.settle.files import check_output\n"
            "os.setuid(65534)\n"
            f"check_output(pathlib.Path({str(Path(folder) / 'a.csv')!r}), is_ours=False)"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
    assert "E625" in ran.stderr.splitlines()[-1], ran.stderr

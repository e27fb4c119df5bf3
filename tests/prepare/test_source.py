"""Recipient files: what is read, what is refused, and in which words."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import polars as pl
import pytest
from backports import zstd

from bulksend.errors import InputError
from bulksend.prepare.source import scan
from tests.prepare.reading import put, refused, rows, zipped

READ: list[tuple[str, bytes | str, list[tuple[object, ...]], list[str]]] = [
    ("plain", "a,b\n1,2\n3,4\n", [(2, "1", "2"), (3, "3", "4")], []),
    ("no last newline", "a,b\n1,2", [(2, "1", "2")], []),
    ("CRLF", "a,b\r\n1,2\r\n", [(2, "1", "2")], []),
    ("zeros and plus", "a,b\n007,+1\n", [(2, "007", "+1")], []),
    ("quotes", 'a,b\n"x,""y""",2\n', [(2, 'x,"y"', "2")], []),
    (
        "newline in a cell",
        'a,b\n"x\n\ny",2\n3,4\n',
        [(2, "x\n\ny", "2"), (3, "3", "4")],
        [],
    ),
    ("newline in the header", '"a\nb",c\n1,2\n', [(2, "1", "2")], []),
    ("even quotes in a cell", 'a,b\n1,5" 6"\n', [(2, "1", '5" 6"')], []),
    ("empty rows", "a,b\n1,2\n\n,\n3,4\n\n", [(2, "1", "2"), (5, "3", "4")], ["W220"]),
    ("empty rows, CRLF", "a,b\r\n\r\n,\r\n3,4\r\n", [(4, "3", "4")], ["W220"]),
    ("empty rows, one column", "a\n1\n\n3\n", [(2, "1"), (4, "3")], ["W220"]),
    ("empty lines above", "\n\na,b\n1,2\n", [(4, "1", "2")], []),
    (
        "semicolons",
        "name;sum\nA;1,5\nB;2,5\n",
        [(2, "A", "1,5"), (3, "B", "2,5")],
        ["W207"],
    ),
    ("tabs", "a\tb\n1\t2\n", [(2, "1", "2")], ["W207"]),
    ("bars", "a|b\n1|x, y\n", [(2, "1", "x, y")], ["W207"]),
    ("quoted semicolons", 'a,b\n"1;2",3\n', [(2, "1;2", "3")], []),
    ("spreadsheet's hint", "sep=;\na;b\n1;2\n", [(2, "1", "2")], []),
    ("one column", "phone\n+1\n", [(2, "+1")], []),
    ("header only", "a,b\n", [], ["W204"]),
    ("UTF-8 mark", b"\xef\xbb\xbfa,b\n1,2\n", [(2, "1", "2")], ["W219"]),
    ("UTF-16", "a,b\nMüller,2\n".encode("utf-16"), [(2, "Müller", "2")], ["W205"]),
    ("UTF-32", "a,b\nMüller,2\n".encode("utf-32"), [(2, "Müller", "2")], ["W205"]),
    ("old Mac", "a,b\r1,2\r3,4\r", [(2, "1", "2"), (3, "3", "4")], ["W218"]),
    ("long cell", "a,b\n1," + "x" * (1 << 20) + "\n", [(2, "1", "x" * (1 << 20))], []),
]


@pytest.mark.parametrize(
    ("content", "expected", "codes"),
    [case[1:] for case in READ],
    ids=[case[0] for case in READ],
)
def test_a_good_file_gives_its_records_and_says_what_was_done(
    tmp_path: Path,
    content: bytes | str,
    expected: list[tuple[object, ...]],
    codes: list[str],
) -> None:
    """Each record is there as text, under the row a spreadsheet shows."""
    put(tmp_path, "list.csv", content)
    with scan(["list.csv"], folder=tmp_path) as source:
        assert rows(source) == expected
        assert [notice.code for notice in source.notices] == codes
        assert set(source.columns.values()) == {pl.String()}


REFUSED: list[tuple[str, str, bytes | str, list[str]]] = [
    ("too few", "l.csv", "a,b,c\n1,2\n4,5,6\n1\n", ["E209 l.csv row 2: this record has 2 cells; expected 3 as in the header", "1 more"]),
    ("too many", "l.csv", "a,b\n1,2\n1,2,3\n", ["E209 l.csv row 3: this record has 3 cells; expected 2"]),
    ("both", "l.csv", "a,b\n1\n1,2,3\n", ["E209 l.csv row 2", "E209 l.csv row 3"]),
    ("a title above", "l.csv", "Contacts\n\na,b,c\n1,2,3\n", ["E209 l.csv row 3: this record has 3 cells; expected 1 as in the header. If this row holds the column names, delete what is above it. 1 more"]),
    ("balanced out", "l.csv", "a,b,c\n1,2\n1,2,3,4\n", ["E209 l.csv row 2", "E209 l.csv row 3"]),
    ("never closed", "l.csv", 'a,b\n1,2\n3,"4\n5,6\n', ['E208 l.csv row 3, column "b": a quote opens']),
    ("closed rows later", "l.csv", 'a,b\n1,2\n3,"4\n5,6\n7,"8"\n', ['E208 l.csv row 3, column "b": a quote opens']),
    ("odd quote", "l.csv", 'a,b\n5" x,2\n3,4\n', ['E208 l.csv row 2, column "a": a quote stands']),
    ("odd quotes", "l.csv", 'a,b\n5" x,2\n6" x,4\n', ["E208 l.csv row 2", "1 more"]),
    ("text behind a quote", "l.csv", 'a,b\n"x"y,2\n', ['E208 l.csv row 2, column "a"']),
    ("header quote", "l.csv", '"a,b\n1,2\n', ["E208 l.csv row 1: in the first record a quote is not closed"]),
    ("NUL", "l.csv", "a,b\n1,2\n3,\x004\n", ["E206 l.csv row 3: a NUL byte"]),
    ("one stray byte", "l.csv", "a,b\nMüller,2\nJosé,4\n".encode() + b"Zo\xeb,5\n", ["E205 l.csv row 4: this record is not UTF-8", "`recipients.encoding"]),
    ("two files in one", "l.csv", "a,b\nMüller,2\n".encode() + "José,4\nZoë,5\n".encode("cp1252"), ["E205 l.csv row 3: this record is not UTF-8", "1 more"]),
    ("no letter", "l.csv", b"a,b\nBob\xff,2\n", ["E205 l.csv row 2: this record is not UTF-8"]),
    ("a control of old", "l.csv", b"a,b\nJos\xe9,2\nBob\x81,3\n", ["E205 l.csv row 2: this record is not UTF-8", "1 more"]),
    ("noise", "l.csv", b"a,b\n" + bytes(range(128, 256)) + b",2\n", ["E205 l.csv row 2: this record is not UTF-8"]),
    ("several bytes a letter", "l.csv", "a,b\n田中太郎,2\n鈴木花子,3\n".encode("shift_jis"), ["E205 l.csv row 2: this record is not UTF-8; it may be shift-jis", "1 more"]),
    ("NULs, no UTF-16", "l.csv", b"a,b\n" + b"\0" * 99 + b",2\n", ["E206 l.csv row 2: a NUL byte"]),
    ("empty", "l.csv", "", ["E204 l.csv: the file is empty"]),
    ("blank", "l.csv", "\n\n", ["E204 l.csv"]),
    ("twins", "l.csv", "phone,a,phone\n1,2,3\n", ['E210 l.csv row 1, column "phone": 2 columns have this name (columns 1 and 3)']),
    ("twins when trimmed", "l.csv", "phone, phone\n1,2\n", ["E210 l.csv"]),
    ("no header", "l.csv", "+1 (919) 555-0123,Ann\n", ["E211 l.csv row 1: the first row holds `+1919…23`"]),
    ("workbook", "l.csv", b"PK\x03\x04....", ["E203 l.csv", "export your spreadsheet as CSV, or rename it to .xlsx"]),
    ("Parquet", "l.csv", b"PAR1....", ["E203 l.csv", "Rename it to .parquet"]),
    ("web page", "l.csv", "\n<!DOCTYPE html><html>", ["E203 l.csv", "web page"]),
    ("JSON", "l.csv", '{"a": 1}\n', ["E203 l.csv", "Rename it to .ndjson"]),
    ("gzip", "l.csv", gzip.compress(b"a"), ["E203 l.csv", ".gz"]),
    ("cut gzip", "l.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9], ["E213 l.csv.gz", "ends too early"]),
    ("no gzip", "l.csv.gz", "a,b\n1,2\n", ["E213 l.csv.gz"]),
    ("no zip", "l.csv.zip", "x", ["E213 l.csv.zip: this ZIP archive is damaged"]),
    ("zip of two", "l.zip", zipped({"a.csv": "x", "b/c.csv": "y"}), ["E202 l.zip: this ZIP archive holds `a.csv`, `b/c.csv`; expected one CSV file. Unpack it first."]),
    ("zip of a workbook", "l.zip", zipped({"a.xlsx": "x"}), ["E202 l.zip: this ZIP archive holds `a.xlsx`"]),
    ("zip of nothing", "l.zip", zipped({}), ["E202 l.zip: this ZIP archive holds nothing"]),
    ("7-Zip", "l.csv.7z", "x", ["E202 l.csv.7z: .7z files are not read. Unpack it first."]),
    ("OpenDocument", "l.ods", "x", ["E202 l.ods", "save it as .xlsx or CSV"]),
    ("cut zstd", "l.csv.zst", zstd.compress(b"a,b\n1,2\n")[:-3], ["E213 l.csv.zst", "ends too early"]),
    ("no zstd", "l.csv.zst", "a,b\n1,2\n", ["E213 l.csv.zst"]),
    ("unnamed zstd", "l.csv", zstd.compress(b"a"), ["E203 l.csv", ".zst"]),
    ("packed Parquet", "l.parquet.gz", "x", ["E202 l.parquet.gz"]),
    ("no Parquet", "l.parquet", "a,b\n", ["E203 l.parquet: this is text; expected parquet. Let its name end in .csv"]),
    ("noise as Parquet", "l.parquet", bytes(range(1, 32)), ["E203 l.parquet: this is something else"]),
    ("cut Parquet", "l.parquet", b"PAR1....", ["E213 l.parquet"]),
    ("empty Parquet", "l.parquet", "", ["E204 l.parquet"]),
    ("broken line", "l.ndjson", '{"a":1}\n\n{"a":\n[1]\n', ["E212 l.ndjson:3: this line is not JSON", "1 more"]),
    ("no object", "l.jsonl", '{"a":1}\n7\n', ["E212 l.jsonl:2: this line is no JSON object"]),
    ("array", "l.json", '[{"a":1}]', ["E203 l.json: this is a JSON array"]),
    ("marked NDJSON", "l.ndjson", b'\xef\xbb\xbf{"a":1}\n', ["E205 l.ndjson"]),
    ("only blank lines", "l.ndjson", "\n \n", ["E204 l.ndjson"]),
    ("no workbook", "l.xlsx", b"PK\x03\x04....", ["E213 l.xlsx"]),
    ("page as workbook", "l.xlsx", "<html>", ["E203 l.xlsx: this is a web page"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "phrases"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_a_bad_file_is_refused_with_place_fact_and_way_out(
    tmp_path: Path, name: str, content: bytes | str, phrases: list[str]
) -> None:
    """The words name the file, the row or line, what is there and what to do."""
    put(tmp_path, name, content)
    said = "\n".join(refused(tmp_path, name))
    for phrase in phrases:
        assert phrase.lower() in said.lower()


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    """One error carries what is wrong with each file."""
    put(tmp_path, "a.csv", "a,b\n1\n\x00,2\n")
    put(tmp_path, "b.csv", "a,a\n")
    codes = [line[:10] for line in refused(tmp_path, "*.csv")]
    assert codes == ["E209 a.csv", "E206 a.csv", "E210 b.csv"]


@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("lst.csv", "E200 lst.csv: there is no such file. Did you mean `list.csv`?"),
        ("no/list.csv", "E200 no/list.csv: there is no such file"),
        ("x*.csv", "E201 x*.csv: no file matches"),
        ("sub", "E200 sub: this is a folder. Write `sub/*.csv`."),
        ("pipe.csv", "E200 pipe.csv: this is no regular file"),
        ("s3://bucket/l.csv", "E202 s3://bucket/l.csv"),
        ("a\0b.csv", "E200 a\0b.csv: "),
    ],
)
def test_a_path_that_is_no_file_is_refused(
    tmp_path: Path, path: str, phrase: str
) -> None:
    """A missing file, a folder, a pipe: none hangs, each says what to write."""
    put(tmp_path, "list.csv", "a\n")
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    assert refused(tmp_path, path)[0].startswith(phrase)


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's refusal becomes a sentence (root may read all, so it is played)."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    put(tmp_path, "list.csv", "a\n")
    monkeypatch.setattr(Path, "open", deny)
    assert "E200 list.csv: the file may not be read" in refused(tmp_path, "list.csv")[0]


def test_names_that_polars_would_take_as_patterns_are_names(tmp_path: Path) -> None:
    """Brackets in a folder or file name change nothing."""
    folder = tmp_path / "a[1]*"
    folder.mkdir()
    put(folder, "l[2].csv", "a\n1\n")
    put(folder, "l[2].ndjson", '{"a":"1"}\n')
    pl.DataFrame({"a": ["1"]}).write_parquet(folder / "l[2].parquet")
    for end in ("csv", "ndjson", "parquet"):
        with scan([f"l[2].{end}"], folder=folder) as source:
            assert rows(source) == [(2, "1")]


def test_the_digest_knows_content_and_not_names(tmp_path: Path) -> None:
    """A renamed file is the same; a changed byte, or another cut, is not."""
    contents = {"a.csv": "x\n1\n", "b.csv": "x\n1\n", "c.csv": "x\n2\n"}
    for name, content in contents.items():
        put(tmp_path, name, content)

    def digest(*names: str) -> str:
        return scan(names, folder=tmp_path).digest

    assert digest("a.csv") == digest("b.csv") != digest("c.csv")
    assert (
        len({digest("a.csv"), digest("a.csv", "b.csv"), digest("a.csv", "c.csv")}) == 3
    )


def test_bytes_that_are_no_text_are_called_that(tmp_path: Path) -> None:
    """And nothing of a library's own words."""
    data = random.Random(1).randbytes(5_000)
    (tmp_path / "l.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"^E203 l.csv: this is not text"):
        scan(["l.csv"], folder=tmp_path)


def test_a_missing_file_is_told_only_what_is_like_it(tmp_path: Path) -> None:
    """Not whatever is there; each in marks of its own."""
    for name in ("people-may.csv", "people-june.csv", "b.csv", "c.csv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError) as caught:
        scan(["people-mai.csv"], folder=tmp_path)
    fix = "Did you mean `people-may.csv` or `people-june.csv`?"
    assert caught.value.problems[0].fix == fix
    with pytest.raises(InputError) as caught:
        scan(["missing.csv"], folder=tmp_path)
    assert not caught.value.problems[0].fix


NULS: list[tuple[str, pl.Series]] = [
    ("text", pl.Series(["a", None, "b\0c", "\0"])),
    ("category", pl.Series(["a", None, "b\0c", "\0"], dtype=pl.Categorical())),
    ("field", pl.Series([{"a": {"b": one}} for one in ["a", None, "b\0c", "\0"]])),
]


@pytest.mark.parametrize("kind", ["parquet", "ndjson"])
@pytest.mark.parametrize("cells", [c[1] for c in NULS], ids=[c[0] for c in NULS])
def test_a_nul_byte_is_refused_in_every_kind_of_file(
    tmp_path: Path, kind: str, cells: pl.Series
) -> None:
    """As in a CSV file: it would go to people's phones as it is."""
    people = pl.DataFrame({"n": [1, 2, 3, 4]}).with_columns(cells.alias("len"))
    name = f"l.{kind}"
    write = people.write_parquet if kind == "parquet" else people.write_ndjson
    write(tmp_path / name)
    (problem,) = refused(tmp_path, name)
    assert problem.startswith(f"E206 {name} row 4: a NUL byte is in this record")
    assert "1 more" in problem

"""Recipient files: what is read, what is refused, and in which words."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import os
import random
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import xlsxwriter
from backports import zstd

from bulksend.errors import InputError
from bulksend.kinds import KINDS
from bulksend.prepare.blocks import BLOCK, unpacked
from bulksend.prepare.columns import as_text, find_column
from bulksend.prepare.source import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend.prepare.source import Source


def put(folder: Path, name: str, content: bytes | str) -> str:
    content = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(content)
    return name


def rows(source: Source) -> list[tuple[object, ...]]:
    frame = source.frame.collect(engine="streaming")
    assert frame.height == source.rows
    assert frame.columns[0] == "row"
    assert frame.schema["row"] == pl.Int64
    return frame.rows()


def refused(folder: Path, *paths: str, **words: Any) -> list[str]:
    """The problems of files that are not read, as a person sees them."""
    with pytest.raises(InputError) as caught:
        scan(paths, folder=folder, **words)
    assert all(problem.kind.code in KINDS for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


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


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


UTF16 = "a,b\n1,2\n".encode("utf-16-le")
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


@pytest.mark.parametrize(
    ("end", "pack"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", zstd.compress),
    ],
)
def test_packed_text_is_read(
    tmp_path: Path, end: str, pack: Callable[[bytes], bytes]
) -> None:
    """Also in several members, as `cat a.gz b.gz` leaves them."""
    put(tmp_path, f"l.csv.{end}", pack(b"a,b\n1,2\n") + pack(b"3,4\n"))
    with scan([f"l.csv.{end}"], folder=tmp_path) as source:
        assert rows(source) == [(2, "1", "2"), (3, "3", "4")]


def test_what_a_list_is_read_as_is_said(tmp_path: Path) -> None:
    """With a word to see by whether it is right, and the way out if it is not."""
    put(tmp_path, "l.csv", "a,b\nAnn,2\nJosé García,3\n".encode("cp1252"))
    with scan(["l.csv"], folder=tmp_path) as source:
        assert rows(source) == [(2, "Ann", "2"), (3, "José García", "3")]
        (notice,) = source.notices
    assert str(notice) == (
        "W205 l.csv: read as windows-1252, by its letters: “García”. "
        "If that is no word, set `recipients.encoding`, or save it as UTF-8."
    )


@pytest.mark.parametrize(
    "encoding", ["cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("pack", [None, gzip.compress], ids=["plain", "packed"])
def test_every_usual_export_is_read_by_itself(
    tmp_path: Path,
    encoding: str,
    end: str,
    delimiter: str,
    pack: Callable[[bytes], bytes] | None,
) -> None:
    """Encoding, line end, delimiter and packing, all found by looking."""
    lines = ["phone{0}Größe", "+1{0}Zoë", '"2{0}"{0}“Müller”', "3{0}é"]
    content = "".join(line.format(delimiter) + end for line in lines).encode(encoding)
    name = "l.txt.gz" if pack else "l.txt"
    put(tmp_path, name, pack(content) if pack else content)
    with scan([name], folder=tmp_path) as source:
        assert list(source.columns) == ["phone", "Größe"]
        assert rows(source) == [
            (2, "+1", "Zoë"), (3, f"2{delimiter}", "“Müller”"), (4, "3", "é")
        ]  # fmt: skip


def test_a_late_letter_is_read_and_a_late_stray_byte_is_named(tmp_path: Path) -> None:
    """Beyond the first blocks, in a file of several."""
    many = b"a,b\n" + b"Ann,1\n" * 700_000
    put(tmp_path, "l.csv", many + "José,2\n".encode("cp1252"))
    with scan(["l.csv"], folder=tmp_path) as source:
        assert source.rows == 700_001
        last = source.frame.tail(1).collect(engine="streaming").row(0)
        assert last == (700_002, "José", "2")
    put(tmp_path, "l.csv", many + "José,2\n".encode() + b"Zo\xeb,3\n")
    assert "E205 l.csv row 700003" in refused(tmp_path, "l.csv")[0]


def test_the_one_list_of_a_zip_archive_is_read(tmp_path: Path) -> None:
    """Wherever it lies in it; what macOS adds beside it is no list."""
    members: dict[str, str | bytes] = {
        "export/": "",
        "export/Liste.TXT": "a;b\nZoë;2\n".encode("cp1252"),
        "__MACOSX/export/._Liste.TXT": "x",
        "export/.DS_Store": "x",
    }
    put(tmp_path, "l.zip", zipped(members))
    with scan(["l.zip"], folder=tmp_path) as source:
        assert rows(source) == [(2, "Zoë", "2")]


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress]
)
def test_few_packed_bytes_that_stand_for_many_are_read_in_blocks(
    pack: Callable[[bytes], bytes],
) -> None:
    """A block of them is no larger than one of plain bytes, whatever it was packed with."""
    packing = {gzip: "gzip", bz2: "bzip2", lzma: "xz", zstd: "zstd"}
    name = next(n for module, n in packing.items() if module.compress is pack)
    plain = b"0" * (1 << 24)
    sizes = [len(block) for block in unpacked([pack(plain)], name, "l")]
    assert sum(sizes) == len(plain)
    assert max(sizes) <= BLOCK


def test_a_stated_encoding_is_used_and_its_scratch_file_goes(tmp_path: Path) -> None:
    """The converted file lives as long as the source."""
    put(tmp_path, "l.csv", "a,b\n“Müller”,2\n".encode("cp1252"))
    with scan(["l.csv"], folder=tmp_path, encoding="windows-1252") as source:
        assert rows(source) == [(2, "“Müller”", "2")]
        folder = source._scratch._folder
        assert folder is not None
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        ({"encoding": "nope"}, "E205 l.csv: `nope` is not an encoding"),
        ({"encoding": "base64"}, "E205 l.csv: `base64` is not an encoding"),
        ({"encoding": "ascii"}, "E205 l.csv:2: the file is not ascii"),
        ({"delimiter": "::"}, "E207 l.csv: the delimiter is '::'"),
        ({"delimiter": '"'}, "E207 l.csv"),
        ({"delimiter": "é"}, "E207 l.csv"),
    ],
)
def test_a_wrong_wish_is_refused(
    tmp_path: Path, words: dict[str, str], phrase: str
) -> None:
    """What the campaign file states is checked as well."""
    put(tmp_path, "l.csv", "a,b\nMüller,2\n")
    assert refused(tmp_path, "l.csv", **words)[0].startswith(phrase)


def test_a_stated_delimiter_wins(tmp_path: Path) -> None:
    """Even where another one fits, and without a notice."""
    put(tmp_path, "l.csv", "a,b~c\n1,2~3\n")
    with scan(["l.csv"], folder=tmp_path, delimiter="~") as source:
        assert rows(source) == [(2, "1,2", "3")]
        assert source.notices == ()


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


def workbook(path: Path, cells: Sequence[tuple[int, int, object]]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("List")
        book.add_worksheet("Notes")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for row, column, value in cells:
            style = day if isinstance(value, dt.date | dt.time) else None
            sheet.write(row, column, value, style)


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


@pytest.mark.parametrize("name", ["l.csv", "l.parquet", "l.ndjson", "l.xlsx"])
def test_a_nul_byte_in_a_column_name_is_named(tmp_path: Path, name: str) -> None:
    """Also in one that is the name of our own column of rows."""
    for column in ("\0row", "na\0me"):
        people = pl.DataFrame({"phone": ["x"], column: ["y"]})
        if name == "l.xlsx":
            cells: list[tuple[int, int, object]] = [(0, 0, "phone"), (0, 1, "QQ")]
            workbook(tmp_path / name, cells)
            _rewrite(tmp_path / name, b"QQ", column.replace("\0", "_x0000_").encode())
        else:
            getattr(people, f"write_{name[2:]}")(tmp_path / name)
        (problem,) = refused(tmp_path, name)
        said = f"E206 {name} row 1: a NUL byte is in the name of column 2"
        assert problem.startswith(said)


def test_a_nul_byte_in_a_workbook_is_named(tmp_path: Path) -> None:
    """Polars would print it, and Bandwidth refuse it."""
    cells: list[tuple[int, int, object]] = [
        (2, 0, "phone"), (3, 0, "x"), (4, 0, "QQ"), (6, 0, "aQQ")
    ]  # fmt: skip
    workbook(tmp_path / "l.xlsx", cells)
    _rewrite(tmp_path / "l.xlsx", b"QQ", b"_x0000_")
    (problem,) = refused(tmp_path, "l.xlsx")
    assert problem.startswith("E206 l.xlsx row 5: a NUL byte is in this row")
    assert "1 more" in problem


def _rewrite(path: Path, old: bytes, new: bytes) -> None:
    """In every part of a workbook."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).replace(old, new) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, data in parts.items():
            book.writestr(name, data)


def test_a_column_may_be_called_as_polars_calls_a_count(tmp_path: Path) -> None:
    """`len`, `0` and such are columns of people's files as others are."""
    people = pl.DataFrame({"len": [1, 2], "count": ["a", None], "0": [None, "b"]})
    people.write_parquet(tmp_path / "l.parquet")
    with scan(["l.parquet"], folder=tmp_path) as source:
        assert rows(source) == [(2, 1, "a", None), (3, 2, None, "b")]


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

"""Recipient files of text: encodings, delimiters and packing, found by looking or stated."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from bulksend.prepare.blocks import BLOCK, unpacked
from bulksend.prepare.source import scan
from tests.prepare.reading import put, refused, rows, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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

"""What a recipient file is, judged by its first bytes: kind, encoding, layout.

Nothing here reads a file.  What is found out by looking (the delimiter, UTF-16 without a
mark) is applied and said in a notice; a person sees at once whether it is right.  Letters
in an encoding of one byte each are weighed in `alphabets`.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bulksend.errors import InputError, Problem
from bulksend.prepare.columns import clean_header, without_header

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
COMPRESSED = {
    ".gz": "gzip",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".zst": "zstd",
    ".zip": "zip",
}

_UNPACK = "Unpack it first."
_SAVE = "Open it, and save it as .xlsx or CSV."
NOT_READ = dict.fromkeys(
    (".7z", ".lz4", ".rar", ".tar", ".tgz"), _UNPACK
) | dict.fromkeys((".ods", ".numbers", ".xlsb", ".docx", ".mdb", ".dbf", ".sav"), _SAVE)

# First bytes, what they are in words, and the way out when that is not expected.
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", "a Parquet file", "Rename it to .parquet."),
    (
        b"PK\x03\x04",
        "an Excel workbook or another ZIP archive",
        "Export your spreadsheet as CSV, or rename it to .xlsx.",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook (.xls), or one with a password",
        "Open it in a spreadsheet and save it as CSV, or as .xlsx without a password.",
    ),
    (b"\x1f\x8b", "a gzip file", "Let its name end in .gz."),
    (b"BZh", "a bzip2 file", "Let its name end in .bz2."),
    (b"\xfd7zXZ\x00", "an xz file", "Let its name end in .xz."),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "Let its name end in .zst."),
    (b"%PDF-", "a PDF", "Ask for the list as CSV or .xlsx."),
)
SIGNATURES_OF = {"parquet": b"PAR1", "xlsx": b"PK\x03\x04"}
_MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|table|head|body)\b", re.IGNORECASE)
_JSON_ARRAY = re.compile(rb'\s*\[\s*["\d\[{\]]')
_JSON_OBJECT = re.compile(rb'\s*\{\s*["}]')

# Unicode 16.0, section 23.8; UTF-32 first, as its mark begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(sorted({*range(1, 32), 127} - set(b"\t\n\r\f\x1a\x1b")))
_DELIMITER = re.compile(r'(?![\w"\r\n])[\x01-\x7f]')
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
SAMPLE_RECORDS = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What is said about how to read, where anything is.

    Args:
        may_lack_header: A first row of numbers is one of the records.

        may_guess_sheet: Of several sheets the first is read, where none is named.
    """

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    may_lack_header: bool = False
    may_guess_sheet: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """How the records of a delimited file lie in it.

    Args:
        lines: Physical lines up to and with the header.

        first_row: Spreadsheet row of the first record.
    """

    delimiter: str
    header: tuple[str, ...]
    lines: int
    first_row: int
    notices: tuple[Problem, ...] = ()


def mistaken(head: bytes, kind: str) -> tuple[str, str] | None:
    """What a file holds instead of *kind*, and the way out."""
    own = SIGNATURES_OF.get(kind)
    if own and head.startswith(own):
        return None
    for signature, what, fix in SIGNATURES:
        if head.startswith(signature):
            return what, fix
    found = None
    if _MARKUP.match(head):
        found = "a web page or XML", "Ask for the list as CSV or .xlsx."
    elif _JSON_ARRAY.match(head):
        found = "a JSON array", "Write one object on each line: `jq -c '.[]'`."
    elif _JSON_OBJECT.match(head) and kind != "ndjson":
        found = "JSON", "Rename it to .ndjson if each line is an object."
    elif kind == "csv" and _is_binary(head):
        found = "not text", "Export the list as CSV or .xlsx."
    elif own and _is_binary(head):
        found = "something else", "Export the list anew."
    elif own:
        found = "text", "Let its name end in .csv, if it is a list."
    return found


def _is_binary(head: bytes) -> bool:
    """Whether there are control characters all over; NULs may be halves of UTF-16."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls > len(head) // 20 and not marked_encoding(head)


def marked_encoding(head: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark states, and the mark's length."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return None


def unmarked_utf16(head: bytes) -> str:
    """Which UTF-16 it is, judged by where the zero halves of Latin letters lie.

    ``""`` where it is none: bytes of zero are then only dirt.
    """
    evens, odds = head[::2].count(0), head[1::2].count(0)
    if max(evens, odds) <= len(head) // 8:
        return ""
    encoding = "utf-16-le" if odds > evens else "utf-16-be"
    text = head[: len(head) // 2 * 2].decode(encoding, errors="replace")
    strange = text.count("\0") + text.count("\ufffd")
    has_lines = "\n" in text or "\r" in text
    return encoding if has_lines and strange <= len(text) // 1000 else ""


def likely_encodings(sample: bytes) -> list[str]:
    """What text may be that is not UTF-8: a proposal, never to be used.

    For encodings of several bytes a letter, which `alphabets` does not know.
    """
    from charset_normalizer import from_bytes

    candidates = ["cp1252", "shift_jis", "gb18030", "big5", "euc_kr"]
    found = [match.encoding for match in from_bytes(sample, cp_isolation=candidates)]
    known = [name for name in dict.fromkeys(found) if name in candidates]
    return [re.sub(r"^cp", "windows-", name).replace("_", "-") for name in known[:3]]


def sniff_layout(text: str, wish: Wish, *, file: str, usual: str) -> Layout:
    """Find delimiter and header.

    Args:
        text: The beginning of the file, at least its whole header.

        wish: What the user says of it.

        file: The file as the user wrote it.

        usual: What the file's name promises.

    Raises:
        InputError: There is no header that can be used.
    """
    text = text.removeprefix("\ufeff")
    notices: list[Problem] = []
    delimiter = wish.delimiter
    if delimiter is not None and not _DELIMITER.fullmatch(delimiter):
        what, expected = f"the delimiter is {delimiter!r}", "one ASCII character"
        raise InputError(Problem("E207", what, expected, file=file))
    hint = re.match(r"sep=([,;|\t])\r?\n", text, re.IGNORECASE)
    hinted = 1 if hint else 0
    if hint:
        # Spreadsheets take this line as an instruction and do not show it.
        delimiter = delimiter or hint[1]
        text = text[hint.end() :]

    found = delimiter or _best_delimiter(text, usual)
    blank, physical, cells = _first_record(text, found, file)
    if found != usual and not delimiter:
        word = DELIMITERS[found]
        notices.append(
            Problem("W207", f"read with {word} between the columns", file=file)
        )
    if wish.may_lack_header and (names := without_header(cells)):
        return Layout(found, names, hinted + blank, blank + 1, tuple(notices))
    header, more = clean_header(cells, file=file, row=blank + 1)
    return Layout(
        found, header, hinted + physical, blank + 2, notices=(*notices, *more)
    )


def _lines(text: str) -> Iterator[str]:
    """Lines that end at LF alone, as Polars counts them."""
    start = 0
    while end := text.find("\n", start) + 1:
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _first_record(text: str, delimiter: str, file: str) -> tuple[int, int, list[str]]:
    """Blank lines before the header, physical lines with it, and its cells."""
    blank = 0
    for line in _lines(text):
        if line.strip():
            break
        blank += 1
    else:
        raise InputError(Problem("E204", "the file is empty", file=file))

    reader = csv.reader(
        islice(_lines(text), blank, None), delimiter=delimiter, strict=True
    )
    try:
        cells = next(reader)
    except csv.Error as error:
        what = "in the first record a quote is not closed, or a cell does not end"
        raise InputError(Problem("E208", what, file=file, row=blank + 1)) from error
    return blank, blank + reader.line_num, cells


def _best_delimiter(text: str, usual: str) -> str:
    """The one under which most records have as many cells as the header."""
    scores = {
        delimiter: _agreement(text, delimiter)
        for delimiter in (usual, *(d for d in DELIMITERS if d != usual))
    }
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0, 1) else usual


def _agreement(text: str, delimiter: str) -> tuple[float, int]:
    """Share of records that agree with the header, and the header's width."""
    whole = text[: text.rfind("\n") + 1] or text
    widths: list[int] = []
    try:
        for record in csv.reader(_lines(whole), delimiter=delimiter):
            if record:
                widths.append(len(record))
            if len(widths) == SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # judged by the records before the one that cannot be read
    if not widths or widths[0] == 1:
        return 0, 1
    return widths.count(widths[0]) / len(widths), widths[0]

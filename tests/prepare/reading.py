"""Recipient files of a test: written, read, refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import xlsxwriter

from bulksend.errors import InputError
from bulksend.kinds import KINDS
from bulksend.prepare.source import scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(path: Path, cells: Sequence[tuple[int, int, object]]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("List")
        book.add_worksheet("Notes")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for row, column, value in cells:
            style = day if isinstance(value, dt.date | dt.time) else None
            sheet.write(row, column, value, style)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    """In every part of a workbook."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).replace(old, new) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, data in parts.items():
            book.writestr(name, data)

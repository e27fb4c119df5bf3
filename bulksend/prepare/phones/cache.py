"""Compiled tables, kept in the user's cache folder from one run to the next.

A file is a digest and an Arrow body.  Whatever is wrong with it (missing, cut short, a
flipped bit, another Polars) the table is built again; where the folder cannot be written
it lives in memory only.  The folder's name carries the metadata's version and the words
that the codes in a table stand for, so neither an update of `phonenumbers` nor one of
bulksend reads an old table.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import polars as pl

from bulksend.prepare.phones.findings import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 8
"""Of the tables.  To be raised whenever the compiler would make other rows of the same
metadata."""

_DIGEST = 32


def metadata_version() -> str:
    """The version of the installed libphonenumber metadata."""
    return version("phonenumbers")


def kept(name: str, build: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The table called *name*: as it was kept, else built and kept."""
    path = _folder() / f"{name}.table"
    try:
        return _read(path)
    except (OSError, ValueError, pl.exceptions.PolarsError):
        pass

    table = build()
    with suppress(OSError):
        _write(path, table)
    return table


def _folder() -> Path:
    root = platformdirs.user_cache_path("bulksend", appauthor=False)
    words = blake2b(repr(WORDS).encode(), digest_size=4).hexdigest()
    return root / f"phones-{metadata_version()}-{FORMAT}-{words}"


def _read(path: Path) -> pl.DataFrame:
    content = path.read_bytes()
    digest, body = content[:_DIGEST], content[_DIGEST:]
    if digest != _digest(body):
        raise ValueError(f"{path} is damaged")
    return pl.read_ipc(BytesIO(body))


def _write(path: Path, table: pl.DataFrame) -> None:
    """In one step, so that nobody ever reads half a file."""
    body = BytesIO()
    table.write_ipc(body)
    content = body.getvalue()

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_digest(content) + content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST).digest()
